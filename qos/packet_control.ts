/**
 * {@linkcode PacketOptions} as Linux takes them: control messages of the one message, and, for what it takes only per
 * socket, a mode that the socket is put into while that message is handed over.
 *
 * Which control messages there are: ip(7), ipv6(7), RFC 3542. A dual-stack socket takes those of IPv4 for IPv4-mapped
 * destinations, at level IPPROTO_IP, and ignores the others there.
 *
 * @module
 */

import { ArgumentError, SystemError } from "../common/errors.ts";
import { writeInt32 } from "../ffi/bytes.ts";
import { ControlEncoder } from "../ffi/cmsg.ts";
import {
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_PMTUDISC_OMIT,
  IP_PMTUDISC_PROBE,
  IP_PMTUDISC_WANT,
  IP_TOS,
  IP_TTL,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_RAW,
  IPPROTO_UDP,
  IPV6_AUTOFLOWLABEL,
  IPV6_DONTFRAG,
  IPV6_FLOWINFO,
  IPV6_HOPLIMIT,
  IPV6_MTU_DISCOVER,
  IPV6_PKTINFO,
  IPV6_TCLASS,
} from "../ffi/constants.ts";
import { parseIPv4Into, parseIPv6Into } from "../ffi/ip.ts";
import { checked, libc } from "../ffi/libc.ts";
import { getsockoptInt, ifNameToIndex } from "../ffi/syscalls.ts";
import { writeUint32 } from "./network_order.ts";
import {
  checkedFlowLabel,
  checkedFragmentation,
  checkedTos,
  checkedTtl,
  checkInterface,
  checkSource,
  NO_TOS,
  type PacketOptions,
} from "./packet_options.ts";

/** Offsets in `struct in_pktinfo`, ip(7). */
export const IN_PKTINFO: { readonly ipi_ifindex: 0; readonly ipi_spec_dst: 4; readonly ipi_addr: 8 } = {
  ipi_ifindex: 0,
  ipi_spec_dst: 4,
  ipi_addr: 8,
};
/** Bytes of `struct in_pktinfo`. */
export const IN_PKTINFO_SIZE = 12;
/** Offsets in `struct in6_pktinfo`, ipv6(7). */
export const IN6_PKTINFO: { readonly ipi6_addr: 0; readonly ipi6_ifindex: 16 } = { ipi6_addr: 0, ipi6_ifindex: 16 };
/** Bytes of `struct in6_pktinfo`. */
export const IN6_PKTINFO_SIZE = 20;

/** Room that suffices for the control messages of any {@linkcode PacketOptions}, in bytes. */
export const PACKET_CONTROL_BYTES = 136;

/**
 * States of a socket, for what Linux takes only per socket: three fields, of which 0 means "as the socket is set up".
 *
 * Bits 0 and 1 are the fragmentation of IPv4 packets, 2 and 3 that of IPv6 packets, bit 4 turns the kernel's own flow
 * labels off, which would take the place of a label 0.
 */
export const MODE: {
  readonly DEFAULT: 0;
  readonly DONT_FRAGMENT: 1;
  readonly FRAGMENT: 2;
  readonly PROBE: 3;
  readonly DONT_FRAGMENT_6: 4;
  readonly FRAGMENT_6: 8;
  readonly PROBE_6: 12;
  readonly UNLABELLED: 16;
} = Object.freeze({
  DEFAULT: 0,
  DONT_FRAGMENT: 1,
  FRAGMENT: 2,
  PROBE: 3,
  DONT_FRAGMENT_6: 4,
  FRAGMENT_6: 8,
  PROBE_6: 12,
  UNLABELLED: 16,
});

/** Packet options, ready for the kernel. */
export interface PacketControl {
  /** The encoded control messages, which nobody may change; `undefined` where none is needed. */
  readonly control: Uint8Array | undefined;
  /** The state that the socket must be in, made of {@linkcode MODE}. */
  readonly mode: number;
}

const PLAIN: PacketControl = Object.freeze({ control: undefined, mode: MODE.DEFAULT });

/** Encodings that are remembered; beyond that all are forgotten, so that options at random don't fill the memory. */
const MAX_REMEMBERED = 2048;

