/**
 * Memory that all connections of an isolate read into.
 *
 * Reading and looking for messages is one synchronous step, so one chunk serves everybody, and a connection that is idle
 * holds no memory. What was handed out stays untouched: the next read goes behind it. A chunk stays in memory as long as any
 * message in it does; so what little reads bring is moved to smaller ones, that a few messages which somebody keeps don't
 * hold much more than themselves.
 *
 * @module
 */

import { markAsUntransferable } from "node:worker_threads";

/** Bytes of a chunk. */
const CHUNK_BYTES = 128 * 1024;
/** Room for one read at least; with less, a new chunk is begun. */
const MIN_ROOM = 64 * 1024;
/** Reads up to this size are moved. */
const SMALL_BYTES = 2 * 1024;
/** Bytes of a chunk that they are moved to. */
const SMALL_CHUNK_BYTES = 16 * 1024;

/** Memory, and how much at its start belongs to somebody. */
class Chunk {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  used = 0;
  readonly #byteLength: number;

  constructor(byteLength: number) {
    this.#byteLength = byteLength;
  }

  /** Sees to it that there is so much room. */
  require(room: number): void {
    // Also where somebody has detached the buffer that a message of his is in.
    if (this.bytes.length - this.used >= room) return;
    this.bytes = new Uint8Array(this.#byteLength);
    this.used = 0;
    // Whoever transferred one message would take all others along.
    markAsUntransferable(this.bytes.buffer);
  }
}

/** Bytes in a chunk. */
export interface Region {
  /** The chunk. */
  chunk: Uint8Array<ArrayBuffer>;
  /** Where in it they begin. */
  start: number;
}

const large = new Chunk(CHUNK_BYTES);
const small = new Chunk(SMALL_CHUNK_BYTES);
const region: Region = { chunk: large.bytes, start: 0 };

/**
 * Room for 64 KiB at least, up to the end of the chunk. Nobody has it until {@linkcode occupy}: whoever asks next gets the
 * same.
 *
 * @returns An object that is used again.
 */
export function readingRoom(): Region {
  large.require(MIN_ROOM);
  region.chunk = large.bytes;
  region.start = large.used;
  return region;
}

/**
 * Gives the first bytes of the room away for good.
 *
 * @returns Where they are by now; an object that is used again.
 */
export function occupy(length: number): Region {
  const { bytes, used } = large;
  if (length > SMALL_BYTES) {
    large.used += length;
    region.chunk = bytes;
    region.start = used;
    return region;
  }
  small.require(length);
  small.bytes.set(bytes.subarray(used, used + length), small.used);
  region.chunk = small.bytes;
  region.start = small.used;
  small.used += length;
  return region;
}

/** Takes bytes back, if nobody has got any behind them meanwhile. */
export function vacate(chunk: Uint8Array, start: number, end: number): void {
  const owner = chunk === large.bytes ? large : chunk === small.bytes ? small : undefined;
  if (owner !== undefined && owner.used === end) owner.used = start;
}
