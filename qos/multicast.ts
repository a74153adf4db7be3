/**
 * Multicast: joining and leaving groups, of any source (RFC 1112, RFC 2710) or of one (RFC 4607), by the
 * protocol-independent options of RFC 3678, and what is sent to groups.
 *
 * It knows options of sockets. It needs to know nothing of packets.
 *
 * @module
 */

import { AddressError, ArgumentError } from "../common/errors.ts";
import { checkInteger } from "../ffi/arguments.ts";
import { writeInt32 } from "../ffi/bytes.ts";
import {
  IP_MULTICAST_ALL,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
} from "../ffi/constants.ts";
import { parseIPv4, parseIPv6 } from "../ffi/ip.ts";
import { encodeSockaddrInto, SOCKADDR_STORAGE_SIZE } from "../ffi/sockaddr.ts";
import { ifNameToIndex, setsockopt } from "../ffi/syscalls.ts";
import type { IpSocketSide } from "./destination.ts";

/** How a socket sends to groups; what is left out is the system's. */
export interface MulticastOptions {
  /** The time to live of packets to groups, 0 to 255: 1 stays in the local network. RFC 1112. @default {1} */
  ttl?: number;
  /** Whether packets to groups also reach members on this machine. @default {true} */
  loop?: boolean;
  /** The interface to send through, by name or index. @default the one that the routes lead to */
  interface?: string | number;
}

/** Which members of a group a socket becomes. */
export interface GroupOptions {
  /** The interface to listen on, by name or index. @default the one that the routes lead to */
  interface?: string | number;
  /** The only sender to be heard, a numeric address: source-specific multicast, RFC 4607. @default all */
  source?: string;
}

// linux/in.h and linux/in6.h: RFC 3678 section 5, one set of numbers for both families.
const MCAST_JOIN_GROUP = 42;
const MCAST_LEAVE_GROUP = 45;
const MCAST_JOIN_SOURCE_GROUP = 46;
const MCAST_LEAVE_SOURCE_GROUP = 47;
/** linux/in6.h. */
const IPV6_MULTICAST_ALL = 29;

/** `struct group_req` and `struct group_source_req`, RFC 3678 section 5: the interface, the group, and the source. */
const GROUP_SOURCE_REQ = { gsr_interface: 0, gsr_group: 8, gsr_source: 8 + SOCKADDR_STORAGE_SIZE } as const;
const GROUP_REQ_SIZE = 8 + SOCKADDR_STORAGE_SIZE;
const GROUP_SOURCE_REQ_SIZE = GROUP_REQ_SIZE + SOCKADDR_STORAGE_SIZE;

/** Bytes of `struct ip_mreqn`, ip(7), and where its interface is. */
const IP_MREQN_SIZE = 12;
const IMR_IFINDEX = 8;

/** Refuses options that can't be, before a socket is opened. */
export function checkMulticastOptions(options: MulticastOptions | undefined): void {
  if (options === undefined) return;
  checkInteger("options.multicast.ttl", options.ttl, 0, 255);
  interfaceIndex(options.interface, "options.multicast.interface");
}

/** Sets how a socket sends to groups, and that a UDP socket hears no groups but those that it joins itself. */
export function applyMulticastOptions(fd: number, socket: IpSocketSide, options: MulticastOptions = {}): void {
  const index = interfaceIndex(options.interface, "options.multicast.interface");
  if (socket.family === "inet" || socket.isDualStack) {
    // What other sockets of this machine joined is theirs. Raw sockets hear everything.
    if (socket.hasPorts) setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    setInet(fd, options, index);
  }
  if (socket.family === "inet6") {
    if (socket.hasPorts) setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    setInet6(fd, options, index);
  }
}

function setInet(fd: number, { ttl, loop }: MulticastOptions, index: number): void {
  if (ttl !== undefined) setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
  if (loop !== undefined) setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, loop ? 1 : 0);
  if (index === 0) return;
  const request = new Uint8Array(IP_MREQN_SIZE);
  writeInt32(request, IMR_IFINDEX, index);
  setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, request);
}

