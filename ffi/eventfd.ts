/**
 * A counter that can be waited for, shared between threads and processes by its descriptor: eventfd(2).
 *
 * @module
 */

import { ArgumentError, BufferFullError, ClosedError } from "../common/errors.ts";
import { untilClosed } from "../common/iteration.ts";
import type { WaitOptions } from "../common/wait.ts";
import { checkInteger } from "./arguments.ts";
import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE } from "./constants.ts";
import { Descriptor } from "./descriptor.ts";
import { type Attempt, makeNonBlocking, Operations, type SyncOptions } from "./operations.ts";
import { READABLE } from "./reactor.ts";
import { eventfd, read, write } from "./syscalls.ts";

/** How an {@linkcode EventCounter} is made. */
export interface EventCounterOptions {
  /** The value that it begins with, 0 to 4294967295. @default {0} */
  initial?: number;
  /** Whether each wait takes 1 instead of all: `EFD_SEMAPHORE` of eventfd(2). @default {false} */
  semaphore?: boolean;
}

/** Counters of an event counter, of this handle only. */
export interface EventCounterStats {
  /** What was added. */
  added: number;
  /** What was taken. */
  taken: number;
  /** Waits that are pending. */
  waiting: number;
}

const NO_OPTIONS = Object.freeze({});
const TWO_TO_32 = 0x1_0000_0000;

/** The 8 bytes that the counter reads and writes; each use is one synchronous step. */
const value = new DataView(new ArrayBuffer(8));
const valueBytes = new Uint8Array(value.buffer);

/**
 * A 64-bit counter in the kernel that wakes those who wait for it to be more than 0.
 *
 * Hand its descriptor to another process over a unix socket, and either side wakes the other with `add`; several of them
 * before a wait are one wake-up with their sum.
 *
 * @example Wake somebody who waits
 * ```ts
 * import { EventCounter } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * await using counter = EventCounter.create();
 * const waiting = counter.wait({ timeout: 1000 });
 * counter.add(2);
 * assert.equal(await waiting, 2);
 * assert.equal(counter.tryTake(), undefined);
 * ```
 */
export class EventCounter implements AsyncIterable<number>, Disposable, AsyncDisposable {
  readonly #operations: Operations;
  readonly #taking: Attempt<number> = (fd) => this.#take(fd);
  #added = 0;
  #taken = 0;

  private constructor(descriptor: Descriptor) {
    this.#operations = new Operations(descriptor);
  }

  /**
   * Makes a counter.
   *
   * @param options Its first value, and how much a wait takes.
   * @throws {ArgumentError} When the first value is out of range.
   * @throws {SystemError} As in eventfd(2): `EMFILE`, …
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static create(options: EventCounterOptions = NO_OPTIONS): EventCounter {
    const { initial = 0, semaphore = false } = options;
    checkInteger("options.initial", initial, 0, TWO_TO_32 - 1);
    const fd = eventfd(initial, EFD_NONBLOCK | EFD_CLOEXEC | (semaphore ? EFD_SEMAPHORE : 0));
    return new EventCounter(Descriptor.adopt(fd, "event counter"));
  }

  /**
   * Makes a counter of an open eventfd, which it owns from now on, also when this fails; for instance one that came over a
   * unix socket.
   *
   * @param descriptor The descriptor; it is made non-blocking, for everybody who shares the counter.
   * @throws {ClosedError} When the descriptor is closed.
   */
  static adopt(descriptor: Descriptor): EventCounter {
    try {
      makeNonBlocking(descriptor.fd);
      return new EventCounter(descriptor);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  /**
   * The descriptor, to hand over.
   *
   * @throws {ClosedError} When the counter is closed.
   */
  get fd(): number {
    return this.#operations.fd;
  }

  /** True once the counter is closed. */
  get isClosed(): boolean {
    return this.#operations.isClosed;
  }

  /**
   * Adds to the counter, and wakes those who wait.
   *
   * @param count How much, 1 to 2^53 - 1. @default 1
   * @throws {ArgumentError} When it is out of range.
   * @throws {BufferFullError} When the counter would exceed 2^64 - 2; nothing is added.
   * @throws {ClosedError} When the counter is closed.
   */
  add(count = 1): void {
    const { fd } = this;
    if (!(Number.isSafeInteger(count) && count >= 1)) {
      throw new ArgumentError("count", `must be an integer from 1 to ${Number.MAX_SAFE_INTEGER}, got ${String(count)}`);
    }
    value.setUint32(0, count % TWO_TO_32, true);
    value.setUint32(4, count / TWO_TO_32, true);
    if (write(fd, valueBytes) === undefined) {
      throw new BufferFullError("add: the counter would exceed 2^64 - 2; take from it first");
    }
    this.#added += count;
  }

  /**
   * Takes what the counter has, or 1 of a semaphore, if it is more than 0.
   *
   * @returns How much; `undefined` when it is 0 or others wait.
   * @throws {ClosedError} When the counter is closed.
   */
  tryTake(): number | undefined {
    return this.#operations.tryPerform(READABLE, this.#taking);
  }

  /**
   * Waits until the counter is more than 0, and takes what it has, or 1 of a semaphore.
   *
   * @param options How long to wait.
   * @returns How much; above 2^53 it is rounded.
   * @throws {ClosedError} When the counter is closed, before or meanwhile.
   * @throws {TimeoutError} When nobody adds in time.
   */
  wait(options: WaitOptions = NO_OPTIONS): Promise<number> {
    return this.#operations.perform(READABLE, "wait", this.#taking, options);
  }

  /**
   * Waits until the counter is more than 0, and blocks the thread meanwhile. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @returns As {@linkcode EventCounter.wait}.
   * @throws As {@linkcode EventCounter.wait}.
   */
  waitSync(options: SyncOptions = NO_OPTIONS): number {
    return this.#operations.performSync(READABLE, "waitSync", this.#taking, options.timeout);
  }

  /** What each wait takes, one after the other, until the counter is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<number> {
    return untilClosed(() => this.wait());
  }

  /** What was added and taken through this handle. */
  stats(): EventCounterStats {
    return { added: this.#added, taken: this.#taken, waiting: this.#operations.readersWaiting };
  }

  /** Closes the counter; others who share it keep theirs. What is pending gets a `ClosedError`. */
  close(): void {
    this.#operations.close(new ClosedError("the event counter was closed; make a new one"));
  }

  /** The same as {@linkcode EventCounter.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the counter, and resolves when no thread waits for it any more, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#operations.idle();
  }

  #take(fd: number): number | undefined {
    if (read(fd, valueBytes) === undefined) return undefined;
    const count = value.getUint32(4, true) * TWO_TO_32 + value.getUint32(0, true);
    this.#taken += count;
    return count;
  }
}
