/**
 * Compiles the two C programs that a guest needs, once for each version of their source.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { RigError } from "./rig_error.ts";

/** Where the compiled programs are. */
export interface GuestPrograms {
  /** The guest's first process. */
  init: string;
  /** What linux.uml is run with as LD_PRELOAD. */
  ptraceShim: string;
}

const SOURCES = fileURLToPath(new URL("./guest/", import.meta.url));
const BUILD = fileURLToPath(new URL("../../../.build/rig/", import.meta.url));

const OUTPUTS = [
  { source: "init.c", output: "init", flags: [] },
  { source: "ptrace_shim.c", output: "ptrace_shim.so", flags: ["-shared", "-fPIC"] },
];

/** The C compiler of this machine: `$CC`, or the first of the usual names that there is. */
function findCompiler(): string | undefined {
  const candidates = [process.env.CC, "cc", "gcc", "clang"];
  return candidates.find((name) => name && spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
}

/**
 * The guest's programs, compiled where they are not there yet.
 *
 * @throws {RigError} Where there is no compiler, or it fails.
 */
export function guestPrograms(): GuestPrograms {
  const hash = createHash("sha256");
  for (const { source } of OUTPUTS) hash.update(readFileSync(join(SOURCES, source))).update("\0");
  const folder = join(BUILD, hash.digest("hex").slice(0, 16));
  if (!existsSync(folder)) compileInto(folder);
  return { init: join(folder, "init"), ptraceShim: join(folder, "ptrace_shim.so") };
}

/** The folder appears complete or not at all, whoever else compiles at the same time. */
function compileInto(folder: string): void {
  const compiler = findCompiler();
  if (compiler === undefined) throw new RigError("there is no C compiler");
  mkdirSync(BUILD, { recursive: true });
  const scratch = mkdtempSync(join(BUILD, "new-"));
  try {
    for (const { source, output, flags } of OUTPUTS) {
      const args = ["-O2", "-Wall", "-Wextra", "-Werror", ...flags, "-o", join(scratch, output), join(SOURCES, source)];
      const run = spawnSync(compiler, args, { encoding: "utf8" });
      if (run.status !== 0) throw new RigError(`${compiler} ${args.join(" ")} failed:\n${run.stderr}`);
    }
    renameSync(scratch, folder);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}
