/**
 * What a sender can ask for one packet, and the checks of it.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { parseIPv4, parseIPv6 } from "../ffi/ip.ts";
import { type DscpName, dscpValue, type EcnName, ecnValue } from "./dscp.ts";

/**
 * How one packet is sent: its own time to live, marking, fragmentation and source, whatever its socket or its neighbours
 * have. What is left out is as the socket and the system are set up.
 *
 * Every fragment of a packet carries the same.
 */
export interface PacketOptions {
  /** The time to live, 1 to 255: through how many routers less one it may go. On IPv6 the hop limit. RFC 791, RFC 8200. */
  ttl?: number;
  /** The whole type-of-service byte, 0 to 255: DSCP and ECN. On IPv6 the traffic class. Not beside `dscp` or `ecn`. */
  tos?: number;
  /** The differentiated services code point, 0 to 63 or its name, RFC 2474. @default {0} where there is `ecn` */
  dscp?: number | DscpName;
  /** Explicit congestion notification, 0 to 3 or its name, RFC 3168. @default {0} where there is `dscp` */
  ecn?: number | EcnName;
  /**
   * `true`: the packet is never fragmented, and what exceeds the path MTU that the kernel knows is refused with
   * `EMSGSIZE`. `"probe"`: never fragmented, and the known path MTU is ignored, for measuring it. `false`: it may be
   * fragmented, by routers too on IPv4. Left out: as the system is set up.
   */
  dontFragment?: boolean | "probe";
  /**
   * The flow label, 0 to 0xfffff; IPv6 only. RFC 6437. 0 sends none, also where the kernel would choose one, unless the
   * system forces it to (`net.ipv6.auto_flowlabels` 3). Where a program holds an exclusive label, flowlabel(7), Linux
   * refuses those that the socket has not leased with `EINVAL`.
   */
  flowLabel?: number;
  /** The local address to send from, numeric and of the destination's family. */
  source?: string;
  /** The interface to send through, by name or index. A name is looked up with each packet, which an index saves. */
  interface?: string | number;
}

/** The largest flow label: 20 bits, RFC 8200 section 3. */
const FLOW_LABEL_MAX = 0xfffff;

/** What `tos` gives for options that leave the byte alone. */
export const NO_TOS = 256;

/** IFNAMSIZ of net/if.h, with the NUL at the end. */
const INTERFACE_NAME_SIZE = 16;

/**
 * Refuses options that no packet can have.
 *
 * Whether the source address or the interface exist is for the kernel to say, when the packet is sent.
 *
 * @param options The options.
 * @param family Where the packet goes: `"inet"`, also for an IPv4-mapped address on a dual-stack socket, or `"inet6"`.
 * @param argument What to call the options in errors. @default {"options"}
 * @throws {ArgumentError} naming what is wrong, for instance `options.ttl`.
 *
 * @example
 * ```ts
 * import { checkPacketOptions } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * checkPacketOptions({ ttl: 3, dscp: "EF", dontFragment: true }, "inet");
 * assert.throws(() => checkPacketOptions({ ttl: 0 }, "inet"), /options\.ttl: must be an integer from 1 to 255/);
 * ```
 */
export function checkPacketOptions(options: PacketOptions, family: "inet" | "inet6", argument = "options"): void {
  checkedTtl(options, argument);
  checkedTos(options, argument);
  checkedFragmentation(options, argument);
  checkedFlowLabel(options, family, argument);
  checkSource(options, family, argument);
  checkInterface(options, argument);
}

/** The option `ttl`; 0 where it is left out. */
export function checkedTtl({ ttl }: PacketOptions, argument: string): number {
  if (ttl === undefined) return 0;
  if ((ttl & 255) === ttl && ttl !== 0) return ttl;
  throw outOfRange(`${argument}.ttl`, 1, 255, ttl);
}

