/**
 * Waiting for a descriptor that is no message socket, or not one yet: for a connection, or for somebody to accept.
 *
 * @module
 */

import { WaitList, type WaitOptions } from "../../common/wait.ts";
import { Reactor } from "../../ffi/mod.ts";

/**
 * Resolves when the descriptor is ready, or has failed.
 *
 * @param events READABLE or WRITABLE.
 * @param what Names the call in the timeout's message.
 * @throws Rejects with the signal's reason, or a `TimeoutError`.
 */
export async function ready(fd: number, events: number, what: string, options: WaitOptions): Promise<void> {
  const waiters = new WaitList<void>();
  const waiting = waiters.wait(what, options, undefined);
  const watch = Reactor.current().watch(fd, () => waiters.resolveAll());
  try {
    watch.want(events);
    await waiting;
  } finally {
    watch.close();
  }
}

/** Blocks until the descriptor is ready, or has failed; false when the time, in milliseconds, is up first. */
export function readySync(fd: number, events: number, timeoutMs: number | undefined): boolean {
  let isReady = false;
  const onReady = () => {
    isReady = true;
  };
  const reactor = Reactor.current();
  const watch = reactor.watch(fd, onReady);
  const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  try {
    watch.want(events);
    for (;;) {
      const left = deadline - performance.now();
      reactor.poll(left === Infinity ? -1 : Math.max(0, left));
      if (isReady || left <= 0) return isReady;
    }
  } finally {
    watch.close();
  }
}
