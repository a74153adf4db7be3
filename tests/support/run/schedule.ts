/**
 * Which stage begins when: in their order, several at a time.
 *
 * @module
 */

/** What a schedule needs to know of a piece of work. */
export interface Scheduled {
  /** Its name. */
  readonly name: string;
  /** The name of another that has to end first, if it is among those that run. */
  readonly after?: string;
}

/**
 * Runs everything, in order, and at most so many at a time. The first runs alone: what it prepares, all others need.
 *
 * @param work What to run.
 * @param width How many may run at the same time.
 * @param run Runs one of them.
 * @returns What each of them gave, in the order in which they ended.
 */
export async function runAll<Work extends Scheduled, Result>(
  work: readonly Work[],
  width: number,
  run: (one: Work) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const [first, ...waiting] = work;
  if (first === undefined) return results;
  results.push(await run(first));
  const unfinished = new Set(waiting.map(({ name }) => name));
  const running = new Set<Promise<void>>();
  while (unfinished.size > 0) {
    const next = waiting.findIndex(({ after }) => after === undefined || !unfinished.has(after));
    if (next === -1 || running.size === width) {
      if (running.size === 0) throw new Error(`${waiting.map(({ name }) => name).join(", ")} wait for each other`);
      await Promise.race(running);
      continue;
    }
    const [one] = waiting.splice(next, 1);
    const ended: Promise<void> = run(one).then((result) => void results.push(result)).finally(() => {
      running.delete(ended);
      unfinished.delete(one.name);
    });
    running.add(ended);
  }
  await Promise.all(running);
  return results;
}
