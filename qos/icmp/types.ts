/**
 * The numbers of ICMP and ICMPv6 and the names of what they mean: IANA's registries "ICMP Parameters" and "ICMPv6
 * Parameters".
 *
 * @module
 */

/** Which of the two protocols a type and a code belong to: ICMP for IPv4 (RFC 792), or ICMPv6 (RFC 4443). */
export type IcmpVersion = "icmp" | "icmp6";

/** Types of ICMP messages, RFC 792 and IANA. */
export const ICMP_TYPE: {
  readonly ECHO_REPLY: 0;
  readonly DESTINATION_UNREACHABLE: 3;
  readonly SOURCE_QUENCH: 4;
  readonly REDIRECT: 5;
  readonly ECHO_REQUEST: 8;
  readonly ROUTER_ADVERTISEMENT: 9;
  readonly ROUTER_SOLICITATION: 10;
  readonly TIME_EXCEEDED: 11;
  readonly PARAMETER_PROBLEM: 12;
  readonly TIMESTAMP_REQUEST: 13;
  readonly TIMESTAMP_REPLY: 14;
  readonly EXTENDED_ECHO_REQUEST: 42;
  readonly EXTENDED_ECHO_REPLY: 43;
} = Object.freeze({
  ECHO_REPLY: 0,
  DESTINATION_UNREACHABLE: 3,
  SOURCE_QUENCH: 4,
  REDIRECT: 5,
  ECHO_REQUEST: 8,
  ROUTER_ADVERTISEMENT: 9,
  ROUTER_SOLICITATION: 10,
  TIME_EXCEEDED: 11,
  PARAMETER_PROBLEM: 12,
  TIMESTAMP_REQUEST: 13,
  TIMESTAMP_REPLY: 14,
  EXTENDED_ECHO_REQUEST: 42,
  EXTENDED_ECHO_REPLY: 43,
});

/** Types of ICMPv6 messages, RFC 4443 and IANA. Those below 128 are errors. */
export const ICMP6_TYPE: {
  readonly DESTINATION_UNREACHABLE: 1;
  readonly PACKET_TOO_BIG: 2;
  readonly TIME_EXCEEDED: 3;
  readonly PARAMETER_PROBLEM: 4;
  readonly ECHO_REQUEST: 128;
  readonly ECHO_REPLY: 129;
  readonly MULTICAST_LISTENER_QUERY: 130;
  readonly MULTICAST_LISTENER_REPORT: 131;
  readonly MULTICAST_LISTENER_DONE: 132;
  readonly ROUTER_SOLICITATION: 133;
  readonly ROUTER_ADVERTISEMENT: 134;
  readonly NEIGHBOR_SOLICITATION: 135;
  readonly NEIGHBOR_ADVERTISEMENT: 136;
  readonly REDIRECT: 137;
  readonly EXTENDED_ECHO_REQUEST: 160;
  readonly EXTENDED_ECHO_REPLY: 161;
} = Object.freeze({
  DESTINATION_UNREACHABLE: 1,
  PACKET_TOO_BIG: 2,
  TIME_EXCEEDED: 3,
  PARAMETER_PROBLEM: 4,
  ECHO_REQUEST: 128,
  ECHO_REPLY: 129,
  MULTICAST_LISTENER_QUERY: 130,
  MULTICAST_LISTENER_REPORT: 131,
  MULTICAST_LISTENER_DONE: 132,
  ROUTER_SOLICITATION: 133,
  ROUTER_ADVERTISEMENT: 134,
  NEIGHBOR_SOLICITATION: 135,
  NEIGHBOR_ADVERTISEMENT: 136,
  REDIRECT: 137,
  EXTENDED_ECHO_REQUEST: 160,
  EXTENDED_ECHO_REPLY: 161,
});

/** The name of a type, or the names of its codes where they tell more. */
type Names = Readonly<Record<number, string | readonly string[]>>;

const ICMP_NAMES: Names = {
  0: "echo-reply",
  // RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1
  3: [
    "network-unreachable",
    "host-unreachable",
    "protocol-unreachable",
    "port-unreachable",
    "fragmentation-needed",
    "source-route-failed",
    "network-unknown",
    "host-unknown",
    "host-isolated",
    "network-prohibited",
    "host-prohibited",
    "network-unreachable-for-tos",
    "host-unreachable-for-tos",
    "communication-prohibited",
    "host-precedence-violation",
    "precedence-cutoff",
  ],
  4: "source-quench",
  5: ["network-redirect", "host-redirect", "network-tos-redirect", "host-tos-redirect"],
  8: "echo-request",
  9: "router-advertisement",
  10: "router-solicitation",
  11: ["time-exceeded", "reassembly-time-exceeded"],
  12: ["parameter-problem", "required-option-missing", "bad-length"],
  13: "timestamp-request",
  14: "timestamp-reply",
  42: "extended-echo-request",
  43: "extended-echo-reply",
};

