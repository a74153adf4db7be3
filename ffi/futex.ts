/**
 * Waiting for a word of shared memory to change, and waking those who wait: futex(2), futex(7).
 *
 * What `Atomics.wait` and `Atomics.notify` are inside a process, for memory that several processes map. It needs to know
 * nothing of what the word means.
 *
 * @module
 */

import { ArgumentError, ClosedError } from "../common/errors.ts";
import { checkTimeout, timeoutError, type WaitOptions } from "../common/wait.ts";
import { checkInteger } from "./arguments.ts";
import { FUTEX_WAIT } from "./constants.ts";
import { ERRNO, systemError } from "./errno.ts";
import { addressOfWord, SleeperGroup, wakeAddress } from "./futex_sleepers.ts";
import { checked, isUncertain, lastErrno, libc } from "./libc.ts";
import type { SyncOptions } from "./operations.ts";
import { syscallNumber } from "./syscall_numbers.ts";
import { encodeTimespecInto, TIMESPEC_SIZE } from "./timespec.ts";

/**
 * How a futex wait ended, in the words of `Atomics.wait`: `"ok"` when the word changed or somebody woke us, `"not-equal"`
 * when it had another value from the start.
 */
export type FutexResult = "ok" | "not-equal";

const NO_OPTIONS = Object.freeze({});
const MAX_INT = 0x7fffffff;

const timespec = new Uint8Array(new ArrayBuffer(TIMESPEC_SIZE));
/** Those who sleep on the isolate's one thread for that, and those who find no room there. */
let groups: readonly [sleeping: SleeperGroup, looking: SleeperGroup] | undefined;
/** Buffers whose memory was given back; their words will never be changed by anybody else. */
const closedBuffers = new WeakSet<ArrayBufferLike>();

/** Ends every wait on a buffer's words, now and from now on. */
export function closeWords(buffer: ArrayBufferLike, reason: ClosedError): void {
  closedBuffers.add(buffer);
  for (const group of groups ?? []) group.fail(buffer, reason);
}

/**
 * Wakes those who wait for a word, in this process and all others that map it.
 *
 * Change the word first, with `Atomics.store` or its kin: those who wait for a value are entitled to look at it.
 *
 * @param words A view on the memory.
 * @param index Which of its words.
 * @param count The most waiters to wake. @default 1
 * @returns How many were woken.
 * @throws {ArgumentError} When there is no such word, or the count is out of range.
 * @throws {ClosedError} When the shared memory is closed.
 * @throws {SystemError} As in futex(2).
 *
 * @example
 * ```ts
 * import { futexWait, futexWake, SharedMemory } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * using memory = SharedMemory.create(4096);
 * const words = new Int32Array(memory.buffer);
 * const waiting = futexWait(words, 0, 0, { timeout: 1000 });
 * Atomics.store(words, 0, 1);
 * futexWake(words, 0);
 * assert.equal(await waiting, "ok");
 * ```
 */
export function futexWake(words: Int32Array, index: number, count = 1): number {
  checkWord(words, index);
  checkInteger("count", count, 0, MAX_INT);
  const address = addressOfWord(words, index);
  let woken = checked(wakeAddress(address, count), "futex");
  for (const group of groups ?? []) woken += group.wakeLooking(address, count - woken);
  return woken;
}

