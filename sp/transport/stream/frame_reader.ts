/**
 * Messages out of a stream of bytes.
 *
 * It knows frames and where bytes are read to. It needs to know nothing of descriptors: whoever reads asks for the place,
 * says how many bytes have come, and takes messages until there is none left.
 *
 * @module
 */

import { MessageTooLargeError } from "../../../common/errors.ts";
import { type FrameFormat, readFrameLength } from "./frame_format.ts";
import { occupy, readingRoom, vacate } from "./read_chunk.ts";

/** Longer messages that haven't come whole get a buffer of their own, and are read into it. */
const MAX_KEPT_BYTES = 4096;
/** What is allocated because a peer says so; the buffer of a longer message grows as its bytes come. */
const MAX_PROMISED_BYTES = 1024 * 1024;

const NOTHING = new Uint8Array(0);

/** Reads the frames of one connection. */
export class FrameReader {
  readonly #format: FrameFormat;
  readonly #maxBytes: number;
  /** What has come and isn't taken: `#bytes` from `#start` to `#end`. */
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
  #start = 0;
  #end = 0;
  /** The message that is read into a buffer of its own. */
  #large: Uint8Array<ArrayBuffer> | undefined;
  #largeLength = 0;
  #largeFilled = 0;

  /**
   * Begins at the start of a frame.
   *
   * @param format The frames of the transport.
   * @param maxBytes The longest message; 0 for no limit.
   */
  constructor(format: FrameFormat, maxBytes: number) {
    this.#format = format;
    this.#maxBytes = maxBytes === 0 ? Number.MAX_SAFE_INTEGER : maxBytes;
  }

  /** Whether bytes have come that no message was made of yet; after `next` found nothing: the beginning of a message. */
  get hasBytes(): boolean {
    return this.#large !== undefined || this.#end > this.#start;
  }

  /**
   * Where the next bytes belong. To be filled and committed in the same synchronous step, after `next` has found nothing
   * more.
   */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#large !== undefined) return this.#large.subarray(this.#largeFilled);
    const { chunk, start } = readingRoom();
    const kept = this.#end - this.#start;
    if (kept > 0) chunk.set(this.#bytes.subarray(this.#start, this.#end), start);
    return chunk.subarray(start + kept);
  }

  /** Says how many bytes have been put where {@linkcode FrameReader.space} said, one at least. */
  commit(length: number): void {
    if (this.#large !== undefined) {
      this.#largeFilled += length;
      return;
    }
    const total = this.#end - this.#start + length;
    const { chunk, start } = occupy(total);
    this.#bytes = chunk;
    this.#start = start;
    this.#end = start + total;
  }

  /**
   * Takes the next message, in the memory that it was read into.
   *
   * @returns The message, or `undefined` when more bytes have to come first.
   * @throws {ProtocolError} If what has come is no frame.
   * @throws {MessageTooLargeError} If the message is longer than the limit; nothing is allocated for it.
   */
  next(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#large !== undefined) return this.#takeLarge();
    const { headerBytes } = this.#format;
    const start = this.#start;
    const available = this.#end - start - headerBytes;
    if (available < 0) return this.#keep();
    const length = readFrameLength(this.#format, this.#bytes, start);
    if (length > this.#maxBytes) throw this.#tooLarge(length);
    if (length > available) return this.#expect(length, start + headerBytes);
    this.#start = start + headerBytes + length;
    return new Uint8Array(this.#bytes.buffer, start + headerBytes, length);
  }

  /** Lets go of everything. */
  clear(): void {
    this.#large = undefined;
    this.#bytes = NOTHING;
    this.#start = this.#end = 0;
  }

  /** Copies the beginning of a frame out of the chunk: a peer that is slow to send the rest must not hold that. */
  #keep(): undefined {
    const bytes = this.#bytes;
    const start = this.#start;
    const end = this.#end;
    this.#bytes = start === end ? NOTHING : bytes.slice(start, end);
    this.#start = 0;
    this.#end = end - start;
    vacate(bytes, start, end);
    return undefined;
  }

  #expect(length: number, bodyStart: number): undefined {
    if (length <= MAX_KEPT_BYTES) return this.#keep();
    const part = this.#bytes.subarray(bodyStart, this.#end);
    this.#large = this.#allocate(Math.max(part.length, Math.min(length, MAX_PROMISED_BYTES)), length);
    this.#large.set(part);
    this.#largeFilled = part.length;
    this.#largeLength = length;
    vacate(this.#bytes, this.#start, this.#end);
    this.#bytes = NOTHING;
    this.#start = this.#end = 0;
    return undefined;
  }

  #takeLarge(): Uint8Array<ArrayBuffer> | undefined {
    const large = this.#large!;
    if (this.#largeFilled < large.length) return undefined;
    if (large.length < this.#largeLength) {
      const grown = this.#allocate(Math.min(large.length * 2, this.#largeLength), this.#largeLength);
      grown.set(large);
      this.#large = grown;
      return undefined;
    }
    this.#large = undefined;
    return large;
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

  #tooLarge(length: number): MessageTooLargeError {
    const size = length === Infinity ? "more than 2^53" : String(length);
    return new MessageTooLargeError(
      `the peer sends a message of ${size} bytes, and maxReceiveSize is ${this.#maxBytes}; raise it, or set it to 0`,
    );
  }
}
