/** Programs that tests of transports talk to. @module */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Why a test can't run without a program; `undefined` when it is installed. */
export function missing(program: string): string | undefined {
  return spawnSync("which", [program]).status === 0 ? undefined : `${program} is not installed`;
}

/** A program that runs. */
export class Child {
  readonly process: ChildProcess;
  /** Resolves with all that it printed, when it has ended. */
  readonly output: Promise<string>;
  #text = "";
  #wake: () => void = () => {};

  constructor(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.process = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
      this.#wake();
    });
    this.output = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", () => {
        this.#wake();
        resolve(this.#text);
      });
    });
  }

  /** Resolves with what it has printed, once that matches. */
  async printed(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match !== null) return match;
      if (this.process.exitCode !== null) throw new Error(`it ended, and has printed ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Ends it. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<string> {
    this.process.kill(signal);
    return await this.output;
  }
}

/** Starts programs/echo.ts, with libc or without. */
export function startEcho(withLibc: boolean, ...args: string[]): Child {
  return new Child(process.execPath, echoArguments(withLibc, args));
}

/** Starts programs/echo.ts with libc, and with few descriptors. */
export function startShortEcho(descriptors: number, ...args: string[]): Child {
  const limited = `ulimit -n ${descriptors}; exec "$@"`;
  return new Child("sh", ["-c", limited, "sh", process.execPath, ...echoArguments(true, args)]);
}

function echoArguments(withLibc: boolean, args: readonly string[]): string[] {
  const path = fileURLToPath(new URL("programs/echo.ts", import.meta.url));
  const permissions = ["--allow-net", "--allow-read", "--allow-write", ...(withLibc ? ["--allow-ffi"] : [])];
  return ["run", "--no-prompt", "--no-check", ...permissions, path, ...args];
}
