/**
 * Programs that the contract runs beside itself: peers to be killed, and what needs a process of its own.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { runtime } from "../../support/harness.ts";

const ARGUMENTS: Readonly<Record<typeof runtime, readonly string[]>> = {
  deno: ["run", "-A", "--no-check", "--quiet", "-"],
  node: ["--input-type=module", "-"],
  bun: ["run", "-"],
};

/** A program that runs. */
export interface Program {
  /** The process. */
  readonly child: ChildProcess;
  /** The next line that it prints; rejects when it ends before. */
  line(): Promise<string>;
  /** How it ended: its status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** What the program is to bring about; rejects when it fails before. */
  during<T>(outcome: Promise<T>): Promise<T>;
}

/**
 * Runs JavaScript with the runtime that runs this, in a shell that first sets limits.
 *
 * @param source A module; it imports the package by name.
 * @param limits Shell commands, for instance `ulimit -n 64`.
 */
export function program(source: string, limits = ":"): Program {
  const command = `${limits}; exec "$0" "$@"`;
  const child = spawn("/bin/sh", ["-c", command, process.execPath, ...ARGUMENTS[runtime]], {
    stdio: ["pipe", "pipe", "inherit"],
    // The package is found from here, whether this is its source or a project that has it installed.
    cwd: import.meta.dirname,
  });
  child.stdin.end(source);
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal ?? code!));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    ended,
    during: (outcome) =>
      Promise.race([
        outcome,
        ended.then((status) => status === 0 ? outcome : Promise.reject(new Error(`the program ended (${status})`))),
      ]),
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`the program ended (${await ended}) before it printed a line`);
      return value;
    },
  };
}
