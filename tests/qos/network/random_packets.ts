/**
 * Packets at random from a seed, each with its options written into its payload.
 *
 * @module
 */

import type { Destination, PacketOptions } from "@sockeye/sockeye/qos";

/** A packet to be sent: its payload holds everything else. */
export interface RandomPacket {
  /** Its number. */
  number: number;
  /** Where it goes. */
  place: Place;
  /** What is asked for. */
  options: PacketOptions;
  /** The payload, which holds the number, the options and filling made of the number. */
  data: Uint8Array;
}

/** Where a packet may go. */
export interface Place {
  /** The same, as a socket takes it; `undefined` where it is connected there. */
  to: Destination | undefined;
  /** Which of the receiver's addresses. */
  address: number;
  /** The port; 0 where there are none. */
  port: number;
}

/** What a payload says. */
export interface WrittenPacket {
  /** The number of the packet. */
  number: number;
  /** Which socket sent it. */
  socket: number;
  /** The options that it was sent with; DSCP and ECN as the byte that they make. */
  options: Pick<PacketOptions, "ttl" | "tos" | "dontFragment" | "flowLabel">;
  /** Which of the sender's addresses was asked for; 0 for none. */
  source: number;
  /** Where it was sent. */
  address: number;
  port: number;
}

/** Bytes of a payload at least. */
export const LEAST_PAYLOAD = 28;

const MAGIC = 0x536f636b;
const NONE = 0xffffffff;
const FRAGMENTATION = [undefined, true, false, "probe"] as const;

/** Numbers at random from a seed: the generator mulberry32. */
export class Random {
  #state: number;

  /** @param seed The same seed gives the same numbers. */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of several. */
  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)];
  }
}

/** What a socket can be asked for. */
export interface PacketRange {
  /** Where packets go. */
  family: "inet" | "inet6";
  /** The largest payload that is not fragmented, in bytes. */
  unfragmented: number;
  /** Addresses that packets may leave from; asking for none is always possible. */
  sources?: readonly string[];
  /** The sender writes the IP header by itself: nobody cuts such packets into fragments. */
  ownHeader?: boolean;
}

/** Options at random, of which any may be left out. */
export function randomOptions(random: Random, { family, sources = [] }: PacketRange): PacketOptions {
  const options: PacketOptions = {};
  if (!random.oneIn(4)) options.ttl = 1 + random.below(255);
  const marking = random.below(4);
  if (marking === 1) options.tos = random.below(256);
  if (marking >= 2) options.dscp = random.oneIn(8) ? "EF" : random.below(64);
  if (marking === 3) options.ecn = random.below(4);
  options.dontFragment = random.of(FRAGMENTATION);
  if (family === "inet6" && random.oneIn(2)) options.flowLabel = random.oneIn(8) ? 0 : random.below(0x100000);
  if (sources.length > 0 && random.oneIn(2)) options.source = random.of(sources);
  return options;
}

/** A payload's size at random, larger than a link's packets once in a while where options allow fragments. */
export function randomSize(random: Random, options: PacketOptions, { unfragmented, ownHeader }: PacketRange): number {
  const mayFragment = !ownHeader && (options.dontFragment === undefined || options.dontFragment === false);
  if (mayFragment && random.oneIn(2)) return unfragmented + 1 + random.below(2 * unfragmented);
  return random.oneIn(8) ? unfragmented : LEAST_PAYLOAD + random.below(unfragmented - LEAST_PAYLOAD);
}

/** Makes the packet of a number. */
export function packetOf(
  number: number,
  socket: number,
  options: PacketOptions,
  size: number,
  place: Place,
  { sources = [] }: PacketRange,
): RandomPacket {
  const data = new Uint8Array(size);
  const view = new DataView(data.buffer);
  const tos = tosOf(options);
  view.setUint32(0, MAGIC);
  view.setUint32(4, number);
  view.setUint32(8, size);
  view.setUint32(12, options.flowLabel ?? NONE);
  view.setInt16(16, tos ?? -1);
  data[18] = options.ttl ?? 0;
  data[19] = FRAGMENTATION.indexOf(options.dontFragment);
  data[20] = options.source === undefined ? 0 : 1 + sources.indexOf(options.source);
  data[21] = socket;
  view.setUint16(22, place.port);
  data[24] = place.address;
  fill(data, number);
  return { number, place, options, data };
}

/**
 * Reads a payload.
 *
 * @returns What it says, or `undefined` where it is no such packet.
 * @throws {Error} Where a byte is not what it was.
 */
export function readPacket(data: Uint8Array): WrittenPacket | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < LEAST_PAYLOAD || view.getUint32(0) !== MAGIC) return undefined;
  const number = view.getUint32(4);
  const expected = data.slice();
  fill(expected, number);
  const isIntact = view.getUint32(8) === data.length && expected.every((byte, index) => byte === data[index]);
  if (!isIntact) throw new Error(`packet ${number} is not as it was sent`);
  const [flowLabel, tos] = [view.getUint32(12), view.getInt16(16)];
  return {
    number,
    socket: data[21],
    options: {
      ttl: data[18] || undefined,
      tos: tos < 0 ? undefined : tos,
      dontFragment: FRAGMENTATION[data[19]],
      flowLabel: flowLabel === NONE ? undefined : flowLabel,
    },
    source: data[20],
    port: view.getUint16(22),
    address: data[24],
  };
}

/** The byte that the options make; `undefined` where they say nothing about it. */
export function tosOf({ tos, dscp, ecn = 0 }: PacketOptions): number | undefined {
  if (dscp === undefined) return tos;
  // The one name that is used here, RFC 3246; a witness must not depend on the table of names.
  return (dscp === "EF" ? 46 : Number(dscp)) << 2 | Number(ecn);
}

function fill(data: Uint8Array, number: number): void {
  for (let index = LEAST_PAYLOAD; index < data.length; index++) data[index] = (number * 31 + index * 7) & 0xff;
}
