/**
 * A stage of the test run: one program with a time limit, and a way to count what it proved.
 *
 * @module
 */

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  add,
  type Counts,
  noCounts,
  oneFailed,
  onePassed,
  parseFailures,
  parseJunit,
  parseSummaryLine,
} from "./counts.ts";
import { NOT_STARTED } from "../rig/guest_kernel.ts";
import { REPORTS, ROOT } from "./paths.ts";
import { type Outcome, runLogged } from "./process.ts";

/** The exit status of the rig where it, and not the command, has failed. */
const RIG_FAILED = 125;

/** One part of the test run. */
export interface Stage {
  /** What `--only` calls it. */
  name: string;
  /** What it proves, in a few words. */
  title: string;
  /** The stage that has to end before this one begins, if both are run. */
  after?: string;
  /** Gives the reason for which it can't run here, if there is one, after it has tried to mend that. */
  obstacle?: () => string | undefined;
  /** Runs it. */
  run(): Promise<Counts>;
}

/** A program that is a stage. */
export interface StageProgram {
  name: string;
  title: string;
  command: readonly string[];
  /** The time limit, in seconds. */
  limit: number;
  /** Whether it runs where kernel SCTP is, or on this machine as it is. */
  inRig?: boolean;
  after?: string;
  obstacle?: () => string | undefined;
}

/** The file that holds a stage's output. */
export function logOf(name: string): string {
  return join(REPORTS, `${name}.log`);
}

/** A program that is one test: it passes with exit status 0. */
export function commandStage(program: StageProgram): Stage {
  return stage(program, ({ code }) => code === 0 ? onePassed() : noCounts());
}

/** A program whose last line of output is a summary of its tests. */
export function summaryStage(program: StageProgram): Stage {
  return stage(program, (_, output) => {
    const counts = parseSummaryLine(output) ?? noCounts();
    if (counts.failed === 0) return counts;
    const failures = parseFailures(output);
    counts.failures.push(...failures.length > 0 ? failures : [{ name: program.title, detail: tail(output) }]);
    return counts;
  });
}

/** A run of `deno test`, whose arguments `command` holds. */
export function denoTestStage(program: StageProgram): Stage {
  const report = join(REPORTS, `${program.name}.xml`);
  const command = [Deno.execPath(), "test", "-A", `--junit-path=${report}`, ...program.command];
  const { run, ...rest } = stage(
    { ...program, command },
    () => existsSync(report) ? parseJunit(readFileSync(report, "utf8")) : noCounts(),
  );
  return {
    ...rest,
    run() {
      rmSync(report, { force: true });
      return run();
    },
  };
}

function stage(program: StageProgram, count: (outcome: Outcome, output: string) => Counts): Stage {
  const { name, title, after, obstacle, limit } = program;
  return {
    name,
    title,
    after,
    obstacle,
    async run() {
      const command = program.inRig ? inRig(program) : program.command;
      const runOnce = async () => {
        const outcome = await runLogged(command, { log: logOf(name), limitMs: limit * 1_000, cwd: ROOT });
        return { outcome, output: readFileSync(logOf(name), "utf8") };
      };
      let { outcome, output } = await runOnce();
      if (guestDidNotStart(outcome, output)) {
        console.log(`   ${name}: the rig's guest did not start, and gets a second chance:\n${tail(output)}`);
        ({ outcome, output } = await runOnce());
      }
      return judged(title, limit, count(outcome, output), outcome, output);
    },
  };
}

/** Whether no test has begun, as the kernel that the tests should run on did not come up. */
export function guestDidNotStart({ code }: Outcome, output: string): boolean {
  return code === RIG_FAILED && output.includes(`the guest kernel ${NOT_STARTED}`);
}

/** The same command, where kernel SCTP exists. */
function inRig({ command, limit }: StageProgram): string[] {
  const rig = ["run", "--no-check", "-A", "tests/support/rig/main.ts", "--time-limit", String(limit)];
  return [Deno.execPath(), ...rig, "--", ...command];
}

/** Counts a stage that ended badly without a failed test, or that found no test at all, as one failure more. */
export function judged(title: string, limit: number, counts: Counts, outcome: Outcome, output: string): Counts {
  if (outcome.timedOut) return add(counts, oneFailed(`${title}: took longer than ${limit} s`, tail(output)));
  if (outcome.code !== 0 && counts.failed === 0) {
    return add(counts, oneFailed(`${title}: ended with status ${outcome.code}`, tail(output)));
  }
  const foundTests = counts.passed + counts.failed + counts.skipped > 0;
  return foundTests ? counts : add(counts, oneFailed(`${title}: no test was found`, tail(output)));
}

const TAIL_LINES = 200;

function tail(output: string): string {
  return output.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}
