/**
 * What the kernel tells of a received packet besides its bytes, for those who ask: ip(7), ipv6(7), socket(7), unix(7).
 *
 * @module
 */

import { ArgumentError, SystemError } from "../common/errors.ts";
import { readInt32 } from "../ffi/bytes.ts";
import { CMSGHDR, CMSGHDR_SIZE } from "../ffi/cmsg.ts";
import {
  IP_PKTINFO,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_FLOWINFO,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  SCM_CREDENTIALS,
  SCM_TIMESTAMPNS,
  SO_PASSCRED,
  SO_TIMESTAMPNS,
  SOL_SOCKET,
} from "../ffi/constants.ts";
import { formatIPv4, formatIPv6 } from "../ffi/ip.ts";
import { setsockopt } from "../ffi/syscalls.ts";
import { TIMESPEC, TIMESPEC_SIZE } from "../ffi/timespec.ts";
import { decodeUcred, type UnixCredentials } from "../ffi/ucred.ts";
import { readUint32 } from "./network_order.ts";
import { IN6_PKTINFO, IN6_PKTINFO_SIZE, IN_PKTINFO, IN_PKTINFO_SIZE } from "./packet_control.ts";

/** What can be asked for with each received packet; `"destination"` brings the interface too. */
export type PacketInfoName = "ttl" | "tos" | "destination" | "timestamp" | "flowLabel" | "credentials";

/** What is known of a received packet; only what was asked for and what the packet has is there. */
export interface PacketInfo {
  /** The time to live that was left on arrival; the hop limit on IPv6. */
  ttl?: number;
  /** The type-of-service byte on arrival, DSCP and ECN; the traffic class on IPv6. */
  tos?: number;
  /** The address that the packet was sent to. */
  destination?: string;
  /** The index of the interface that it came in through. */
  interface?: number;
  /**
   * When the kernel received it, in milliseconds since 1970; the fraction reaches to a quarter of a microsecond, which is
   * what a double holds.
   */
  timestamp?: number;
  /** The flow label on IPv6; `undefined` for a packet without one, which is label 0 (RFC 6437 section 2). */
  flowLabel?: number;
  /** The process, user and group of the sender, on unix sockets. */
  credentials?: UnixCredentials;
}

/** Room that suffices for the control messages of everything that can be asked for, in bytes. */
export const PACKET_INFO_BYTES = 256;

const INET_NAMES: readonly PacketInfoName[] = ["ttl", "tos", "destination", "timestamp"];
const NAMES: Readonly<Record<"inet" | "inet6" | "unix", readonly PacketInfoName[]>> = {
  inet: INET_NAMES,
  inet6: [...INET_NAMES, "flowLabel"],
  unix: ["timestamp", "credentials"],
};

/**
 * What can be asked for on a socket of a family.
 *
 * @param socketFamily The family.
 * @returns The names.
 */
export function packetInfoNames(socketFamily: "inet" | "inet6" | "unix"): readonly PacketInfoName[] {
  return NAMES[socketFamily];
}

/** The option of the socket for each name: level and number. For IPv6 first its own, then what brings IPv4 packets' info. */
const REQUESTS: Readonly<
  Record<"inet" | "inet6" | "unix", Partial<Record<PacketInfoName, readonly [number, number][]>>>
> = {
  inet: {
    ttl: [[IPPROTO_IP, IP_RECVTTL]],
    tos: [[IPPROTO_IP, IP_RECVTOS]],
    destination: [[IPPROTO_IP, IP_PKTINFO]],
    timestamp: [[SOL_SOCKET, SO_TIMESTAMPNS]],
  },
  inet6: {
    ttl: [[IPPROTO_IPV6, IPV6_RECVHOPLIMIT], [IPPROTO_IP, IP_RECVTTL]],
    tos: [[IPPROTO_IPV6, IPV6_RECVTCLASS], [IPPROTO_IP, IP_RECVTOS]],
    destination: [[IPPROTO_IPV6, IPV6_RECVPKTINFO]], // for IPv4 packets too, as an IPv4-mapped address
    timestamp: [[SOL_SOCKET, SO_TIMESTAMPNS]],
    flowLabel: [[IPPROTO_IPV6, IPV6_FLOWINFO]],
  },
  unix: {
    timestamp: [[SOL_SOCKET, SO_TIMESTAMPNS]],
    credentials: [[SOL_SOCKET, SO_PASSCRED]],
  },
};

/**
 * Asks the kernel to tell with each packet that the socket receives what is named.
 *
 * @param fd The socket.
 * @param socketFamily Its family.
 * @param names What to tell.
 * @param argument What to call the names in errors. @default {"names"}
 * @throws {ArgumentError} if a name is unknown, or means nothing on sockets of that family.
 * @throws {SystemError} As in setsockopt(2).
 *
 * @example
 * ```ts
 * import { AF_INET, close, SOCK_DGRAM, socket } from "@sockeye/sockeye/ffi";
 * import { requestPacketInfo } from "@sockeye/sockeye/qos";
 *
 * const fd = socket(AF_INET, SOCK_DGRAM);
 * requestPacketInfo(fd, "inet", ["ttl", "tos", "timestamp"]);
 * close(fd);
 * ```
 */
export function requestPacketInfo(
  fd: number,
  socketFamily: "inet" | "inet6" | "unix",
  names: readonly PacketInfoName[],
  argument = "names",
): void {
  const known = NAMES[socketFamily];
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new ArgumentError(
      argument,
      `can be ${known.map((one) => JSON.stringify(one)).join(", ")} on this socket, got ${JSON.stringify(name)}`,
    );
  }
  for (const name of names) {
    for (const [level, option] of REQUESTS[socketFamily][name]!) request(fd, socketFamily, level, option);
  }
}

