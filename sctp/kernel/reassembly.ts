/**
 * Puts messages together again that arrive in pieces.
 *
 * The kernel hands a message over in pieces when it is larger than the buffer that it is read into, and when it delivers
 * partially (RFC 6458, section 3.1.2 and 8.1.20): only the last piece has MSG_EOR. Depending on the level of fragment
 * interleaving, pieces of messages of other associations, other streams, or of ordered and unordered messages of one stream
 * come in between; within these bounds there is one message at a time, also with I-DATA.
 *
 * No I/O here, and no clock: pieces go in, messages come out. It need not know sockets, nor how pieces were read.
 *
 * @module
 */

import { MessageTooLargeError } from "../../common/errors.ts";
import type { SctpMessage } from "../message.ts";

/** Streams have 16 bits, and one more tells unordered from ordered. */
const KEYS_PER_ASSOCIATION = 2 ** 17;

/** The bounds of a {@linkcode MessageReassembler}. */
export interface ReassemblyLimits {
  /** The largest message that is put together, in bytes. */
  maxMessageSize: number;
  /**
   * How many bytes of incomplete messages are kept altogether. Reached only with interleaving, where a peer could begin a
   * message on each of its streams and never end it.
   *
   * @default {four times maxMessageSize}
   */
  maxIncompleteBytes?: number;
}

/** A message of which pieces have arrived. */
interface IncompleteMessage {
  /** The first piece: its metadata are those of the message. `undefined` once the message is being discarded. */
  head: SctpMessage | undefined;
  /** The pieces one after another, in a buffer that grows. */
  bytes: Uint8Array<ArrayBuffer>;
  /** How much of the buffer is filled. */
  length: number;
}

const NOTHING = new Uint8Array(0);

/** Puts the messages of one socket together; see the module. */
export class MessageReassembler {
  readonly #maxMessageSize: number;
  readonly #maxIncompleteBytes: number;
  readonly #incomplete = new Map<number, IncompleteMessage>();
  #incompleteBytes = 0;
  #notification: Uint8Array = NOTHING;

  constructor(limits: ReassemblyLimits) {
    this.#maxMessageSize = limits.maxMessageSize;
    this.#maxIncompleteBytes = limits.maxIncompleteBytes ?? 4 * limits.maxMessageSize;
  }

  /** How many bytes of incomplete messages are kept. */
  get incompleteBytes(): number {
    return this.#incompleteBytes;
  }

  /** How many messages are incomplete, or being discarded. */
  get incompleteMessages(): number {
    return this.#incomplete.size;
  }

