/**
 * Raw IP: packets of any protocol, with or without an IP header of one's own, raw(7) and RFC 3542.
 *
 * @module
 */

import { ArgumentError, SystemError } from "../common/errors.ts";
import { checkInteger } from "../ffi/arguments.ts";
import {
  ICMP6_FILTER,
  ICMP_FILTER,
  IP_HDRINCL,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_RAW,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_CHECKSUM,
  IPV6_HDRINCL,
  SOCK_RAW,
  SOL_ICMPV6,
  SOL_RAW,
} from "../ffi/constants.ts";
import { Descriptor } from "../ffi/descriptor.ts";
import { MessageSocket } from "../ffi/message_socket.ts";
import type { Inet6Address, InetAddress } from "../ffi/sockaddr.ts";
import { bind, setsockopt, socket } from "../ffi/syscalls.ts";
import { DestinationTable, encodedFor, ipAddress, type IpSocketSide, ipTarget } from "./destination.ts";
import { ErrorQueue } from "./error_queue.ts";
import {
  applyIpSocketOptions,
  checkIpSocketOptions,
  domainOf,
  type IpSocketOptions,
  messageSocketOptions,
} from "./socket_options.ts";
import { changeMembership, type GroupOptions } from "./multicast.ts";
import { PacketEncoder, packetModes } from "./packet_control.ts";
import type { PacketOptions } from "./packet_options.ts";
import { PacketSocket } from "./packet_socket.ts";
import { type PacketSocketKind, refuseDescriptors } from "./packet_socket_kind.ts";
import { SocketErrors } from "./socket_errors.ts";

/** Protocols by name; all others by number. */
export type RawIpProtocol = number | "icmp" | "icmp6" | "tcp" | "udp";

/** How a {@linkcode RawIpSocket} is set up. */
export interface RawIpSocketOptions extends IpSocketOptions {
  /** The protocol that is sent and heard: its name, or its number from 1 to 255 (IANA's Assigned Internet Protocol Numbers). */
  protocol: RawIpProtocol;
  /** IPv4 or IPv6; raw sockets are for one of them. @default what `bind` is, or `"inet6"` for ICMPv6, or `"inet"` */
  family?: "inet" | "inet6";
  /** The local address: only what is sent there is heard, and packets are sent from there. @default every address */
  bind?: string | InetAddress | Inet6Address;
  /**
   * Whether what is sent begins with an IP header that the caller writes: `IP_HDRINCL` of raw(7), `IPV6_HDRINCL`. On IPv4
   * the kernel fills in the checksum and the total length, and where they are 0 the source and the identification. Such
   * packets aren't fragmented here, and of the options they take `interface` only.
   *
   * @default {false}, with protocol 255 true
   */
  ownHeader?: boolean;
  /**
   * Where in the payload the kernel writes its checksum, in bytes and even; it also drops what arrives with a wrong one.
   * `IPV6_CHECKSUM` of RFC 3542 section 3.1. On IPv6 only; ICMPv6 has it always.
   *
   * @default no checksum
   */
  checksumOffset?: number;
  /**
   * The ICMP types that are received, others are not: `ICMP_FILTER` of raw(7), `ICMP6_FILTER` of RFC 3542 section 3.2. On
   * IPv4, Linux passes types from 32 on whatever is said here.
   *
   * @default all
   */
  icmpTypes?: readonly number[];
}

const NO_OPTIONS = Object.freeze({});
const LABEL = "raw IP socket";
const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: IPPROTO_ICMP,
  icmp6: IPPROTO_ICMPV6,
  tcp: IPPROTO_TCP,
  udp: IPPROTO_UDP,
};
/** RFC 4443 section 2.1: where ICMPv6 has its checksum, which the kernel writes. */
const ICMP6_CHECKSUM_OFFSET = 2;
/** RFC 791 section 3.1: the header's length is the lower half of its first byte, in words. */
const IPV4_HEADER_MIN = 20;

