/**
 * What traceroute(8) prints behind the time of an answer that ends the path.
 *
 * @module
 */

import { ICMP6_TYPE, ICMP_TYPE } from "../icmp/types.ts";

const NET = "!N";
const HOST = "!H";
const PROHIBITED = "!X";

/** The codes of ICMP destination unreachable (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1). */
const UNREACHABLE: Readonly<Record<number, string | undefined>> = {
  0: NET,
  1: HOST,
  2: "!P",
  3: undefined,
  5: "!S",
  6: NET,
  7: HOST,
  8: NET,
  9: PROHIBITED,
  10: PROHIBITED,
  11: NET,
  12: HOST,
  13: PROHIBITED,
  14: "!V",
  15: "!C",
};

/** The codes of ICMPv6 destination unreachable, RFC 4443 section 3.1. */
const UNREACHABLE6: Readonly<Record<number, string | undefined>> = {
  0: NET,
  1: PROHIBITED,
  2: HOST,
  3: HOST,
  4: undefined,
  5: PROHIBITED,
  6: PROHIBITED,
};

/** Whether the message says that a packet's time to live ran out on the way, which is what a probe is for. */
export function isTimeExceeded(family: "inet" | "inet6", type: number): boolean {
  return type === (family === "inet" ? ICMP_TYPE.TIME_EXCEEDED : ICMP6_TYPE.TIME_EXCEEDED);
}

/** Whether the message says that a packet is too large for a link. */
export function isTooBig(family: "inet" | "inet6", type: number, code: number): boolean {
  return family === "inet"
    ? type === ICMP_TYPE.DESTINATION_UNREACHABLE && code === 4
    : type === ICMP6_TYPE.PACKET_TOO_BIG;
}

/** Whether the message says that a packet got no farther than to its sender; redirects and the like don't. */
export function endsPath(family: "inet" | "inet6", type: number): boolean {
  return family === "inet"
    ? type === ICMP_TYPE.DESTINATION_UNREACHABLE || type === ICMP_TYPE.PARAMETER_PROBLEM
    : type === ICMP6_TYPE.DESTINATION_UNREACHABLE || type === ICMP6_TYPE.PARAMETER_PROBLEM;
}

/** Whether the message is one with which a destination answers a probe: port, or protocol, unreachable. */
export function isRefusal(family: "inet" | "inet6", type: number, code: number): boolean {
  return family === "inet"
    ? type === ICMP_TYPE.DESTINATION_UNREACHABLE && (code === 3 || code === 2)
    : type === ICMP6_TYPE.DESTINATION_UNREACHABLE && code === 4 || type === ICMP6_TYPE.PARAMETER_PROBLEM && code === 1;
}

/**
 * The mark for an ICMP error, as traceroute(8) prints it.
 *
 * @param mtu What the router reported, where it is about size.
 * @returns For instance `"!N"`; `undefined` for time exceeded and port unreachable, which are as they should be.
 */
export function annotationOf(
  family: "inet" | "inet6",
  type: number,
  code: number,
  mtu: number | undefined,
): string | undefined {
  if (isTimeExceeded(family, type)) return undefined;
  if (isTooBig(family, type, code)) return mtu === undefined ? "!F" : `!F-${mtu}`;
  const known = family === "inet" ? UNREACHABLE : UNREACHABLE6;
  if (type !== (family === "inet" ? ICMP_TYPE.DESTINATION_UNREACHABLE : ICMP6_TYPE.DESTINATION_UNREACHABLE)) {
    return `!<${type}-${code}>`;
  }
  return code in known ? known[code] : `!<${code}>`;
}
