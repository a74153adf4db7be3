/**
 * Memory in which connections gather messages until they are written.
 *
 * A connection has some only while something of it is not written yet, so that idle ones cost nothing.
 *
 * @module
 */

/** The sizes, in bytes: a connection takes the next one when the messages of one turn don't fit. */
const SIZES = [4 * 1024, 16 * 1024, 64 * 1024];
/** How many bytes are kept for whoever needs some next: a publisher to a thousand has as much in use at a time. */
const MAX_SPARE_BYTES = 16 * 1024 * 1024;

/** Longer headers, which raw sockets may send, go with their body; those of our own are shorter by far. */
export const MAX_HEADER_BYTES = 4 * 1024;
/** Fewer bytes are copied one by one: that is faster than a call. */
const MIN_SET_BYTES = 24;

const spare: Uint8Array<ArrayBuffer>[][] = SIZES.map(() => []);
let spareBytes = 0;

/** Memory for so many bytes at least; `undefined` when that is too much. */
export function takeArena(byteLength: number): Uint8Array<ArrayBuffer> | undefined {
  for (let i = 0; i < SIZES.length; i++) {
    if (byteLength > SIZES[i]) continue;
    const arena = spare[i].pop();
    if (arena === undefined) return new Uint8Array(new ArrayBuffer(SIZES[i]));
    spareBytes -= SIZES[i];
    return arena;
  }
  return undefined;
}

/** Gives memory back, which nobody may refer to any more. */
export function giveArena(arena: Uint8Array<ArrayBuffer>): void {
  const i = SIZES.indexOf(arena.length);
  if (i === -1 || spareBytes + SIZES[i] > MAX_SPARE_BYTES) return;
  spareBytes += SIZES[i];
  spare[i].push(arena);
}

/** Larger memory with the same first `used` bytes, in place of the other; `undefined` when that is too much. */
export function growArena(
  arena: Uint8Array<ArrayBuffer>,
  used: number,
  byteLength: number,
): Uint8Array<ArrayBuffer> | undefined {
  const grown = takeArena(byteLength);
  if (grown === undefined) return undefined;
  if (used > 0) grown.set(arena.subarray(0, used));
  giveArena(arena);
  return grown;
}

/** Header and body in one piece of memory of their own. */
export function joined(header: Uint8Array, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(header.length + body.length);
  message.set(header);
  message.set(body, header.length);
  return message;
}

/** Copies bytes to an offset; gives the offset behind them. */
export function copy(bytes: Uint8Array, arena: Uint8Array, at: number): number {
  const { length } = bytes;
  if (length < MIN_SET_BYTES) { for (let i = 0; i < length; i++) arena[at + i] = bytes[i]; }
  else arena.set(bytes, at);
  return at + length;
}
