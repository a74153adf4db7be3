/**
 * Waiting with the thread: the reactor, the deadlines and the steps of this isolate go on, and nothing else does.
 *
 * @module
 */

import type { TimeoutError } from "../../common/errors.ts";
import { Reactor } from "../../ffi/reactor.ts";
import { runSteps } from "./steps.ts";
import { timers } from "./timers.ts";

/**
 * Has what transports gather until the turn is over leave now: a thread that uses blocking calls may have no turns for long.
 */
export function flush(): void {
  reactor ??= reactorIfAny();
  reactor?.runSteps();
}

/**
 * Tries something until it succeeds, and serves everybody else of this thread between attempts.
 *
 * @param attempt Gives `undefined` while it has to wait.
 * @param timeoutMs The longest wait in milliseconds; `undefined` for any.
 * @param timedOut Makes the error that is thrown when that is over.
 * @throws {TimeoutError} When that is over.
 * @throws {UnsupportedError} Where there is no libc to wait with.
 */
export function block<T>(
  attempt: () => T | undefined,
  timeoutMs: number | undefined,
  timedOut: (timeoutMs: number) => TimeoutError,
): T {
  const found = attempt();
  if (found !== undefined) return found;
  const reactor = Reactor.current();
  const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  let result: T | undefined;
  reactor.blocking(() => {
    for (;;) {
      const ran = runSteps();
      result = attempt();
      if (result !== undefined) return;
      const now = performance.now();
      if (now >= deadline) throw timedOut(timeoutMs!);
      if (timers.run(now)) continue;
      const leftMs = Math.min(deadline, timers.next) - now;
      reactor.poll(ran ? 0 : leftMs === Infinity ? -1 : leftMs);
    }
  });
  return result!;
}

let reactor: Reactor | undefined;

/** Where there is no libc, the runtime's own sockets gather nothing. */
function reactorIfAny(): Reactor | undefined {
  try {
    return Reactor.current();
  } catch {
    return undefined;
  }
}
