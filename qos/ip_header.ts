/**
 * The headers of IPv4 (RFC 791) and IPv6 (RFC 8200), with IPv6's extension headers up to the transport header.
 *
 * Nothing here knows what is behind them. Decoders take any bytes, also a packet of which only the beginning is there, as
 * ICMP errors quote it.
 *
 * @module
 */

import { AddressError, ArgumentError } from "../common/errors.ts";
import { checkInteger } from "../ffi/arguments.ts";
import { formatIPv4, formatIPv6, parseIPv4Into, parseIPv6Into } from "../ffi/ip.ts";
import { internetChecksum } from "./checksum.ts";
import { readUint16, readUint32, writeUint16, writeUint32 } from "./network_order.ts";

/** What headers of both versions say. */
export interface IpHeaderFields {
  /** The type-of-service byte: DSCP and ECN. On IPv6 the traffic class. */
  readonly tos: number;
  /** The time to live. On IPv6 the hop limit. */
  readonly ttl: number;
  /** The source address. */
  readonly source: string;
  /** The destination address. */
  readonly destination: string;
  /** Bytes of the whole packet, header included, as the header has it. */
  readonly length: number;
  /** Bytes in front of the payload: the header with its options, or with its extension headers. */
  readonly headerLength: number;
  /** What fragments of one packet have in common; on IPv6 `undefined` where there is no fragment header. */
  readonly id: number | undefined;
  /** Where in the packet this fragment begins, in bytes; 0 for a packet that is whole. */
  readonly fragmentOffset: number;
  /** Whether more fragments follow. */
  readonly moreFragments: boolean;
}

/** The header of an IPv4 packet. */
export interface Ipv4Header extends IpHeaderFields {
  /** Says which version this is. */
  readonly version: 4;
  /** The identification. */
  readonly id: number;
  /** Whether the packet must not be fragmented. */
  readonly dontFragment: boolean;
  /** The protocol number of what is behind the header. */
  readonly protocol: number;
  /** The checksum, which is not verified: routers quote headers that they have changed already. */
  readonly checksum: number;
  /** The options, with padding; a copy. */
  readonly options: Uint8Array;
}

/** A header between the IPv6 header and the transport header. */
export interface Ipv6ExtensionHeader {
  /** Its own number: 0 hop-by-hop options, 43 routing, 44 fragment, 51 authentication, 60 destination options. */
  readonly protocol: number;
  /** All of it, from its next header byte on; a copy. */
  readonly bytes: Uint8Array;
}

/** The header of an IPv6 packet. */
export interface Ipv6Header extends IpHeaderFields {
  /** Says which version this is. */
  readonly version: 6;
  /** The flow label. */
  readonly flowLabel: number;
  /** The number of what is behind all headers; `undefined` where the packet is cut off within them. */
  readonly protocol: number | undefined;
  /** The extension headers, in order. */
  readonly extensionHeaders: readonly Ipv6ExtensionHeader[];
}

/** The header of an IP packet; `version` tells which. */
export type IpHeader = Ipv4Header | Ipv6Header;

/** Bytes of an IPv4 header without options. */
export const IPV4_HEADER_SIZE = 20;
/** Bytes of an IPv6 header without extension headers. */
export const IPV6_HEADER_SIZE = 40;

const FLAG_DONT_FRAGMENT = 0x4000;
const FLAG_MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET_MASK = 0x1fff;

// IANA, "IPv6 Extension Header Types". ESP (50) is not among them: what is behind it can't be read.
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
const HOST_IDENTITY = 139;
const SHIM6 = 140;

/**
 * The header at the beginning of an IP packet of either version.
 *
 * @param packet The packet, or its beginning.
 * @returns The header, or `undefined` if this is none, or not all of it is there.
 *
 * @example
 * ```ts
 * import { decodeIpHeader, encodeIpv4Header } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const packet = encodeIpv4Header({ ttl: 3, protocol: 17, source: "192.0.2.1", destination: "192.0.2.2" });
 * const header = decodeIpHeader(packet);
 * assert.equal(header?.version, 4);
 * assert.equal(header.ttl, 3);
 * ```
 */
export function decodeIpHeader(packet: Uint8Array): IpHeader | undefined {
  switch (packet[0] >> 4) {
    case 4:
      return decodeIpv4Header(packet);
    case 6:
      return decodeIpv6Header(packet);
    default:
      return undefined;
  }
}

/**
 * The header at the beginning of an IPv4 packet, RFC 791 section 3.1.
 *
 * @param packet The packet, or its beginning.
 * @returns The header, or `undefined` if this is none, or not all of it is there.
 *
 * @example
 * ```ts
 * import { decodeIpv4Header, encodeIpv4Header } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const header = { tos: 0xb8, ttl: 3, protocol: 17, source: "192.0.2.1", destination: "192.0.2.2", dontFragment: true };
 * const decoded = decodeIpv4Header(encodeIpv4Header(header));
 * assert.equal(decoded?.tos, 0xb8);
 * assert.equal(decoded.dontFragment, true);
 * ```
 */
