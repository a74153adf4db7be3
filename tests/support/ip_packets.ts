/**
 * Headers of IP packets as a capture shows them, and what was fragmented put together again.
 *
 * A witness of what the sockets put on the wire must not be the code that put it there: nothing here is Sockeye's own.
 *
 * @module
 */

import type { CapturedPacket } from "./pcap.ts";

/** An IP packet, or a fragment of one. */
export interface IpPacket {
  /** The family of its addresses. */
  family: "inet" | "inet6";
  /** The sender's address: `"192.0.2.1"`, or eight groups of four digits joined by colons. */
  source: string;
  /** The receiver's address, written like the sender's. */
  destination: string;
  /** What it carries: 6 is TCP, 17 UDP. */
  protocol: number;
  /** TTL, or hop limit. */
  ttl: number;
  /** Type of service, or traffic class: the whole byte. */
  tos: number;
  /** IPv6: the flow label; 0 on IPv4. */
  flowLabel: number;
  /** IPv4: the identification; IPv6: that of the fragment header, 0 without one. */
  id: number;
  /** IPv4: the bit Don't Fragment; IPv6 packets are never fragmented on the way. */
  dontFragment: boolean;
  /** Where in the original's payload this one begins, in bytes. */
  fragmentOffset: number;
  /** Whether more fragments follow. */
  moreFragments: boolean;
  /** The whole packet's length, in bytes. */
  length: number;
  /** What follows the IP header and the fragment header. */
  payload: Uint8Array;
}

/** A packet as it was before it was fragmented. */
export interface WholePacket extends IpPacket {
  /** The packets that it came in, in order; itself alone if it was not fragmented. */
  fragments: readonly IpPacket[];
}

/** A UDP datagram. */
export interface UdpDatagram {
  /** The sender's port. */
  sourcePort: number;
  /** The receiver's port. */
  destinationPort: number;
  /** What it carries. */
  payload: Uint8Array;
}

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const IPV6_HEADER = 40;
const FRAGMENT_HEADER = 8;
const FRAGMENT = 44;

/** The IP packet within a captured one; `undefined` if it is something else. */
export function ipPacket({ etherType, data, isTruncated }: CapturedPacket): IpPacket | undefined {
  if (isTruncated) throw new RangeError("the capture holds only a part of this packet: capture more of each (-s)");
  if (etherType === IPV4) return ipv4Packet(data);
  if (etherType === IPV6) return ipv6Packet(data);
  return undefined;
}

/** RFC 791, section 3.1. */
function ipv4Packet(data: Uint8Array): IpPacket {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const headerLength = (data[0] & 0x0f) * 4;
  const length = view.getUint16(2);
  const flags = view.getUint16(6);
  return {
    family: "inet",
    source: data.subarray(12, 16).join("."),
    destination: data.subarray(16, 20).join("."),
    protocol: data[9],
    ttl: data[8],
    tos: data[1],
    flowLabel: 0,
    id: view.getUint16(4),
    dontFragment: (flags & 0x4000) !== 0,
    fragmentOffset: (flags & 0x1fff) * 8,
    moreFragments: (flags & 0x2000) !== 0,
    length,
    // Ethernet pads short frames.
    payload: data.subarray(headerLength, length),
  };
}

/** RFC 8200, sections 3 and 4.5. */
function ipv6Packet(data: Uint8Array): IpPacket {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const first = view.getUint32(0);
  const length = IPV6_HEADER + view.getUint16(4);
  const isFragment = data[6] === FRAGMENT;
  const fragment = isFragment ? view.getUint16(IPV6_HEADER + 2) : 0;
  return {
    family: "inet6",
    source: ipv6Text(data.subarray(8, 24)),
    destination: ipv6Text(data.subarray(24, 40)),
    protocol: isFragment ? data[IPV6_HEADER] : data[6],
    ttl: data[7],
    tos: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    id: isFragment ? view.getUint32(IPV6_HEADER + 4) : 0,
    dontFragment: true,
    fragmentOffset: fragment & 0xfff8,
    moreFragments: (fragment & 1) !== 0,
    length,
    payload: data.subarray(IPV6_HEADER + (isFragment ? FRAGMENT_HEADER : 0), length),
  };
}

/** An IPv6 address in full: eight groups of four digits. */
function ipv6Text(bytes: Uint8Array): string {
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.match(/..../g)!.join(":");
}

/** Puts fragments together again. */
export class Reassembly {
  readonly #pending = new Map<string, IpPacket[]>();

  /** Takes a packet; gives it back whole if it is, or is made so by it. */
  add(packet: IpPacket): WholePacket | undefined {
    if (packet.fragmentOffset === 0 && !packet.moreFragments) return { ...packet, fragments: [packet] };
    const { source, destination, protocol, id } = packet;
    const key = `${source} ${destination} ${protocol} ${id}`;
    const fragments = [...this.#pending.get(key) ?? [], packet].sort((a, b) => a.fragmentOffset - b.fragmentOffset);
    if (!areComplete(fragments)) {
      this.#pending.set(key, fragments);
      return undefined;
    }
    this.#pending.delete(key);
    const payload = new Uint8Array(fragments.reduce((total, fragment) => total + fragment.payload.length, 0));
    for (const fragment of fragments) payload.set(fragment.payload, fragment.fragmentOffset);
    return { ...fragments[0], moreFragments: false, payload, fragments };
  }

  /** How many packets lack fragments. */
  get incomplete(): number {
    return this.#pending.size;
  }
}

function areComplete(fragments: readonly IpPacket[]): boolean {
  let end = 0;
  for (const { fragmentOffset, payload } of fragments) {
    if (fragmentOffset !== end) return false;
    end += payload.length;
  }
  return !fragments.at(-1)!.moreFragments;
}

/** The datagram in a packet that carries UDP, RFC 768. */
export function udpDatagram({ payload }: WholePacket): UdpDatagram {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    payload: payload.subarray(8, view.getUint16(4)),
  };
}
