/**
 * The headers of UDP (RFC 768) and TCP (RFC 9293) with the options of a SYN, for those who send them over raw sockets.
 *
 * Decoders take any bytes. Checksums are made, not verified: what a receiver gets, its kernel has verified.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { checkInteger } from "../ffi/arguments.ts";
import { IPPROTO_TCP, IPPROTO_UDP } from "../ffi/constants.ts";
import { transportChecksum } from "./checksum.ts";
import { readUint16, readUint32, writeUint16, writeUint32 } from "./network_order.ts";

/** The addresses between which a packet travels; TCP's and UDP's checksums cover them. */
export interface PacketAddresses {
  /** The source, numeric. */
  readonly source: string;
  /** The destination, numeric and of the same family. */
  readonly destination: string;
}

/** The header of a UDP datagram. */
export interface UdpHeader {
  /** The sender's port; 0 for none. */
  readonly sourcePort: number;
  /** The receiver's port. */
  readonly destinationPort: number;
  /** Bytes of the datagram, header included, as the header has it. */
  readonly length: number;
  /** The checksum; 0 on IPv4 where none was computed. */
  readonly checksum: number;
}

/** Bytes of a UDP header. */
export const UDP_HEADER_SIZE = 8;

/**
 * The header at the beginning of a UDP datagram.
 *
 * @param datagram The datagram, or its beginning.
 * @returns The header, or `undefined` if there are fewer than 8 bytes.
 *
 * @example
 * ```ts
 * import { decodeUdpHeader } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const header = decodeUdpHeader(Uint8Array.of(0xc0, 0x00, 0x82, 0x9b, 0, 9, 0, 0, 0x61));
 * assert.equal(header?.destinationPort, 33435);
 * ```
 */
export function decodeUdpHeader(datagram: Uint8Array): UdpHeader | undefined {
  if (datagram.length < UDP_HEADER_SIZE) return undefined;
  return {
    sourcePort: readUint16(datagram, 0),
    destinationPort: readUint16(datagram, 2),
    length: readUint16(datagram, 4),
    checksum: readUint16(datagram, 6),
  };
}

/**
 * The bytes of a UDP datagram.
 *
 * @param header The ports, 0 to 65535.
 * @param payload The payload, up to 65,527 bytes.
 * @param addresses What the checksum needs to know; without them it is 0, which IPv4 takes for "none" and IPv6 refuses
 * (there a raw socket with `IPV6_CHECKSUM` at 6 has the kernel fill it in).
 * @returns A new array.
 * @throws {ArgumentError} if a port is out of range, or the payload too large.
 * @throws {AddressError} if the addresses are malformed, or of two families.
 *
 * @example
 * ```ts
 * import { decodeUdpHeader, encodeUdpDatagram } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const addresses = { source: "192.0.2.1", destination: "192.0.2.2" };
 * const datagram = encodeUdpDatagram({ sourcePort: 49152, destinationPort: 33434 }, Uint8Array.of(1, 2), addresses);
 * assert.equal(decodeUdpHeader(datagram)?.length, 10);
 * ```
 */
export function encodeUdpDatagram(
  header: { sourcePort: number; destinationPort: number },
  payload: Uint8Array,
  addresses?: PacketAddresses,
): Uint8Array<ArrayBuffer> {
  checkPorts(header);
  checkInteger("payload.length", payload.length, 0, 0xffff - UDP_HEADER_SIZE);
  const datagram = new Uint8Array(UDP_HEADER_SIZE + payload.length);
  writeUint16(datagram, 0, header.sourcePort);
  writeUint16(datagram, 2, header.destinationPort);
  writeUint16(datagram, 4, datagram.length);
  datagram.set(payload, UDP_HEADER_SIZE);
  if (addresses !== undefined) {
    // RFC 768: 0 would say that there is no checksum.
    writeUint16(datagram, 6, checksumOf(addresses, IPPROTO_UDP, datagram) || 0xffff);
  }
  return datagram;
}

/** The control bits of TCP, RFC 9293 section 3.1, and AE of RFC 9768. */
export const TCP_FLAG: {
  readonly FIN: 1;
  readonly SYN: 2;
  readonly RST: 4;
  readonly PSH: 8;
  readonly ACK: 16;
  readonly URG: 32;
  readonly ECE: 64;
  readonly CWR: 128;
  readonly AE: 256;
} = Object.freeze({ FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128, AE: 256 });

/** The options of a TCP segment that are used on a SYN; what else there is, is in `others`. */
export interface TcpOptions {
  /** The largest segment that the sender takes, in bytes: RFC 9293 section 3.7.1. */
  maximumSegmentSize?: number;
  /** By how many bits windows are shifted, 0 to 14: RFC 7323 section 2. */
  windowScale?: number;
  /** Whether selective acknowledgements may be sent: RFC 2018 section 2. */
  sackPermitted?: boolean;
  /** The sender's clock, and what it echoes of the peer's, 32 bits each: RFC 7323 section 3. */
  timestamps?: { readonly value: number; readonly echo: number };
  /** Options of other kinds, in order. */
  others?: readonly { readonly kind: number; readonly data: Uint8Array }[];
}

