/**
 * ICMP and ICMPv6 messages: echo, and errors with the packet that they quote. RFC 792, RFC 4443, RFC 4884.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { checkInteger } from "../../ffi/arguments.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from "../../ffi/constants.ts";
import { formatIPv4, parseIPv4 } from "../../ffi/ip.ts";
import { internetChecksum, transportChecksum } from "../checksum.ts";
import { decodeIpHeader, type IpHeader } from "../ip_header.ts";
import { readUint16, readUint32, writeUint16, writeUint32 } from "../network_order.ts";
import type { PacketAddresses } from "../transport_header.ts";
import { encodeIcmpExtensions, type IcmpExtension, NON_COMPLIANT_OFFSET, splitQuotedPacket } from "./extensions.ts";
import { ICMP6_TYPE, ICMP_TYPE, icmpName, type IcmpVersion, isIcmpError } from "./types.ts";

/** An echo request, or its reply. */
export interface IcmpEcho {
  /** Says which kind of message this is. */
  readonly kind: "echo-request" | "echo-reply";
  /** ICMP or ICMPv6. */
  readonly version: IcmpVersion;
  /** Whose echo it is, 0 to 65535; unprivileged ICMP sockets have it for a port. */
  readonly identifier: number;
  /** Which of the echoes it is, 0 to 65535. */
  readonly sequence: number;
  /** What is sent forth and back. */
  readonly data: Uint8Array;
}

/** An error about a packet. */
export interface IcmpError {
  /** Says which kind of message this is. */
  readonly kind: "error";
  /** ICMP or ICMPv6. */
  readonly version: IcmpVersion;
  /** The type, 0 to 255. */
  readonly type: number;
  /** The code, 0 to 255. */
  readonly code: number;
  /** The beginning of the packet that it is about, without what routers put behind it. */
  readonly original: Uint8Array;
  /** What routers put behind it. */
  readonly extensions: readonly IcmpExtension[];
  /** The MTU in bytes, where the packet was too large for the next link; 0 where an old router does not say. */
  readonly mtu?: number;
  /** Where in the packet the problem is, in bytes, for a parameter problem. */
  readonly pointer?: number;
  /** The better router, for a redirect over IPv4. */
  readonly gateway?: string;
}

/** Any other message. */
export interface IcmpOther {
  /** Says which kind of message this is. */
  readonly kind: "other";
  /** ICMP or ICMPv6. */
  readonly version: IcmpVersion;
  /** The type, 0 to 255. */
  readonly type: number;
  /** The code, 0 to 255. */
  readonly code: number;
  /** Everything behind the checksum, four bytes at least. */
  readonly body: Uint8Array;
}

/** An ICMP message; `kind` tells which. */
export type IcmpMessage = IcmpEcho | IcmpError | IcmpOther;

/** Bytes of an ICMP header with the four bytes that differ by type. */
const HEADER_SIZE = 8;

/**
 * An ICMP message.
 *
 * Takes any bytes: it never throws and reads nothing outside them. The checksum is not verified; kernels do that before
 * they hand a message out.
 *
 * @param version ICMP or ICMPv6.
 * @param bytes The message from its type on. A raw IPv4 socket delivers the IP header in front: cut it off.
 * @returns The message, with views on the bytes, or `undefined` if there are fewer than 8.
 *
 * @example
 * ```ts
 * import { decodeIcmpMessage } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const message = decodeIcmpMessage("icmp", Uint8Array.of(0, 0, 0xff, 0xf2, 0, 7, 0, 6));
 * assert(message?.kind === "echo-reply");
 * assert.equal(message.sequence, 6);
 * ```
 */
export function decodeIcmpMessage(version: IcmpVersion, bytes: Uint8Array): IcmpMessage | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const type = bytes[0];
  const code = bytes[1];
  const kind = echoKind(version, type);
  if (kind !== undefined && code === 0) {
    const data = bytes.subarray(HEADER_SIZE);
    return { kind, version, identifier: readUint16(bytes, 4), sequence: readUint16(bytes, 6), data };
  }
  if (isIcmpError(version, type)) return decodeError(version, type, code, bytes);
  return { kind: "other", version, type, code, body: bytes.subarray(4) };
}

