/**
 * Integers in byte arrays, in the byte order of the machines that we run on (little-endian) and in that of the network.
 *
 * Plain byte accesses rather than a DataView: a received message is a view of its own, and a DataView for each would be one
 * more allocation. Offsets are the caller's to check.
 *
 * @module
 */

const TWO_TO_32 = 0x1_0000_0000;

/** A 16-bit unsigned integer. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | bytes[offset + 1] << 8;
}

/** A 32-bit unsigned integer. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset) >>> 0;
}

/** A 32-bit signed integer. */
export function readInt32(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | bytes[offset + 1] << 8 | bytes[offset + 2] << 16 | bytes[offset + 3] << 24;
}

/** A 64-bit unsigned integer; exact up to 2^53, which no counter of the kernel reaches. */
export function readUint64(bytes: Uint8Array, offset: number): number {
  return readUint32(bytes, offset) + readUint32(bytes, offset + 4) * TWO_TO_32;
}

/** A 16-bit unsigned integer in network byte order. */
export function readNetworkUint16(bytes: Uint8Array, offset: number): number {
  return bytes[offset] << 8 | bytes[offset + 1];
}

/** A 32-bit unsigned integer in network byte order. */
export function readNetworkUint32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24 | bytes[offset + 1] << 16 | bytes[offset + 2] << 8 | bytes[offset + 3]) >>> 0;
}

/** Writes a 16-bit integer. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
}

/** Writes a 32-bit integer, signed or not. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/** Writes a 32-bit unsigned integer in network byte order. */
export function writeNetworkUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
