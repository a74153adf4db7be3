/** nngcat and `sockeye cat` beside each other. @module */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { sockeyeCommand } from "./sockeye.ts";

/** Why nothing can be compared here; `undefined` where it can. */
export function nngcatMissing(): string | undefined {
  return spawnSync("nngcat", ["--version"]).error === undefined
    ? undefined
    : "there is no nngcat here: apt-get install nng-utils";
}

/** The two programs, by name. */
export const CATS: Readonly<Record<"nngcat" | "sockeye", readonly string[]>> = {
  nngcat: ["nngcat"],
  sockeye: sockeyeCommand(["cat"]),
};

/** How a program ended, byte for byte. */
export interface RawOutcome {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** Only what hangs takes so long. */
const LIMIT_MS = 150_000;

/** Runs a program to its end; the outputs have one character for each byte. */
export function run(argv: readonly string[], env: Record<string, string> = {}): Promise<RawOutcome> {
  const child = spawn(argv[0], argv.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that nothing of a script that hangs is left.
    detached: true,
    env: { ...Deno.env.toObject(), NO_COLOR: "1", ...env },
  });
  const limit = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), LIMIT_MS);
  const outcome = { stdout: "", stderr: "" };
  child.stdout.setEncoding("latin1").on("data", (text) => outcome.stdout += text);
  child.stderr.setEncoding("latin1").on("data", (text) => outcome.stderr += text);
  return new Promise((resolve) => {
    child.once("close", (status, signal) => {
      clearTimeout(limit);
      resolve({ status, signal, ...outcome });
    });
  });
}

/** A folder of its own for socket files. */
export class Folder implements Disposable {
  /** Its path. */
  readonly path: string = mkdtempSync(join(tmpdir(), "sockeye-cat-"));

  /** The ipc URL of a name in it. */
  url(name: string): string {
    return `ipc://${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
