/**
 * What may be sent: bytes or text, alone or with their metadata.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import type { SctpSendOptions } from "./message.ts";

/** The bytes of a message, or text that goes out as UTF-8. */
export type SctpPayload = Uint8Array | string;

/** A message with its metadata, as the `writable` of an association takes it. */
export interface SctpOutgoingMessage extends SctpSendOptions {
  /** The bytes of the message, or text that goes out as UTF-8. */
  data: SctpPayload;
}

const encoder = new TextEncoder();

/**
 * The bytes of a payload.
 *
 * @throws {ArgumentError} It is neither bytes nor text.
 */
export function payloadBytes(data: SctpPayload, argument = "data"): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (typeof data === "string") return encoder.encode(data);
  throw new ArgumentError(argument, "must be a Uint8Array or a string");
}

/** What was written to a `writable`, as a message with metadata. */
export function outgoingMessage(chunk: SctpPayload | SctpOutgoingMessage): SctpOutgoingMessage {
  return chunk instanceof Uint8Array || typeof chunk === "string" ? { data: chunk } : chunk;
}
