/**
 * Runs one program with its output in a log file, under a time limit that also ends whatever the program started.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";

/** How a program ended. */
export interface Outcome {
  /** The exit status; 128 and the signal's number where a signal ended it, as in a shell. */
  code: number;
  /** Whether the time limit ended it. */
  timedOut: boolean;
}

/** How a program is run. */
export interface ProcessOptions {
  /** The file that receives standard output and standard error. Its folder is made where it is missing. */
  log: string;
  /** The time limit, in milliseconds. */
  limitMs: number;
  /** Variables added to the environment. */
  env?: Record<string, string>;
  /** The working directory. */
  cwd?: string;
}

/** How long a program that ran out of time may clean up after itself (the rig has a kernel to stop). */
const GRACE_MS = 10_000;

const SIGNAL_NUMBERS: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

const running = new Set<ChildProcess>();

/**
 * Runs a program to its end.
 *
 * The program leads a process group of its own, so that the limit reaches its children, and writes to a file instead of a
 * pipe, so that a child left behind with the pipe open can't hold up the caller.
 */
export function runLogged(command: readonly string[], options: ProcessOptions): Promise<Outcome> {
  mkdirSync(dirname(options.log), { recursive: true });
  const log = openSync(options.log, "w");
  const child = spawn(command[0], command.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  running.add(child);
  return new Promise((resolve, reject) => {
    let timedOut = false;
    let killTimer: ReturnType<typeof setTimeout> | undefined;
    const limitTimer = setTimeout(() => {
      timedOut = true;
      signalGroup(child, "SIGTERM");
      killTimer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS);
    }, options.limitMs);
    const settle = () => {
      clearTimeout(limitTimer);
      clearTimeout(killTimer);
      running.delete(child);
    };
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      settle();
      if (timedOut) signalGroup(child, "SIGKILL");
      resolve({ code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ""] ?? 0), timedOut });
    });
  });
}

/** Asks every running program to end, for a user who pressed Ctrl-C. */
export function terminateAll(): void {
  for (const child of running) signalGroup(child, "SIGTERM");
}

function signalGroup(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: the whole group has ended already.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
