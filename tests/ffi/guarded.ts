/**
 * Memory with a guard band on both sides, to show that a codec stays inside the part that it was given.
 *
 * @module
 */

import assert from "node:assert/strict";

const BAND = 64;

/** A view of `length` bytes in the middle of a larger buffer whose other bytes all have the value `guard`. */
export function guarded(length: number, guard: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length + 2 * BAND)).fill(guard).subarray(BAND, BAND + length);
}

/** Fails if a byte around the view no longer has the value `guard`. */
export function assertGuardIntact(view: Uint8Array, guard: number): void {
  const all = new Uint8Array(view.buffer);
  const outside = [...all.subarray(0, view.byteOffset), ...all.subarray(view.byteOffset + view.length)];
  assert(outside.every((byte) => byte === guard), "bytes outside the view were written");
}

/**
 * The result of `read` over bytes that lie in the middle of a larger buffer, having checked that it depends on those
 * bytes alone: with other bytes around them it is the same.
 */
export function readGuarded<Result>(bytes: Uint8Array, read: (view: Uint8Array) => Result): Result {
  const results = [0x00, 0x01, 0x2f, 0xff].map((guard) => {
    const view = guarded(bytes.length, guard);
    view.set(bytes);
    return read(view);
  });
  for (const other of results.slice(1)) assert.deepEqual(other, results[0]);
  return results[0];
}

/** Bytes from the hexadecimal that a C program printed. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const digits = hex.replaceAll(/\s/g, "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, index) => parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}

/** Hexadecimal as the C programs print it. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