/** What of the options is the kind of the socket. */
interface RawSide extends IpSocketSide {
  readonly protocol: number;
  readonly ownHeader: boolean;
}

/**
 * A socket for packets of one IP protocol, below UDP and TCP.
 *
 * It hears every packet of its protocol that reaches this machine (and its local address, if it is bound), beside
 * whoever else is meant by them. Needs the capability CAP_NET_RAW.
 *
 * What is received on IPv4 comes without its header, which is in {@linkcode Datagram.header}; on IPv6 the kernel keeps the
 * header, and tells of it what the option `info` asks for.
 *
 * @example A ping
 * ```ts
 * import { SystemError } from "@sockeye/sockeye";
 * import { ICMP_TYPE, internetChecksum, RawIpSocket } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * try {
 *   await using socket = RawIpSocket.open({ protocol: "icmp", icmpTypes: [ICMP_TYPE.ECHO_REPLY] });
 *   const request = Uint8Array.of(ICMP_TYPE.ECHO_REQUEST, 0, 0, 0, 0x17, 0x71, 0, 1);
 *   new DataView(request.buffer).setUint16(2, internetChecksum(request));
 *   await socket.send(request, "127.0.0.1", { ttl: 1 });
 *
 *   const { data, from } = await socket.receive({ timeout: 1000 });
 *   assert.equal(data[0], ICMP_TYPE.ECHO_REPLY);
 *   console.log(from);
 * } catch (error) {
 *   if (!(error instanceof SystemError && error.code === "EPERM")) throw error;
 *   console.log(error.message); // what to do about the missing privilege
 * }
 * ```
 */
export class RawIpSocket extends PacketSocket {
  readonly #side: RawSide;

  private constructor(messages: MessageSocket, side: RawSide, errors: SocketErrors) {
    super(messages, kindOf(side), errors);
    this.#side = side;
  }

  /**
   * Opens a socket.
   *
   * @param options The protocol, and how the socket is set up.
   * @throws {AddressError} When an address can't be understood.
   * @throws {ArgumentError} When an option is out of range, or means nothing for the protocol or the family.
   * @throws {SystemError} `EPERM` without the capability CAP_NET_RAW, and as in bind(2): `EADDRNOTAVAIL`, …
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static open(options: RawIpSocketOptions): RawIpSocket {
    const local = options?.bind === undefined ? undefined : ipAddress(options.bind, false, "options.bind");
    const side = sideOf(options, local?.family);
    checkIpSocketOptions(options, side.family);
    checkRawOptions(side, options);
    const name = local && encodedFor(side, local, "options.bind");
    const descriptor = Descriptor.adopt(openRaw(side), LABEL);
    try {
      const { fd } = descriptor;
      applyIpSocketOptions(fd, side, options);
      applyRawOptions(fd, side, options);
      if (name !== undefined) bind(fd, name);
      return RawIpSocket.#adopt(descriptor, side, options);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  /**
   * The address that the socket is bound to, getsockname(2); its port is 0, as raw IP has none.
   *
   * @throws {ClosedError} When the socket is closed.
   */
  override localAddress(): InetAddress | Inet6Address {
    return Object.freeze({ ...super.localAddress() as InetAddress | Inet6Address, port: 0 });
  }

  /** The address that the socket is connected to; `undefined` when it is not connected. */
  override remoteAddress(): InetAddress | Inet6Address | undefined {
    return super.remoteAddress() as InetAddress | Inet6Address | undefined;
  }

