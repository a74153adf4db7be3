/**
 * Small payloads and control messages beside each other in one ArrayBuffer, as Node's Buffers are: an ArrayBuffer of its
 * own costs more than the system call that brings such a message.
 *
 * @module
 */

import { markAsUntransferable } from "node:worker_threads";

/** Payloads up to this size are pooled, in bytes. */
const MAX_POOLED_BYTES = 2048;
/** Bytes that stay in memory as long as any payload in them does. */
const POOL_BYTES = 16384;

let pool: Uint8Array<ArrayBuffer> = new Uint8Array(0);
let used = 0;

/** A copy of some bytes; small ones share their ArrayBuffer with others. */
export function copyPooled(bytes: Uint8Array<ArrayBuffer>, from: number, length: number): Uint8Array<ArrayBuffer> {
  if (length > MAX_POOLED_BYTES) return bytes.slice(from, from + length);
  if (used + length > pool.length) {
    pool = new Uint8Array(POOL_BYTES);
    used = 0;
    // Whoever transferred one payload would take all others along.
    markAsUntransferable(pool.buffer);
  }
  const copy = pool.subarray(used, used + length);
  // Control messages are made of words, and payloads often are.
  used += length + 7 & ~7;
  copy.set(bytes.subarray(from, from + length));
  return copy;
}