  /**
   * Takes what one read brought of a message.
   *
   * @param piece The piece, with its metadata; its bytes are kept if it is a message of its own, and copied if not.
   * @param isLast Whether the read had MSG_EOR.
   * @returns The whole message; or an error, once for a message beyond the limits, the rest of which is then discarded; or
   * `undefined` while there is more to come.
   */
  push(piece: SctpMessage, isLast: boolean): SctpMessage | MessageTooLargeError | undefined {
    if (isLast && (this.#incomplete.size === 0 || !this.#incomplete.has(keyOf(piece)))) {
      return piece.data.length <= this.#maxMessageSize ? piece : this.#tooLarge(piece);
    }
    return this.#add(piece, isLast);
  }

  #add(piece: SctpMessage, isLast: boolean): SctpMessage | MessageTooLargeError | undefined {
    const key = keyOf(piece);
    let message = this.#incomplete.get(key);
    if (message === undefined) {
      message = { head: piece, bytes: NOTHING, length: 0 };
      this.#incomplete.set(key, message);
    }
    if (isLast) this.#incomplete.delete(key);
    if (message.head === undefined) return undefined;
    const length = message.length + piece.data.length;
    if (length > this.#maxMessageSize) {
      this.#discard(message);
      return this.#tooLarge(piece);
    }
    if (this.#incompleteBytes + piece.data.length > this.#maxIncompleteBytes) {
      this.#discard(message);
      return this.#tooMuch(piece);
    }
    append(message, piece.data, isLast, this.#maxMessageSize);
    if (!isLast) {
      this.#incompleteBytes += piece.data.length;
      return undefined;
    }
    this.#incompleteBytes -= length - piece.data.length;
    const { head, bytes } = message;
    head.data = bytes.length === length ? bytes : bytes.slice(0, length);
    head.next = piece.next;
    return head;
  }

  /**
   * Takes what one read brought of a notification; the kernel cuts those short too when the buffer is small.
   *
   * @param piece The bytes.
   * @param isLast Whether the read had MSG_EOR.
   * @returns The whole notification, or `undefined` while there is more to come.
   */
  pushNotification(piece: Uint8Array, isLast: boolean): Uint8Array | undefined {
    if (isLast && this.#notification.length === 0) return piece;
    // The rest of a notification stays at the head of the receive queue: there is one at a time, and the kernel bounds it.
    const joined = new Uint8Array(this.#notification.length + piece.length);
    joined.set(this.#notification);
    joined.set(piece, this.#notification.length);
    this.#notification = isLast ? NOTHING : joined;
    return isLast ? joined : undefined;
  }

  /**
   * Drops the message of which the kernel says that its rest will not come (SCTP_PARTIAL_DELIVERY_ABORTED).
   *
   * Without interleaving Linux names stream 0 whatever the stream was; but then there is one incomplete message in the
   * association, and that is the one.
   *
   * @param associationId The association.
   * @param streamId The stream that the notification names.
   * @param unordered Whether the notification says that the message was unordered.
   */
  abort(associationId: number, streamId: number, unordered: boolean): void {
    const key = keyFor(associationId, streamId, unordered);
    if (this.#incomplete.has(key)) this.#drop(key);
    else this.forget(associationId);
  }

  /**
   * Drops every incomplete message of an association: it has ended, or the peer restarted.
   *
   * @param associationId The association.
   */
  forget(associationId: number): void {
    for (const key of this.#keysOf(associationId)) this.#drop(key);
  }

  /**
   * Hands the incomplete messages of an association over: it is peeled off, and their rest arrives on a socket of its own.
   *
   * @param associationId The association.
   * @param target Whoever puts together what that socket receives.
   */
  move(associationId: number, target: MessageReassembler): void {
    for (const key of this.#keysOf(associationId)) {
      const message = this.#incomplete.get(key)!;
      this.#incomplete.delete(key);
      this.#incompleteBytes -= message.length;
      target.#incomplete.set(key, message);
      target.#incompleteBytes += message.length;
    }
  }

  /** Drops everything. */
  clear(): void {
    this.#incomplete.clear();
    this.#incompleteBytes = 0;
    this.#notification = NOTHING;
  }

  #keysOf(associationId: number): number[] {
    if (this.#incomplete.size === 0) return [];
    const first = keyFor(associationId, 0, false);
    return [...this.#incomplete.keys()].filter((key) => key >= first && key < first + KEYS_PER_ASSOCIATION);
  }

  #drop(key: number): void {
    const message = this.#incomplete.get(key);
    this.#incomplete.delete(key);
    if (message !== undefined) this.#discard(message);
  }

  #discard(message: IncompleteMessage): void {
    this.#incompleteBytes -= message.length;
    message.head = undefined;
    message.bytes = NOTHING;
    message.length = 0;
  }

  #tooLarge(piece: SctpMessage): MessageTooLargeError {
    return new MessageTooLargeError(
      `receive: a message on stream ${piece.streamId} of association ${piece.associationId} is larger than ` +
        `maxMessageSize, ${this.#maxMessageSize} bytes, and was discarded; raise maxMessageSize, or have the peer send less`,
    );
  }

  #tooMuch(piece: SctpMessage): MessageTooLargeError {
    return new MessageTooLargeError(
      `receive: a message on stream ${piece.streamId} of association ${piece.associationId} was discarded, for incomplete ` +
        `messages would take more than ${this.#maxIncompleteBytes} bytes; raise maxMessageSize, or use fewer streams at once`,
    );
  }
}

/** Appends to the buffer, which doubles when it is full, and takes its final size where the last piece tells it. */
function append(message: IncompleteMessage, data: Uint8Array, isLast: boolean, limit: number): void {
  const length = message.length + data.length;
  if (length > message.bytes.length) {
    const grown = new Uint8Array(isLast ? length : Math.min(limit, Math.max(length * 2, 4096)));
    grown.set(message.bytes.subarray(0, message.length));
    message.bytes = grown;
  }
  message.bytes.set(data, message.length);
  message.length = length;
}

function keyOf(piece: SctpMessage): number {
  return keyFor(piece.associationId, piece.streamId, piece.unordered);
}

/** One number for association, stream and order: at most 31, 16 and 1 bits, so well within 2^53. */
function keyFor(associationId: number, streamId: number, unordered: boolean): number {
  return associationId * KEYS_PER_ASSOCIATION + streamId * 2 + (unordered ? 1 : 0);
}
