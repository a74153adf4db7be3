/**
 * Everything that is tested, in order.
 *
 * @module
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { C_COMPILER, ensurePackages, INTEROP_PACKAGES, NETWORK_PROGRAMS, SP_PACKAGES } from "../peers.ts";
import { ensureRig } from "../rig/ensure_rig.ts";
import { onePassed } from "./counts.ts";
import { ROOT } from "./paths.ts";
import { commandStage, denoTestStage, type Stage, summaryStage } from "./stage.ts";

const DENO = Deno.execPath();
const ENTRY_POINTS = ["mod.ts", "ffi/mod.ts", "qos/mod.ts", "sctp/mod.ts", "sp/mod.ts"];

/** What holds docstrings and guides, whose examples are run. */
const DOCUMENTED = ["mod.ts", "common", "ffi", "qos", "sctp", "sp", "cli", "docs"].filter(exists);

/** The tests that need a kernel with SCTP: the contract of the SCTP API, and every folder named `kernel`. */
const KERNEL_TESTS = ["tests/sctp/contract", ...readdirSync(join(ROOT, "tests")).map((name) => `tests/${name}/kernel`)]
  .filter(exists);

/** Those of them that start programs of ours, the command and the examples, and so have a stage of their own. */
const PROGRAM_TESTS = ["tests/cli/kernel", "tests/examples/kernel"];

/** What needs such a kernel, but for the claims about a machine that has none. */
const NOT_HERE = [
  ...without(["tests/sctp/contract"], KERNEL_TESTS),
  ...without(["availability_test.ts"], readdirSync(join(ROOT, "tests/sctp/contract")))
    .map((name) => `tests/sctp/contract/${name}`),
];

/** The tests of the rig itself: they start kernels, and so have a stage of their own. */
const RIG_TESTS = "tests/rig";

/**
 * All stages, in the order in which they begin, two at a time: what says no soonest comes first. The first of them
 * installs what the others need, and runs alone.
 */
export const STAGES: readonly Stage[] = [
  {
    name: "peers",
    title: "a kernel with SCTP, and the programs to talk to",
    obstacle: peersMissing,
    run: () => Promise.resolve(onePassed()),
  },
  commandStage({ name: "fmt", title: "formatting", command: [DENO, "fmt", "--check"], limit: 180 }),
  commandStage({ name: "lint", title: "lint", command: [DENO, "lint"], limit: 180 }),
  commandStage({ name: "check", title: "types", command: [DENO, "check", "--quiet", "."], limit: 300 }),
  commandStage({
    name: "doc-lint",
    title: "docstrings of every export",
    command: [DENO, "doc", "--lint", ...ENTRY_POINTS],
    limit: 180,
  }),
  commandStage({
    name: "publish",
    title: "the package could be published",
    command: [DENO, "publish", "--dry-run", "--allow-dirty"],
    limit: 180,
  }),
  denoTestStage({
    name: "doctest",
    title: "examples in docstrings and guides",
    command: ["--doc", ...DOCUMENTED],
    limit: 900,
  }),
  denoTestStage({
    name: "unit",
    title: "tests on this machine",
    command: ["--no-check", `--ignore=${[...NOT_HERE, RIG_TESTS].join(",")}`, "tests", "interop"],
    limit: 900,
  }),
  denoTestStage({
    name: "rig",
    title: "the rig itself",
    command: ["--no-check", RIG_TESTS],
    limit: 900,
    obstacle: rigMissing,
  }),
  denoTestStage({
    name: "contract",
    title: "SCTP on a real kernel, and the sockets under it",
    command: ["--no-check", ...without(PROGRAM_TESTS, KERNEL_TESTS), "tests/ffi/contract"],
    limit: 900,
    inRig: true,
    obstacle: rigMissing,
  }),
  denoTestStage({
    name: "doctest-rig",
    title: "examples about SCTP, on a real kernel",
    command: ["--no-check", "--doc", ...DOCUMENTED.filter((path) => /sctp|docs/.test(path)), "README.md"],
    limit: 900,
    inRig: true,
    obstacle: rigMissing,
  }),
  summaryStage({
    name: "interop",
    title: "the matrix of peers",
    // It goes into the rig by itself, with its programs compiled outside, where compilers are quick.
    command: [DENO, "run", "--no-check", "-A", "interop/run.ts"],
    limit: 900,
    obstacle: peersMissing,
  }),
  summaryStage({
    name: "interop-sp",
    title: "the matrix of the Scalability Protocols",
    command: [DENO, "run", "--no-check", "-A", "interop/sp/run.ts"],
    limit: 2_400,
    obstacle: () => packagesMissing([...C_COMPILER, ...SP_PACKAGES]),
  }),
  denoTestStage({
    name: "programs",
    title: "the command and the examples, on a real kernel",
    command: ["--no-check", ...PROGRAM_TESTS],
    limit: 900,
    inRig: true,
    obstacle: rigMissing,
  }),
  commandStage({
    name: "demo",
    title: "deno task demo",
    command: [DENO, "task", "demo"],
    limit: 300,
    obstacle: rigMissing,
  }),
  summaryStage({
    name: "npm-build",
    title: "the npm package, built and installed",
    command: npm("build"),
    limit: 900,
  }),
  summaryStage({
    name: "npm-host",
    after: "npm-build",
    title: "the npm package on Node and Bun",
    command: npm("host"),
    limit: 900,
  }),
  summaryStage({
    name: "npm-rig",
    after: "npm-build",
    title: "the npm package on Node and Bun, on a real kernel",
    command: npm("rig"),
    limit: 900,
    inRig: true,
    obstacle: rigMissing,
  }),
];

function npm(part: string): string[] {
  return [DENO, "run", "--no-check", "-A", "tests/support/npm/main.ts", part];
}

function rigMissing(): string | undefined {
  const status = ensureRig();
  return status.kernel === "none" ? status.reason : undefined;
}

function peersMissing(): string | undefined {
  return packagesMissing([...C_COMPILER, ...INTEROP_PACKAGES, ...SP_PACKAGES, ...NETWORK_PROGRAMS]) ?? rigMissing();
}

function packagesMissing(packages: readonly string[]): string | undefined {
  const { missing, remedy } = ensurePackages(packages);
  return missing.length > 0 ? `${missing.join(", ")} missing; ${remedy}` : undefined;
}

function without(unwanted: readonly string[], paths: readonly string[]): string[] {
  return paths.filter((path) => !unwanted.includes(path));
}

function exists(path: string): boolean {
  return existsSync(join(ROOT, path));
}
