/**
 * Threads that wait in a system call while the event loop goes on, and how they come back when there is nobody left to
 * come back to.
 *
 * Node ends a process, and every runtime ends a Worker, only when each thread that runs a call of theirs has come back.
 * A thread that waits for a message which nobody sends would hold up `process.exit()`, an uncaught error and
 * `worker.terminate()` for ever.
 *
 * @module
 */

import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { libc } from "./libc.ts";

// Deno takes its Workers for the main thread.
const isWorker: boolean = !isMainThread || "WorkerGlobalScope" in globalThis;

/**
 * The longest wait of one call in milliseconds, -1 for as long as it takes. Code of a Worker that is terminated doesn't
 * run any more, so there a thread comes back by itself every now and then, and is sent again.
 */
export const MAX_PARK_MS: number = isWorker ? 500 : -1;

const parked = new Set<() => void>();
let isWaitedFor = false;

/**
 * Notes that a thread has been sent to wait.
 *
 * @param wake Has it come back; called when the program ends before {@linkcode threadIsBack}.
 */
export function threadIsParked(wake: () => void): void {
  parked.add(wake);
  if (isWaitedFor) return;
  isWaitedFor = true;
  // Deno leaves its threads behind when it exits; to wake one then would be a race with the end.
  if (libc().runtime.name === "koffi") process.on("exit", wakeAll);
}

/** Notes that the thread has come back. */
export function threadIsBack(wake: () => void): void {
  parked.delete(wake);
}

function wakeAll(): void {
  for (const wake of parked) wake();
}
