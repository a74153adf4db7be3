/**
 * What the two ends of a measurement say to each other.
 *
 * The payload protocol identifier says what a message is for, so that the payload can be anything. The numbers are none that
 * IANA has given to a protocol: the letters "sky" and a digit.
 *
 * @module
 */

import { ProtocolError } from "@sockeye/sockeye";

/** The client's: send this back, as it is. */
export const PPID_PING = 0x736b7901;
/** The client's: count this. */
export const PPID_LOAD = 0x736b7902;
/** The client's: tell what you have counted once it is so many messages, in {@linkcode Order}. The server's: the {@linkcode Tally}. */
export const PPID_TALLY = 0x736b7903;

/** What the client asks for, as JSON. */
export interface Order {
  /** How many messages it has sent; the last of them may arrive after the order, on another stream. */
  messages: number;
}

/** What the server has counted, as JSON. */
export interface Tally {
  /** Messages. */
  messages: number;
  /** Their bytes. */
  bytes: number;
  /** The time from the first to the last, in seconds. */
  seconds: number;
}

/** The bytes of an order or a tally. */
export function encodeJson(value: Order | Tally): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Reads an order.
 *
 * @throws {ProtocolError} It is none.
 */
export function decodeOrder(bytes: Uint8Array): Order {
  const { messages } = numbers(bytes, ["messages"]);
  return { messages };
}

/**
 * Reads a tally.
 *
 * @throws {ProtocolError} It is none.
 */
export function decodeTally(bytes: Uint8Array): Tally {
  const { messages, bytes: count, seconds } = numbers(bytes, ["messages", "bytes", "seconds"]);
  return { messages, bytes: count, seconds };
}

function numbers(bytes: Uint8Array, names: readonly string[]): Record<string, number> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null) {
    const fields = value as Record<string, unknown>;
    if (names.every((name) => Number.isFinite(fields[name]))) return fields as Record<string, number>;
  }
  throw new ProtocolError(
    `the other end is no sockeye sctp perf: it should have sent ${names.join(", ")} as JSON; start one there`,
  );
}
