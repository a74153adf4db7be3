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
