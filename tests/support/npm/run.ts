/**
 * Runs a program to its end and gives its output, or an error that shows it.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import process from "node:process";

/** How {@linkcode run} runs a program. */
export interface RunOptions {
  /** The working directory. */
  cwd?: string;
  /** Variables added to the environment. */
  env?: Record<string, string>;
  /** The time limit, in milliseconds. */
  limitMs?: number;
}

/** How a program ended. */
export interface RunResult {
  /** The exit status, or null where a signal ended it. */
  status: number | null;
  /** Standard output and standard error. */
  output: string;
  /** Standard output alone. */
  stdout: string;
}

const DEFAULT_LIMIT_MS = 120_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;

/** Runs a program and gives how it ended, whatever its exit status. */
export function run(command: readonly string[], options: RunOptions = {}): RunResult {
  const result = spawnSync(command[0], command.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
    encoding: "utf8",
    timeout: options.limitMs ?? DEFAULT_LIMIT_MS,
    killSignal: "SIGKILL",
    maxBuffer: OUTPUT_BYTES,
  });
  const problem = result.error === undefined ? "" : `\n${result.error.message}`;
  return { status: result.status, output: `${result.stdout}${result.stderr}${problem}`, stdout: result.stdout };
}

/** How often a download is tried. */
const ATTEMPTS = 3;
const DOWNLOAD_LIMIT_MS = 300_000;

/**
 * Runs a program that downloads, again where it fails, for the network may do so for a moment.
 *
 * @throws {Error} with the output, where the last attempt fails, too.
 */
export function download(command: readonly string[], options: RunOptions = {}): void {
  for (let attempt = 1;; attempt++) {
    try {
      runOk(command, { limitMs: DOWNLOAD_LIMIT_MS, ...options });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      console.log(`attempt ${attempt} of ${ATTEMPTS} failed: ${(error as Error).message}`);
    }
  }
}

/**
 * Runs a program that has to succeed, and gives its standard output.
 *
 * @throws {Error} with the output, where the exit status is not 0.
 */
export function runOk(command: readonly string[], options: RunOptions = {}): string {
  const { status, output, stdout } = run(command, options);
  if (status !== 0) throw new Error(`${command.join(" ")} ended with status ${status}:\n${output}`);
  return stdout;
}
