/**
 * Times and durations as the kernel writes them: `struct timespec` (nanoseconds) and `struct timeval` (microseconds),
 * timespec(3type) and timeval(3type), with the 64-bit seconds of 64-bit Linux.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { readInt32, writeInt32 } from "./bytes.ts";

/** Offsets in `struct timespec`, timespec(3type). */
export const TIMESPEC: { readonly tv_sec: 0; readonly tv_nsec: 8 } = { tv_sec: 0, tv_nsec: 8 };
/** Bytes of `struct timespec`. */
export const TIMESPEC_SIZE = 16;
/** Offsets in `struct timeval`, timeval(3type). */
export const TIMEVAL: { readonly tv_sec: 0; readonly tv_usec: 8 } = { tv_sec: 0, tv_usec: 8 };
/** Bytes of `struct timeval`. */
export const TIMEVAL_SIZE = 16;

/** A time or duration to the nanosecond, which a number of milliseconds since 1970 is too coarse for. */
export interface Timespec {
  /** Whole seconds; negative before 1970, or for a negative duration. */
  readonly seconds: number;
  /** Nanoseconds to add to the seconds, 0 to 999,999,999. */
  readonly nanoseconds: number;
}

/** Two signed 64-bit integers; `ToInt32` takes the low half of a double below 2^53 exactly, in two's complement. */
function writePair(target: Uint8Array, offset: number, seconds: number, fraction: number): void {
  if (!(Number.isInteger(offset) && offset >= 0 && offset + TIMESPEC_SIZE <= target.length)) {
    throw new ArgumentError(
      "target",
      `must have ${TIMESPEC_SIZE} bytes from offset ${offset} on, has ${target.length} in all`,
    );
  }
  writeInt32(target, offset, seconds);
  writeInt32(target, offset + 4, Math.floor(seconds / 0x1_0000_0000));
  writeInt32(target, offset + 8, fraction);
  writeInt32(target, offset + 12, 0);
}

function readInt64(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset + 4) * 0x1_0000_0000 + (readInt32(bytes, offset) >>> 0);
}

function writeTime(time: number | Timespec, unitsPerSecond: number, target: Uint8Array, offset: number): void {
  if (typeof time === "number") {
    const whole = Math.floor(time / 1000);
    if (!Number.isSafeInteger(whole)) {
      throw new ArgumentError("time", `must be a finite number of milliseconds, below 2^53 seconds, not ${time}`);
    }
    let seconds = whole;
    let fraction = Math.round((time - whole * 1000) * (unitsPerSecond / 1000));
    // A timeout of zero means "forever" or "at once" to the kernel, which a very short one does not.
    if (fraction === 0 && seconds === 0 && time > 0) fraction = 1;
    if (fraction === unitsPerSecond) {
      seconds++;
      fraction = 0;
    }
    writePair(target, offset, seconds, fraction);
    return;
  }
  if (!Number.isSafeInteger(time.seconds)) {
    throw new ArgumentError("time.seconds", `must be an integer between -2^53 and 2^53, not ${time.seconds}`);
  }
  if (!(Number.isInteger(time.nanoseconds) && time.nanoseconds >= 0 && time.nanoseconds < 1e9)) {
    throw new ArgumentError("time.nanoseconds", `must be an integer from 0 to 999999999, not ${time.nanoseconds}`);
  }
  writePair(target, offset, time.seconds, Math.floor(time.nanoseconds / (1e9 / unitsPerSecond)));
}

function readTime(bytes: Uint8Array, offset: number, nanosecondsPerUnit: number): Timespec | undefined {
  if (!(Number.isInteger(offset) && offset >= 0 && offset + TIMESPEC_SIZE <= bytes.length)) return undefined;
  return { seconds: readInt64(bytes, offset), nanoseconds: readInt64(bytes, offset + 8) * nanosecondsPerUnit };
}

/**
 * The bytes of a `struct timespec`.
 *
 * @param time Milliseconds, rounded to the nanosecond (above 0 at least one); or seconds and nanoseconds.
 * @returns A new array of 16 bytes.
 * @throws {ArgumentError} if the time is not finite, or its parts are out of range.
 *
 * @example
 * ```ts
 * import { decodeTimespec, encodeTimespec } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(decodeTimespec(encodeTimespec(1500)), { seconds: 1, nanoseconds: 500_000_000 });
 * ```
 */
export function encodeTimespec(time: number | Timespec): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(TIMESPEC_SIZE);
  writeTime(time, 1e9, target, 0);
  return target;
}

