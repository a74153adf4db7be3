/**
 * Entries of the error queue made into {@linkcode PacketError}s: decoded, parted from padding and extensions, and brought
 * together with the packets that were sent.
 *
 * It knows what is in front of payloads on which kind of socket. It needs to know nothing of descriptors, nor of when
 * errors are read.
 *
 * @module
 */

import { ERRNO } from "../ffi/errno.ts";
import type { SocketAddress } from "../ffi/sockaddr.ts";
import { decodeExtendedError, type ExtendedError } from "./extended_error.ts";
import { type IcmpExtension, splitQuotedPacket } from "./icmp/extensions.ts";
import { ICMP6_TYPE, ICMP_TYPE } from "./icmp/types.ts";
import { type Labels, type Match, NO_MATCH } from "./labels.ts";
import { readUint16 } from "./network_order.ts";
import { PacketError } from "./packet_error.ts";
import { decodePacketInfo, type PacketInfo } from "./packet_info.ts";

const IPV4_HEADER = 20;
/** RFC 791 section 3.1: four bits of header length count words. */
const IPV4_HEADER_MAX = 60;
const IPV6_HEADER = 40;
/** RFC 8200 section 4.5. */
const IPV6_FRAGMENT_HEADER = 8;
const UDP_HEADER = 8;
/** No link has less, RFC 8200 section 5, so that translators may report it where it is not the truth, RFC 7915. */
const IPV6_MTU_MIN = 1280;

const NO_EXTENSIONS: readonly IcmpExtension[] = Object.freeze([]);

/** What the kernel returns of packets on one kind of socket. */
export interface ReturnedShape {
  /** Whether the transport header comes back too, and no port does. */
  readonly isRaw: boolean;
  /** Whether the IP header comes back too. */
  readonly ownHeader: boolean;
}

/** An entry that is an error, not the timestamp of a packet sent or its like. */
export type ErrorEntry = ExtendedError & { readonly origin: PacketError["origin"] };

/** The error in the control messages of an entry; `undefined` if the entry is none. */
export function decodeErrorEntry(control: Uint8Array): ErrorEntry | undefined {
  const extended = decodeExtendedError(control);
  return extended === undefined || extended.origin === "other" ? undefined : extended as ErrorEntry;
}

/** What came back of a packet, and which it was. */
interface Attribution {
  readonly data: Uint8Array;
  readonly extensions: readonly IcmpExtension[];
  readonly match: Match;
}

/** Decodes the errors of one socket. */
export class ErrorDecoder {
  readonly #labels: Labels;
  readonly #isRaw: boolean;
  readonly #ownHeader: boolean;

  /** Makes a decoder for a socket whose packets are in `labels`. */
  constructor(labels: Labels, { isRaw, ownHeader }: ReturnedShape) {
    this.#labels = labels;
    this.#isRaw = isRaw;
    this.#ownHeader = ownHeader;
  }

