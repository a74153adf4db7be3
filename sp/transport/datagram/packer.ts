/**
 * Messages into datagrams of a pair of unix sockets: small ones side by side in one datagram, large ones in several.
 *
 * It knows what is still to be sent, and where its messages begin. It needs to know nothing of descriptors: whoever sends
 * asks for the next datagram, and says when the kernel has taken it.
 *
 * @module
 */

import { requireWhole } from "../../../ffi/lent_memory.ts";
import { copy, giveArena, growArena, joined, MAX_HEADER_BYTES } from "../stream/send_arena.ts";
import { HEADER_BYTES, OPCODE, readWide, writeWideHeader } from "./header.ts";

/** The most bytes in one datagram. Larger ones save nothing more, and the kernel has to find memory for them in one go. */
export const MAX_DATAGRAM_BYTES = 64 * 1024;
/** Bodies from this size on are not copied; they travel in datagrams of their own. */
const LARGE_BYTES = 32 * 1024;

const NOTHING = new Uint8Array(0);

/** Makes the datagrams of one connection. */
export class Packer {
  readonly #protocol: number;
  /** Whole frames up to `#end`, which leave as one datagram. */
  #arena: Uint8Array<ArrayBuffer> = NOTHING;
  #end = 0;
  /** The body of the last frame, if it is large; only its header is in the arena. */
  #large: Uint8Array | undefined;
  #largeLength = 0;
  #largeSent = 0;
  /** How much arena the last datagrams needed. */
  #usual = 0;

  /** @param protocol The number of our pattern, for the headers. */
  constructor(protocol: number) {
    this.#protocol = protocol;
  }

  /** Bytes that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#end + (this.#large === undefined ? 0 : this.#largeLength - this.#largeSent);
  }

  /** Whether the kernel has taken everything. */
  get isEmpty(): boolean {
    return this.#end === 0 && this.#large === undefined;
  }

  /** Whether nothing more fits, whatever it is, until something is sent. */
  get isFull(): boolean {
    return this.#large !== undefined;
  }

  /**
   * Takes a message.
   *
   * @param header Copied.
   * @param body Copied, or referred to until it is sent.
   * @returns False when it does not fit: then something has to be sent first.
   */
  put(header: Uint8Array, body: Uint8Array): boolean {
    if (this.#large !== undefined) return false;
    if (header.length > MAX_HEADER_BYTES) return this.put(NOTHING, joined(header, body));
    const isLarge = body.length >= LARGE_BYTES;
    const inArena = HEADER_BYTES + header.length + (isLarge ? 0 : body.length);
    if (this.#end + inArena > this.#arena.length && !this.#grow(inArena)) return false;
    const arena = this.#arena;
    let at = writeWideHeader(arena, this.#end, OPCODE.DATA, this.#protocol, header.length + body.length);
    if (header.length > 0) at = copy(header, arena, at);
    if (isLarge) {
      this.#large = body;
      this.#largeLength = body.length;
    } else at = copy(body, arena, at);
    this.#end = at;
    return true;
  }

  /**
   * What goes next, in one datagram; there must be something.
   *
   * @throws {ArgumentError} When it was transferred or shrunk meanwhile: the message can't be completed any more.
   */
  get datagram(): Uint8Array {
    if (this.#end > 0) return this.#arena.subarray(0, this.#end);
    requireWhole(this.#large!, this.#largeLength, "data");
    return this.#large!.subarray(this.#largeSent, this.#largeSent + MAX_DATAGRAM_BYTES);
  }

  /** The kernel has taken the datagram that was next. */
  advance(): void {
    if (this.#end > 0) {
      this.#usual = Math.max(this.#end, this.#usual >>> 1);
      this.#end = 0;
    } else this.#largeSent += MAX_DATAGRAM_BYTES;
    if (this.#large === undefined || this.#largeSent >= this.#largeLength) this.clear();
  }

  /**
   * The messages of which the kernel has nothing, header and body in one piece, the first first. Afterwards nothing is left
   * to be sent.
   */
  reclaim(): Uint8Array[] {
    const messages: Uint8Array[] = [];
    const isLargeWhole = this.#large?.length === this.#largeLength;
    for (let at = 0; at < this.#end;) {
      const length = readWide(this.#arena, at);
      const body = at + HEADER_BYTES;
      const end = Math.min(body + length, this.#end);
      const isLast = end < body + length;
      // What was transferred meanwhile nobody can send any more.
      if (!isLast || isLargeWhole) {
        const message = new Uint8Array(length);
        message.set(this.#arena.subarray(body, end));
        if (isLast) message.set(this.#large!, end - body);
        messages.push(message);
      }
      at = end;
    }
    this.clear();
    return messages;
  }

  /** Forgets what has not been sent. */
  clear(): void {
    giveArena(this.#arena);
    this.#arena = NOTHING;
    this.#end = 0;
    this.#large = undefined;
    this.#largeLength = 0;
    this.#largeSent = 0;
  }

  #grow(byteLength: number): boolean {
    const arena = growArena(this.#arena, this.#end, Math.max(this.#end + byteLength, this.#usual));
    if (arena === undefined) return false;
    this.#arena = arena;
    return true;
  }
}
