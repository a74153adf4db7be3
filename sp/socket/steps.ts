/**
 * What has to happen later, but before anybody waits: in a microtask, in the next turn, or by whoever blocks the thread.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** Rounds of steps that follow each other at once before timers and sockets get a turn: it costs about one microsecond. */
const ROUNDS_PER_TURN = 128;

let steps: (() => void)[] = [];
let isScheduled = false;
let rounds = 0;

function onRound(): void {
  isScheduled = false;
  runSteps();
}

/**
 * Has a function called once the caller has returned, mostly before the event loop goes on.
 *
 * Steps may bring about steps for ever, as in a loop of devices; therefore each 128th round waits for the next turn of the event
 * loop.
 */
export function later(step: () => void): void {
  steps.push(step);
  if (isScheduled) return;
  isScheduled = true;
  if (++rounds < ROUNDS_PER_TURN) return queueMicrotask(onRound);
  rounds = 0;
  setImmediate(onRound);
}

/**
 * Calls what is to be called, and what that brings about in turn waits for the next time.
 *
 * @returns Whether there was anything.
 */
export function runSteps(): boolean {
  if (steps.length === 0) return false;
  const now = steps;
  steps = [];
  let done = 0;
  try {
    while (done < now.length) now[done++]();
  } finally {
    // Those behind one that throws are not lost with it.
    while (done < now.length) later(now[done++]);
  }
  return true;
}
