/**
 * UDP, RFC 768: datagrams over IPv4, IPv6 or both.
 *
 * @module
 */

import { ArgumentError, SystemError } from "../common/errors.ts";
import { IPPROTO_UDP, SO_REUSEADDR, SO_REUSEPORT, SOCK_DGRAM, SOL_SOCKET } from "../ffi/constants.ts";
import { Descriptor } from "../ffi/descriptor.ts";
import { MessageSocket } from "../ffi/message_socket.ts";
import type { Inet6Address, InetAddress } from "../ffi/sockaddr.ts";
import { bind, setsockopt, socket } from "../ffi/syscalls.ts";
import {
  type Destination,
  DestinationTable,
  encodedFor,
  ipAddress,
  type IpSocketSide,
  ipTarget,
} from "./destination.ts";
import { ErrorQueue } from "./error_queue.ts";
import {
  applyIpSocketOptions,
  checkIpSocketOptions,
  domainOf,
  type IpSocketOptions,
  messageSocketOptions,
} from "./socket_options.ts";
import { changeMembership, type GroupOptions } from "./multicast.ts";
import { PacketEncoder, packetModes, segmentedModes } from "./packet_control.ts";
import { PacketSocket } from "./packet_socket.ts";
import { type PacketSocketKind, refuseDescriptors } from "./packet_socket_kind.ts";
import { SocketErrors } from "./socket_errors.ts";

/** How a {@linkcode UdpSocket} is set up. */
export interface UdpSocketOptions extends IpSocketOptions {
  /**
   * Whether datagrams that leave together, and differ in nothing but their payload, are handed to the kernel as one, which
   * cuts it behind most of the work: `UDP_SEGMENT` of udp(7). Each arrives as it was sent; only a capture on this machine
   * may show them as one.
   *
   * @default {true}
   */
  segmentation?: boolean;
  /**
   * Whether datagrams of equal length that arrive one behind the other are taken from the kernel as one: `UDP_GRO` of
   * udp(7). Each is received as without, but those that came together share their timestamp.
   *
   * @default {true}, unless `info` asks for timestamps
   */
  coalescing?: boolean;
  /**
   * Only IPv4, or only IPv6. Without it, the address decides, and `::` stands for both.
   *
   * @default {undefined}
   */
  family?: "inet" | "inet6";
  /**
   * Whether an address that others are bound to may be bound as well, if they want the same: `SO_REUSEADDR` of socket(7).
   * Multicast reaches all of them, unicast the last one.
   *
   * @default {false}
   */
  reuseAddress?: boolean;
  /**
   * Shares the port with other sockets of this user that want the same; each peer is served by one of them:
   * `SO_REUSEPORT` of socket(7).
   *
   * @default {false}
   */
  reusePort?: boolean;
}

/** How a {@linkcode UdpSocket} is set up that is connected from the beginning. */
export interface UdpConnectOptions extends UdpSocketOptions {
  /** The local address, with port 0 for one that the kernel chooses. @default the kernel's choice */
  bind?: string | InetAddress | Inet6Address;
}

const NO_OPTIONS = Object.freeze({});
const LABEL = "UDP socket";
const EVERY_ADDRESS: Readonly<Record<"inet" | "inet6", InetAddress | Inet6Address>> = {
  inet: { family: "inet", address: "0.0.0.0", port: 0 },
  inet6: { family: "inet6", address: "::", port: 0 },
};

/** socket(2) and bind(2) where there is no IPv6, or none is set up. */
const WITHOUT_IPV6: readonly string[] = ["EAFNOSUPPORT", "EADDRNOTAVAIL"];

/**
 * A UDP socket, of which each datagram can have a time to live, a marking and a fragmentation of its own.
 *
 * A dual-stack socket carries IPv4 too; its addresses are shown as IPv4, and its packets take the options of IPv4.
 *
 * @example This packet, and no other: three hops, expedited, never fragmented
 * ```ts
 * import { UdpSocket } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * await using receiver = UdpSocket.bind("127.0.0.1:0", { info: ["ttl", "tos"] });
 * await using sender = UdpSocket.bind();
 * const data = new TextEncoder().encode("probe");
 * await sender.send(data, receiver.localAddress(), { ttl: 3, dscp: "EF", dontFragment: true });
 * await sender.send(data, receiver.localAddress());
 *
 * const first = await receiver.receive({ timeout: 1000 });
 * assert.equal(first.ttl, 3);
 * assert.equal(first.dscp, 46);
 * const second = await receiver.receive({ timeout: 1000 });
 * assert.equal(second.dscp, 0);
 * ```
 *
 * @example The ICMP error that a packet caused, by its label
 * ```ts
 * import { UdpSocket } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const gone = UdpSocket.bind("127.0.0.1:0");
 * const nobody = gone.localAddress();
 * gone.close();
 *
 * await using socket = UdpSocket.bind();
 * await socket.send(new Uint8Array(8), nobody, { label: "knock" });
 * for await (const error of socket.errors()) {
 *   assert.equal(error.label, "knock");
 *   assert.equal(error.name, "port-unreachable");
 *   break;
 * }
 * ```
 */
