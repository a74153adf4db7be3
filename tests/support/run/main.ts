/**
 * `deno task test`: installs what it may, runs every stage, and ends with one line that says what they came to.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { add, type Counts, failuresInShort, inStage, noCounts, oneFailed, oneSkipped, summaryLine } from "./counts.ts";
import { neutralize } from "./environment.ts";
import { terminateAll } from "./process.ts";
import { runAll } from "./schedule.ts";
import { logOf, type Stage } from "./stage.ts";
import { STAGES } from "./stages.ts";

const HELP = `Runs the tests of Sockeye: all of them, or the stages that are named.

Usage: deno task test [--only NAME,…]

  --only NAME,…   run these stages; a name stands for every stage that it begins (npm: npm-build, npm-host, npm-rig)
  --list          name the stages
  --help          show this help

Examples:
  deno task test
  deno task test --only fmt,lint,check
  deno task test --only unit
  deno task test --only contract,interop

Exit status: 0 all passed, 1 something failed, 2 usage. With CI=true a test that was skipped counts as a failure.
The output of every stage, and all of what failures say, is in .build/test.`;

/** What ends a run before its time, with the exit status that a shell would give: Ctrl-C, kill(1), a closed terminal. */
const ENDINGS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** A guest of the rig keeps one processor busy, whatever runs in it; more at a time would be in each other's way. */
const STAGES_AT_A_TIME = 2;

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) return 2;
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.list) {
    for (const stage of STAGES) console.log(`${stage.name.padEnd(12)} ${stage.title}`);
    return 0;
  }
  const chosen = chooseStages(options.only);
  if (chosen === undefined) return 2;

  neutralize(process.env);
  for (const [signal, status] of Object.entries(ENDINGS)) {
    process.once(signal, () => {
      terminateAll();
      process.exit(status);
    });
  }

  const total = (await runAll(chosen, STAGES_AT_A_TIME, runStage)).reduce(add, noCounts());
  for (const name of total.skips) console.log(`\nskipped: ${name}`);
  if (total.failed > 0) console.log(`\n${failuresInShort(total)}`);
  console.log(`\n${summaryLine(total)}`);
  const skipsCount = process.env.CI === "true";
  return total.failed > 0 || (skipsCount && total.skipped > 0) ? 1 : 0;
}

function readOptions(args: string[]): { only?: string; list?: boolean; help?: boolean } | undefined {
  try {
    return parseArgs({
      // `deno task test -- --only unit` hands over the two dashes as well.
      args: args[0] === "--" ? args.slice(1) : args,
      options: { only: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return undefined;
  }
}

function chooseStages(only: string | undefined): readonly Stage[] | undefined {
  if (only === undefined) return STAGES;
  const names = only.split(",");
  const matches = (stage: Stage, name: string) => stage.name === name || stage.name.startsWith(`${name}-`);
  const unknown = names.filter((name) => !STAGES.some((stage) => matches(stage, name)));
  if (unknown.length > 0) {
    console.error(
      `there is no stage ${unknown.join(", ")}; the stages are ${STAGES.map(({ name }) => name).join(", ")}`,
    );
    return undefined;
  }
  return STAGES.filter((stage) => names.some((name) => matches(stage, name)));
}

async function runStage(stage: Stage): Promise<Counts> {
  const begin = performance.now();
  const counts = inStage(stage.name, await runUnlessObstructed(stage));
  const seconds = ((performance.now() - begin) / 1_000).toFixed(1);
  const where = counts.failed > 0 ? ` (output in ${logOf(stage.name)})` : "";
  console.log(`── ${stage.name}: ${stage.title}\n   ${summaryLine(counts)} in ${seconds} s${where}`);
  return counts;
}

async function runUnlessObstructed(stage: Stage): Promise<Counts> {
  try {
    const obstacle = stage.obstacle?.();
    return obstacle === undefined ? await stage.run() : oneSkipped(stage.title, obstacle);
  } catch (error) {
    return oneFailed(stage.title, (error as Error).stack ?? String(error));
  }
}

process.exitCode = await main(process.argv.slice(2));
