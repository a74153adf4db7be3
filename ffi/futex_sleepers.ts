/**
 * Asynchronous futex waits that share one thread: futex_waitv(2).
 *
 * The runtimes have few threads for blocking calls (Node four), so waits must not take one each. One call sleeps on up to
 * 127 words, and on one more by which it is called back when the list of words changes. Waits beyond that, and those where
 * the kernel lacks the call or the runtime a thread to spare, look at their words every few milliseconds.
 *
 * errno of another thread can't be read, so what a call says counts for little: whenever it returns, every word is looked
 * at. A protocol changes the word before it wakes, futex(7), so nothing is missed between two calls.
 *
 * @module
 */

import { type ClosedError, SystemError } from "../common/errors.ts";
import { WaitList } from "../common/wait.ts";
import { CLOCK_MONOTONIC, FUTEX_32, FUTEX_PRIVATE_FLAG, FUTEX_WAITV_MAX, FUTEX_WAKE } from "./constants.ts";
import { ERRNO } from "./errno.ts";
import { writeWide } from "./iovec.ts";
import { shrunkError } from "./lent_memory.ts";
import { lastErrno, libc, unlessBlocked } from "./libc.ts";
import { MAX_PARK_MS, threadIsBack, threadIsParked } from "./parked_threads.ts";
import { syscallNumber } from "./syscall_numbers.ts";
import { decodeTimespec, encodeTimespecInto, TIMESPEC_SIZE, timespecToMilliseconds } from "./timespec.ts";

/** Offsets in `struct futex_waitv`, futex_waitv(2). */
export const FUTEX_WAITV: { readonly val: 0; readonly uaddr: 8; readonly flags: 16; readonly __reserved: 20 } = {
  val: 0,
  uaddr: 8,
  flags: 16,
  __reserved: 20,
};
/** Bytes of `struct futex_waitv`. */
export const FUTEX_WAITV_SIZE = 24;

/** Words that one thread sleeps on; one of the kernel's is the thread's own. */
export const SLEEPERS_PER_THREAD: number = FUTEX_WAITV_MAX - 1;

/** How often words are looked at where the kernel can't sleep on several, in milliseconds. */
const POLL_MS = 4;

/** A `struct timespec` of zeros: any time of any clock is later. */
const LONG_AGO = new ArrayBuffer(TIMESPEC_SIZE);
/** Until when a thread sleeps; the kernel reads it as the sleep begins. */
const deadline = new Uint8Array(new ArrayBuffer(TIMESPEC_SIZE));

const WAITV_WORDS = FUTEX_WAITV_SIZE / 4;

/** One wait. */
export interface Sleeper {
  readonly words: Int32Array;
  /** How many there were. */
  readonly length: number;
  readonly index: number;
  readonly expected: number;
  readonly address: number;
  /** A line of one. */
  readonly line: WaitList<"ok">;
}

/** A sleep under way: a call on a thread, or a timer. */
interface Sleep {
  /** Which of the words woke it, from 1; 0 or -1 when that isn't known. */
  readonly result: Promise<number>;
  /** Ends it soon. */
  interrupt(): void;
}

/** The address of a word, for as long as its buffer is referenced. */
export function addressOfWord(words: Int32Array, index: number): number {
  return libc().runtime.addressOf(new Uint8Array(words.buffer, words.byteOffset + 4 * index, 4));
}

/**
 * Wakes those who sleep on a word, futex(2).
 *
 * @returns How many; -1 with `errno` on failure.
 */
export function wakeAddress(address: number, count: number, flags = 0): number {
  return libc().symbols.syscall(syscallNumber("futex"), address, FUTEX_WAKE | flags, count, 0, 0, 0);
}

/**
 * Whether a thread may sleep on words: there is one to spare, and this kernel has futex_waitv(2) and lets us call it.
 *
 * On a machine with two processors Bun has two threads for everything that blocks, and the reactor has one of them.
 */
