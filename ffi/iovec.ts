/**
 * Scattered memory for readv(2), writev(2) and sendmsg(2): `struct iovec`.
 *
 * An iovec holds an address and no reference, so the garbage collector does not see it. Whoever writes an address into
 * one keeps the memory behind it alive, as {@linkcode IoVector} does.
 *
 * Layouts are those of 64-bit little-endian Linux. Pointers and sizes are written as two 32-bit halves, because 64-bit
 * reads and writes would go through BigInt.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { requireWhole } from "./lent_memory.ts";

/** Offsets in `struct iovec`, readv(2). */
export const IOVEC: { readonly iov_base: 0; readonly iov_len: 8 } = { iov_base: 0, iov_len: 8 };
/** Bytes of `struct iovec`. */
export const IOVEC_SIZE = 16;

/** The most elements that the kernel takes in one array of `struct iovec` (`IOV_MAX`, sysconf(3)). */
export const IOV_MAX = 1024;

/** Length of an iovec and positions of its fields in 32-bit words, for views on Uint32Array. */
export const IOVEC_WORDS = 4;
/** Where `iov_base` is, in 32-bit words. */
export const IOV_BASE_WORD = 0;
/** Where `iov_len` is, in 32-bit words. */
export const IOV_LEN_WORD = 2;

/** Writes an address or size below 2^53 as two halves; `ToUint32` takes the low one exactly. */
export function writeWide(words: Uint32Array, index: number, value: number): void {
  words[index] = value;
  words[index + 1] = value / 0x1_0000_0000;
}

/** The address of the first byte of a view; 0 for one without bytes. */
export function addressOfBytes(bytes: Uint8Array, addressOf: (buffer: ArrayBuffer) => number): number {
  // Asking a typed array for its buffer moves small ones off the heap for good, so the address holds from here on.
  return bytes.length === 0 ? 0 : addressOf(bytes.buffer as ArrayBuffer) + bytes.byteOffset;
}

/**
 * An array of `struct iovec` over several pieces of the caller's memory, for readv(2), writev(2) and sendmsg(2).
 *
 * It keeps the memory alive until {@linkcode IoVector.reset}, or until {@linkcode IoVector.advance} has gone past it.
 *
 * @example
 * ```ts
 * import { IoVector } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const addressOf = () => 0x7f00_0000_0000; // stands for the runtime's own function
 * const vector = new IoVector(16, addressOf);
 * vector.push(new Uint8Array(100));
 * vector.push(new Uint8Array(50));
 * assert.equal(vector.byteLength, 150);
 *
 * vector.advance(120); // writev(2) wrote less than all
 * assert.equal(vector.count, 1);
 * assert.equal(vector.byteLength, 30);
 * ```
 */
export class IoVector {
  /** The most pieces that fit. */
  readonly capacity: number;

  readonly #addressOf: (buffer: ArrayBuffer) => number;
  readonly #base: number;
  readonly #words: Uint32Array;
  readonly #pieces: (Uint8Array | undefined)[] = [];
  readonly #lengths: number[] = [];
  #first = 0;
  #byteLength = 0;

  /**
   * Makes an empty vector.
   *
   * @param capacity The most pieces, 1 to 1024 ({@linkcode IOV_MAX}).
   * @param addressOf The address of a buffer's first byte, below 2^53.
   * @throws {ArgumentError} if the capacity is out of range.
   */
  constructor(capacity: number, addressOf: (buffer: ArrayBuffer) => number) {
    if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= IOV_MAX)) {
      throw new ArgumentError("capacity", `must be an integer from 1 to ${IOV_MAX}, not ${capacity}`);
    }
    this.capacity = capacity;
    this.#addressOf = addressOf;
    const buffer = new ArrayBuffer(capacity * IOVEC_SIZE);
    this.#words = new Uint32Array(buffer);
    this.#base = addressOf(buffer);
  }

  /** The address of the first element that is left. */
  get address(): number {
    return this.#base + this.#first * IOVEC_SIZE;
  }

  /** Elements that are left. */
  get count(): number {
    return this.#pieces.length - this.#first;
  }

  /** Bytes that are left in all elements together. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Whether another piece fits. */
  get isFull(): boolean {
    return this.#pieces.length === this.capacity;
  }

  /**
   * Appends a piece of memory.
   *
   * @param bytes The memory; not to be detached or resized while it is in here.
   * @param address The address of its first byte. @default asked of the runtime
   * @throws {ArgumentError} if the vector is full.
   */
  push(bytes: Uint8Array, address: number = addressOfBytes(bytes, this.#addressOf)): void {
    if (this.isFull) throw new ArgumentError("bytes", `the vector has its ${this.capacity} pieces: use or reset it`);
    const iovec = this.#pieces.length * IOVEC_WORDS;
    writeWide(this.#words, iovec + IOV_BASE_WORD, address);
    writeWide(this.#words, iovec + IOV_LEN_WORD, bytes.length);
    this.#pieces.push(bytes);
    this.#lengths.push(bytes.length);
    this.#byteLength += bytes.length;
  }

  /**
   * Makes sure that the memory is still there: to be called before each call that uses the address, unless it comes in the
   * same synchronous step as {@linkcode IoVector.push}. The kernel would write into what belongs to others by now.
   *
   * @throws {ArgumentError} if a piece that is left has been transferred, detached or shrunk.
   */
  requireMemory(): void {
    for (let i = this.#first; i < this.#pieces.length; i++) {
      requireWhole(this.#pieces[i]!, this.#lengths[i], `buffers[${i}]`);
    }
  }

  /**
   * Goes past bytes that a call has read or written, so that the next call continues behind them.
   *
   * @param byteCount The result of the call.
   * @throws {ArgumentError} if that is more than is left.
   */
  advance(byteCount: number): void {
    if (!(Number.isInteger(byteCount) && byteCount >= 0 && byteCount <= this.#byteLength)) {
      throw new ArgumentError("byteCount", `must be an integer from 0 to ${this.#byteLength}, not ${byteCount}`);
    }
    this.#byteLength -= byteCount;
    let left = byteCount;
    while (this.#first < this.#pieces.length) {
      const iovec = this.#first * IOVEC_WORDS;
      const length = readWide(this.#words, iovec + IOV_LEN_WORD);
      if (left < length) {
        writeWide(this.#words, iovec + IOV_BASE_WORD, readWide(this.#words, iovec + IOV_BASE_WORD) + left);
        writeWide(this.#words, iovec + IOV_LEN_WORD, length - left);
        return;
      }
      left -= length;
      this.#pieces[this.#first++] = undefined;
    }
  }

  /** Empties the vector and lets go of all memory. */
  reset(): void {
    this.#pieces.length = 0;
    this.#lengths.length = 0;
    this.#first = 0;
    this.#byteLength = 0;
  }
}

function readWide(words: Uint32Array, index: number): number {
  return words[index] + words[index + 1] * 0x1_0000_0000;
}