/**
 * What the kernel enforces IPV6_DONTFRAG for (net/ipv6/ip6_output.c). Raw sockets of other protocols fragment all the
 * same, and need the mode.
 */
const DONTFRAG_PROTOCOLS: readonly number[] = [IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_RAW];

/** The bits of the small key beside ttl (8), tos (9) and fragmentation (2). */
const KEY_INET6 = 1 << 19;

type Remembered = Map<number, PacketControl>;

/** The value of a key in a map, made where it is missing. */
function within<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

/**
 * Turns packet options into control messages and a mode, one encoder for each socket.
 *
 * It remembers what it has encoded: equal options cost a lookup, and give the same bytes, which never change, so that a
 * message that waits in a queue keeps its own.
 *
 * @example
 * ```ts
 * import { findControlMessage, IP_TTL, IPPROTO_IP } from "@sockeye/sockeye/ffi";
 * import { MODE, PacketEncoder } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const encoder = new PacketEncoder("inet");
 * const { control, mode } = encoder.encode({ ttl: 3, dontFragment: true }, "inet");
 * assert.equal(findControlMessage(control!, IPPROTO_IP, IP_TTL)?.[0], 3);
 * assert.equal(mode, MODE.DONT_FRAGMENT);
 * ```
 */
export class PacketEncoder {
  readonly #family: "inet" | "inet6";
  /** Whether IPV6_DONTFRAG does what it says on this socket. */
  readonly #dontfragWorks: boolean;
  readonly #plain: Remembered = new Map();
  /** Those with source, interface or flow label, by these three. */
  readonly #routed = new Map<string | undefined, Map<number, Map<number, Remembered>>>();
  #count = 0;

  /**
   * Makes an encoder for one socket.
   *
   * @param socketFamily The socket's family.
   * @param protocol The socket's protocol number; raw IPv6 sockets differ by it. @default {17} for UDP
   */
  constructor(socketFamily: "inet" | "inet6", protocol: number = IPPROTO_UDP) {
    this.#family = socketFamily;
    this.#dontfragWorks = DONTFRAG_PROTOCOLS.includes(protocol);
  }

  /**
   * The control messages and the mode for one message.
   *
   * @param options The packet's options.
   * @param destination Where it goes: `"inet"`, also for an IPv4-mapped address on a dual-stack socket, or `"inet6"`.
   * @param argument What to call the options in errors. @default {"options"}
   * @returns The same object for equal options, as long as it is remembered.
   * @throws {ArgumentError} if an option is out of range, naming it.
   * @throws {SystemError} `ENODEV` if there is no interface of that name.
   */
  encode(options: PacketOptions, destination: "inet" | "inet6", argument = "options"): PacketControl {
    // The number holds every option but three, and fits a small integer, which a map finds without allocating.
    const key = checkedTtl(options, argument) | checkedTos(options, argument) << 8 |
      checkedFragmentation(options, argument) << 17 | (destination === "inet6" ? KEY_INET6 : 0);
    const label = checkedFlowLabel(options, destination, argument);
    const { source } = options;
    const through = interfaceIndex(options, argument);
    const remembered = label < 0 && source === undefined && through === 0
      ? this.#plain
      : this.#routed.get(source)?.get(through)?.get(label);
    return remembered?.get(key) ?? this.#encodeNew(options, destination, argument, key, through);
  }

  /** Where the encoding of checked options belongs. */
  #place({ source, flowLabel = -1 }: PacketOptions, through: number): Remembered {
    if (flowLabel < 0 && source === undefined && through === 0) return this.#plain;
    const byInterface = within(this.#routed, source, () => new Map());
    const byLabel = within(byInterface, through, () => new Map());
    return within(byLabel, flowLabel, () => new Map());
  }

  #encodeNew(
    options: PacketOptions,
    destination: "inet" | "inet6",
    argument: string,
    key: number,
    through: number,
  ): PacketControl {
    if (destination === "inet6" && this.#family === "inet") {
      throw new ArgumentError("destination", "is IPv6, the socket is IPv4: open one for IPv6");
    }
    checkSource(options, destination, argument);
    const encoded = destination === "inet"
      ? encodeInet(options, through)
      : encodeInet6(options, through, this.#dontfragWorks);
    if (this.#count >= MAX_REMEMBERED) this.#forget();
    this.#count++;
    this.#place(options, through).set(key, encoded);
    return encoded;
  }

  #forget(): void {
    this.#plain.clear();
    this.#routed.clear();
    this.#count = 0;
  }
}