function setInet6(fd: number, { ttl, loop }: MulticastOptions, index: number): void {
  if (ttl !== undefined) setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl);
  if (loop !== undefined) setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loop ? 1 : 0);
  if (index !== 0) setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
}

/**
 * Joins or leaves a group.
 *
 * @throws {AddressError} When an address can't be understood.
 * @throws {ArgumentError} When it is none of a group, or of a family that the socket has not.
 * @throws {SystemError} As in setsockopt(2): `EADDRINUSE` for a group that was joined already, `EADDRNOTAVAIL` for one that
 * was not, `ENODEV` where there is no such interface.
 */
export function changeMembership(
  fd: number,
  socket: IpSocketSide,
  change: "join" | "leave",
  group: string,
  options: GroupOptions,
): void {
  const family = groupFamily(socket, group);
  const { source } = options;
  if (source !== undefined && familyOf(source, "options.source") !== family) {
    throw new ArgumentError("options.source", `must be of the group's family, got ${source} for ${group}`);
  }
  const request = new Uint8Array(source === undefined ? GROUP_REQ_SIZE : GROUP_SOURCE_REQ_SIZE);
  writeInt32(request, GROUP_SOURCE_REQ.gsr_interface, interfaceIndex(options.interface, "options.interface"));
  encodeSockaddrInto({ family, address: group, port: 0 }, request, GROUP_SOURCE_REQ.gsr_group);
  if (source !== undefined) {
    encodeSockaddrInto({ family, address: source, port: 0 }, request, GROUP_SOURCE_REQ.gsr_source);
  }
  const level = family === "inet" ? IPPROTO_IP : IPPROTO_IPV6;
  setsockopt(fd, level, membershipOption(change, source !== undefined), request);
}

function membershipOption(change: "join" | "leave", isForOneSource: boolean): number {
  if (change === "join") return isForOneSource ? MCAST_JOIN_SOURCE_GROUP : MCAST_JOIN_GROUP;
  return isForOneSource ? MCAST_LEAVE_SOURCE_GROUP : MCAST_LEAVE_GROUP;
}

/** RFC 1112 section 4 and RFC 4291 section 2.7. */
function groupFamily(socket: IpSocketSide, group: string): "inet" | "inet6" {
  const family = familyOf(group, "group");
  const isGroup = family === "inet" ? (parseIPv4(group)![0] & 0xf0) === 0xe0 : parseIPv6(group)![0] === 0xff;
  if (!isGroup) {
    throw new ArgumentError("group", `must be from 224.0.0.0 to 239.255.255.255, or begin with ff, got ${group}`);
  }
  if (family !== socket.family && !(family === "inet" && socket.isDualStack)) {
    const [name, other] = family === "inet" ? ["IPv4", "IPv6 only"] : ["IPv6", "IPv4"];
    throw new ArgumentError("group", `is ${name}, and the socket ${other}: bind one for ${name}`);
  }
  return family;
}

function familyOf(text: string, argument: string): "inet" | "inet6" {
  if (typeof text !== "string") throw new ArgumentError(argument, `must be a numeric address, got ${typeof text}`);
  if (parseIPv4(text) !== undefined) return "inet";
  if (parseIPv6(text) !== undefined) return "inet6";
  throw new AddressError(
    `${
      JSON.stringify(text.slice(0, 120))
    } is not a numeric address: write 239.0.0.1 or ff02::1, and the interface as ` +
      "an option",
  );
}

/** The index of an interface; 0 where none is given. */
export function interfaceIndex(name: string | number | undefined, argument: string): number {
  if (name === undefined) return 0;
  if (typeof name === "string") return ifNameToIndex(name);
  checkInteger(argument, name, 1, 0x7fffffff);
  return name;
}
