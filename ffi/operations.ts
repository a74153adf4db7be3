/**
 * Operations on one non-blocking descriptor that may have to wait until it is ready: in order, with signal and timeout,
 * and blocking for Workers.
 *
 * It knows when to try again. It needs to know nothing of what an attempt does: an attempt is one try at the operation,
 * which gives its result, or `undefined` where it would block.
 *
 * @module
 */

import type { ClosedError } from "../common/errors.ts";
import { checkTimeout, timeoutError, WaitList, type WaitOptions } from "../common/wait.ts";
import { F_GETFL, F_SETFL, O_NONBLOCK } from "./constants.ts";
import type { Descriptor } from "./descriptor.ts";
import { Reactor, READABLE, type Watch, WRITABLE } from "./reactor.ts";
import { fcntl } from "./syscalls.ts";

/** One try at an operation on a descriptor; `undefined` where it would block. It must not be reentered. */
export type Attempt<T> = (fd: number) => T | undefined;

/** How long a call that blocks the thread may wait. */
export type SyncOptions = Pick<WaitOptions, "timeout">;

/** Attempts of one line per wake-up, so that one busy descriptor starves no other. */
const BUDGET = 16;

/** A promise of a result that is there, unless it is the event loop's turn. */
function ready<T>(result: T): Promise<T> {
  const turn = Reactor.current().takeTurn();
  return turn === undefined ? Promise.resolve(result) : turn.then(() => result);
}

/**
 * Makes the open file of a descriptor non-blocking, for everybody who shares it.
 *
 * @throws {SystemError} As in fcntl(2).
 */
export function makeNonBlocking(fd: number): void {
  const flags = fcntl(fd, F_GETFL);
  if ((flags & O_NONBLOCK) === 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/** Two lines of operations on one descriptor, which it owns: those that wait for input, and those that wait for output. */
export class Operations {
  readonly #descriptor: Descriptor;
  readonly #reactor: Reactor = Reactor.current();
  readonly #watch: Watch;
  /** Held here because the reactor holds it weakly. */
  readonly #onReady: (events: number) => void;
  readonly #readers: WaitList<unknown, Attempt<unknown>> = new WaitList(() => this.#abandoned());
  readonly #writers: WaitList<unknown, Attempt<unknown>> = new WaitList(() => this.#abandoned());
  #syncWish = 0;

  /** @param descriptor Open and non-blocking; owned from now on. */
  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor;
    this.#onReady = (events) => this.#ready(events);
    this.#watch = this.#reactor.watch(descriptor.fd, this.#onReady);
  }

  /**
   * The descriptor.
   *
   * @throws {ClosedError} When it is closed.
   */
  get fd(): number {
    return this.#descriptor.fd;
  }

  /** True once it is closed. */
  get isClosed(): boolean {
    return this.#descriptor.isClosed;
  }

  /** How many operations wait for input. */
  get readersWaiting(): number {
    return this.#readers.size;
  }

  /** How many operations wait for output. */
  get writersWaiting(): number {
    return this.#writers.size;
  }

  /**
   * Carries out an operation, behind those of its line that wait already.
   *
   * @param events The line: `READABLE` or `WRITABLE`.
   * @param what Names the call in the timeout's message.
   * @throws Rejects with what the attempt throws, a `ClosedError`, a `TimeoutError`, or the signal's reason.
   */
  perform<T>(events: number, what: string, attempt: Attempt<T>, options: WaitOptions): Promise<T> {
    const line = this.#line(events);
    try {
      const fd = this.fd;
      checkTimeout(options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      if (line.size === 0) {
        const result = attempt(fd);
        if (result !== undefined) return ready(result);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    const settled = line.wait(what, options, attempt) as Promise<T>;
    try {
      this.#updateInterest();
    } catch (error) {
      line.rejectAll(error);
    }
    return settled;
  }

  /**
   * Tries an operation once, unless others of its line wait.
   *
   * @throws What the attempt throws, or a `ClosedError`.
   */
  tryPerform<T>(events: number, attempt: Attempt<T>): T | undefined {
    const fd = this.fd;
    return this.#line(events).size === 0 ? attempt(fd) : undefined;
  }

  /**
   * Carries out an operation, and blocks the thread meanwhile; everybody else of this isolate's reactor is served too.
   *
   * @throws What the attempt throws, a `ClosedError` or a `TimeoutError`.
   */
  performSync<T>(events: number, what: string, attempt: Attempt<T>, timeoutMs: number | undefined): T {
    checkTimeout(timeoutMs);
    const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
    for (;;) {
      const result = this.tryPerform(events, attempt);
      if (result !== undefined) return result;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw timeoutError(what, timeoutMs!);
      this.#block(events, leftMs === Infinity ? -1 : leftMs);
    }
  }

  /** Closes the descriptor; everything that waits is rejected. Does nothing the second time. */
  close(reason: ClosedError): void {
    if (this.#descriptor.isClosed) return;
    try {
      this.#watch.close();
    } finally {
      try {
        this.#descriptor.close();
      } finally {
        this.#readers.rejectAll(reason);
        this.#writers.rejectAll(reason);
      }
    }
  }

  /** Resolves when no thread waits any more, once nothing of the isolate is pending. */
  idle(): Promise<void> {
    return this.#reactor.idle();
  }

  #line(events: number): WaitList<unknown, Attempt<unknown>> {
    return events === READABLE ? this.#readers : this.#writers;
  }

  #block(events: number, timeoutMs: number): void {
    this.#syncWish = events;
    try {
      this.#updateInterest();
      this.#reactor.poll(timeoutMs);
    } finally {
      this.#syncWish = 0;
      this.#abandoned();
    }
  }

  #abandoned(): void {
    if (!this.isClosed) this.#updateInterest();
  }

  #updateInterest(): void {
    let events = this.#syncWish;
    if (this.#readers.size > 0) events |= READABLE;
    if (this.#writers.size > 0) events |= WRITABLE;
    this.#watch.want(events);
  }

  /** Errors and hang-ups are news for both lines, so each is masked with the other's event only. */
  #ready(events: number): void {
    if ((events & ~WRITABLE) !== 0) this.#serve(this.#readers);
    if ((events & ~READABLE) !== 0) this.#serve(this.#writers);
    this.#abandoned();
  }

  #serve(line: WaitList<unknown, Attempt<unknown>>): void {
    for (let budget = BUDGET; budget > 0 && line.size > 0; budget--) {
      try {
        const result = line.nextTag!(this.fd);
        if (result === undefined) return;
        line.resolveNext(result);
      } catch (error) {
        line.rejectNext(error);
      }
    }
  }
}
