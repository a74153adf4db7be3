/**
 * What has to happen later, but before anybody waits: in a microtask, or by whoever blocks the thread.
 *
 * @module
 */

let steps: (() => void)[] = [];
let isScheduled = false;

function onMicrotask(): void {
  isScheduled = false;
  runSteps();
}

/** Has a function called once the caller has returned. */
export function later(step: () => void): void {
  steps.push(step);
  if (isScheduled) return;
  isScheduled = true;
  queueMicrotask(onMicrotask);
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