function echoKind(version: IcmpVersion, type: number): "echo-request" | "echo-reply" | undefined {
  const { ECHO_REQUEST, ECHO_REPLY } = version === "icmp" ? ICMP_TYPE : ICMP6_TYPE;
  return type === ECHO_REQUEST ? "echo-request" : type === ECHO_REPLY ? "echo-reply" : undefined;
}

function decodeError(version: IcmpVersion, type: number, code: number, bytes: Uint8Array): IcmpError {
  const quoted = bytes.subarray(HEADER_SIZE);
  const unit = lengthUnit(version, type);
  const length = unit === 0 ? 0 : bytes[version === "icmp" ? 5 : 4] * unit;
  // A length that reaches beyond the message, or that no extension may begin at, says nothing.
  const isLengthSound = length >= NON_COMPLIANT_OFFSET && length <= quoted.length;
  const { original, extensions } = unit === 0
    ? { original: quoted, extensions: [] }
    : splitQuotedPacket(quoted, isLengthSound ? length : 0);
  return { kind: "error", version, type, code, original, extensions, ...details(version, type, code, bytes) };
}

/** In what the length attribute counts, RFC 4884 section 4: words of 4 or 8 bytes; 0 for messages that have none. */
function lengthUnit(version: IcmpVersion, type: number): number {
  if (version === "icmp6") {
    return type === ICMP6_TYPE.DESTINATION_UNREACHABLE || type === ICMP6_TYPE.TIME_EXCEEDED ? 8 : 0;
  }
  const { DESTINATION_UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM } = ICMP_TYPE;
  return type === DESTINATION_UNREACHABLE || type === TIME_EXCEEDED || type === PARAMETER_PROBLEM ? 4 : 0;
}

/** What a message has in the four bytes that differ by type. */
type Detail = "mtu" | "pointer" | "gateway" | undefined;

function detailOf(version: IcmpVersion, type: number, code: number): Detail {
  if (version === "icmp6") {
    return type === ICMP6_TYPE.PACKET_TOO_BIG ? "mtu" : type === ICMP6_TYPE.PARAMETER_PROBLEM ? "pointer" : undefined;
  }
  if (type === ICMP_TYPE.DESTINATION_UNREACHABLE && code === 4) return "mtu";
  if (type === ICMP_TYPE.PARAMETER_PROBLEM) return "pointer";
  return type === ICMP_TYPE.REDIRECT ? "gateway" : undefined;
}

function details(version: IcmpVersion, type: number, code: number, bytes: Uint8Array): Partial<IcmpError> {
  switch (detailOf(version, type, code)) {
    case "mtu": // RFC 1191 section 4: the lower half; RFC 4443 section 3.2: all of it
      return { mtu: version === "icmp" ? readUint16(bytes, 6) : readUint32(bytes, 4) };
    case "pointer":
      return { pointer: version === "icmp" ? bytes[4] : readUint32(bytes, 4) };
    case "gateway":
      return { gateway: formatIPv4(bytes, 4) };
    default:
      return {};
  }
}

/**
 * The bytes of an ICMP message, checksum included.
 *
 * An error with extensions gets the form of RFC 4884: the original is padded with zeros, and its length is in the header.
 *
 * @param message The message.
 * @param addresses What ICMPv6's checksum needs to know; without them it is 0, and raw ICMPv6 sockets have the kernel fill
 * it in. ICMP needs none.
 * @returns A new array.
 * @throws {ArgumentError} if a field is out of range, or the message has no place for it.
 * @throws {AddressError} if the addresses are malformed, or of two families.
 *
 * @example
 * ```ts
 * import { encodeIcmpMessage, internetChecksum } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const data = new TextEncoder().encode("ping");
 * const bytes = encodeIcmpMessage({ kind: "echo-request", version: "icmp", identifier: 7, sequence: 1, data });
 * assert.equal(bytes[0], 8);
 * assert.equal(internetChecksum(bytes), 0);
 * ```
 */
