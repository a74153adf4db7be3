/**
 * One cell of the matrix, and how cells are run: one after the other, each with a time limit and a clean end.
 *
 * @module
 */

/** A cell can't run here, and why; it is counted as skipped. */
export class Skipped extends Error {}

/** What a cell is given while it runs. */
export interface CellContext {
  /** Has something undone when the cell is over, whatever became of it; what was added last goes first. */
  defer(undo: () => void | Promise<void>): void;
  /** Has something said when the cell fails, for the one who has to find out why. */
  explain(what: () => string): void;
  /** Aborted when the cell's time is up. */
  signal: AbortSignal;
}

/** One cell. */
export interface Cell {
  /** Where it stands in the table, for instance `"many to one"`. */
  group: string;
  /** What it says, unique within the group. */
  name: string;
  /** Fails by throwing, says by {@linkcode Skipped} why it can't run. */
  run(context: CellContext): Promise<void>;
  /** How long it may take, in milliseconds. @default {90000} */
  timeoutMs?: number;
}

/** What became of a cell. */
export interface Outcome {
  cell: Cell;
  result: "passed" | "failed" | "skipped";
  /** What went wrong, or why it was skipped. */
  detail: string;
  milliseconds: number;
}

const DEFAULT_TIMEOUT_MS = 90_000;

/** Runs one cell. */
export async function runCell(cell: Cell): Promise<Outcome> {
  const began = performance.now();
  const undo: (() => void | Promise<void>)[] = [];
  const explanations: (() => string)[] = [];
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new Error(`not done after ${(cell.timeoutMs ?? DEFAULT_TIMEOUT_MS) / 1000} s`)),
    cell.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  );
  const timeUp = new Promise<never>((_, reject) => limit.signal.onabort = () => reject(limit.signal.reason));
  timeUp.catch(() => {});
  let result = "passed" as Outcome["result"];
  let detail = "";
  const note = (error: unknown) => {
    const skipped = error instanceof Skipped && result === "passed";
    result = skipped ? "skipped" : "failed";
    detail += (detail && "\n") + (skipped ? error.message : describe(error));
  };
  try {
    const run = cell.run({
      defer: (step) => undo.push(step),
      explain: (what) => explanations.push(what),
      signal: limit.signal,
    });
    run.catch(() => {});
    await Promise.race([run, timeUp]);
  } catch (error) {
    note(error);
  }
  clearTimeout(timer);
  if (result === "failed") detail += explanations.map((what) => `\n${what()}`).join("");
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      note(error);
    }
  }
  return { cell, result, detail, milliseconds: performance.now() - began };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