const scratchBytes = new Uint8Array(PACKET_CONTROL_BYTES);
const scratch = new ControlEncoder(scratchBytes);

/** What the scratch encoder holds, in memory of its own. */
function finish(mode: number): PacketControl {
  const control = scratch.length === 0 ? undefined : scratchBytes.slice(0, scratch.length);
  return control === undefined && mode === MODE.DEFAULT ? PLAIN : { control, mode };
}

function encodeInet(options: PacketOptions, through: number): PacketControl {
  const { ttl } = options;
  const tos = checkedTos(options, "options");
  scratch.reset();
  if (ttl !== undefined) scratch.pushInt32(IPPROTO_IP, IP_TTL, ttl);
  if (tos !== NO_TOS) scratch.pushInt32(IPPROTO_IP, IP_TOS, tos);
  if (options.source !== undefined || through !== 0) {
    const data = new Uint8Array(IN_PKTINFO_SIZE);
    writeInt32(data, IN_PKTINFO.ipi_ifindex, through);
    if (options.source !== undefined) parseIPv4Into(options.source, data, IN_PKTINFO.ipi_spec_dst);
    scratch.push(IPPROTO_IP, IP_PKTINFO, data);
  }
  return finish(checkedFragmentation(options, "options"));
}

function encodeInet6(options: PacketOptions, through: number, dontfragWorks: boolean): PacketControl {
  const { ttl, flowLabel } = options;
  const tos = checkedTos(options, "options");
  const fragmentation = checkedFragmentation(options, "options");
  scratch.reset();
  if (ttl !== undefined) scratch.pushInt32(IPPROTO_IPV6, IPV6_HOPLIMIT, ttl);
  if (tos !== NO_TOS) scratch.pushInt32(IPPROTO_IPV6, IPV6_TCLASS, tos);
  if (fragmentation !== MODE.DEFAULT) {
    scratch.pushInt32(IPPROTO_IPV6, IPV6_DONTFRAG, fragmentation === MODE.FRAGMENT ? 0 : 1);
  }
  // The label alone: the kernel takes the traffic class from IPV6_TCLASS, whatever stands in these upper bits.
  if (flowLabel) writeUint32(scratchBytes, scratch.allocate(IPPROTO_IPV6, IPV6_FLOWINFO, 4), flowLabel);
  if (options.source !== undefined || through !== 0) pushInet6PacketInfo(options.source, through);
  const needsMode = fragmentation === MODE.PROBE || !dontfragWorks;
  return finish((needsMode ? fragmentation << 2 : 0) | (flowLabel === 0 ? MODE.UNLABELLED : 0));
}

function pushInet6PacketInfo(source: string | undefined, through: number): void {
  const data = new Uint8Array(IN6_PKTINFO_SIZE);
  if (source !== undefined) parseIPv6Into(source, data, IN6_PKTINFO.ipi6_addr);
  writeInt32(data, IN6_PKTINFO.ipi6_ifindex, through);
  scratch.push(IPPROTO_IPV6, IPV6_PKTINFO, data);
}

/** The index of the interface that is asked for, 0 for none. A name is looked up each time: it may have another by now. */
function interfaceIndex(options: PacketOptions, argument: string): number {
  checkInterface(options, argument);
  const { interface: name = 0 } = options;
  return typeof name === "string" ? ifNameToIndex(name) : name;
}

/**
 * The values of IP_MTU_DISCOVER for the modes of the same number; the first is the socket's own.
 *
 * IP_PMTUDISC_DONT would leave DF clear as well, and cut packets for the path where that is narrower than the first link.
 * But a socket in that state is not told that an earlier packet was too large (ICMP's "fragmentation needed"), and such an
 * error comes back whenever it likes.
 */
