/**
 * The header of the datagram carriers: eight bytes, little endian, as nng's udp transport has them in its current releases.
 *
 *     0        1        2                 4                 6
 *     +--------+--------+-----------------+-----------------+-----------------+
 *     | version| opcode | sender's        | first           | second          |
 *     |   1    |        | protocol        | parameter       | parameter       |
 *     +--------+--------+-----------------+-----------------+-----------------+
 *
 * | opcode | parameters |
 * | --- | --- |
 * | 0 DATA | bytes of the message behind the header; reserved |
 * | 1 CREQ, 2 CACK | the largest message that the sender accepts; seconds between two signs of life |
 * | 3 DISC | the reason; reserved |
 *
 * Source: nng, `src/sp/transport/udp/udp.c` and `udp_wire_test.c`. Debian's nng (1.5) has no such transport, so that it could not
 * be tried against a peer of another make; the bytes in our tests are written by hand.
 *
 * Everything here is a function on bytes.
 *
 * @module
 */

/** Bytes of a header. */
export const HEADER_BYTES = 8;

/** The only version there is. */
export const HEADER_VERSION = 1;

/** What a datagram is for. */
export const OPCODE: { readonly DATA: 0; readonly CREQ: 1; readonly CACK: 2; readonly DISC: 3 } = {
  DATA: 0,
  CREQ: 1,
  CACK: 2,
  DISC: 3,
};

/** Why somebody disconnects. */
export const REASON: {
  readonly CLOSED: 0;
  readonly TYPE: 1;
  readonly NOT_CONNECTED: 2;
  readonly REFUSED: 3;
  readonly MESSAGE_SIZE: 4;
  readonly NEGOTIATION: 5;
  readonly INACTIVE: 6;
  readonly PROTOCOL: 7;
  readonly NO_BUFFERS: 8;
} = {
  CLOSED: 0,
  TYPE: 1,
  NOT_CONNECTED: 2,
  REFUSED: 3,
  MESSAGE_SIZE: 4,
  NEGOTIATION: 5,
  INACTIVE: 6,
  PROTOCOL: 7,
  NO_BUFFERS: 8,
};

const REASON_TEXTS: readonly string[] = [
  "it closed the connection",
  "the patterns do not belong together",
  "it knows of no connection; it may have been restarted",
  "it refused the connection",
  "a message was larger than it accepts",
  "the negotiation failed",
  "it heard nothing for too long",
  "it found the protocol broken",
  "it has no room for another connection",
];

/** A reason of the peer's, for messages to people. */
export function describeReason(reason: number): string {
  return REASON_TEXTS[reason] ?? `it gave the unknown reason ${reason}`;
}

/** The largest number that a parameter can be. */
export const MAX_PARAMETER = 0xffff;

/** The largest number that both parameters together hold. */
export const MAX_WIDE = 0xffffffff;

/** Writes a header; gives the offset behind it. */
export function writeHeader(
  target: Uint8Array,
  at: number,
  opcode: number,
  protocol: number,
  first = 0,
  second = 0,
): number {
  target[at] = HEADER_VERSION;
  target[at + 1] = opcode;
  target[at + 2] = protocol;
  target[at + 3] = protocol >>> 8;
  target[at + 4] = first;
  target[at + 5] = first >>> 8;
  target[at + 6] = second;
  target[at + 7] = second >>> 8;
  return at + HEADER_BYTES;
}

/** A datagram that is nothing but a header. */
export function encodeHeader(opcode: number, protocol: number, first = 0, second = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  writeHeader(bytes, 0, opcode, protocol, first, second);
  return bytes;
}

/** Whether a header begins at an offset: there are enough bytes, and the version is ours. */
export function isHeader(bytes: Uint8Array, at = 0): boolean {
  return bytes.length - at >= HEADER_BYTES && bytes[at] === HEADER_VERSION;
}

/** What the datagram is for. */
export function readOpcode(bytes: Uint8Array, at = 0): number {
  return bytes[at + 1];
}

/** The sender's protocol number. */
export function readProtocol(bytes: Uint8Array, at = 0): number {
  return bytes[at + 2] | bytes[at + 3] << 8;
}

/** The first parameter. */
export function readFirst(bytes: Uint8Array, at = 0): number {
  return bytes[at + 4] | bytes[at + 5] << 8;
}

/** The second parameter. */
export function readSecond(bytes: Uint8Array, at = 0): number {
  return bytes[at + 6] | bytes[at + 7] << 8;
}

/** Both parameters as one number of 32 bits, as unixgram has them, where messages may be larger. */
export function readWide(bytes: Uint8Array, at = 0): number {
  return (bytes[at + 4] | bytes[at + 5] << 8 | bytes[at + 6] << 16 | bytes[at + 7] << 24) >>> 0;
}

/** Writes a header whose parameters are one number of 32 bits; gives the offset behind it. */
export function writeWideHeader(
  target: Uint8Array,
  at: number,
  opcode: number,
  protocol: number,
  value: number,
): number {
  return writeHeader(target, at, opcode, protocol, value & 0xffff, value >>> 16);
}