function request(fd: number, socketFamily: "inet" | "inet6" | "unix", level: number, option: number): void {
  try {
    setsockopt(fd, level, option, 1);
  } catch (error) {
    // A raw IPv6 socket receives no IPv4, and has none of its options.
    const isIPv4OfInet6 = socketFamily === "inet6" && level === IPPROTO_IP;
    if (!(isIPv4OfInet6 && error instanceof SystemError && error.code === "ENOPROTOOPT")) throw error;
  }
}

/**
 * Reads what the kernel told of a packet.
 *
 * Takes any bytes: it never throws, reads nothing outside the buffer, and leaves out what is not whole.
 *
 * @param control The control messages of a received message.
 * @param into Where to write what is there; nothing else of it is touched.
 *
 * @example
 * ```ts
 * import { encodeControlMessages, IP_TTL, IPPROTO_IP } from "@sockeye/sockeye/ffi";
 * import { decodePacketInfo, type PacketInfo } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const control = encodeControlMessages([{ level: IPPROTO_IP, type: IP_TTL, data: Uint8Array.of(61, 0, 0, 0) }]);
 * const info: PacketInfo = {};
 * decodePacketInfo(control, info);
 * assert.equal(info.ttl, 61);
 * ```
 */
export function decodePacketInfo(control: Uint8Array, into: PacketInfo): void {
  // The walk of controlMessages in ffi/cmsg.ts, without an object and a view for each message.
  let offset = 0;
  for (let left; (left = control.length - offset) >= CMSGHDR_SIZE;) {
    const length = readInt32(control, offset + CMSGHDR.cmsg_len) >>> 0;
    if (length < CMSGHDR_SIZE || length > left || readInt32(control, offset + CMSGHDR.cmsg_len + 4) !== 0) return;
    const level = readInt32(control, offset + CMSGHDR.cmsg_level);
    const type = readInt32(control, offset + CMSGHDR.cmsg_type);
    const data = offset + CMSGHDR_SIZE;
    const size = length - CMSGHDR_SIZE;
    if (level === IPPROTO_IP) decodeInet(control, type, data, size, into);
    else if (level === IPPROTO_IPV6) decodeInet6(control, type, data, size, into);
    else if (level === SOL_SOCKET) decodeSocketLevel(control, type, data, size, into);
    offset += length + 7 & ~7;
  }
}

function decodeInet(control: Uint8Array, type: number, data: number, size: number, into: PacketInfo): void {
  if (type === IP_TTL && size >= 4) into.ttl = control[data];
  // ip(7) has it as one byte on receiving.
  else if (type === IP_TOS && size >= 1) into.tos = control[data];
  else if (type === IP_PKTINFO && size >= IN_PKTINFO_SIZE) {
    into.interface = readInt32(control, data + IN_PKTINFO.ipi_ifindex);
    into.destination = inetText(control, data + IN_PKTINFO.ipi_addr);
  }
}

function decodeInet6(control: Uint8Array, type: number, data: number, size: number, into: PacketInfo): void {
  if (type === IPV6_HOPLIMIT && size >= 4) into.ttl = control[data];
  else if (type === IPV6_TCLASS && size >= 4) into.tos = control[data];
  else if (type === IPV6_PKTINFO && size >= IN6_PKTINFO_SIZE) {
    into.interface = readInt32(control, data + IN6_PKTINFO.ipi6_ifindex);
    into.destination = inet6Text(control, data + IN6_PKTINFO.ipi6_addr);
  } else if (type === IPV6_FLOWINFO && size >= 4) {
    // The kernel sends traffic class and label in one, and nothing where both are 0.
    const label = readUint32(control, data) & 0xfffff;
    if (label !== 0) into.flowLabel = label;
  }
}

function decodeSocketLevel(control: Uint8Array, type: number, data: number, size: number, into: PacketInfo): void {
  if (type === SCM_TIMESTAMPNS && size >= TIMESPEC_SIZE) {
    const seconds = readInt32(control, data + TIMESPEC.tv_sec + 4) * 0x1_0000_0000 +
      (readInt32(control, data + TIMESPEC.tv_sec) >>> 0);
    into.timestamp = seconds * 1000 + (readInt32(control, data + TIMESPEC.tv_nsec) >>> 0) / 1e6;
  } else if (type === SCM_CREDENTIALS) {
    const credentials = size < 12 ? undefined : decodeUcred(control, data);
    if (credentials !== undefined) into.credentials = credentials;
  }
}

// The destination is the socket's own address, nearly always the same as last time: its text is kept.
let lastInet = -1;
let lastInetText = "";
const lastInet6 = new Uint8Array(16);
let lastInet6Text = "::";

function inetText(bytes: Uint8Array, offset: number): string {
  const value = readUint32(bytes, offset);
  if (value !== lastInet) {
    lastInetText = formatIPv4(bytes, offset);
    lastInet = value;
  }
  return lastInetText;
}

function inet6Text(bytes: Uint8Array, offset: number): string {
  for (let index = 0; index < 16; index++) {
    if (bytes[offset + index] === lastInet6[index]) continue;
    for (let at = 0; at < 16; at++) lastInet6[at] = bytes[offset + at];
    const text = formatIPv6(lastInet6);
    lastInet6Text = text.startsWith("::ffff:") && text.includes(".") ? text.slice(7) : text;
    break;
  }
  return lastInet6Text;
}
