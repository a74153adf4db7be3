/**
 * Runs the interop matrix: Sockeye against C, Go and lksctp-tools, each way round.
 *
 * Builds the peers, goes where kernel SCTP exists, into a network namespace of its own, and runs one cell after the other.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { peerInGo, peerOnKernelHeaders, peerOnLibsctp, ROOT } from "./build.ts";
import { type Cell, type Outcome, runCell } from "./cell.ts";
import { allCells } from "./cells/all.ts";
import { prepareLoopback } from "./network.ts";

const HELP = `Runs the interop matrix where kernel SCTP exists, and prints a table.

Usage: deno run -A interop/run.ts [--list] [--verbose] [TEXT…]

  TEXT        run only the cells whose line in the table contains it; several must all be there
  --list      print the cells, and run none
  --verbose   print what went wrong in full

Examples:
  deno run -A interop/run.ts
  deno run -A interop/run.ts failover
  deno run -A interop/run.ts "ours (many)" IPv6

Exit status: 0 when no cell failed, 1 otherwise, 2 for wrong arguments.`;

/** Says to the process inside that it is where it belongs. */
const INSIDE = "SOCKEYE_INTEROP_INSIDE";
const RIG_TIME_LIMIT_S = 800;

async function main(args: string[]): Promise<number> {
  let request;
  try {
    request = parseArgs({
      args,
      allowPositionals: true,
      options: { list: { type: "boolean" }, verbose: { type: "boolean" }, help: { type: "boolean" } },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (request.values.help) {
    console.log(HELP);
    return 0;
  }
  const cells = allCells().filter((cell) => request.positionals.every((text) => lineOf(cell).includes(text)));
  if (request.values.list) {
    for (const cell of cells) console.log(lineOf(cell));
    return 0;
  }
  if (cells.length === 0) {
    console.error("interop: no cell is called that; --list prints them all");
    return 2;
  }
  if (Deno.env.get(INSIDE) === undefined) return await runElsewhere(args);
  await prepareLoopback();
  return await runCells(cells, request.values.verbose ?? false);
}

/** Where there is SCTP: this kernel, in a namespace whose addresses and sysctls are nobody else's, or the rig's. */
async function runElsewhere(args: readonly string[]): Promise<number> {
  // Compilers are quicker here than in the rig.
  for (const build of [peerOnLibsctp, peerOnKernelHeaders, peerInGo]) build();
  const rig = [Deno.execPath(), "run", "--no-check", "-A", `${ROOT}tests/support/rig/main.ts`];
  const self = [Deno.execPath(), "run", "--no-check", "-A", `${ROOT}interop/run.ts`, ...args];
  const command = [...rig, "--time-limit", String(RIG_TIME_LIMIT_S), "--", "unshare", "--net", ...self];
  const { code } = await new Deno.Command(command[0], { args: command.slice(1), env: { [INSIDE]: "1" } }).spawn()
    .status;
  return code;
}

async function runCells(cells: readonly Cell[], verbose: boolean): Promise<number> {
  const outcomes: Outcome[] = [];
  let group = "";
  for (const cell of cells) {
    if (cell.group !== group) console.log(`\n${group = cell.group}`);
    const outcome = await runCell(cell);
    outcomes.push(outcome);
    console.log(row(outcome, verbose));
  }
  for (const { cell, detail } of outcomes.filter(({ result }) => result === "failed")) {
    console.log(`\nFAILED: ${lineOf(cell)}\n${detail}`);
  }
  const count = (result: Outcome["result"]) => outcomes.filter((outcome) => outcome.result === result).length;
  console.log(`\n${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
  return count("failed") === 0 ? 0 : 1;
}

const MARKS = { passed: "ok    ", failed: "FAILED", skipped: "skip  " };
const DETAIL_LINES = 30;

function row({ cell, result, detail, milliseconds }: Outcome, verbose: boolean): string {
  const head = `  ${MARKS[result]}  ${`${milliseconds.toFixed(0)} ms`.padStart(8)}  ${cell.name}`;
  if (detail === "") return head;
  const lines = detail.split("\n");
  const shown = verbose || lines.length <= DETAIL_LINES ? lines : [...lines.slice(0, DETAIL_LINES), "… (--verbose)"];
  return [head, ...shown.map((line) => `      ${line}`)].join("\n");
}

function lineOf(cell: Cell): string {
  return `${cell.group}: ${cell.name}`;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