  /** Remembers a packet, in the form in which its error will be looked for. */
  register(label: unknown, destination: SocketAddress, data: Uint8Array): void {
    if (!this.#isRaw) return this.#labels.register(label, destination, data);
    const to = withoutPort(destination);
    if (!this.#ownHeader) return this.#labels.register(label, to, data);
    const header = headerLength(data, to);
    this.#labels.register(label, to, data.subarray(header), identification(data, header));
  }

  /**
   * One entry of the queue.
   *
   * Takes any bytes that a router may have sent: it never throws.
   *
   * @param control The control messages.
   * @param extended The error among them.
   * @param address The address of the message: where the packet was to go.
   * @param returned The message, which the error owns from now on.
   */
  decode(
    control: Uint8Array,
    extended: ErrorEntry,
    address: SocketAddress | undefined,
    returned: Uint8Array,
  ): PacketError {
    const info: PacketInfo = {};
    decodePacketInfo(control, info);
    const destination = unmapped(address);
    const { data, extensions, match } = this.#attribute(returned, extended, destination);
    return new PacketError({
      origin: extended.origin,
      type: extended.type,
      code: extended.code,
      errno: extended.errno,
      router: extended.offender?.address,
      destination,
      mtu: reportedMtu(extended),
      data,
      extensions,
      label: match.label,
      candidates: match.candidates,
      timestamp: info.timestamp,
      ttl: info.ttl,
    });
  }

  /** Parts packet, padding and extensions, which takes to know the packet. */
  #attribute(returned: Uint8Array, extended: ExtendedError, destination: SocketAddress | undefined): Attribution {
    if (!mayHaveExtensions(extended)) return this.#find(returned, extended, destination, NO_EXTENSIONS);
    const { extensionsOffset } = extended;
    const removed = this.#removedBytes(destination);
    const { original, extensions } = splitQuotedPacket(returned, extensionsOffset, removed);
    if (extensionsOffset === 0 && extensions.length > 0) {
      // What looks like an extension without being announced can be the packet's own bytes.
      const whole = this.#find(returned, extended, destination, NO_EXTENSIONS);
      if (whole.match !== NO_MATCH) return whole;
    }
    return this.#find(original, extended, destination, extensions);
  }

  #find(
    data: Uint8Array,
    extended: ExtendedError,
    destination: SocketAddress | undefined,
    extensions: readonly IcmpExtension[],
  ): Attribution {
    if (destination === undefined) return { data, extensions, match: NO_MATCH };
    const header = this.#ownHeader ? headerLength(data, destination) : 0;
    const match = this.#labels.match({
      destination: this.#isRaw ? withoutPort(destination) : destination,
      // An IPv4 socket that isn't connected has no port to tell for what this machine refuses.
      isPortUnknown: !this.#isRaw && "port" in destination && destination.port === 0,
      data: header === 0 ? data : data.subarray(header),
      isWhole: isWhole(data, extended, extensions),
      longerThan: this.#longestWithin(reportedMtu(extended), extended, destination),
      tag: this.#ownHeader ? identification(data, header) : 0,
    });
    return { data: match.length === undefined ? data : data.subarray(0, header + match.length), extensions, match };
  }

  /** The bytes that were in front of what the kernel returns, as far as it is known. */
  #removedBytes(destination: SocketAddress | undefined): number {
    if (this.#ownHeader) return 0;
    const header = destination?.family === "inet6" ? IPV6_HEADER : IPV4_HEADER;
    return this.#isRaw ? header : header + UDP_HEADER;
  }

  /**
   * The largest payload with which a packet is possibly not larger than an MTU: whoever reports an MTU could not take
   * the packet, whatever options it may have had in its header.
   */
  #longestWithin(mtu: number | undefined, { origin }: ExtendedError, { family }: SocketAddress): number {
    if (mtu === undefined) return -1;
    const transport = this.#isRaw ? 0 : UDP_HEADER;
    if (family === "inet6") {
      if (origin === "local") return mtu - IPV6_HEADER - transport;
      return mtu <= IPV6_MTU_MIN ? -1 : mtu - IPV6_HEADER - IPV6_FRAGMENT_HEADER - transport;
    }
    return mtu - (origin === "local" && !this.#ownHeader ? IPV4_HEADER : IPV4_HEADER_MAX) - transport;
  }
}

/**
 * Whether the packet was quoted to its end. Who cuts it does so behind 8 bytes of it (RFC 792), where the error would
 * exceed 576 or 1280 bytes (RFC 1812, RFC 4443), or at another multiple of four; headers and all fragments but the last
 * end at one, too. In front of extensions it is padded to one.
 */
function isWhole(data: Uint8Array, { origin }: ExtendedError, extensions: readonly IcmpExtension[]): boolean {
  return origin !== "local" && data.length % 4 !== 0 && extensions.length === 0;
}

function reportedMtu({ errno, info }: ExtendedError): number | undefined {
  return errno === ERRNO.EMSGSIZE ? info : undefined;
}

/** Errors of raw sockets tell no port. */
function withoutPort(address: SocketAddress): SocketAddress {
  return address.family === "unix" || address.port === 0 ? address : { ...address, port: 0 };
}

/** An IPv4 address that a dual-stack socket shows as IPv6. */
function unmapped(address: SocketAddress | undefined): SocketAddress | undefined {
  if (address?.family !== "inet6" || !/^::ffff:.*\./.test(address.address)) return address;
  return { family: "inet", address: address.address.slice("::ffff:".length), port: address.port };
}

/** RFC 4884 section 4: destination unreachable and time exceeded have extensions, over IPv4 also parameter problem. */
function mayHaveExtensions({ origin, type }: ExtendedError): boolean {
  if (origin === "icmp6") return type === ICMP6_TYPE.DESTINATION_UNREACHABLE || type === ICMP6_TYPE.TIME_EXCEEDED;
  if (origin !== "icmp") return false;
  return type === ICMP_TYPE.DESTINATION_UNREACHABLE || type === ICMP_TYPE.TIME_EXCEEDED ||
    type === ICMP_TYPE.PARAMETER_PROBLEM;
}

/** How long an IP header in front of a packet is, at most as long as the packet. */
function headerLength(packet: Uint8Array, destination: SocketAddress): number {
  if (destination.family === "inet6") return Math.min(IPV6_HEADER, packet.length);
  return Math.min(Math.max(packet[0] & 0xf, 5) * 4, packet.length);
}

/** The identification of an IPv4 packet; 0 if the kernel writes it, IP_HDRINCL in raw(7). */
function identification(packet: Uint8Array, header: number): number {
  return header >= IPV4_HEADER && packet[0] >> 4 === 4 ? readUint16(packet, 4) : 0;
}
