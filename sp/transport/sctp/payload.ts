/**
 * What a message of SCTP carries: a message of ours, or one byte that stands for a message without any.
 *
 * @module
 */

/** The payload protocol identifier of greetings and messages: "SP". */
export const PPID_MESSAGE = 0x53500000;
/** That of a message of no bytes, which SCTP can't carry: one byte stands for it. */
export const PPID_EMPTY = 0x53500001;

/** The byte that stands for none. */
const STAND_IN = new Uint8Array(1);
const NO_BYTES = new Uint8Array(0);

/** The identifier of a message that has so many bytes. */
export function ppidOf(length: number): number {
  return length === 0 ? PPID_EMPTY : PPID_MESSAGE;
}

/** The bytes that SCTP is to carry. */
export function payloadOf(message: Uint8Array): Uint8Array {
  return message.length === 0 ? STAND_IN : message;
}

/** The message that a payload stands for; `undefined` if it is none of ours. */
export function messageOf(ppid: number, payload: Uint8Array): Uint8Array | undefined {
  if (ppid === PPID_MESSAGE) return payload;
  return ppid === PPID_EMPTY && payload.length === 1 ? NO_BYTES : undefined;
}