/** The header of a TCP segment. */
export interface TcpHeader {
  /** The sender's port. */
  readonly sourcePort: number;
  /** The receiver's port. */
  readonly destinationPort: number;
  /** The number of the segment's first byte, or of its SYN. */
  readonly sequenceNumber: number;
  /** The next number that the sender expects. */
  readonly acknowledgementNumber: number;
  /** Bytes of the header, options included. */
  readonly headerLength: number;
  /** The control bits, of {@linkcode TCP_FLAG}. */
  readonly flags: number;
  /** The window, not scaled. */
  readonly window: number;
  /** The checksum. */
  readonly checksum: number;
  /** Where urgent data end. */
  readonly urgentPointer: number;
  /** The options. */
  readonly options: TcpOptions;
}

/** Bytes of a TCP header without options. */
export const TCP_HEADER_SIZE = 20;
const TCP_OPTIONS_MAX = 40;

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_WINDOW_SCALE = 3;
const OPTION_SACK_PERMITTED = 4;
const OPTION_TIMESTAMPS = 8;

/**
 * The header at the beginning of a TCP segment, with its options.
 *
 * @param segment The segment, or its beginning.
 * @returns The header, or `undefined` if this is none, or not all of it is there.
 *
 * @example
 * ```ts
 * import { decodeTcpHeader, encodeTcpSegment, TCP_FLAG } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const syn = encodeTcpSegment({ sourcePort: 50000, destinationPort: 80, flags: TCP_FLAG.SYN });
 * assert.equal(decodeTcpHeader(syn)?.flags, TCP_FLAG.SYN);
 * ```
 */
export function decodeTcpHeader(segment: Uint8Array): TcpHeader | undefined {
  if (segment.length < TCP_HEADER_SIZE) return undefined;
  const headerLength = (segment[12] >> 4) * 4;
  if (headerLength < TCP_HEADER_SIZE || headerLength > segment.length) return undefined;
  return {
    sourcePort: readUint16(segment, 0),
    destinationPort: readUint16(segment, 2),
    sequenceNumber: readUint32(segment, 4),
    acknowledgementNumber: readUint32(segment, 8),
    headerLength,
    flags: readUint16(segment, 12) & 0x1ff,
    window: readUint16(segment, 14),
    checksum: readUint16(segment, 16),
    urgentPointer: readUint16(segment, 18),
    options: decodeTcpOptions(segment.subarray(TCP_HEADER_SIZE, headerLength)),
  };
}

/** Ends at the first option that is not whole, as receivers do. */
function decodeTcpOptions(bytes: Uint8Array): TcpOptions {
  const options: TcpOptions = {};
  const others: { kind: number; data: Uint8Array }[] = [];
  for (let offset = 0; offset < bytes.length && bytes[offset] !== OPTION_END;) {
    const kind = bytes[offset];
    if (kind === OPTION_NOP) {
      offset++;
      continue;
    }
    const length = bytes[offset + 1] ?? 0;
    if (length < 2 || offset + length > bytes.length) break;
    const data = bytes.slice(offset + 2, offset + length);
    if (!decodeKnownOption(kind, data, options)) others.push({ kind, data });
    offset += length;
  }
  if (others.length > 0) options.others = others;
  return options;
}

function decodeKnownOption(kind: number, data: Uint8Array, into: TcpOptions): boolean {
  if (kind === OPTION_MSS && data.length === 2) into.maximumSegmentSize = readUint16(data, 0);
  else if (kind === OPTION_WINDOW_SCALE && data.length === 1) into.windowScale = data[0];
  else if (kind === OPTION_SACK_PERMITTED && data.length === 0) into.sackPermitted = true;
  else if (kind === OPTION_TIMESTAMPS && data.length === 8) {
    into.timestamps = { value: readUint32(data, 0), echo: readUint32(data, 4) };
  } else return false;
  return true;
}

/** What {@linkcode encodeTcpSegment} makes a segment of. */
export interface TcpHeaderInit {
  /** The sender's port, 0 to 65535. */
  sourcePort: number;
  /** The receiver's port, 0 to 65535. */
  destinationPort: number;
  /** The sequence number, 0 to 2^32-1. @default {0} */
  sequenceNumber?: number;
  /** The acknowledgement number, 0 to 2^32-1. @default {0} */
  acknowledgementNumber?: number;
  /** The control bits, of {@linkcode TCP_FLAG}. */
  flags: number;
  /** The window, 0 to 65535. @default {65535} */
  window?: number;
  /** Where urgent data end, 0 to 65535. @default {0} */
  urgentPointer?: number;
  /** The options, 40 bytes in all. @default none */
  options?: TcpOptions;
}

