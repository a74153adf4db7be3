/**
 * Messages into a stream of bytes: small ones gathered in an arena, large ones left where they are.
 *
 * It knows what is still to be written, and where its messages begin. It needs to know nothing of descriptors: whoever
 * writes asks for the pieces, and says how many bytes are gone.
 *
 * @module
 */

import { requireWhole } from "../../../ffi/lent_memory.ts";
import { type FrameFormat, readFrameLength, writeFrameHeader } from "./frame_format.ts";
import { copy, giveArena, growArena, joined, MAX_HEADER_BYTES } from "./send_arena.ts";

/** Bodies from this size on are not copied. */
const LARGE_BYTES = 16 * 1024;

const NOTHING = new Uint8Array(0);

/** Writes the frames of one connection. */
export class FrameWriter {
  readonly #format: FrameFormat;
  /** Whole frames from 0 to `#end`, of which those bytes in front of `#start` are written. */
  #arena: Uint8Array<ArrayBuffer> = NOTHING;
  #start = 0;
  #end = 0;
  /** The body of the last frame, if it is large; only its header is in the arena. */
  #large: Uint8Array | undefined;
  #largeLength = 0;
  #largeWritten = 0;
  /** How much arena turns need; it falls slowly, for a message that leaves at once is followed by those of the turn. */
  #usual = 0;

  /** Begins at the start of a frame. */
  constructor(format: FrameFormat) {
    this.#format = format;
  }

  /** Bytes that are not written yet. */
  get unsentBytes(): number {
    const large = this.#large;
    return this.#end - this.#start + (large === undefined ? 0 : this.#largeLength - this.#largeWritten);
  }

  /** Whether everything is written. */
  get isEmpty(): boolean {
    return this.#end === this.#start && this.#large === undefined;
  }

  /** Whether no more fits, whatever it is, until something is written. */
  get isFull(): boolean {
    return this.#large !== undefined;
  }

  /**
   * Takes a message.
   *
   * @param header Copied.
   * @param body Copied, or referred to until it is written.
   * @returns False when it does not fit: then something has to be written first.
   */
  put(header: Uint8Array, body: Uint8Array): boolean {
    if (this.#large !== undefined) return false;
    if (header.length > MAX_HEADER_BYTES) return this.put(NOTHING, joined(header, body));
    const isLarge = body.length >= LARGE_BYTES;
    const inArena = this.#format.headerBytes + header.length + (isLarge ? 0 : body.length);
    if (this.#end + inArena > this.#arena.length && !this.#grow(inArena)) return false;
    const arena = this.#arena;
    let at = writeFrameHeader(this.#format, arena, this.#end, header.length + body.length);
    if (header.length > 0) at = copy(header, arena, at);
    if (isLarge) {
      this.#large = body;
      this.#largeLength = body.length;
    } else at = copy(body, arena, at);
    this.#end = at;
    return true;
  }

  /** What is to be written next and lies in the arena; empty when there is nothing. */
  get gathered(): Uint8Array<ArrayBuffer> {
    return this.#arena.subarray(this.#start, this.#end);
  }

  /**
   * What is to be written behind it.
   *
   * @throws {ArgumentError} When it was transferred or shrunk meanwhile: the frame can't be completed any more.
   */
  get large(): Uint8Array | undefined {
    const large = this.#large;
    if (large === undefined) return undefined;
    requireWhole(large, this.#largeLength, "data");
    return this.#largeWritten === 0 ? large : large.subarray(this.#largeWritten);
  }

  /** Says how many bytes, of the gathered ones and the large one behind them, are written. */
  advance(written: number): void {
    const gathered = this.#end - this.#start;
    if (written < gathered) {
      this.#start += written;
      return;
    }
    this.#start = this.#end;
    if (this.#large !== undefined) {
      this.#largeWritten += written - gathered;
      if (this.#largeWritten < this.#largeLength) return;
    }
    this.#reset();
  }

  /**
   * The messages of which nothing is written, header and body in one piece, the first first. Afterwards nothing is left to
   * be written.
   */
  reclaim(): Uint8Array[] {
    const messages: Uint8Array[] = [];
    const { headerBytes } = this.#format;
    const arena = this.#arena;
    const large = this.#large;
    const isLargeWhole = large?.length === this.#largeLength;
    for (let at = 0; at < this.#end;) {
      const length = readFrameLength(this.#format, arena, at);
      const body = at + headerBytes;
      const isLast = body + length > this.#end;
      const end = isLast ? this.#end : body + length;
      // What was transferred meanwhile nobody can send any more.
      if (at >= this.#start && (!isLast || isLargeWhole)) {
        const message = new Uint8Array(length);
        message.set(arena.subarray(body, end));
        if (isLast) message.set(large!, end - body);
        messages.push(message);
      }
      at = end;
    }
    this.#reset();
    return messages;
  }

  /**
   * Gives the gathered bytes away for good, for writers that need them longer than one call.
   *
   * @returns The pieces to write, which nobody changes any more.
   */
  release(): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    if (this.#end > this.#start) pieces.push(this.#arena.slice(this.#start, this.#end));
    if (this.#large !== undefined) pieces.push(this.large!);
    this.#reset();
    return pieces;
  }

  #grow(byteLength: number): boolean {
    const arena = growArena(this.#arena, this.#end, Math.max(this.#end + byteLength, this.#usual));
    if (arena === undefined) return false;
    this.#arena = arena;
    return true;
  }

  #reset(): void {
    this.#usual = Math.max(this.#end, this.#usual - (this.#usual >> 3));
    giveArena(this.#arena);
    this.#arena = NOTHING;
    this.#start = this.#end = 0;
    this.#large = undefined;
    this.#largeLength = 0;
    this.#largeWritten = 0;
  }
}