  /**
   * Joins a multicast group, as routing protocols do.
   *
   * @param group The group, for instance `"224.0.0.5"` or `"ff02::5"`.
   * @param options On which interface, and whether only one source is wanted.
   * @throws {AddressError} When an address can't be understood.
   * @throws {ArgumentError} When the group is none, or of the other family.
   * @throws {SystemError} As in setsockopt(2): `EADDRINUSE` when the socket is a member already, `ENODEV` when there is no
   * such interface, or no route tells which is meant.
   */
  joinGroup(group: string, options: GroupOptions = NO_OPTIONS): void {
    changeMembership(this.fd, this.#side, "join", group, options);
  }

  /**
   * Leaves a multicast group.
   *
   * @param group The group.
   * @param options As when it was joined.
   * @throws {AddressError} When an address can't be understood.
   * @throws {ArgumentError} When the group is none, or of the other family.
   * @throws {SystemError} `EADDRNOTAVAIL` when the socket is no member.
   */
  leaveGroup(group: string, options: GroupOptions = NO_OPTIONS): void {
    changeMembership(this.fd, this.#side, "leave", group, options);
  }

  static #adopt(descriptor: Descriptor, side: RawSide, options: RawIpSocketOptions): RawIpSocket {
    const { family, ownHeader, protocol } = side;
    const checksumOffset = family === "inet6" && protocol === IPPROTO_ICMPV6
      ? ICMP6_CHECKSUM_OFFSET
      : options.checksumOffset;
    const errors = new SocketErrors(
      new ErrorQueue({ fd: () => descriptor.fd, family, kind: "raw", ownHeader, checksumOffset }),
    );
    const messages = MessageSocket.adopt(descriptor, {
      ...messageSocketOptions(options),
      setMode: packetModes(descriptor.fd, family),
      onError: errors.onError,
    });
    errors.attach(messages);
    if (options.errors) errors.enable();
    return new RawIpSocket(messages, side, errors);
  }
}

function sideOf(options: RawIpSocketOptions, localFamily: "inet" | "inet6" | undefined): RawSide {
  const protocol = protocolNumber(options?.protocol);
  const family = options.family ?? localFamily ?? (protocol === IPPROTO_ICMPV6 ? "inet6" : "inet");
  if (family !== "inet" && family !== "inet6") {
    throw new ArgumentError("options.family", `must be "inet" or "inet6", got ${String(family)}`);
  }
  if (localFamily !== undefined && localFamily !== family) {
    throw new ArgumentError("options.bind", `must be of the family that is asked for, ${family}`);
  }
  const foreign = family === "inet" ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
  if (typeof options.protocol === "string" && protocol === foreign) {
    const [other, right] = family === "inet" ? ["icmp6", "icmp"] : ["icmp", "icmp6"];
    throw new ArgumentError("options.protocol", `is ${other}, which this family hasn't: its own is "${right}"`);
  }
  return {
    family,
    isDualStack: false,
    hasPorts: false,
    protocol,
    ownHeader: options.ownHeader ?? protocol === IPPROTO_RAW,
  };
}

function protocolNumber(protocol: RawIpProtocol): number {
  const value = typeof protocol === "string" ? PROTOCOLS[protocol] : protocol;
  if (Number.isInteger(value) && value >= 1 && value <= 255) return value;
  const names = Object.keys(PROTOCOLS).map((name) => JSON.stringify(name)).join(", ");
  throw new ArgumentError("options.protocol", `must be ${names} or a number from 1 to 255, got ${String(protocol)}`);
}

function checkRawOptions(side: RawSide, { checksumOffset, icmpTypes }: RawIpSocketOptions): void {
  const isIcmp = side.protocol === (side.family === "inet" ? IPPROTO_ICMP : IPPROTO_ICMPV6);
  if (checksumOffset !== undefined) {
    if (side.family === "inet") {
      throw new ArgumentError(
        "options.checksumOffset",
        "is for IPv6; on IPv4 write the checksum with internetChecksum",
      );
    }
    if (isIcmp) throw new ArgumentError("options.checksumOffset", "is always 2 for ICMPv6; leave it out");
    checkInteger("options.checksumOffset", checksumOffset, 0, 0xfffe);
    if (checksumOffset % 2 !== 0) {
      throw new ArgumentError("options.checksumOffset", `must be even, RFC 3542 section 3.1, got ${checksumOffset}`);
    }
  }
  if (icmpTypes === undefined) return;
  if (!isIcmp) throw new ArgumentError("options.icmpTypes", 'is for the protocols "icmp" and "icmp6"');
  if (!Array.isArray(icmpTypes)) throw new ArgumentError("options.icmpTypes", "must be a list of types");
  icmpTypes.forEach((type, index) => checkInteger(`options.icmpTypes[${index}]`, type, 0, 255));
}

/** Opens the socket, or says which privilege that takes. */
function openRaw({ family, protocol }: RawSide): number {
  try {
    return socket(domainOf(family), SOCK_RAW, protocol);
  } catch (error) {
    if (!(error instanceof SystemError && (error.code === "EPERM" || error.code === "EACCES"))) throw error;
    const { code, errno, syscall } = error;
    throw new SystemError(
      `open a raw IP socket: the system forbids it (${code}), as this program lacks the capability CAP_NET_RAW. Run it as ` +
        'root, or give the capability to the runtime (`sudo setcap cap_net_raw+ep "$(command -v deno)"`, likewise node or ' +
        "bun), or to the container (`--cap-add NET_RAW`). A UdpSocket gets ICMP errors without it",
      { code, errno, syscall },
      { cause: error },
    );
  }
}

function applyRawOptions(fd: number, side: RawSide, { checksumOffset, icmpTypes }: RawIpSocketOptions): void {
  const { family, ownHeader, protocol } = side;
  if (ownHeader || protocol === IPPROTO_RAW) {
    const [level, option] = family === "inet" ? [IPPROTO_IP, IP_HDRINCL] : [IPPROTO_IPV6, IPV6_HDRINCL];
    setsockopt(fd, level, option, ownHeader ? 1 : 0);
  }
  if (checksumOffset !== undefined) setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, checksumOffset);
  if (icmpTypes === undefined) return;
  if (family === "inet") setsockopt(fd, SOL_RAW, ICMP_FILTER, blockedTypes(icmpTypes, 32));
  else setsockopt(fd, SOL_ICMPV6, ICMP6_FILTER, blockedTypes(icmpTypes, 256));
}