export function decodeIpv4Header(packet: Uint8Array): Ipv4Header | undefined {
  if (packet.length < IPV4_HEADER_SIZE || packet[0] >> 4 !== 4) return undefined;
  const headerLength = (packet[0] & 0xf) * 4;
  if (headerLength < IPV4_HEADER_SIZE || headerLength > packet.length) return undefined;
  const fragment = readUint16(packet, 6);
  return {
    version: 4,
    tos: packet[1],
    length: readUint16(packet, 2),
    headerLength,
    id: readUint16(packet, 4),
    dontFragment: (fragment & FLAG_DONT_FRAGMENT) !== 0,
    moreFragments: (fragment & FLAG_MORE_FRAGMENTS) !== 0,
    fragmentOffset: (fragment & FRAGMENT_OFFSET_MASK) * 8,
    ttl: packet[8],
    protocol: packet[9],
    checksum: readUint16(packet, 10),
    source: formatIPv4(packet, 12),
    destination: formatIPv4(packet, 16),
    options: packet.slice(IPV4_HEADER_SIZE, headerLength),
  };
}

/** What {@linkcode encodeIpv4Header} makes a header of. */
export interface Ipv4HeaderInit {
  /** The type-of-service byte, 0 to 255. @default {0} */
  tos?: number;
  /** The time to live, 0 to 255. @default {64} */
  ttl?: number;
  /** The protocol number of the payload, 0 to 255. */
  protocol: number;
  /** The source address; raw sockets fill in `0.0.0.0`. @default {"0.0.0.0"} */
  source?: string;
  /** The destination address. */
  destination: string;
  /** The identification, 0 to 65535; raw sockets fill in 0. @default {0} */
  id?: number;
  /** Whether the packet must not be fragmented. @default {false} */
  dontFragment?: boolean;
  /** Where in the packet this fragment begins, in bytes: a multiple of 8 up to 65,528. @default {0} */
  fragmentOffset?: number;
  /** Whether more fragments follow. @default {false} */
  moreFragments?: boolean;
  /** Bytes behind the header, up to 65,515 less the options. @default {0} */
  payloadLength?: number;
  /** Options, up to 40 bytes; padded with zeros to a multiple of 4. @default none */
  options?: Uint8Array;
}

/**
 * The bytes of an IPv4 header, checksum included.
 *
 * @param header The header's fields.
 * @returns A new array of 20 to 60 bytes.
 * @throws {ArgumentError} if a field is out of range.
 * @throws {AddressError} if an address is no numeric IPv4 address.
 *
 * @example
 * ```ts
 * import { encodeIpv4Header, internetChecksum } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const bytes = encodeIpv4Header({ protocol: 1, source: "192.0.2.1", destination: "192.0.2.2", payloadLength: 64 });
 * assert.equal(bytes[3], 84);
 * assert.equal(internetChecksum(bytes), 0);
 * ```
 */
export function encodeIpv4Header(header: Ipv4HeaderInit): Uint8Array<ArrayBuffer> {
  const { tos = 0, ttl = 64, protocol, id = 0, fragmentOffset = 0, payloadLength = 0, options } = header;
  checkInteger("header.tos", tos, 0, 255);
  checkInteger("header.ttl", ttl, 0, 255);
  requireInteger("header.protocol", protocol, 255);
  checkInteger("header.id", id, 0, 0xffff);
  checkInteger("header.options.length", options?.length, 0, 40);
  checkFragmentOffset("header.fragmentOffset", fragmentOffset);
  const headerLength = IPV4_HEADER_SIZE + Math.ceil((options?.length ?? 0) / 4) * 4;
  checkInteger("header.payloadLength", payloadLength, 0, 0xffff - headerLength);
  const bytes = new Uint8Array(headerLength);
  bytes[0] = 0x40 | headerLength / 4;
  bytes[1] = tos;
  writeUint16(bytes, 2, headerLength + payloadLength);
  writeUint16(bytes, 4, id);
  const flags = (header.dontFragment ? FLAG_DONT_FRAGMENT : 0) | (header.moreFragments ? FLAG_MORE_FRAGMENTS : 0);
  writeUint16(bytes, 6, flags | fragmentOffset / 8);
  bytes[8] = ttl;
  bytes[9] = protocol;
  putIPv4(header.source ?? "0.0.0.0", bytes, 12);
  putIPv4(header.destination, bytes, 16);
  if (options !== undefined) bytes.set(options, IPV4_HEADER_SIZE);
  writeUint16(bytes, 10, internetChecksum(bytes));
  return bytes;
}

