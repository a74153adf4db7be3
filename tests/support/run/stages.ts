/**
 * Everything that is tested, in order: each stage is one program with a time limit and a way to count what it proved.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePackages, INTEROP_PACKAGES, RIG_PACKAGES } from "../peers.ts";
import {
  add,
  type Counts,
  noCounts,
  oneFailed,
  onePassed,
  oneSkipped,
  parseJunit,
  parseSummaryLine,
} from "./counts.ts";
import { REPORTS, ROOT } from "./paths.ts";
import { type Outcome, runLogged } from "./process.ts";

/** One part of the test run. */
export interface Stage {
  /** What `--only` calls it. */
  name: string;
  /** What it proves, in a few words. */
  title: string;
  /** The Debian packages without which it can't run. */
  packages?: readonly string[];
  /** Runs it. */
  run(stage: Stage): Promise<Counts>;
}

/** The file that holds a stage's output. */
export function logOf(stage: Stage): string {
  return join(REPORTS, `${stage.name}.log`);
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DENO = Deno.execPath();
const ENTRY_POINTS = ["mod.ts", "ffi/mod.ts", "sctp/mod.ts"];

/** The tests that need a kernel with SCTP: the contract of the SCTP API, and every folder named `kernel`. */
const KERNEL_TESTS = ["tests/sctp/contract", ...foldersNamedKernel()].filter((path) => existsSync(join(ROOT, path)));

/** The tests of the rig itself: they start kernels, and so have a stage of their own. */
const RIG_TESTS = "tests/rig";

/** All stages, in the order in which they run: what is quick to say no comes first. */
export const STAGES: readonly Stage[] = [
  { name: "peers", title: "Debian packages to test against", run: installPeers },
  command("fmt", "formatting", [DENO, "fmt", "--check"], MINUTE),
  command("lint", "lint", [DENO, "lint"], MINUTE),
  command("check", "types", [DENO, "check", "."], 2 * MINUTE),
  command("doc-lint", "docstrings of every export", [DENO, "doc", "--lint", ...ENTRY_POINTS], MINUTE),
  command("publish", "the package could be published", [DENO, "publish", "--dry-run", "--allow-dirty"], MINUTE),
  denoTest("doctest", "examples in docstrings and guides", ["--doc", ...documented()], 3 * MINUTE),
  denoTest("unit", "tests on this machine", [`--ignore=${[...KERNEL_TESTS, RIG_TESTS].join(",")}`, "."], 4 * MINUTE),
  denoTest("rig", "the rig", [RIG_TESTS], 4 * MINUTE, { packages: RIG_PACKAGES }),
  denoTest("contract", "SCTP on a real kernel", KERNEL_TESTS, 5 * MINUTE, { packages: RIG_PACKAGES, inRig: true }),
  summary("interop", "the matrix of peers", inRig([DENO, "run", "--no-check", "-A", "interop/run.ts"]), 5 * MINUTE, [
    ...RIG_PACKAGES,
    ...INTEROP_PACKAGES,
  ]),
  summary(
    "examples",
    "every program in examples/",
    inRig([DENO, "run", "--no-check", "-A", "tests/support/run/examples.ts"]),
    3 * MINUTE,
    RIG_PACKAGES,
  ),
  command("demo", "deno task demo", [DENO, "task", "demo"], 2 * MINUTE, RIG_PACKAGES),
  summary("npm-build", "the npm package, built and installed", npm("build"), 3 * MINUTE),
  summary("npm-host", "the npm package on Node and Bun", npm("host"), 3 * MINUTE),
  summary(
    "npm-rig",
    "the npm package on Node and Bun, with a real kernel",
    inRig(npm("rig")),
    5 * MINUTE,
    RIG_PACKAGES,
  ),
];

function npm(part: string): string[] {
  return [DENO, "run", "--no-check", "-A", "tests/support/npm/main.ts", part];
}

/** The same command, where kernel SCTP exists. */
function inRig(args: readonly string[]): string[] {
  return [DENO, "run", "--no-check", "-A", "tests/support/rig/main.ts", "--", ...args];
}

function command(
  name: string,
  title: string,
  args: readonly string[],
  limitMs: number,
  packages?: readonly string[],
): Stage {
  return {
    name,
    title,
    packages,
    async run(stage) {
      const outcome = await runLogged(args, { log: logOf(stage), limitMs, cwd: ROOT });
      const passed = outcome.code === 0 && !outcome.timedOut;
      return passed ? onePassed() : crashed(stage, outcome, limitMs, readFileSync(logOf(stage), "utf8"));
    },
  };
}

function denoTest(
  name: string,
  title: string,
  args: readonly string[],
  limitMs: number,
  options: { packages?: readonly string[]; inRig?: boolean } = {},
): Stage {
  const report = join(REPORTS, `${name}.xml`);
  // The stage "check" has checked the types of all but the examples in docstrings.
  const types = args.includes("--doc") ? "--check" : "--no-check";
  const test = [DENO, "test", types, "-A", `--junit-path=${report}`, ...args];
  return {
    name,
    title,
    packages: options.packages,
    async run(stage) {
      rmSync(report, { force: true });
      const outcome = await runLogged(options.inRig ? inRig(test) : test, { log: logOf(stage), limitMs, cwd: ROOT });
      const counts = existsSync(report) ? parseJunit(readFileSync(report, "utf8")) : noCounts();
      return judged(stage, counts, outcome, limitMs, readFileSync(logOf(stage), "utf8"));
    },
  };
}

function summary(
  name: string,
  title: string,
  args: readonly string[],
  limitMs: number,
  packages?: readonly string[],
): Stage {
  return {
    name,
    title,
    packages,
    async run(stage) {
      const outcome = await runLogged(args, { log: logOf(stage), limitMs, cwd: ROOT });
      const output = readFileSync(logOf(stage), "utf8");
      const counts = parseSummaryLine(output) ?? noCounts();
      if (counts.failed > 0) counts.failures.push({ name: title, detail: tail(output) });
      return judged(stage, counts, outcome, limitMs, output);
    },
  };
}

/** Counts a stage that ended badly without a failed test, or that found no test at all, as one failure more. */
export function judged(stage: Stage, counts: Counts, outcome: Outcome, limitMs: number, output: string): Counts {
  const foundTests = counts.passed + counts.failed + counts.skipped > 0;
  if (outcome.timedOut || (outcome.code !== 0 && counts.failed === 0)) {
    return add(counts, crashed(stage, outcome, limitMs, output));
  }
  return foundTests ? counts : add(counts, oneFailed(stage.title, "no test was found"));
}

function crashed(stage: Stage, outcome: Outcome, limitMs: number, output: string): Counts {
  const how = outcome.timedOut ? `took longer than ${limitMs / SECOND} s` : `ended with status ${outcome.code}`;
  return oneFailed(`${stage.title} ${how}`, tail(output));
}

const TAIL_LINES = 200;

function tail(output: string): string {
  return output.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

function installPeers(stage: Stage): Promise<Counts> {
  const report = ensurePackages([...RIG_PACKAGES, ...INTEROP_PACKAGES]);
  return Promise.resolve(
    report.missing.length === 0
      ? onePassed()
      : oneSkipped(stage.title, `${report.missing.join(", ")}: ${report.remedy}`),
  );
}

/** Every source file and guide whose examples are run. */
function documented(): string[] {
  return ["mod.ts", "common", "ffi", "sctp", "cli", "docs", "README.md"].filter((path) => existsSync(join(ROOT, path)));
}

function foldersNamedKernel(): string[] {
  return readdirSync(join(ROOT, "tests")).map((folder) => `tests/${folder}/kernel`);
}