export function encodeIcmpMessage(message: IcmpMessage, addresses?: PacketAddresses): Uint8Array<ArrayBuffer> {
  const bytes = encodeUnchecked(message);
  if (message.version === "icmp") writeUint16(bytes, 2, internetChecksum(bytes));
  else if (addresses !== undefined) {
    writeUint16(bytes, 2, transportChecksum(addresses.source, addresses.destination, IPPROTO_ICMPV6, bytes));
  }
  return bytes;
}

function encodeUnchecked(message: IcmpMessage): Uint8Array<ArrayBuffer> {
  switch (message.kind) {
    case "echo-request":
    case "echo-reply":
      return encodeEcho(message);
    case "error":
      return encodeError(message);
    case "other":
      return encodeOther(message);
  }
  throw new ArgumentError("message.kind", 'must be "echo-request", "echo-reply", "error" or "other"');
}

function encodeEcho({ kind, version, identifier, sequence, data }: IcmpEcho): Uint8Array<ArrayBuffer> {
  checkInteger("message.identifier", identifier ?? NaN, 0, 0xffff);
  checkInteger("message.sequence", sequence ?? NaN, 0, 0xffff);
  const { ECHO_REQUEST, ECHO_REPLY } = version === "icmp" ? ICMP_TYPE : ICMP6_TYPE;
  const bytes = new Uint8Array(HEADER_SIZE + data.length);
  bytes[0] = kind === "echo-request" ? ECHO_REQUEST : ECHO_REPLY;
  writeUint16(bytes, 4, identifier);
  writeUint16(bytes, 6, sequence);
  bytes.set(data, HEADER_SIZE);
  return bytes;
}

function encodeOther({ type, code, body }: IcmpOther): Uint8Array<ArrayBuffer> {
  checkTypeAndCode(type, code);
  if (body.length < 4) throw new ArgumentError("message.body", `must be at least 4 bytes, got ${body.length}`);
  const bytes = new Uint8Array(4 + body.length);
  bytes[0] = type;
  bytes[1] = code;
  bytes.set(body, 4);
  return bytes;
}

function encodeError(message: IcmpError): Uint8Array<ArrayBuffer> {
  const { version, type, code, original, extensions } = message;
  checkTypeAndCode(type, code);
  if (!isIcmpError(version, type)) {
    throw new ArgumentError(
      "message.type",
      `must be the type of an error, got ${type} (${icmpName(version, type, code)})`,
    );
  }
  const unit = extensions.length === 0 ? 0 : requireLengthUnit(version, type);
  // RFC 4884 section 3: at least 128 bytes, and a multiple of the unit.
  const quotedLength = unit === 0
    ? original.length
    : Math.max(NON_COMPLIANT_OFFSET, Math.ceil(original.length / unit) * unit);
  const structure = unit === 0 ? new Uint8Array(0) : encodeIcmpExtensions(extensions);
  const bytes = new Uint8Array(HEADER_SIZE + quotedLength + structure.length);
  bytes[0] = type;
  bytes[1] = code;
  putDetail(message, bytes);
  if (unit > 0) {
    checkInteger("message.original.length", original.length, 0, 255 * unit);
    bytes[version === "icmp" ? 5 : 4] = quotedLength / unit;
  }
  bytes.set(original, HEADER_SIZE);
  bytes.set(structure, HEADER_SIZE + quotedLength);
  return bytes;
}

function requireLengthUnit(version: IcmpVersion, type: number): number {
  const unit = lengthUnit(version, type);
  if (unit > 0) return unit;
  throw new ArgumentError("message.extensions", `are not allowed in ${icmpName(version, type, 0)} messages (RFC 4884)`);
}