/**
 * The header at the beginning of an IPv6 packet, RFC 8200 section 3, with its extension headers.
 *
 * The walk ends at the transport header; behind a fragment header that is not the first fragment's there is none, and what
 * `protocol` names is then only where `fragmentOffset` is 0.
 *
 * @param packet The packet, or its beginning.
 * @returns The header, or `undefined` if this is none, or the first 40 bytes are not all there.
 *
 * @example
 * ```ts
 * import { decodeIpv6Header, encodeIpv6Header } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const bytes = encodeIpv6Header({ protocol: 17, source: "2001:db8::1", destination: "2001:db8::2", flowLabel: 0xabcde });
 * const header = decodeIpv6Header(bytes);
 * assert.equal(header?.flowLabel, 0xabcde);
 * assert.equal(header.protocol, 17);
 * ```
 */
export function decodeIpv6Header(packet: Uint8Array): Ipv6Header | undefined {
  if (packet.length < IPV6_HEADER_SIZE || packet[0] >> 4 !== 6) return undefined;
  const first = readUint32(packet, 0);
  const chain = walkExtensionHeaders(packet, packet[6]);
  const fragment = chain.extensionHeaders.find(({ protocol }) => protocol === FRAGMENT)?.bytes;
  const offsetAndFlags = fragment === undefined ? 0 : readUint16(fragment, 2);
  return {
    version: 6,
    tos: first >>> 20 & 0xff,
    flowLabel: first & 0xfffff,
    length: IPV6_HEADER_SIZE + readUint16(packet, 4),
    ttl: packet[7],
    source: formatIPv6(packet, 8),
    destination: formatIPv6(packet, 24),
    id: fragment === undefined ? undefined : readUint32(fragment, 4),
    fragmentOffset: offsetAndFlags & 0xfff8,
    moreFragments: (offsetAndFlags & 1) !== 0,
    ...chain,
  };
}

function walkExtensionHeaders(packet: Uint8Array, nextHeader: number) {
  const extensionHeaders: Ipv6ExtensionHeader[] = [];
  let protocol: number | undefined = nextHeader;
  let offset = IPV6_HEADER_SIZE;
  while (isExtensionHeader(protocol)) {
    const size = offset + 2 <= packet.length ? extensionHeaderSize(protocol, packet[offset + 1]) : Infinity;
    if (offset + size > packet.length) {
      protocol = undefined;
      break;
    }
    const bytes = packet.slice(offset, offset + size);
    extensionHeaders.push({ protocol, bytes });
    offset += size;
    const isLaterFragment = protocol === FRAGMENT && (readUint16(bytes, 2) & 0xfff8) !== 0;
    protocol = bytes[0];
    if (isLaterFragment) break;
  }
  return { protocol, headerLength: offset, extensionHeaders };
}

function isExtensionHeader(protocol: number): boolean {
  switch (protocol) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HOST_IDENTITY:
    case SHIM6:
      return true;
    default:
      return false;
  }
}

/** Bytes of an extension header by its length byte: RFC 8200 section 4, and RFC 4302 section 2.2 for authentication. */
function extensionHeaderSize(protocol: number, lengthByte: number): number {
  if (protocol === FRAGMENT) return 8;
  return protocol === AUTHENTICATION ? (lengthByte + 2) * 4 : (lengthByte + 1) * 8;
}

/** What {@linkcode encodeIpv6Header} makes a header of. */
export interface Ipv6HeaderInit {
  /** The traffic class, 0 to 255. @default {0} */
  tos?: number;
  /** The flow label, 0 to 0xfffff. @default {0} */
  flowLabel?: number;
  /** The hop limit, 0 to 255. @default {64} */
  ttl?: number;
  /** The number of what is behind all headers, 0 to 255. */
  protocol: number;
  /** The source address. */
  source: string;
  /** The destination address. */
  destination: string;
  /** Bytes behind all headers, up to 65,535 less the extension headers. @default {0} */
  payloadLength?: number;
  /** Extension headers; their next header bytes are set here. @default none */
  extensionHeaders?: readonly Ipv6ExtensionHeader[];
}

/**
 * The bytes of an IPv6 header and its extension headers.
 *
 * @param header The header's fields.
 * @returns A new array of 40 bytes and more.
 * @throws {ArgumentError} if a field is out of range, or an extension header not as long as it says.
 * @throws {AddressError} if an address is no numeric IPv6 address.
 *
 * @example
 * ```ts
 * import { encodeIpv6Header } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const bytes = encodeIpv6Header({ tos: 0xb8, protocol: 58, source: "::1", destination: "::1", payloadLength: 16 });
 * assert.deepEqual([...bytes.subarray(0, 8)], [0x6b, 0x80, 0, 0, 0, 16, 58, 64]);
 * ```
 */