function canSpareThread(): boolean {
  if ("Bun" in globalThis) return false;
  libc().symbols.syscall(syscallNumber("futex_waitv"), 0, 0, 0, 0, 0, 0);
  // With nothing to wait for that is wrong; a kernel without the call says ENOSYS, a sandbox EPERM.
  return lastErrno() === ERRNO.EINVAL;
}

/** Waits that share one thread, or one timer. */
export class SleeperGroup {
  readonly #sleepers = new Set<Sleeper>();
  readonly #canSleep: boolean;
  /** The thread's own word: changing it ends the sleep, also one that is only about to begin. */
  readonly #control = new Int32Array(new ArrayBuffer(4));
  readonly #vector = new Uint32Array(new ArrayBuffer(FUTEX_WAITV_MAX * FUTEX_WAITV_SIZE));
  #sleep: Sleep | undefined;
  #awake: Promise<void> = Promise.resolve();
  #isInterrupted = false;
  readonly #interrupt = (): void => {
    Atomics.add(this.#control, 0, 1);
    wakeAddress(addressOfWord(this.#control, 0), 1, FUTEX_PRIVATE_FLAG);
  };

  /** @param canSleep Whether to sleep on a thread, or to look every few milliseconds. @default where it can */
  constructor(canSleep: boolean = canSpareThread()) {
    this.#canSleep = canSleep;
  }

  /** Whether another wait fits one thread. */
  get hasRoom(): boolean {
    return this.#sleepers.size < SLEEPERS_PER_THREAD;
  }

  /** Adds a wait, for which there must be room on a thread. Its `line` resolves when its word has changed or somebody woke it. */
  add(words: Int32Array, index: number, expected: number): Sleeper {
    const { length } = words;
    const sleeper = {
      words,
      length,
      index,
      expected,
      address: addressOfWord(words, index),
      line: new WaitList<"ok">(),
    };
    this.#sleepers.add(sleeper);
    this.#changed();
    return sleeper;
  }

  /** Forgets a wait that has settled, and resolves when nothing of it is left. */
  async remove(sleeper: Sleeper): Promise<void> {
    if (this.#sleepers.delete(sleeper)) this.#changed();
    while (this.#sleep !== undefined && this.#sleepers.size === 0) await this.#awake;
  }

  /** Rejects every wait on a word of this buffer. */
  fail(buffer: ArrayBufferLike, reason: ClosedError): void {
    for (const sleeper of this.#sleepers) {
      if (sleeper.words.buffer !== buffer) continue;
      this.#sleepers.delete(sleeper);
      this.#changed();
      sleeper.line.rejectNext(reason);
    }
  }

  /** Wakes waits on a word that the kernel knows nothing of, because they only look; says how many. */
  wakeLooking(address: number, count: number): number {
    if (this.#canSleep) return 0;
    let woken = 0;
    for (const sleeper of this.#sleepers) {
      if (woken < count && sleeper.address === address && this.#wake(sleeper)) woken++;
    }
    return woken;
  }

  #changed(): void {
    if (this.#sleep === undefined) return this.#fallAsleep();
    if (this.#isInterrupted) return;
    this.#isInterrupted = true;
    this.#sleep.interrupt();
  }

  #fallAsleep(): void {
    if (this.#sleepers.size === 0) return;
    const asleep = [...this.#sleepers];
    const sleep = this.#canSleep ? this.#sleepOn(asleep) : pause();
    this.#sleep = sleep;
    this.#awake = sleep.result.then((result) => {
      threadIsBack(this.#interrupt);
      this.#sleep = undefined;
      this.#wakeUp(result, asleep);
      this.#isInterrupted = false;
      this.#fallAsleep();
    });
  }

  #sleepOn(asleep: readonly Sleeper[]): Sleep {
    this.#write(0, this.#control[0], addressOfWord(this.#control, 0), FUTEX_32 | FUTEX_PRIVATE_FLAG);
    asleep.forEach(({ expected, address }, index) => this.#write(index + 1, expected, address, FUTEX_32));
    const vector = libc().runtime.addressOf(this.#vector.buffer);
    const count = asleep.length + 1;
    const until = MAX_PARK_MS === -1 ? 0 : deadlineAfter(MAX_PARK_MS);
    const number = syscallNumber("futex_waitv");
    const result = libc().offThread.syscall(number, vector, count, 0, until, CLOCK_MONOTONIC, 0);
    threadIsParked(this.#interrupt);
    return { result, interrupt: this.#interrupt };
  }

  #write(slot: number, expected: number, address: number, flags: number): void {
    const start = slot * WAITV_WORDS;
    // The value has 64 bits in the struct, of which a 32-bit word is compared with the low ones only.
    this.#vector[start + FUTEX_WAITV.val / 4] = expected;
    this.#vector[start + FUTEX_WAITV.val / 4 + 1] = 0;
    writeWide(this.#vector, start + FUTEX_WAITV.uaddr / 4, address);
    this.#vector[start + FUTEX_WAITV.flags / 4] = flags;
  }

  #wakeUp(result: number, asleep: readonly Sleeper[]): void {
    if (result > 0) this.#wakeWord(asleep[result - 1].address);
    let isExplained = result >= 0 || this.#isInterrupted;
    for (const sleeper of this.#sleepers) {
      const { words, index, expected, length } = sleeper;
      if (words.length < length) {
        this.#sleepers.delete(sleeper);
        sleeper.line.rejectNext(shrunkError(words, length, "words"));
        continue;
      }
      if (Atomics.load(words, index) === expected) continue;
      this.#wake(sleeper);
      isExplained = true;
    }
    if (!isExplained) this.#diagnose(asleep);
  }

  /**
   * Ends all waits on a word: the kernel tells of one wake-up only, however many there were, and futex(7) allows to be
   * woken for nothing, but not to be forgotten.
   */
  #wakeWord(address: number): void {
    let count = 0;
    for (const sleeper of this.#sleepers) {
      if (sleeper.address === address && this.#wake(sleeper)) count++;
    }
    // All were given up meanwhile, so the wake-up belongs to somebody else.
    if (count === 0) wakeAddress(address, 1);
  }

  #wake(sleeper: Sleeper): boolean {
    return this.#sleepers.delete(sleeper) && sleeper.line.resolveNext("ok");
  }

  /** A failure without a visible cause: asks again on this thread, without sleeping, to learn the error number. */
  #diagnose(asleep: readonly Sleeper[]): void {
    const { runtime, symbols } = libc();
    const vector = runtime.addressOf(this.#vector.buffer);
    const longAgo = runtime.addressOf(LONG_AGO);
    const number = syscallNumber("futex_waitv");
    try {
      unlessBlocked(
        () => symbols.syscall(number, vector, asleep.length + 1, 0, longAgo, CLOCK_MONOTONIC, 0),
        "futex_waitv",
      );
    } catch (error) {
      if (!(error instanceof SystemError) || error.code === "ETIMEDOUT") return;
      for (const sleeper of asleep) {
        if (this.#sleepers.delete(sleeper)) sleeper.line.rejectNext(error);
      }
    }
  }
}

/** The address of the time that it is so many milliseconds from now. */
function deadlineAfter(ms: number): number {
  const { runtime, symbols } = libc();
  const address = runtime.addressOf(deadline);
  symbols.syscall(syscallNumber("clock_gettime"), CLOCK_MONOTONIC, address, 0, 0, 0, 0);
  encodeTimespecInto(timespecToMilliseconds(decodeTimespec(deadline)!) + ms, deadline);
  return address;
}

function pause(): Sleep {
  let interrupt = () => {};
  const result = new Promise<number>((resolve) => {
    const timer = setTimeout(() => resolve(0), POLL_MS);
    interrupt = () => {
      clearTimeout(timer);
      resolve(0);
    };
  });
  return { result, interrupt };
}
