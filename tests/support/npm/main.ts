/**
 * Proves the npm package: `build` packs and installs it, `host` runs it on Node and Bun, `rig` does so where kernel SCTP is.
 *
 * `build` comes first and downloads what the other two need, so that they run without a network.
 *
 * @module
 */

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  add,
  type Counts,
  noCounts,
  oneFailed,
  onePassed,
  parseJunit,
  printFailures,
  summaryLine,
} from "../run/counts.ts";
import { packForNpm } from "./pack.ts";
import { NPM_BUILD, PROJECT, TARBALL } from "./paths.ts";
import {
  bundle,
  bundleOf,
  entryPoints,
  installedCommand,
  installTarball,
  portableTests,
  typecheck,
} from "./project.ts";
import { run } from "./run.ts";
import { installRuntimes, JAVASCRIPT_RUNTIMES, npm, type Runtime, typescript } from "./runtimes.ts";

const PARTS: Record<string, () => Counts> = { build, host, rig };

/** The modules whose portable tests need nothing but this machine's own kernel. */
const HOST_MODULES = ["ffi", "qos", "sp"];

/** What SCTP promises where the kernel has none of it: the one of its portable tests that belongs outside the rig too. */
const WITHOUT_SCTP = "tests/sctp/contract/availability_test.ts";

/** The files that a package needs besides its code, and the folders that no package should hold. */
const REQUIRED_FILES = ["package.json", "README.md", "LICENSE", "CHANGELOG.md", "cli/main.js", "mod.js", "mod.d.ts"];
const FOREIGN_FOLDERS = /^package\/(?:tests|bench|interop|docs|examples|\.)/;

const TEST_LIMIT_MS = 400_000;

function build(): Counts {
  let counts = claim("deno pack gives a tarball", () => void packForNpm());
  if (counts.failed > 0) return counts;
  counts = add(counts, claim("the tarball holds the package and nothing else", checkContents));
  counts = add(counts, claim("Node, Bun and npm come from npm", installRuntimes));
  counts = add(counts, claim("npm installs the tarball into an empty project", installTarball));
  counts = add(counts, claim("npx sockeye --help", () => expectHelp(npm("exec", "--", "sockeye", "--help"))));
  counts = add(counts, claim("the declarations compile in a Node project", () => expectSuccess(typecheck(typescript))));
  for (const test of [...HOST_MODULES.flatMap(portableTests), ...portableTests("sctp")]) {
    counts = add(counts, claim(`${test} imports the package by name`, () => bundle(test)));
  }
  return counts;
}

function host(): Counts {
  let counts = noCounts();
  for (const runtime of JAVASCRIPT_RUNTIMES) {
    for (const path of entryPoints()) {
      counts = add(
        counts,
        claim(`${runtime.name} imports @sockeye/sockeye${path}`, () => expectExports(runtime, path)),
      );
    }
    const help = [runtime.path, installedCommand(), "--help"];
    counts = add(counts, claim(`${runtime.name} runs the command`, () => expectHelp(help)));
  }
  return add(counts, runPortableTests([...HOST_MODULES.flatMap(portableTests), WITHOUT_SCTP]));
}

function rig(): Counts {
  return runPortableTests(portableTests("sctp"));
}

function claim(name: string, prove: () => void): Counts {
  try {
    prove();
    console.log(`ok     ${name}`);
    return onePassed();
  } catch (error) {
    const failed = oneFailed(name, (error as Error).message);
    printFailures(failed);
    return failed;
  }
}

function checkContents(): void {
  const { output } = run(["tar", "-tzf", TARBALL]);
  const files = output.trim().split("\n");
  const missing = REQUIRED_FILES.filter((name) => !files.includes(`package/${name}`));
  if (missing.length > 0) throw new Error(`the tarball lacks ${missing.join(", ")}; it holds\n${output}`);
  const foreign = files.filter((name) => FOREIGN_FOLDERS.test(name));
  if (foreign.length > 0) throw new Error(`the tarball should not hold ${foreign.join(", ")}`);
}

function expectSuccess({ status, output }: { status: number | null; output: string }): string {
  if (status !== 0) throw new Error(`ended with status ${status}:\n${output}`);
  return output;
}

function expectHelp(command: string[]): void {
  const output = expectSuccess(run(command, { cwd: PROJECT }));
  if (!output.includes("sockeye doctor")) throw new Error(`the help does not tell of "sockeye doctor":\n${output}`);
}

function expectExports(runtime: Runtime, path: string): void {
  const program = `import * as module from "@sockeye/sockeye${path}"; console.log(Object.keys(module).length);`;
  const evaluate = runtime.name === "bun" ? ["--eval", program] : ["--input-type=module", "--eval", program];
  const output = expectSuccess(run([runtime.path, ...evaluate], { cwd: PROJECT }));
  if (!(Number(output) > 0)) throw new Error(`the module exports nothing: ${output}`);
}

function runPortableTests(tests: readonly string[]): Counts {
  let counts = noCounts();
  for (const runtime of JAVASCRIPT_RUNTIMES) {
    for (const test of tests) {
      const begin = performance.now();
      const result = runPortableTest(runtime, test);
      const seconds = ((performance.now() - begin) / 1_000).toFixed(1);
      const verdict = result.failed === 0 ? "ok    " : "FAILED";
      console.log(`${verdict} ${runtime.name} ${test}: ${summaryLine(result)} in ${seconds} s`);
      printFailures(result);
      counts = add(counts, result);
    }
  }
  return counts;
}

function runPortableTest(runtime: Runtime, test: string): Counts {
  const reports = join(NPM_BUILD, "reports");
  mkdirSync(reports, { recursive: true });
  const report = join(reports, `${runtime.name}-${test.replaceAll("/", "-")}.xml`);
  rmSync(report, { force: true });
  // In the project the programs that a test starts find the package by name, too.
  const command = [runtime.path, ...runtime.testArguments(bundleOf(test), report)];
  const { status, output, stdout } = run(command, { cwd: PROJECT, limitMs: TEST_LIMIT_MS });
  const reported = runtime.reportsTo === "stdout" ? stdout : existsSync(report) ? readFileSync(report, "utf8") : "";
  const counts = parseJunit(reported);
  for (const failure of counts.failures) failure.name = `${runtime.name} ${test}: ${failure.name}`;
  const found = counts.passed + counts.failed + counts.skipped > 0;
  if (status === 0 && found || counts.failed > 0) return counts;
  return add(counts, oneFailed(`${runtime.name} ${test} ended with status ${status}`, output));
}

const part = PARTS[process.argv[2]];
if (part === undefined) {
  console.error(`Usage: main.ts ${Object.keys(PARTS).join("|")}`);
  process.exitCode = 2;
} else {
  const counts = part();
  console.log(summaryLine(counts));
  process.exitCode = counts.failed > 0 ? 1 : 0;
}