/**
 * Waits while a word has a value, without blocking: all such waits of an isolate share one thread, up to 127 of them.
 *
 * A wake-up that does not change the word ends the wait too, unless it comes in the moment when the thread turns from one
 * wait to the next: then only the word's new value is seen. A wake-up of one waiter ends all waits of this isolate on the
 * word. Both are in the contract of futex(7): change the word, then wake; once woken, look at the word. Waits beyond the
 * 127th look at their word every 4 milliseconds and see nothing but its new value, as do all on kernels before 5.16, which
 * can't sleep on several words, and on Bun, which has few threads.
 *
 * @param words A view on the memory; not to be transferred meanwhile.
 * @param index Which of its words.
 * @param expected The value at which to wait.
 * @param options How long to wait.
 * @returns How the wait ended; look at the word, for somebody may have changed it again.
 * @throws {ArgumentError} When there is no such word, or `expected` is no 32-bit integer.
 * @throws {ClosedError} When the shared memory is closed, before or meanwhile.
 * @throws {TimeoutError} When nobody wakes us in time.
 * @throws {SystemError} As in futex_waitv(2).
 *
 * @example Wait for another thread or process, or give up
 * ```ts
 * import { futexWait, SharedMemory } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * using memory = SharedMemory.create(4096);
 * const words = new Int32Array(memory.buffer);
 * assert.equal(await futexWait(words, 0, 7), "not-equal");
 * await assert.rejects(futexWait(words, 0, 0, { timeout: 10 }), { name: "TimeoutError" });
 * ```
 */
export async function futexWait(
  words: Int32Array,
  index: number,
  expected: number,
  options: WaitOptions = NO_OPTIONS,
): Promise<FutexResult> {
  checkWord(words, index, expected);
  checkTimeout(options.timeout);
  options.signal?.throwIfAborted();
  if (Atomics.load(words, index) !== expected) return "not-equal";
  const [sleeping, looking] = groups ??= [new SleeperGroup(), new SleeperGroup(false)];
  const group = sleeping.hasRoom ? sleeping : looking;
  const sleeper = group.add(words, index, expected);
  try {
    return await sleeper.line.wait("futexWait", options, undefined);
  } finally {
    await group.remove(sleeper);
  }
}

/**
 * Waits while a word has a value, and blocks the thread meanwhile. For Workers.
 *
 * It sleeps in the kernel on this word alone: sockets of the isolate are not served.
 *
 * @param words A view on the memory.
 * @param index Which of its words.
 * @param expected The value at which to wait.
 * @param options The longest wait, `timeout` in milliseconds.
 * @returns How the wait ended; look at the word, for somebody may have changed it again.
 * @throws {ArgumentError} When there is no such word, or `expected` is no 32-bit integer.
 * @throws {ClosedError} When the shared memory is closed.
 * @throws {TimeoutError} When nobody wakes us in time.
 * @throws {SystemError} As in futex(2).
 */
export function futexWaitSync(
  words: Int32Array,
  index: number,
  expected: number,
  options: SyncOptions = NO_OPTIONS,
): FutexResult {
  checkWord(words, index, expected);
  const { timeout } = options;
  checkTimeout(timeout);
  const { runtime, symbols } = libc();
  const futex = syscallNumber("futex");
  const deadline = timeout === undefined ? Infinity : performance.now() + timeout;
  for (let isSecond = false;;) {
    const leftMs = deadline - performance.now();
    let limit = 0;
    if (timeout !== undefined) {
      encodeTimespecInto(Math.max(0, leftMs), timespec);
      limit = runtime.addressOf(timespec);
    }
    if (symbols.syscall(futex, addressOfWord(words, index), FUTEX_WAIT, expected, limit, 0, 0) !== -1) return "ok";
    const errno = lastErrno();
    if (errno === ERRNO.EAGAIN) return "not-equal";
    if (errno === ERRNO.ETIMEDOUT) throw timeoutError("futexWaitSync", timeout!);
    if (errno === ERRNO.EINTR) continue;
    if (isSecond || !isUncertain(errno)) throw systemError(errno, "futex");
    isSecond = true;
  }
}

function checkWord(words: Int32Array, index: number, expected = 0): void {
  if (!(words instanceof Int32Array)) throw new ArgumentError("words", "must be an Int32Array");
  checkInteger("index", index, 0, words.length - 1);
  checkInteger("expected", expected, -MAX_INT - 1, MAX_INT);
  if (closedBuffers.has(words.buffer)) throw new ClosedError("the shared memory of this word is closed; map it anew");
}
