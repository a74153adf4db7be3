/**
 * Waiting, the way every public call of ours waits: first come first served, with an `AbortSignal` and a timeout.
 *
 * It owns pending promises and their timers. What is waited for, and who wakes whom, is its owner's business.
 *
 * @module
 */

import { ArgumentError, TimeoutError } from "./errors.ts";

/** How long, and how far, a call may wait. */
export interface WaitOptions {
  /** Ends the wait: the call rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * The longest wait, in milliseconds; 0 gives up at once. Without it the wait is as long as it takes.
   *
   * @default {undefined}
   */
  timeout?: number;
}

/** The longest delay that timers of all runtimes carry, in milliseconds. */
const MAX_TIMER_MS = 0x7fffffff;

/**
 * Refuses a timeout that is no duration.
 *
 * @throws {ArgumentError} When it is negative, not a number, or too long for a timer.
 */
export function checkTimeout(timeoutMs: number | undefined, argument = "options.timeout"): void {
  if (timeoutMs === undefined) return;
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= MAX_TIMER_MS)) {
    const got = typeof timeoutMs === "string" ? JSON.stringify(timeoutMs) : String(timeoutMs);
    throw new ArgumentError(argument, `must be milliseconds from 0 to ${MAX_TIMER_MS}, got ${got}`);
  }
}

/** The error of a wait that took too long. */
export function timeoutError(what: string, timeoutMs: number): TimeoutError {
  return new TimeoutError(
    `${what}: nothing happened within ${Math.ceil(timeoutMs)} ms; raise \`timeout\`, or check the other end`,
  );
}

/** One pending wait. */
class Waiter<T, Tag> {
  readonly tag: Tag;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  release: () => void = () => {};

  constructor(tag: Tag, resolve: (value: T) => void, reject: (reason: unknown) => void) {
    this.tag = tag;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/**
 * A first-come-first-served line of pending promises, each with its own signal and timeout.
 *
 * A `Tag` says what kind of answer a waiter wants, where its owner has several.
 */
export class WaitList<T, Tag = undefined> {
  readonly #waiters: Set<Waiter<T, Tag>> = new Set();
  readonly #onAbandoned: () => void;
  readonly #timedOut: (what: string, timeoutMs: number) => TimeoutError;

  /**
   * @param onAbandoned Called when a wait ends by its signal or timeout, so that the owner can lose interest.
   * @param timedOut Makes the error of a wait that took too long, for owners that know more.
   */
  constructor(onAbandoned: () => void = () => {}, timedOut = timeoutError) {
    this.#onAbandoned = onAbandoned;
    this.#timedOut = timedOut;
  }

  /** How many are waiting. */
  get size(): number {
    return this.#waiters.size;
  }

  /** What the first in line wants; `undefined` also when nobody waits. */
  get nextTag(): Tag | undefined {
    for (const waiter of this.#waiters) return waiter.tag;
    return undefined;
  }

  /**
   * Joins the line.
   *
   * @param what Names the call in the timeout's message.
   * @param options The signal and the timeout.
   * @param tag What is wanted.
   * @throws Rejects with the signal's reason, or with a `TimeoutError`.
   */
  wait(what: string, options: WaitOptions, tag: Tag): Promise<T> {
    const { signal, timeout } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (timeout === 0) return Promise.reject(this.#timedOut(what, 0));
    return new Promise<T>((resolve, reject) => {
      const waiter = new Waiter(tag, resolve, reject);
      this.#waiters.add(waiter);
      if (signal === undefined && timeout === undefined) return;

      const abandon = (reason: unknown) => {
        waiter.release();
        this.#waiters.delete(waiter);
        reject(reason);
        this.#onAbandoned();
      };
      const onAbort = () => abandon(signal!.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const timer = timeout === undefined
        ? undefined
        : setTimeout(() => abandon(this.#timedOut(what, timeout)), timeout);
      waiter.release = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
    });
  }

  /** Wakes the first in line with a value; false when nobody waits. */
  resolveNext(value: T): boolean {
    const waiter = this.#takeNext();
    waiter?.resolve(value);
    return waiter !== undefined;
  }

  /** Wakes the first in line with an error; false when nobody waits. */
  rejectNext(reason: unknown): boolean {
    const waiter = this.#takeNext();
    waiter?.reject(reason);
    return waiter !== undefined;
  }

  /** Wakes those who want one thing with an error, wherever in the line they are; how many there were. */
  rejectThose(tag: Tag, reason: unknown): number {
    let count = 0;
    for (const waiter of this.#waiters) {
      if (waiter.tag !== tag) continue;
      this.#waiters.delete(waiter);
      waiter.release();
      waiter.reject(reason);
      count++;
    }
    return count;
  }

  /** Wakes everybody with the same value. */
  resolveAll(value: T): void {
    while (this.resolveNext(value));
  }

  /** Wakes everybody with the same error. */
  rejectAll(reason: unknown): void {
    while (this.rejectNext(reason));
  }

  #takeNext(): Waiter<T, Tag> | undefined {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.release();
      return waiter;
    }
    return undefined;
  }
}
