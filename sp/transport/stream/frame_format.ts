/**
 * What nng's and nanomsg's stream transports put around messages: a greeting, and a length in front of each message.
 *
 * Everything here is a function on bytes. Sources: the SP over TCP mapping (sp-tcp-mapping-01), sections 2 and 3, and for
 * unix sockets the sources of nanomsg (`src/transports/ipc/sipc.c`) and nng (`src/sp/transport/ipc/ipc.c`).
 *
 * @module
 */

import { ProtocolError } from "../../../common/errors.ts";

/** Bytes of a greeting. */
export const GREETING_BYTES = 8;

/** How a transport marks the messages of a stream. */
export interface FrameFormat {
  /** Bytes in front of a message: the length, and on unix sockets a byte in front of it. */
  readonly headerBytes: 8 | 9;
}

/** Frames of TCP: a 64-bit big-endian length. */
export const TCP_FRAMES: FrameFormat = { headerBytes: 8 };
/** Frames of unix sockets: the byte 01, which says that the message is in the stream, and the length. */
export const IPC_FRAMES: FrameFormat = { headerBytes: 9 };

/** The byte in front of the length on unix sockets; nanomsg has 02 for messages in shared memory, which nobody sends. */
export const INLINE_MESSAGE = 1;

/** The highest length whose upper half is still exact as a number: 2^53 - 1. */
const MAX_UPPER = 0x1f_ffff;

/**
 * The greeting of a pattern: `00 53 50 00`, its number, and two reserved bytes.
 *
 * @param protocol The number, 16 bits.
 */
export function encodeGreeting(protocol: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0, 0x53, 0x50, 0, protocol >> 8, protocol & 0xff, 0, 0);
}

/**
 * The number in a greeting. The reserved bytes are ignored, as nng does it.
 *
 * @param bytes At least 8.
 * @throws {ProtocolError} If it is none, or of another version.
 */
export function decodeGreeting(bytes: Uint8Array): number {
  if (bytes[0] !== 0 || bytes[1] !== 0x53 || bytes[2] !== 0x50) {
    throw new ProtocolError(
      `the peer greets with ${hex(bytes.subarray(0, GREETING_BYTES))}, and not with 00 53 50 00: ` +
        "it does not speak the Scalability Protocols; check the address",
    );
  }
  if (bytes[3] !== 0) {
    throw new ProtocolError(`the peer speaks version ${bytes[3]} of the Scalability Protocols, and only 0 is known`);
  }
  return bytes[4] << 8 | bytes[5];
}

/** Writes what goes in front of a message; gives the offset behind it. */
export function writeFrameHeader(format: FrameFormat, target: Uint8Array, at: number, length: number): number {
  if (format.headerBytes === 9) target[at++] = INLINE_MESSAGE;
  const upper = length < 0x1_0000_0000 ? 0 : Math.floor(length / 0x1_0000_0000);
  target[at] = 0;
  target[at + 1] = upper >>> 16;
  target[at + 2] = upper >>> 8;
  target[at + 3] = upper;
  target[at + 4] = length >>> 24;
  target[at + 5] = length >>> 16;
  target[at + 6] = length >>> 8;
  target[at + 7] = length;
  return at + 8;
}

/**
 * The length of the message whose frame begins at an offset.
 *
 * @returns The length; `Infinity` for those that are no exact number.
 * @throws {ProtocolError} If it does not begin as a frame does.
 */
export function readFrameLength(format: FrameFormat, bytes: Uint8Array, at: number): number {
  if (format.headerBytes === 9) {
    if (bytes[at] !== INLINE_MESSAGE) {
      throw new ProtocolError(`the peer sent ${hex(bytes.subarray(at, at + 1))} where a message begins with 01`);
    }
    at++;
  }
  const upper = (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]) >>> 0;
  const lower = (bytes[at + 4] << 24 | bytes[at + 5] << 16 | bytes[at + 6] << 8 | bytes[at + 7]) >>> 0;
  if (upper === 0) return lower;
  return upper <= MAX_UPPER ? upper * 0x1_0000_0000 + lower : Infinity;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
