/**
 * 32-bit integers in little-endian bytes, the byte order of every platform that has struct layouts here.
 *
 * A DataView would do the same, but codecs get a Uint8Array and would have to allocate one for each call.
 *
 * @module
 */

/** The signed integer at `offset`; `>>> 0` makes it unsigned. */
export function readInt32(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | bytes[offset + 1] << 8 | bytes[offset + 2] << 16 | bytes[offset + 3] << 24;
}

/** Writes the low 32 bits of an integer, signed or not. */
export function writeInt32(target: Uint8Array, offset: number, value: number): void {
  const low = value | 0;
  target[offset] = low;
  target[offset + 1] = low >>> 8;
  target[offset + 2] = low >>> 16;
  target[offset + 3] = low >>> 24;
}
