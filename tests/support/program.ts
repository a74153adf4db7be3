/**
 * A program in a process of its own, in the runtime that runs the tests.
 *
 * @module
 */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { runtime } from "./harness.ts";

const EVALUATE: Readonly<Record<typeof runtime, readonly string[]>> = {
  deno: ["eval"],
  node: ["--input-type=module", "--eval"],
  bun: ["--eval"],
};

/** A running program. */
export interface Program {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  /** Resolves with its exit status, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  /** Resolves with the next line that it prints, or `undefined` at the end. */
  line(): Promise<string | undefined>;
}

/** Starts a program from the source of a module that imports nothing but `node:` modules. */
export function startProgram(source: string): Program {
  const child = spawn(process.execPath, [...EVALUATE[runtime], source], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  child.stdout.setEncoding("utf8");
  const chunks = child.stdout[Symbol.asyncIterator]();
  let text = "";
  return {
    process: child,
    ended,
    async line() {
      while (!text.includes("\n")) {
        const { done, value } = await chunks.next();
        if (done) return undefined;
        text += value;
      }
      const end = text.indexOf("\n");
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      return line;
    },
  };
}