/**
 * The bytes of a TCP segment.
 *
 * Options stand in the order in which Linux has them: segment size, SACK permitted, timestamps, window scale, others.
 *
 * @param header The header's fields.
 * @param payload The payload. @default none
 * @param addresses What the checksum needs to know; without them it is 0 (on IPv6 a raw socket with `IPV6_CHECKSUM` at 16
 * has the kernel fill it in).
 * @returns A new array.
 * @throws {ArgumentError} if a field is out of range, or the options don't fit.
 * @throws {AddressError} if the addresses are malformed, or of two families.
 *
 * @example
 * ```ts
 * import { encodeTcpSegment, TCP_FLAG } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const addresses = { source: "192.0.2.1", destination: "192.0.2.2" };
 * const options = { maximumSegmentSize: 1460, sackPermitted: true, windowScale: 7 };
 * const header = { sourcePort: 50000, destinationPort: 443, flags: TCP_FLAG.SYN, options };
 * const syn = encodeTcpSegment(header, new Uint8Array(0), addresses);
 * assert.equal(syn.length, 32);
 * ```
 */
export function encodeTcpSegment(
  header: TcpHeaderInit,
  payload: Uint8Array = new Uint8Array(0),
  addresses?: PacketAddresses,
): Uint8Array<ArrayBuffer> {
  const { sequenceNumber = 0, acknowledgementNumber = 0, flags, window = 0xffff, urgentPointer = 0 } = header;
  checkPorts(header);
  checkInteger("header.sequenceNumber", sequenceNumber, 0, 0xffffffff);
  checkInteger("header.acknowledgementNumber", acknowledgementNumber, 0, 0xffffffff);
  checkInteger("header.flags", flags ?? NaN, 0, 0x1ff);
  checkInteger("header.window", window, 0, 0xffff);
  checkInteger("header.urgentPointer", urgentPointer, 0, 0xffff);
  const options = encodeTcpOptions(header.options ?? {});
  const headerLength = TCP_HEADER_SIZE + options.length;
  const segment = new Uint8Array(headerLength + payload.length);
  writeUint16(segment, 0, header.sourcePort);
  writeUint16(segment, 2, header.destinationPort);
  writeUint32(segment, 4, sequenceNumber);
  writeUint32(segment, 8, acknowledgementNumber);
  writeUint16(segment, 12, headerLength << 10 | flags);
  writeUint16(segment, 14, window);
  writeUint16(segment, 18, urgentPointer);
  segment.set(options, TCP_HEADER_SIZE);
  segment.set(payload, headerLength);
  if (addresses !== undefined) writeUint16(segment, 16, checksumOf(addresses, IPPROTO_TCP, segment));
  return segment;
}

/** The options, padded with zeros (end of list) to a multiple of four. */
function encodeTcpOptions(options: TcpOptions): Uint8Array {
  const { maximumSegmentSize, windowScale, sackPermitted, timestamps, others = [] } = options;
  const bytes: number[] = [];
  if (maximumSegmentSize !== undefined) {
    checkInteger("header.options.maximumSegmentSize", maximumSegmentSize, 0, 0xffff);
    bytes.push(OPTION_MSS, 4, maximumSegmentSize >> 8, maximumSegmentSize & 0xff);
  }
  // The padding in front puts 32-bit values on 32-bit boundaries, as RFC 7323 appendix A recommends.
  if (sackPermitted) bytes.push(OPTION_SACK_PERMITTED, 2);
  else if (timestamps !== undefined) bytes.push(OPTION_NOP, OPTION_NOP);
  if (timestamps !== undefined) {
    checkInteger("header.options.timestamps.value", timestamps.value, 0, 0xffffffff);
    checkInteger("header.options.timestamps.echo", timestamps.echo, 0, 0xffffffff);
    const data = new Uint8Array(8);
    writeUint32(data, 0, timestamps.value);
    writeUint32(data, 4, timestamps.echo);
    bytes.push(OPTION_TIMESTAMPS, 10, ...data);
  } else if (sackPermitted) bytes.push(OPTION_NOP, OPTION_NOP);
  if (windowScale !== undefined) {
    checkInteger("header.options.windowScale", windowScale, 0, 14);
    bytes.push(OPTION_NOP, OPTION_WINDOW_SCALE, 3, windowScale);
  }
  for (const [index, { kind, data }] of others.entries()) {
    checkInteger(`header.options.others[${index}].kind`, kind, 2, 255);
    bytes.push(kind, 2 + data.length, ...data);
  }
  if (bytes.length > TCP_OPTIONS_MAX) {
    throw new ArgumentError("header.options", `take ${bytes.length} bytes, there is room for ${TCP_OPTIONS_MAX}`);
  }
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return padded;
}

function checkPorts({ sourcePort, destinationPort }: { sourcePort: number; destinationPort: number }): void {
  checkInteger("header.sourcePort", sourcePort ?? NaN, 0, 0xffff);
  checkInteger("header.destinationPort", destinationPort ?? NaN, 0, 0xffff);
}

function checksumOf({ source, destination }: PacketAddresses, protocol: number, packet: Uint8Array): number {
  return transportChecksum(source, destination, protocol, packet);
}
