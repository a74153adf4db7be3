/**
 * Waiting until something happens, a time comes or a signal calls.
 *
 * @module
 */

import { clearImmediate, setImmediate } from "node:timers";

/** The longest time that timers of all runtimes carry, in milliseconds. */
const LONGEST_MS = 0x7fffffff;
/** Timers of the runtimes come up to so many milliseconds late. */
const LATE_MS = 2;
/** Waits up to here, in milliseconds, end when they should: after a timer that comes early, the event loop is turned. */
const EXACT_MS = 50;

/** One loop's waits. What happens between them is not missed. */
export class Wakeup {
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.wake();
  #hasHappened = false;
  #onWake: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn: ReturnType<typeof setImmediate> | undefined;

  /** @param signal Ends a wait like anything else that happens. */
  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort);
  }

  /** Something has happened. */
  wake(): void {
    this.#hasHappened = true;
    this.#onWake?.();
  }

  /**
   * Waits.
   *
   * @param duration The longest wait, in milliseconds.
   */
  wait(duration: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(this.#timer);
        clearImmediate(this.#turn);
        this.#onWake = undefined;
        this.#hasHappened = false;
        resolve();
      };
      if (this.#hasHappened || duration <= 0) return end();
      this.#onWake = end;
      if (duration > EXACT_MS) this.#timer = setTimeout(end, Math.min(Math.ceil(duration), LONGEST_MS));
      else this.#waitExactly(performance.now() + duration, end);
    });
  }

  /** Ends what is waited for. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#onWake?.();
  }

  #waitExactly(end: number, onEnd: () => void): void {
    const turn = () => {
      if (performance.now() >= end) onEnd();
      else this.#turn = setImmediate(turn);
    };
    const early = end - performance.now() - LATE_MS;
    if (early >= 1) this.#timer = setTimeout(turn, Math.floor(early));
    else turn();
  }
}