/** `struct icmp_filter` and `struct icmp6_filter` of Linux: a bit for each type that is not received. */
function blockedTypes(allowed: readonly number[], count: number): Uint8Array {
  const words = new Uint32Array(count / 32).fill(0xffffffff);
  for (const type of allowed) if (type < count) words[type >> 5] &= ~(1 << (type & 31));
  return new Uint8Array(words.buffer);
}

const HEADER_OPTIONS: readonly (keyof PacketOptions)[] = [
  "ttl",
  "tos",
  "dscp",
  "ecn",
  "dontFragment",
  "flowLabel",
  "source",
];

function refuseHeaderOptions(options: PacketOptions, argument: string): void {
  for (const name of HEADER_OPTIONS) {
    if (options[name] === undefined) continue;
    throw new ArgumentError(`${argument}.${name}`, "is in the header that you write yourself on this socket");
  }
}

function kindOf(side: RawSide): PacketSocketKind {
  const encoder = new PacketEncoder(side.family, side.protocol);
  return {
    label: LABEL,
    destinations: new DestinationTable((destination, argument) => ipTarget(side, destination, argument)),
    encode: (options, family, argument) => {
      refuseDescriptors(options, argument);
      if (side.ownHeader) refuseHeaderOptions(options, argument);
      return encoder.encode(options, family as "inet" | "inet6", argument);
    },
    headerLength: side.family === "inet" ? ipv4HeaderLength : undefined,
  };
}

function ipv4HeaderLength(packet: Uint8Array): number {
  return Math.min(Math.max((packet[0] & 15) * 4, IPV4_HEADER_MIN), packet.length);
}
