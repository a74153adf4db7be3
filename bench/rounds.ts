/**
 * Several programs measured in turn, round after round, so that whatever else the machine does hits all alike.
 *
 * @module
 */

/** The measurements of one contender, one for each round. */
export type Rounds<M> = readonly M[];

/**
 * Measures each contender once a round; each round begins with another one.
 *
 * @param contenders What to measure, by name.
 * @param rounds How many rounds.
 * @param onMeasured Told of each measurement.
 */
export async function alternate<Name extends string, M>(
  contenders: Readonly<Record<Name, () => Promise<M>>>,
  rounds: number,
  onMeasured: (name: Name, measured: M) => void = () => {},
): Promise<Record<Name, Rounds<M>>> {
  const names = Object.keys(contenders) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as M[]])) as Record<Name, M[]>;
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length];
      const result = await contenders[name]();
      measured[name].push(result);
      onMeasured(name, result);
    }
  }
  return measured;
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of the ratios of each round. */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((value, round) => value / denominators[round]));
}