/**
 * Writes a `struct timespec` into memory that the caller has, without allocating.
 *
 * @param time Milliseconds, rounded to the nanosecond (above 0 at least one); or seconds and nanoseconds.
 * @param target Where to write 16 bytes.
 * @param offset Where in `target` to begin. @default {0}
 * @returns How many bytes were written: 16.
 * @throws {ArgumentError} if the time is not finite, its parts are out of range, or `target` is too small.
 *
 * @example
 * ```ts
 * import { encodeTimespecInto } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const arena = new Uint8Array(64);
 * assert.equal(encodeTimespecInto(2000, arena, 32), 16);
 * assert.equal(arena[32], 2);
 * ```
 */
export function encodeTimespecInto(time: number | Timespec, target: Uint8Array, offset = 0): number {
  writeTime(time, 1e9, target, offset);
  return TIMESPEC_SIZE;
}

/**
 * The time in a `struct timespec`, exact for seconds below 2^53.
 *
 * Takes any bytes: it never throws, and passes on what the kernel would not write.
 *
 * @param bytes Holds the struct.
 * @param offset Where in `bytes` it begins. @default {0}
 * @returns The time, or `undefined` if there are fewer than 16 bytes.
 *
 * @example
 * ```ts
 * import { decodeTimespec } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const bytes = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
 * assert.deepEqual(decodeTimespec(bytes), { seconds: 2, nanoseconds: 7 });
 * ```
 */
export function decodeTimespec(bytes: Uint8Array, offset = 0): Timespec | undefined {
  return readTime(bytes, offset, 1);
}

/**
 * The bytes of a `struct timeval`.
 *
 * @param time Milliseconds, rounded to the microsecond (above 0 at least one); or seconds and nanoseconds, of which
 * whole microseconds are kept.
 * @returns A new array of 16 bytes.
 * @throws {ArgumentError} if the time is not finite, or its parts are out of range.
 *
 * @example
 * ```ts
 * import { decodeTimeval, encodeTimeval } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(decodeTimeval(encodeTimeval(1250)), { seconds: 1, nanoseconds: 250_000_000 });
 * ```
 */
export function encodeTimeval(time: number | Timespec): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(TIMEVAL_SIZE);
  writeTime(time, 1e6, target, 0);
  return target;
}

/**
 * Writes a `struct timeval` into memory that the caller has, without allocating.
 *
 * @param time Milliseconds, rounded to the microsecond (above 0 at least one); or seconds and nanoseconds, of which
 * whole microseconds are kept.
 * @param target Where to write 16 bytes.
 * @param offset Where in `target` to begin. @default {0}
 * @returns How many bytes were written: 16.
 * @throws {ArgumentError} if the time is not finite, its parts are out of range, or `target` is too small.
 *
 * @example
 * ```ts
 * import { encodeTimevalInto } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const option = new Uint8Array(16);
 * assert.equal(encodeTimevalInto(3000, option), 16);
 * assert.equal(option[0], 3);
 * ```
 */
export function encodeTimevalInto(time: number | Timespec, target: Uint8Array, offset = 0): number {
  writeTime(time, 1e6, target, offset);
  return TIMEVAL_SIZE;
}

/**
 * The time in a `struct timeval`, exact for seconds below 2^53.
 *
 * Takes any bytes: it never throws, and passes on what the kernel would not write.
 *
 * @param bytes Holds the struct.
 * @param offset Where in `bytes` it begins. @default {0}
 * @returns The time, or `undefined` if there are fewer than 16 bytes.
 *
 * @example
 * ```ts
 * import { decodeTimeval } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const bytes = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
 * assert.deepEqual(decodeTimeval(bytes), { seconds: 2, nanoseconds: 7000 });
 * ```
 */
export function decodeTimeval(bytes: Uint8Array, offset = 0): Timespec | undefined {
  return readTime(bytes, offset, 1000);
}

/**
 * A time as one number of milliseconds.
 *
 * A double holds microseconds of this century, not nanoseconds; for those keep the {@linkcode Timespec}.
 *
 * @param time The time.
 * @returns Milliseconds, with a fraction.
 *
 * @example
 * ```ts
 * import { timespecToMilliseconds } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(timespecToMilliseconds({ seconds: 1, nanoseconds: 500_000_000 }), 1500);
 * ```
 */
export function timespecToMilliseconds(time: Timespec): number {
  return time.seconds * 1000 + time.nanoseconds / 1e6;
}
