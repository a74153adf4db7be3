/**
 * Errors that a router could send about a packet: as the RFCs want them, as old routers make them, and as an enemy would.
 *
 * @module
 */

import {
  encodeIcmpExtensions,
  encodeIcmpMessage,
  ICMP6_TYPE,
  ICMP_TYPE,
  type IcmpExtension,
  internetChecksum,
} from "@sockeye/sockeye/qos";
import type { Family } from "./chain.ts";

/** The ways in which errors are made. */
export const FORGERIES = [
  "whole",
  "extended",
  "extended by an old router",
  "headers only",
  "cut",
  "padded",
  "with an unsound extension",
  "altered",
  "of another port",
] as const;
export type Forgery = (typeof FORGERIES)[number];

/** What a router of an MPLS network says: RFC 4950, RFC 5837. */
export const EXTENSIONS: readonly IcmpExtension[] = [
  {
    kind: "mpls",
    classNumber: 1,
    classType: 1,
    labels: [{ label: 24001, trafficClass: 3, isBottom: false, ttl: 1 }, {
      ...{ label: 16, trafficClass: 0, isBottom: true, ttl: 254 },
    }],
  },
  { kind: "interface", classNumber: 2, classType: 0x0b, role: "incoming", ifIndex: 7, name: "xe-0/0/1", mtu: 9000 },
];

/** Where errors with extensions have them, RFC 4884. */
const EXTENDED = 128;
const ICMP_HEADER = 8;
/** Of the headers in front of the payload of a UDP datagram. */
export const HEADERS: Readonly<Record<Family, number>> = { inet: 28, inet6: 48 };
/** So much of the payload is left by `"cut"`. */
export const CUT = 8;

/** The payload of a probe, which says how its error is to be made. */
export function forgeryProbe(number: number): Uint8Array {
  const data = new Uint8Array(9 + number * 7 % 150).fill(1 + number % 250);
  new DataView(data.buffer).setUint32(0, number);
  return data;
}

/** How the error is made that a probe asks for. */
export function forgeryOf(payload: Uint8Array): Forgery {
  const number = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
  return FORGERIES[number % FORGERIES.length];
}

/** The ICMP message about a packet that has an IP and a UDP header. */
export function forge(family: Family, packet: Uint8Array, forgery: Forgery): Uint8Array {
  const headers = HEADERS[family];
  switch (forgery) {
    case "extended":
      return timeExceeded(family, packet.subarray(0, EXTENDED), EXTENSIONS);
    case "extended by an old router":
      return timeExceeded(family, [...filled(packet, EXTENDED), ...encodeIcmpExtensions(EXTENSIONS)]);
    case "with an unsound extension": {
      const message = timeExceeded(family, packet.subarray(0, EXTENDED), EXTENSIONS);
      message[ICMP_HEADER + EXTENDED + 9]++;
      return summed(family, message);
    }
    case "headers only":
      return timeExceeded(family, packet.subarray(0, headers));
    case "cut":
      return timeExceeded(family, packet.subarray(0, headers + CUT));
    case "padded":
      return timeExceeded(family, filled(packet, 300));
    case "altered":
      return timeExceeded(family, packet.with(headers + 1, packet[headers + 1] ^ 0x80));
    case "of another port":
      return timeExceeded(family, packet.with(headers - 5, packet[headers - 5] ^ 1));
    case "whole":
      return timeExceeded(family, packet);
  }
}

function timeExceeded(family: Family, quoted: Iterable<number>, extensions: readonly IcmpExtension[] = []): Uint8Array {
  const [version, type] = family === "inet"
    ? ["icmp", ICMP_TYPE.TIME_EXCEEDED] as const
    : ["icmp6", ICMP6_TYPE.TIME_EXCEEDED] as const;
  return encodeIcmpMessage({ kind: "error", version, type, code: 0, original: Uint8Array.from(quoted), extensions });
}

/** Cut, or filled up with zeros. */
function filled(bytes: Uint8Array, length: number): Uint8Array {
  const result = new Uint8Array(length);
  result.set(bytes.subarray(0, length));
  return result;
}

/** With the checksum made anew; that of ICMPv6 is the kernel's business. */
function summed(family: Family, message: Uint8Array): Uint8Array {
  message.fill(0, 2, 4);
  if (family === "inet") new DataView(message.buffer).setUint16(2, internetChecksum(message));
  return message;
}