export function encodeIpv6Header(header: Ipv6HeaderInit): Uint8Array<ArrayBuffer> {
  const { tos = 0, flowLabel = 0, ttl = 64, protocol, payloadLength = 0, extensionHeaders = [] } = header;
  checkInteger("header.tos", tos, 0, 255);
  checkInteger("header.flowLabel", flowLabel, 0, 0xfffff);
  checkInteger("header.ttl", ttl, 0, 255);
  requireInteger("header.protocol", protocol, 255);
  for (const [index, extension] of extensionHeaders.entries()) {
    checkExtensionHeader(extension, `header.extensionHeaders[${index}]`);
  }
  const extensionLength = extensionHeaders.reduce((sum, { bytes }) => sum + bytes.length, 0);
  checkInteger("header.payloadLength", payloadLength, 0, 0xffff - extensionLength);
  const bytes = new Uint8Array(IPV6_HEADER_SIZE + extensionLength);
  writeUint32(bytes, 0, 6 << 28 | tos << 20 | flowLabel);
  writeUint16(bytes, 4, extensionLength + payloadLength);
  bytes[7] = ttl;
  putIPv6(header.source, bytes, 8);
  putIPv6(header.destination, bytes, 24);
  putExtensionHeaders(bytes, extensionHeaders, protocol);
  return bytes;
}

/** Chains the headers: each says in its first byte what the next is, the IPv6 header in byte 6. */
function putExtensionHeaders(target: Uint8Array, headers: readonly Ipv6ExtensionHeader[], protocol: number): void {
  let link = 6;
  let offset = IPV6_HEADER_SIZE;
  for (const header of headers) {
    target[link] = header.protocol;
    target.set(header.bytes, offset);
    link = offset;
    offset += header.bytes.length;
  }
  target[link] = protocol;
}

function checkExtensionHeader({ protocol, bytes }: Ipv6ExtensionHeader, argument: string): void {
  if (!isExtensionHeader(protocol)) {
    throw new ArgumentError(`${argument}.protocol`, `must be the number of an extension header, got ${protocol}`);
  }
  const size = bytes.length < 2 ? 8 : extensionHeaderSize(protocol, bytes[1]);
  if (bytes.length !== size) {
    throw new ArgumentError(`${argument}.bytes`, `must be ${size} bytes by their length byte, got ${bytes.length}`);
  }
}

/**
 * The extension header of a fragment, RFC 8200 section 4.5, to go into {@linkcode encodeIpv6Header}.
 *
 * @param fragment What all fragments of the packet have in common (0 to 2^32-1), where this one begins in bytes (a
 * multiple of 8 up to 65,528), and whether more follow.
 * @returns The header; its next header byte is 0 until it is chained.
 * @throws {ArgumentError} if a field is out of range.
 *
 * @example
 * ```ts
 * import { decodeIpv6Header, encodeIpv6Header, ipv6FragmentHeader } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const extensionHeaders = [ipv6FragmentHeader({ id: 7, fragmentOffset: 1448, moreFragments: false })];
 * const bytes = encodeIpv6Header({ protocol: 17, source: "::1", destination: "::1", extensionHeaders });
 * assert.equal(decodeIpv6Header(bytes)?.fragmentOffset, 1448);
 * ```
 */
export function ipv6FragmentHeader(
  fragment: { id: number; fragmentOffset: number; moreFragments: boolean },
): Ipv6ExtensionHeader {
  requireInteger("fragment.id", fragment.id, 0xffffffff);
  checkFragmentOffset("fragment.fragmentOffset", fragment.fragmentOffset);
  const bytes = new Uint8Array(8);
  writeUint16(bytes, 2, fragment.fragmentOffset | (fragment.moreFragments ? 1 : 0));
  writeUint32(bytes, 4, fragment.id);
  return { protocol: FRAGMENT, bytes };
}

function checkFragmentOffset(argument: string, offset: number): void {
  if (Number.isInteger(offset) && offset >= 0 && offset <= 0xfff8 && offset % 8 === 0) return;
  throw new ArgumentError(argument, `must be a multiple of 8 from 0 to 65528, got ${String(offset)}`);
}

/** As checkInteger, for a number that must be there. */
function requireInteger(argument: string, value: number, max: number): void {
  checkInteger(argument, value ?? NaN, 0, max);
}

function putIPv4(address: string, target: Uint8Array, offset: number): void {
  if (typeof address === "string" && parseIPv4Into(address, target, offset)) return;
  throw new AddressError(`${JSON.stringify(address)} is not an IPv4 address: write it like 192.0.2.1`);
}

function putIPv6(address: string, target: Uint8Array, offset: number): void {
  if (typeof address === "string" && parseIPv6Into(address, target, offset)) return;
  throw new AddressError(`${JSON.stringify(address)} is not an IPv6 address: write it like 2001:db8::1`);
}
