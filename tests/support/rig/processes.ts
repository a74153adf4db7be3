/**
 * Ends processes, and says how they ended.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import process from "node:process";

/** The name of a signal. */
export type Signal = NodeJS.Signals;

/** The number of a signal on this machine. */
export function signalNumber(signal: Signal): number {
  return constants.signals[signal];
}

/** The exit status as a shell counts it: 128 and the signal's number where a signal ended the process. */
export function shellStatus(code: number | null, signal: Signal | null): number {
  return code ?? 128 + (signal === null ? 0 : signalNumber(signal));
}

/** Sends a signal to every process of a group. A group that has ended is no error. */
export function signalGroup(leader: number, signal: Signal): void {
  signalIfThere(-leader, signal);
}

function signalIfThere(pid: number, signal: Signal): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * Kills every process whose environment holds this entry, NAME=VALUE, also those that left the group of the process that
 * they come from.
 */
export function killMarked(mark: string): void {
  const killed = new Set([process.pid]);
  // Again, until there is none that another has started in the meantime.
  for (let found = [process.pid]; found.length > 0;) {
    found = processes().filter((pid) => !killed.has(pid) && environmentOf(pid).includes(mark));
    for (const pid of found) {
      signalIfThere(pid, "SIGKILL");
      killed.add(pid);
    }
  }
}

/** The ids of all processes that this one can see. */
export function processes(): number[] {
  return readdirSync("/proc").map(Number).filter((pid) => pid > 0);
}

/** NAME=VALUE each; empty where the process has ended, is a zombie, or belongs to somebody else. */
function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return [];
  }
}
