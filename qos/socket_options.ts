/**
 * Options that packet sockets share, and how they are set: socket(7), ip(7), ipv6(7).
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { checkInteger } from "../ffi/arguments.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_RCVBUF,
  SO_SNDBUF,
  SOL_SOCKET,
} from "../ffi/constants.ts";
import type { MessageSocketOptions } from "../ffi/message_socket_options.ts";
import { ifIndexToName, ifNameToIndex, setsockopt } from "../ffi/syscalls.ts";
import type { IpSocketSide } from "./destination.ts";
import { applyMulticastOptions, checkMulticastOptions, type MulticastOptions } from "./multicast.ts";
import { type PacketInfoName, packetInfoNames, requestPacketInfo } from "./packet_info.ts";
import { checkInterface } from "./packet_options.ts";

/** How any packet socket is set up. */
export interface PacketSocketOptions {
  /** What is told of each received packet: some of it by name, or with `true` everything. @default nothing */
  info?: true | readonly PacketInfoName[];
  /**
   * The largest packet that is received whole, in bytes.
   *
   * @default {65536}, for unix datagrams 262144
   */
  payloadBytes?: number;
  /** The most packets per system call, 1 to 1024. @default {32} */
  batch?: number;
  /**
   * How long a receive that finds nothing looks again before it waits, in microseconds. It saves the 30 to 50
   * microseconds that a wake-up costs, and occupies the thread meanwhile.
   *
   * @default {0}
   */
  busyPoll?: number;
  /** The most packets that may wait to be sent. @default {1024} */
  sendQueue?: number;
  /**
   * Whether payloads of up to 2 KiB share their memory, which saves about half of the time that such a packet takes. It
   * stays as long as any of them; `data.slice()` makes one independent.
   *
   * @default {false}
   */
  pooled?: boolean;
  /** The kernel's receive buffer in bytes, `SO_RCVBUF`; the kernel doubles it. @default the system's */
  receiveBuffer?: number;
  /** The kernel's send buffer in bytes, `SO_SNDBUF`; the kernel doubles it. @default the system's */
  sendBuffer?: number;
}

/** How UDP and raw IP sockets are set up. */
export interface IpSocketOptions extends PacketSocketOptions {
  /**
   * Whether errors that packets cause go to `errors()` and `receive({ errors: true })` from the beginning, instead of failing
   * the next operation: `IP_RECVERR` of ip(7). Otherwise that begins with the first labelled packet, or the first call of
   * one of them.
   *
   * @default {false}
   */
  errors?: boolean;
  /** The only interface to send through and hear from, by name or index: `SO_BINDTODEVICE` of socket(7). @default all */
  interface?: string | number;
  /** Whether packets may be sent to broadcast addresses: `SO_BROADCAST` of socket(7). @default {false} */
  broadcast?: boolean;
  /** How it sends to multicast groups. @default as the system is set up */
  multicast?: MulticastOptions;
}

const MAX_INT = 0x7fffffff;

/** Refuses options of any packet socket that can't be, before one is opened. */
export function checkPacketSocketOptions(options: PacketSocketOptions, family: "inet" | "inet6" | "unix"): void {
  checkInteger("options.receiveBuffer", options.receiveBuffer, 1, MAX_INT);
  checkInteger("options.sendBuffer", options.sendBuffer, 1, MAX_INT);
  if (options.info === undefined || options.info === true) return;
  if (!Array.isArray(options.info)) throw new ArgumentError("options.info", "must be true or a list of names");
  const known = packetInfoNames(family);
  for (const name of options.info) {
    if (known.includes(name)) continue;
    const names = known.map((one) => JSON.stringify(one)).join(", ");
    throw new ArgumentError("options.info", `can be ${names} on this socket, got ${JSON.stringify(name)}`);
  }
}

/** Sets the options of any packet socket that is open. */
export function applyPacketSocketOptions(
  fd: number,
  family: "inet" | "inet6" | "unix",
  { receiveBuffer, sendBuffer, info }: PacketSocketOptions,
): void {
  if (receiveBuffer !== undefined) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, receiveBuffer);
  if (sendBuffer !== undefined) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, sendBuffer);
  if (info !== undefined) requestPacketInfo(fd, family, info === true ? packetInfoNames(family) : info);
}

/** Refuses options that can't be, before a socket is opened. */
export function checkIpSocketOptions(options: IpSocketOptions, family: "inet" | "inet6"): void {
  checkPacketSocketOptions(options, family);
  checkMulticastOptions(options.multicast);
  checkInterface(options, "options");
}

/** Sets the options of a socket that is open and not yet bound. */
export function applyIpSocketOptions(fd: number, socket: IpSocketSide, options: IpSocketOptions): void {
  const { interface: name, broadcast } = options;
  if (socket.family === "inet6" && socket.hasPorts) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, socket.isDualStack ? 0 : 1);
  }
  if (name !== undefined) bindToDevice(fd, typeof name === "number" ? ifIndexToName(name) : name);
  if (broadcast) setsockopt(fd, SOL_SOCKET, SO_BROADCAST, 1);
  applyPacketSocketOptions(fd, socket.family, options);
  applyMulticastOptions(fd, socket, options.multicast);
}

function bindToDevice(fd: number, name: string): void {
  // Says which interface there isn't, as the option doesn't.
  ifNameToIndex(name);
  setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, new TextEncoder().encode(`${name}\0`));
}

/** The options that are for the `MessageSocket` underneath; those that are left out are its own to choose. */
export function messageSocketOptions(options: PacketSocketOptions): MessageSocketOptions {
  const { payloadBytes, batch, busyPoll, sendQueue, pooled } = options;
  return { payloadBytes, batch, busyPoll, sendQueue, pooled };
}

/** The address family of socket(2). */
export function domainOf(family: "inet" | "inet6"): number {
  return family === "inet" ? AF_INET : AF_INET6;
}
