/**
 * A message of the Scalability Protocols: a body for the user, a header for the pattern.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import type { SpPipe } from "./pipe.ts";

/** What can be sent: bytes, text that goes out as UTF-8, or a whole message. */
export type Sendable = Uint8Array | string | SpMessage;

/** The header of messages that have none. */
export const NO_HEADER: Uint8Array = new Uint8Array(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A message, going out or come in.
 *
 * On the wire the header is in front of the body, and nothing is in between. Cooked patterns write and read the header
 * themselves, so that it is empty here; raw ones leave it to the user, or to a device. Both are views: nothing is copied.
 *
 * @example
 * ```ts
 * import { SpMessage } from "./message.ts";
 * import assert from "node:assert/strict";
 *
 * const message = SpMessage.of('{ "temperature": 21 }');
 * assert.deepEqual(message.json(), { temperature: 21 });
 * assert.equal(message.header.length, 0);
 * ```
 */
export class SpMessage {
  /** What the pattern put in front of the body: request ids, the way back, a hop count; empty in cooked mode. */
  header: Uint8Array;
  /** What the user sent. */
  body: Uint8Array;
  /** The pipe that it came by. On the way out only polyamorous PAIR looks at it: the pipe to send to. */
  pipe: SpPipe | undefined;

  /**
   * Makes a message of bytes, without copying them.
   *
   * @param body What the user sends, or receives.
   * @param header What goes in front of it.
   * @param pipe The pipe that it came by, or is to go by.
   */
  constructor(body: Uint8Array, header: Uint8Array = NO_HEADER, pipe: Pick<SpPipe, "id"> | undefined = undefined) {
    this.header = header;
    this.body = body;
    // Patterns see another side of a pipe than users do; that of a socket has both.
    this.pipe = pipe as SpPipe | undefined;
  }

  /** Makes a message of a text, in UTF-8, or of bytes, without copying them. */
  static of(data: string | Uint8Array, pipe?: Pick<SpPipe, "id">): SpMessage {
    return new SpMessage(typeof data === "string" ? encoder.encode(data) : data, NO_HEADER, pipe);
  }

  /** The body read as UTF-8; bytes that are none become U+FFFD. */
  text(): string {
    return decoder.decode(this.body);
  }

  /**
   * The body read as JSON.
   *
   * @throws {SyntaxError} If it is none.
   */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/**
 * The message that something to send stands for. Nothing is copied: bytes must not change until they are sent.
 *
 * @throws {ArgumentError} If it is nothing that can be sent.
 */
export function messageOf(data: Sendable): SpMessage {
  if (data instanceof SpMessage) return data;
  if (typeof data === "string" || data instanceof Uint8Array) return SpMessage.of(data);
  throw new ArgumentError("data", `must be a Uint8Array, a string or an SpMessage, got ${typeof data}`);
}
