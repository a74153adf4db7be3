/**
 * The caller's memory, lent for a call that may take a while: what is transferred, detached or shrunk meanwhile belongs to
 * somebody else, or to nobody, and must not reach the kernel.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";

/**
 * Refuses memory of which there is less than there was.
 *
 * @param bytes The memory.
 * @param length How many bytes it had when it was lent.
 * @param argument What to call it.
 * @throws {ArgumentError} When it has fewer.
 */
export function requireWhole(bytes: Uint8Array, length: number, argument: string): void {
  if (bytes.length < length) throw shrunkError(bytes, length, argument);
}

/** The error for memory of which there is less than there was. */
export function shrunkError({ length }: { length: number }, before: number, argument: string): ArgumentError {
  return new ArgumentError(argument, `had a length of ${before} and has ${length}; ${REMEDY}`);
}

/**
 * Refuses a buffer that has been transferred, where one without bytes is allowed.
 *
 * @param bytes The memory.
 * @param argument What to call it.
 * @throws {ArgumentError} When its ArrayBuffer is detached.
 */
export function requireAttached(bytes: Uint8Array, argument: string): void {
  if (isDetached(bytes)) throw new ArgumentError(argument, `is detached; ${REMEDY}`);
}

/** Whether memory has been transferred, so that there is none of it any more. */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false;
  try {
    // `ArrayBuffer.prototype.detached` is newer than Node 20.
    void new Uint8Array(bytes.buffer);
    return false;
  } catch {
    return true;
  }
}

const REMEDY = "it must not be transferred or shrunk before the call has settled";