/** The byte that `tos`, or `dscp` and `ecn` make; {@linkcode NO_TOS} where all are left out. */
export function checkedTos({ tos, dscp, ecn }: PacketOptions, argument: string): number {
  if (tos === undefined) {
    if (dscp === undefined && ecn === undefined) return NO_TOS;
    return (dscp === undefined ? 0 : checkedDscp(dscp, argument)) << 2 |
      (ecn === undefined ? 0 : checkedEcn(ecn, argument));
  }
  if ((tos & 255) !== tos) throw outOfRange(`${argument}.tos`, 0, 255, tos);
  if (dscp !== undefined || ecn !== undefined) {
    throw new ArgumentError(`${argument}.tos`, "is the whole byte: give either it, or dscp and ecn");
  }
  return tos;
}

function checkedDscp(dscp: number | DscpName, argument: string): number {
  const value = dscpValue(dscp);
  if (value >= 0) return value;
  throw new ArgumentError(
    `${argument}.dscp`,
    `must be an integer from 0 to 63 or one of CS0…CS7, AF11…AF43, EF, VA, LE, got ${shown(dscp)}`,
  );
}

function checkedEcn(ecn: number | EcnName, argument: string): number {
  const value = ecnValue(ecn);
  if (value >= 0) return value;
  throw new ArgumentError(
    `${argument}.ecn`,
    `must be an integer from 0 to 3 or one of Not-ECT, ECT(1), ECT(0), CE, got ${shown(ecn)}`,
  );
}

/** The option `dontFragment` as a number: 0 left out, 1 true, 2 false, 3 "probe", which are the modes of the same names. */
export function checkedFragmentation({ dontFragment }: PacketOptions, argument: string): 0 | 1 | 2 | 3 {
  switch (dontFragment) {
    case undefined:
      return 0;
    case true:
      return 1;
    case false:
      return 2;
    case "probe":
      return 3;
  }
  throw new ArgumentError(`${argument}.dontFragment`, `must be true, false or "probe", got ${shown(dontFragment)}`);
}

/** The option `flowLabel`; -1 where it is left out. */
export function checkedFlowLabel(
  { flowLabel }: PacketOptions,
  family: "inet" | "inet6",
  argument: string,
): number {
  if (flowLabel === undefined) return -1;
  if ((flowLabel & FLOW_LABEL_MAX) !== flowLabel) {
    throw outOfRange(`${argument}.flowLabel`, 0, FLOW_LABEL_MAX, flowLabel);
  }
  if (family === "inet") {
    throw new ArgumentError(`${argument}.flowLabel`, "is for IPv6, and the destination is IPv4: leave it out there");
  }
  return flowLabel;
}

/** Refuses a source address that is no numeric address of the family. */
export function checkSource({ source }: PacketOptions, family: "inet" | "inet6", argument: string): void {
  if (source === undefined) return;
  const isAddress = typeof source === "string" &&
    (family === "inet" ? parseIPv4(source) !== undefined : isPlainIPv6(source));
  if (isAddress) return;
  throw new ArgumentError(
    `${argument}.source`,
    family === "inet"
      ? `must be a numeric IPv4 address like 192.0.2.1, as the destination is IPv4, got ${shown(source)}`
      : "must be a numeric IPv6 address like 2001:db8::1 (its zone is the option `interface`), as the destination is " +
        `IPv6, got ${shown(source)}`,
  );
}

/** Whether a text is an IPv6 address, and not an IPv4 address in disguise. */
function isPlainIPv6(text: string): boolean {
  const bytes = parseIPv6(text);
  return bytes !== undefined &&
    !(bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0));
}

/** Refuses what can't be an interface's name or index. */
export function checkInterface({ interface: name }: PacketOptions, argument: string): void {
  if (name === undefined) return;
  if (typeof name === "number") {
    if ((name & 0x7fffffff) !== name || name === 0) throw outOfRange(`${argument}.interface`, 1, 0x7fffffff, name);
    return;
  }
  if (typeof name === "string" && name.length > 0 && name.length < INTERFACE_NAME_SIZE && !/[\0\s/]/.test(name)) return;
  throw new ArgumentError(
    `${argument}.interface`,
    `must be an interface's name of 1 to ${INTERFACE_NAME_SIZE - 1} characters, or its index, got ${shown(name)}`,
  );
}

function outOfRange(argument: string, min: number, max: number, value: unknown): ArgumentError {
  return new ArgumentError(argument, `must be an integer from ${min} to ${max}, got ${shown(value)}`);
}

/** Enough of a value to recognise it by. */
function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value);
}
