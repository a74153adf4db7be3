/**
 * Runs the matrix of the Scalability Protocols: Sockeye against libnng, libnanomsg, nngcat and nanocat, each way round.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Outcome, runCell } from "../cell.ts";
import { LineProcess } from "../process.ts";
import type { SpCell } from "./cell.ts";
import { allCells } from "./cells/all.ts";
import { removePaths } from "./place.ts";
import { endIdlePeers } from "./remote.ts";
import { type SpOutcome, tables } from "./table.ts";

/** Each lane has several programs running, and memory doesn't grow with processors. */
const MOST_LANES = 8;

const HELP = `Runs the interop matrix of the Scalability Protocols, and prints it as a table.

Usage: deno run -A interop/sp/run.ts [--list] [--verbose] [--lanes N] [TEXT…]

  TEXT        run only the cells whose name contains it; several must all be there
  --list      print the cells, and run none
  --verbose   print every cell as it ends
  --lanes N   run so many cells at the same time (default: as many as there are processors, ${MOST_LANES} at the most)

Examples:
  deno run -A interop/sp/run.ts
  deno run -A interop/sp/run.ts SURVEYOR nanomsg
  deno run -A interop/sp/run.ts "REQ: 0 B to 1 MiB: libnng, tcp, they listen"

Exit status: 0 when no cell failed, 1 otherwise, 2 for wrong arguments.`;

async function main(args: string[]): Promise<number> {
  let request;
  try {
    request = parseArgs({
      args,
      allowPositionals: true,
      options: {
        list: { type: "boolean" },
        verbose: { type: "boolean" },
        lanes: { type: "string", default: String(Math.min(availableParallelism(), MOST_LANES)) },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  const { values, positionals } = request;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const lanes = Number(values.lanes);
  if (!Number.isInteger(lanes) || lanes < 1) {
    console.error(`interop: --lanes takes a positive integer, not ${values.lanes}\n\n${HELP}`);
    return 2;
  }
  const cells = allCells().filter((cell) => positionals.every((text) => lineOf(cell).includes(text)));
  if (values.list) {
    for (const cell of cells) console.log(lineOf(cell));
    return 0;
  }
  if (cells.length === 0) {
    console.error("interop: no cell is called that; --list prints them all");
    return 2;
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, leave);
  const outcomes = await runCells(cells, lanes, values.verbose ?? false);
  return report(outcomes);
}

/** Told to end: nothing stays behind. */
function leave(): never {
  LineProcess.killAll();
  removePaths();
  return Deno.exit(1);
}

/** Runs the cells on some lanes, and clears up. */
async function runCells(cells: readonly SpCell[], lanes: number, verbose: boolean): Promise<SpOutcome[]> {
  const outcomes: SpOutcome[] = new Array(cells.length);
  let next = 0;
  const lane = async () => {
    while (next < cells.length) {
      const index = next++;
      outcomes[index] = await runCell(cells[index]) as SpOutcome;
      const { cell, result, milliseconds } = outcomes[index];
      if (verbose || result === "failed") console.log(`${result.padEnd(8)}${milliseconds.toFixed(0)} ms  ${cell.name}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    await endIdlePeers();
    removePaths();
  }
  return outcomes;
}

function report(outcomes: readonly SpOutcome[]): number {
  console.log(`\n${tables(outcomes)}`);
  for (const { cell, detail } of outcomes.filter(({ result }) => result === "failed")) {
    console.log(`\nFAILED: ${cell.name}\n${detail.split("\n").map((line) => `    ${line}`).join("\n")}`);
  }
  for (const reason of new Set(outcomes.filter(({ result }) => result === "skipped").map(({ detail }) => detail))) {
    console.log(`\nskipped: ${reason}`);
  }
  const count = (result: Outcome["result"]) => outcomes.filter((outcome) => outcome.result === result).length;
  console.log(`\n${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
  return count("failed") === 0 ? 0 : 1;
}

function lineOf(cell: SpCell): string {
  return `${cell.table}: ${cell.name}`;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