export class UdpSocket extends PacketSocket {
  readonly #side: IpSocketSide;

  private constructor(messages: MessageSocket, side: IpSocketSide, kind: PacketSocketKind, errors: SocketErrors) {
    super(messages, kind, errors);
    this.#side = side;
  }

  /**
   * Opens a socket and binds it.
   *
   * @param address The local address, for instance `"127.0.0.1:5000"` or `"[::]:5000"`; port 0 lets the kernel choose.
   * `::` stands for every address of IPv6 and IPv4, unless `family` is `"inet6"`. The default is every address and a port
   * that the kernel chooses.
   * @param options How it is set up.
   * @throws {AddressError} When the address can't be understood.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {SystemError} As in bind(2): `EADDRINUSE`, `EACCES` for a port below 1024, `EADDRNOTAVAIL`, …
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static override bind(
    address?: string | InetAddress | Inet6Address,
    options: UdpSocketOptions = NO_OPTIONS,
  ): UdpSocket {
    if (address !== undefined) return UdpSocket.#open(ipAddress(address, true, "address"), options);
    const { family } = options;
    if (family !== undefined) return UdpSocket.#open(EVERY_ADDRESS[checkedFamily(family)], options);
    try {
      return UdpSocket.#open(EVERY_ADDRESS.inet6, options);
    } catch (error) {
      if (!(error instanceof SystemError && WITHOUT_IPV6.includes(error.code))) throw error;
      return UdpSocket.#open(EVERY_ADDRESS.inet, options);
    }
  }

  /**
   * Opens a socket that is connected: packets go to the one peer, and nobody else is heard.
   *
   * @param to The peer, for instance `"192.0.2.1:53"`.
   * @param options How it is set up.
   * @throws {AddressError} When an address can't be understood.
   * @throws {ArgumentError} When an option is out of range, or the addresses are of different families.
   * @throws {SystemError} As in bind(2) and connect(2): `ENETUNREACH`, `EADDRINUSE`, …
   * @throws {UnsupportedError} Where there is no libc to call.
   *
   * @example
   * ```ts
   * import { UdpSocket } from "@sockeye/sockeye/qos";
   * import assert from "node:assert/strict";
   *
   * await using server = UdpSocket.bind("127.0.0.1:0");
   * const { port } = server.localAddress();
   * await using client = UdpSocket.connect(`127.0.0.1:${port}`);
   * await client.send(new TextEncoder().encode("ping"));
   *
   * const ping = await server.receive({ timeout: 1000 });
   * await server.send(ping.data, ping.from);
   * assert.equal((await client.receive({ timeout: 1000 })).text(), "ping");
   * ```
   */
  static connect(to: Destination, options: UdpConnectOptions = NO_OPTIONS): UdpSocket {
    const { address } = ipTarget({ family: "inet6", isDualStack: true, hasPorts: true }, to, "to");
    const family = address.family as "inet" | "inet6";
    const local = options.bind === undefined ? undefined : ipAddress(options.bind, true, "options.bind");
    if (local !== undefined && local.family !== family) {
      throw new ArgumentError("options.bind", `must be of the family of the peer, ${address.family}`);
    }
    const opened = UdpSocket.#open(local ?? EVERY_ADDRESS[family], { family, ...options }, local !== undefined);
    try {
      opened.connect(to);
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /**
   * The address that the socket is bound to, with the port that the kernel chose, getsockname(2).
   *
   * @throws {ClosedError} When the socket is closed.
   */
  override localAddress(): InetAddress | Inet6Address {
    return super.localAddress() as InetAddress | Inet6Address;
  }

  /** The address that the socket is connected to; `undefined` when it is not connected. */
  override remoteAddress(): InetAddress | Inet6Address | undefined {
    return super.remoteAddress() as InetAddress | Inet6Address | undefined;
  }

  /**
   * Joins a multicast group: what is sent there, to the port that the socket is bound to, is received from now on. Groups
   * that only other sockets of this machine joined are not heard.
   *
   * @param group The group, for instance `"239.0.0.1"` or `"ff02::1"`.
   * @param options On which interface, and whether only one source is wanted. Several sources of a group are joined one by
   * one.
   * @throws {AddressError} When an address can't be understood.
   * @throws {ArgumentError} When the group is none, or of a family that the socket has not.
   * @throws {SystemError} As in setsockopt(2): `EADDRINUSE` when the socket is a member already, `ENODEV` when there is no
   * such interface, or no route tells which is meant.
   *
   * @example
   * ```ts
   * import { UdpSocket } from "@sockeye/sockeye/qos";
   * import assert from "node:assert/strict";
   *
   * await using member = UdpSocket.bind("0.0.0.0:0");
   * member.joinGroup("239.255.17.1", { interface: "lo" });
   * const { port } = member.localAddress();
   *
   * await using sender = UdpSocket.bind("127.0.0.1:0", { multicast: { interface: "lo" } });
   * await sender.send(new TextEncoder().encode("to all"), `239.255.17.1:${port}`);
   * assert.equal((await member.receive({ timeout: 1000 })).text(), "to all");
   * ```
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
   * @throws {ArgumentError} When the group is none, or of a family that the socket has not.
   * @throws {SystemError} `EADDRNOTAVAIL` when the socket is no member.
   */
  leaveGroup(group: string, options: GroupOptions = NO_OPTIONS): void {
    changeMembership(this.fd, this.#side, "leave", group, options);
  }

  static #open(address: InetAddress | Inet6Address, options: UdpSocketOptions, isBound = true): UdpSocket {
    const side = sideOf(address, options);
    checkIpSocketOptions(options, side.family);
    const local = encodedFor(side, address, "address");
    const descriptor = Descriptor.adopt(socket(domainOf(side.family), SOCK_DGRAM, IPPROTO_UDP), LABEL);
    try {
      const { fd } = descriptor;
      if (options.reuseAddress) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (options.reusePort) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
      applyIpSocketOptions(fd, side, options);
      if (isBound) bind(fd, local);
      return UdpSocket.#adopt(descriptor, side, options);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  static #adopt(descriptor: Descriptor, side: IpSocketSide, options: UdpSocketOptions): UdpSocket {
    const { info, segmentation = true } = options;
    const isTimed = info === true || (info?.includes("timestamp") ?? false);
    const { coalescing = !isTimed } = options;
    const errors = new SocketErrors(new ErrorQueue({ fd: () => descriptor.fd, family: side.family }));
    const messages = MessageSocket.adopt(descriptor, {
      ...messageSocketOptions(options),
      segmentation,
      coalescing,
      setMode: packetModes(descriptor.fd, side.family),
      segmentedMode: segmentation && (side.family === "inet" || side.isDualStack)
        ? segmentedModes(descriptor.fd)
        : undefined,
      onError: errors.onError,
    });
    errors.attach(messages);
    if (options.errors) errors.enable();
    return new UdpSocket(messages, side, kindOf(side), errors);
  }
}

function sideOf(address: InetAddress | Inet6Address, { family }: UdpSocketOptions): IpSocketSide {
  if (family !== undefined && checkedFamily(family) !== address.family) {
    throw new ArgumentError("options.family", `is ${JSON.stringify(family)}, and the address ${address.family}`);
  }
  return { family: address.family, isDualStack: address.family === "inet6" && family === undefined, hasPorts: true };
}

function checkedFamily(family: "inet" | "inet6"): "inet" | "inet6" {
  if (family === "inet" || family === "inet6") return family;
  throw new ArgumentError("options.family", `must be "inet" or "inet6", got ${String(family)}`);
}

function kindOf(side: IpSocketSide): PacketSocketKind {
  const encoder = new PacketEncoder(side.family);
  return {
    label: LABEL,
    destinations: new DestinationTable((destination, argument) => ipTarget(side, destination, argument)),
    encode: (options, family, argument) => {
      refuseDescriptors(options, argument);
      return encoder.encode(options, family as "inet" | "inet6", argument);
    },
  };
}