const ICMP6_NAMES: Names = {
  // RFC 4443 section 3.1, RFC 6550 section 20.14 (7), RFC 8883 (8)
  1: [
    "no-route",
    "communication-prohibited",
    "beyond-scope",
    "address-unreachable",
    "port-unreachable",
    "source-policy-failed",
    "route-rejected",
    "source-routing-error",
    "headers-too-long",
  ],
  2: "packet-too-big",
  3: ["time-exceeded", "reassembly-time-exceeded"],
  // RFC 4443 section 3.4, RFC 7112 (3), RFC 8754 (4), RFC 8883 (5 to 10)
  4: [
    "erroneous-header-field",
    "unrecognized-next-header",
    "unrecognized-option",
    "incomplete-header-chain",
    "segment-routing-upper-layer-header",
    "unrecognized-next-header-at-node",
    "extension-header-too-big",
    "extension-header-chain-too-long",
    "too-many-extension-headers",
    "too-many-options",
    "option-too-big",
  ],
  128: "echo-request",
  129: "echo-reply",
  130: "multicast-listener-query",
  131: "multicast-listener-report",
  132: "multicast-listener-done",
  133: "router-solicitation",
  134: "router-advertisement",
  135: "neighbor-solicitation",
  136: "neighbor-advertisement",
  137: "redirect",
  143: "multicast-listener-report-v2",
  160: "extended-echo-request",
  161: "extended-echo-reply",
};

/** The types whose codes all mean a case of one thing, which a code unknown here is too. */
const ICMP_GENERAL: Readonly<Record<number, string>> = {
  3: "destination-unreachable",
  5: "redirect",
  11: "time-exceeded",
  12: "parameter-problem",
};
const ICMP6_GENERAL: Readonly<Record<number, string>> = {
  1: "destination-unreachable",
  3: "time-exceeded",
  4: "parameter-problem",
};

/**
 * The name of what an ICMP message says, in the words of the RFCs, in lower case with hyphens.
 *
 * Type and code make the name together: `"port-unreachable"`, `"fragmentation-needed"`, `"time-exceeded"`. What has no
 * name is called by its numbers, with the type's name where that is known: `"destination-unreachable-77"`, `"icmp-200-0"`.
 *
 * @param version ICMP or ICMPv6, whose numbers differ.
 * @param type The type, 0 to 255.
 * @param code The code, 0 to 255.
 * @returns The name.
 *
 * @example
 * ```ts
 * import { icmpName } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * assert.equal(icmpName("icmp", 3, 4), "fragmentation-needed");
 * assert.equal(icmpName("icmp6", 2, 0), "packet-too-big");
 * ```
 */
export function icmpName(version: IcmpVersion, type: number, code: number): string {
  const entry = (version === "icmp" ? ICMP_NAMES : ICMP6_NAMES)[type];
  if (typeof entry === "string") return entry;
  const name = entry?.[code];
  if (name !== undefined) return name;
  const general = (version === "icmp" ? ICMP_GENERAL : ICMP6_GENERAL)[type];
  return general === undefined ? `${version}-${type}-${code}` : `${general}-${code}`;
}

/**
 * Whether a type is an error, about a packet that the message quotes: RFC 1122 section 3.2.2, RFC 4443 section 2.1.
 *
 * @param version ICMP or ICMPv6.
 * @param type The type, 0 to 255.
 * @returns True for destination unreachable, time exceeded and their like, false for echo and other queries.
 *
 * @example
 * ```ts
 * import { ICMP_TYPE, isIcmpError } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * assert(isIcmpError("icmp", ICMP_TYPE.TIME_EXCEEDED));
 * assert(!isIcmpError("icmp", ICMP_TYPE.ECHO_REPLY));
 * ```
 */
export function isIcmpError(version: IcmpVersion, type: number): boolean {
  if (version === "icmp6") return type < 128;
  return type >= 3 && type <= 5 || type === 11 || type === 12;
}
