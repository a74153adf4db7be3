/**
 * Messages out of datagrams of a pair of unix sockets.
 *
 * It knows frames and where datagrams are received to. It needs to know nothing of descriptors: whoever receives asks for
 * the place, says how many bytes have come, and takes messages until there is none left.
 *
 * @module
 */

import { MessageTooLargeError, ProtocolError } from "../../../common/errors.ts";
import { occupy, readingRoom } from "../stream/read_chunk.ts";
import {
  describeReason,
  HEADER_BYTES,
  isHeader,
  OPCODE,
  readFirst,
  readOpcode,
  readProtocol,
  readWide,
} from "./header.ts";
import { MAX_DATAGRAM_BYTES } from "./packer.ts";

/** What is allocated because a peer says so; the buffer of a longer message grows as its bytes come. */
const MAX_PROMISED_BYTES = 1024 * 1024;

const NOTHING = new Uint8Array(0);

/** Reads the datagrams of one connection. */
export class Unpacker {
  readonly #peer: number;
  readonly #maxBytes: number;
  /** The frames of a datagram that are not taken yet: `#bytes` from `#at` to `#end`. */
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
  #at = 0;
  #end = 0;
  /** The message whose rest follows in datagrams of its own. */
  #large: Uint8Array<ArrayBuffer> = NOTHING;
  #largeLength = 0;
  #largeFilled = 0;

  /**
   * Begins in front of the first datagram after the handshake.
   *
   * @param peer The protocol number that the peer must have.
   * @param maxBytes The longest message; 0 for no limit.
   */
  constructor(peer: number, maxBytes: number) {
    this.#peer = peer;
    this.#maxBytes = maxBytes === 0 ? Infinity : maxBytes;
  }

  /** Whether frames are there that were not taken yet. */
  get hasFrames(): boolean {
    return this.#at < this.#end;
  }

  /** Whether a message has begun whose rest is still to come. */
  get isMidMessage(): boolean {
    return this.#largeLength > 0;
  }

  /**
   * Where the next datagram belongs. To be filled and committed in the same synchronous step, after `next` has found
   * nothing more.
   */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#largeLength === 0) {
      const { chunk, start } = readingRoom();
      return chunk.subarray(start, start + MAX_DATAGRAM_BYTES);
    }
    const missing = Math.min(this.#largeLength - this.#largeFilled, MAX_DATAGRAM_BYTES);
    if (this.#large.length - this.#largeFilled < missing) this.#growLarge();
    return this.#large.subarray(this.#largeFilled, this.#largeFilled + missing);
  }

  /** Says how many bytes have come where {@linkcode Unpacker.space} said, one at least. */
  commit(length: number): void {
    if (this.#largeLength > 0) {
      this.#largeFilled += length;
      return;
    }
    // Whoever gets a message may look at it as words.
    const { chunk, start } = occupy(length + 7 & ~7);
    this.#bytes = chunk;
    this.#at = start;
    this.#end = start + length;
  }

  /**
   * Takes the next message, in the memory that it was received into.
   *
   * @returns The message, or `undefined` when another datagram has to come first.
   * @throws {ProtocolError} If what has come is no frame, or the peer says why it goes.
   * @throws {MessageTooLargeError} If the message is longer than the limit; nothing is allocated for it.
   */
  next(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#largeLength > 0) return this.#takeLarge();
    const at = this.#at;
    const left = this.#end - at - HEADER_BYTES;
    if (left < 0) return this.#endOfDatagram();
    const bytes = this.#bytes;
    if (!isHeader(bytes, at) || readOpcode(bytes, at) !== OPCODE.DATA) throw this.#unexpected(at);
    if (readProtocol(bytes, at) !== this.#peer) throw this.#changed(readProtocol(bytes, at));
    const length = readWide(bytes, at);
    if (length > this.#maxBytes) throw this.#tooLarge(length);
    if (length > left) return this.#expect(length, at + HEADER_BYTES);
    this.#at = at + HEADER_BYTES + length;
    return new Uint8Array(bytes.buffer, at + HEADER_BYTES, length);
  }

  /** Lets go of everything. */
  clear(): void {
    this.#bytes = this.#large = NOTHING;
    this.#at = this.#end = 0;
    this.#largeLength = 0;
  }

  #endOfDatagram(): undefined {
    const extra = this.#end - this.#at;
    this.#bytes = NOTHING;
    this.#at = this.#end = 0;
    if (extra > 0) throw new ProtocolError(`the peer sent ${extra} bytes where a header of ${HEADER_BYTES} was due`);
    return undefined;
  }

  #expect(length: number, bodyStart: number): undefined {
    const part = this.#bytes.subarray(bodyStart, this.#end);
    this.#large = this.#allocate(Math.max(part.length, Math.min(length, MAX_PROMISED_BYTES)), length);
    this.#large.set(part);
    this.#largeFilled = part.length;
    this.#largeLength = length;
    this.#bytes = NOTHING;
    this.#at = this.#end = 0;
    return undefined;
  }

  #takeLarge(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#largeFilled < this.#largeLength) return undefined;
    const message = this.#large;
    this.#large = NOTHING;
    this.#largeLength = 0;
    return message;
  }

  #growLarge(): void {
    const grown = this.#allocate(Math.min(this.#large.length * 2, this.#largeLength), this.#largeLength);
    grown.set(this.#large);
    this.#large = grown;
  }

  #allocate(byteLength: number, length: number): Uint8Array<ArrayBuffer> {
    try {
      return new Uint8Array(byteLength);
    } catch (cause) {
      throw new MessageTooLargeError(
        `the peer sends a message of ${length} bytes, and there is no memory for it; set maxReceiveSize`,
        { cause },
      );
    }
  }

  #unexpected(at: number): ProtocolError {
    const bytes = this.#bytes;
    if (isHeader(bytes, at) && readOpcode(bytes, at) === OPCODE.DISC) {
      return new ProtocolError(`the peer ended the connection: ${describeReason(readFirst(bytes, at))}`);
    }
    return new ProtocolError(
      `the peer sent version ${bytes[at]}, opcode ${bytes[at + 1]} where a message was due (version 1, opcode 0)`,
    );
  }

  #changed(protocol: number): ProtocolError {
    return new ProtocolError(`the peer's protocol was ${this.#peer}, and now it sent a message of ${protocol}`);
  }

  #tooLarge(length: number): MessageTooLargeError {
    return new MessageTooLargeError(
      `the peer sends a message of ${length} bytes, and maxReceiveSize is ${this.#maxBytes}; raise it, or set it to 0`,
    );
  }
}
