/**
 * An empty project with the tarball installed in it, as a user would, and the portable tests beside it.
 *
 * @module
 */

import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT, ROOT, TARBALL } from "./paths.ts";
import { download, run, runOk } from "./run.ts";
import { npm, translate } from "./runtimes.ts";

/** Makes the project anew and installs the tarball with npm. */
export function installTarball(): void {
  rmSync(PROJECT, { recursive: true, force: true });
  mkdirSync(PROJECT, { recursive: true });
  writeFileSync(join(PROJECT, "package.json"), JSON.stringify({ private: true, type: "module" }));
  download(npm("install", "--no-audit", "--no-fund", "--no-update-notifier", TARBALL), { cwd: PROJECT });
}

/** What `import` accepts after the package's name: every export but the manifest, as in `""`, `"/ffi"`. */
export function entryPoints(): string[] {
  const manifest = JSON.parse(readFileSync(join(PROJECT, "node_modules/@sockeye/sockeye/package.json"), "utf8"));
  return Object.keys(manifest.exports).filter((path) => path !== "./package.json").map((path) => path.slice(1));
}

/** The portable tests of a module ("ffi", "sctp"), as paths in the repository. */
export function portableTests(module: string): string[] {
  const folder = `tests/${module}/contract`;
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith("_test.ts")).map((path) => join(folder, path)).sort();
}

/** Where the bundle of a portable test is. */
export function bundleOf(test: string): string {
  return join(PROJECT, test.replace(/\.ts$/, ".mjs"));
}

/**
 * Bundles a portable test and its helpers into one file of JavaScript that imports the installed package by name.
 *
 * @throws {Error} where the test imports a source file of ours other than tests and their support.
 */
export function bundle(test: string): void {
  const output = bundleOf(test);
  const modern = output.replace(/\.mjs$/, ".modern.mjs");
  const external = ["--external", "@sockeye/sockeye", "--external", "@sockeye/sockeye/*"];
  runOk([Deno.execPath(), "bundle", "--quiet", ...external, "--output", modern, test], { cwd: ROOT });
  runOk(translate(modern, output));
  const inside = readFileSync(modern, "utf8").match(/^\/\/ (?:common|ffi|qos|sctp|sp|cli)\/\S+$/m);
  if (inside !== null) throw new Error(`${test} reaches into ${inside[0].slice(3)}: a portable test imports by name`);
}

/** Compiles a program that imports every entry point, with the declarations of the package checked too. */
export function typecheck(compiler: (...args: string[]) => string[]): { status: number | null; output: string } {
  const program = join(PROJECT, "program.ts");
  writeFileSync(
    program,
    entryPoints().map((path, index) =>
      `import * as module${index} from "@sockeye/sockeye${path}";\nconsole.log(module${index});\n`
    ).join(""),
  );
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "esnext", "--types", "node"];
  return run(compiler(...options, program), { cwd: PROJECT });
}

/** The command as npm installs it. */
export function installedCommand(): string {
  const path = join(PROJECT, "node_modules/.bin/sockeye");
  chmodSync(path, 0o755);
  return path;
}