function putDetail(message: IcmpError, target: Uint8Array): void {
  const { version, type, code } = message;
  const detail = detailOf(version, type, code);
  for (const name of ["mtu", "pointer", "gateway"] as const) {
    if (message[name] !== undefined && name !== detail) {
      throw new ArgumentError(`message.${name}`, `has no place in ${icmpName(version, type, code)} messages`);
    }
  }
  const value = detail === undefined ? undefined : message[detail];
  if (value === undefined) return;
  if (typeof value === "string") {
    const gateway = parseIPv4(value);
    if (gateway === undefined) {
      throw new ArgumentError("message.gateway", `must be a numeric IPv4 address, got ${value}`);
    }
    target.set(gateway, 4);
  } else if (version === "icmp6") {
    checkInteger(`message.${detail}`, value, 0, 0xffffffff);
    writeUint32(target, 4, value);
  } else if (detail === "mtu") {
    checkInteger("message.mtu", value, 0, 0xffff);
    writeUint16(target, 6, value);
  } else {
    checkInteger("message.pointer", value, 0, 0xff);
    target[4] = value;
  }
}

function checkTypeAndCode(type: number, code: number): void {
  checkInteger("message.type", type ?? NaN, 0, 255);
  checkInteger("message.code", code ?? NaN, 0, 255);
}

/** What can be told of a packet by its first bytes. */
export interface PacketStart {
  /** The IP header. */
  readonly header: IpHeader;
  /** The sender's port, of UDP and TCP. */
  readonly sourcePort?: number;
  /** The receiver's port, of UDP and TCP. */
  readonly destinationPort?: number;
  /** The sequence number of TCP. */
  readonly sequenceNumber?: number;
  /** The checksum of UDP, which those who probe choose to tell packets of one flow apart. */
  readonly checksum?: number;
  /** The identifier of an ICMP echo. */
  readonly identifier?: number;
  /** The sequence of an ICMP echo. */
  readonly sequence?: number;
  /** What is behind the transport header, as far as it was quoted; all behind the IP header where that is unknown; a view. */
  readonly payload: Uint8Array;
}

/**
 * What the packet was that an ICMP error quotes: routers owe eight bytes behind the IP header (RFC 792), and many give no
 * more.
 *
 * Takes any bytes: it never throws and reads nothing outside them.
 *
 * @param original The quoted packet, from its IP header on.
 * @returns What is known of it, or `undefined` if it begins with no whole IP header.
 *
 * @example
 * ```ts
 * import { decodePacketStart, encodeIpv4Header, encodeUdpDatagram } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const udp = encodeUdpDatagram({ sourcePort: 50000, destinationPort: 33434 }, new Uint8Array(32));
 * const ip = encodeIpv4Header({ protocol: 17, destination: "192.0.2.1", payloadLength: udp.length });
 * const start = decodePacketStart(Uint8Array.of(...ip, ...udp.subarray(0, 8)));
 * assert.equal(start?.header.destination, "192.0.2.1");
 * assert.equal(start.destinationPort, 33434);
 * ```
 */
export function decodePacketStart(original: Uint8Array): PacketStart | undefined {
  const header = decodeIpHeader(original);
  if (header === undefined) return undefined;
  const rest = original.subarray(header.headerLength);
  if (header.fragmentOffset > 0 || rest.length < 8) return { header, payload: rest };
  switch (header.protocol) {
    case IPPROTO_UDP:
      return { header, ...ports(rest), checksum: readUint16(rest, 6), payload: rest.subarray(8) };
    case IPPROTO_TCP:
      return { header, ...ports(rest), sequenceNumber: readUint32(rest, 4), payload: rest.subarray(tcpLength(rest)) };
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      if (echoKind(header.protocol === IPPROTO_ICMP ? "icmp" : "icmp6", rest[0]) === undefined) break;
      return { header, identifier: readUint16(rest, 4), sequence: readUint16(rest, 6), payload: rest.subarray(8) };
  }
  return { header, payload: rest };
}

function ports(rest: Uint8Array): { sourcePort: number; destinationPort: number } {
  return { sourcePort: readUint16(rest, 0), destinationPort: readUint16(rest, 2) };
}

/** Bytes of the TCP header; all there is where it is cut off. */
function tcpLength(rest: Uint8Array): number {
  return rest.length < 20 ? rest.length : Math.max(20, (rest[12] >> 4) * 4);
}