const DISCOVERY: readonly number[] = [-1, IP_PMTUDISC_DO, IP_PMTUDISC_OMIT, IP_PMTUDISC_PROBE];
/** The same for IPV6_MTU_DISCOVER. Here it is IP_PMTUDISC_OMIT that keeps such errors away. */
const DISCOVERY_6: readonly number[] = [-1, IP_PMTUDISC_DO, IP_PMTUDISC_DONT, IP_PMTUDISC_PROBE];

/** One field of the mode and the option of the socket behind it. */
interface Switch {
  readonly level: number;
  readonly option: number;
  readonly shift: number;
  readonly mask: number;
  /** The option's value for each value of the field, as setsockopt(2) takes it. */
  readonly values: readonly Uint8Array[];
  /** The value of the field now. */
  current: number;
}

/** A switch that restores what the socket has now; `undefined` where the socket has no such option. */
function switchOf(
  fd: number,
  level: number,
  option: number,
  shift: number,
  settings: readonly number[],
): Switch | undefined {
  let own: number;
  try {
    own = getsockoptInt(fd, level, option);
  } catch (error) {
    if (error instanceof SystemError && (error.code === "ENOPROTOOPT" || error.code === "EOPNOTSUPP")) return undefined;
    throw error;
  }
  const values = settings.map((value) => new Uint8Array(Int32Array.of(value < 0 ? own : value).buffer));
  return { level, option, shift, mask: settings.length - 1, values, current: 0 };
}

/**
 * The function that puts a socket into the modes of {@linkcode PacketEncoder}: the option `setMode` of a message socket.
 *
 * Mode 0 is what the socket has when this is called; options that are set later and belong to a mode are undone.
 *
 * @param fd The socket.
 * @param socketFamily Its family.
 * @returns Changes what differs between the mode before and the new one, and nothing else; throws `SystemError` when the
 * kernel refuses.
 * @throws {SystemError} As in getsockopt(2).
 *
 * @example
 * ```ts
 * import { AF_INET, close, getsockoptInt, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IPPROTO_IP, SOCK_DGRAM, socket }
 *   from "@sockeye/sockeye/ffi";
 * import { MODE, packetModes } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const fd = socket(AF_INET, SOCK_DGRAM);
 * const setMode = packetModes(fd, "inet");
 * setMode(fd, MODE.DONT_FRAGMENT);
 * assert.equal(getsockoptInt(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
 * setMode(fd, MODE.DEFAULT);
 * close(fd);
 * ```
 */
export function packetModes(fd: number, socketFamily: "inet" | "inet6"): (fd: number, mode: number) => void {
  const switches: Switch[] = [];
  const add = (found: Switch | undefined) => found && switches.push(found);
  // A dual-stack socket has the options of IPv4 too; a raw IPv6 socket has not.
  add(switchOf(fd, IPPROTO_IP, IP_MTU_DISCOVER, 0, DISCOVERY));
  if (socketFamily === "inet6") {
    add(switchOf(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, 2, DISCOVERY_6));
    add(switchOf(fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 4, [-1, 0]));
  }
  const { setsockopt } = libc().symbols;
  return (fd, mode) => {
    for (const one of switches) {
      const wanted = mode >> one.shift & one.mask;
      if (wanted === one.current) continue;
      checked(setsockopt(fd, one.level, one.option, one.values[wanted], 4), "setsockopt");
      one.current = wanted;
    }
  };
}

/**
 * The mode in which the kernel cuts datagrams out of one so that each is like one sent by itself: the option
 * `segmentedMode` of a message socket.
 *
 * Linux sets DF on each IPv4 packet that fits the path, unless it is told otherwise, but judges by what it is handed: what
 * is larger than the path's MTU as a whole leaves in segments without DF (`__ip_make_skb` in net/ipv4/ip_output.c). A
 * segment always fits the path, or the kernel refuses to cut.
 *
 * @param fd The socket.
 * @returns Gives the mode for a mode; `undefined` where they are the same.
 * @throws {SystemError} As in getsockopt(2).
 */
export function segmentedModes(fd: number): ((mode: number) => number) | undefined {
  if (getsockoptInt(fd, IPPROTO_IP, IP_MTU_DISCOVER) !== IP_PMTUDISC_WANT) return undefined;
  return (mode) => (mode & MODE.PROBE) === MODE.DEFAULT ? mode | MODE.DONT_FRAGMENT : mode;
}
