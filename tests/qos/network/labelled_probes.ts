/**
 * Probes of which each is known by its bytes or its port, whatever its label says, and what must come back for it.
 *
 * @module
 */

import { encodeIpv4Header } from "@sockeye/sockeye/qos";
import type { Family, Truth } from "./chain.ts";
import { SILENT_TTL } from "./chain.ts";

/** The sockets that probes are sent from: `"dual"` is one socket for both families, `"own"` writes IPv4 headers itself. */
export type ProbeSocket = "inet" | "inet6" | "dual" | "raw-inet" | "raw-inet6" | "own";

/** What a program is to send. */
export interface Order {
  socket: ProbeSocket;
  /** How many probes. */
  count: number;
  /** How many of them are answered. */
  answered: number;
  /** Where they go, by family: the chain's destination, and three addresses that a router refuses. */
  destinations: Record<Family, readonly string[]>;
  /** The command that lets go of the packets that are held back, once all are sent. */
  release: readonly string[];
}

/** What the program got for a probe. */
export interface Reported {
  label: unknown;
  candidates: readonly unknown[];
  name: string;
  router: string | undefined;
  address: string;
  port: number;
  /** What was returned, in hexadecimal. */
  data: string;
}

/** What the program tells in the end. */
export interface Report {
  errors: Reported[];
  /** How many errors had come back when all probes were on their way. */
  early: number;
}

/** One of the probes. */
export interface Probe {
  family: Family;
  destination: string;
  port: number;
  ttl: number;
  /** What is sent, without the header that the sender writes itself. */
  data: Uint8Array;
}

/** RFC 3692: a protocol number for experiments. */
export const EXPERIMENT = 253;
/** The highest TTL: beyond the destination, which is hop 7. */
const TTL_MAX = 8;
/** The highest TTL with which the router doesn't come to refuse a packet, which Linux does over IPv4 but once a second. */
const TTL_MAX_REFUSED = 5;
/** With every number that this divides begins the same again. */
export const ROUND = 4 * TTL_MAX * TTL_MAX_REFUSED * 6;
/** traceroute's own. */
const FIRST_PORT = 33434;
/** So far into the payload lies the number of some probes. */
const DEEP = 100;
const IPV4_HEADER = 20;

const FAMILIES: Readonly<Record<ProbeSocket, readonly Family[]>> = {
  ...{ "inet": ["inet"], "inet6": ["inet6"], "dual": ["inet", "inet6"] },
  ...{ "raw-inet": ["inet"], "raw-inet6": ["inet6"], "own": ["inet"] },
};

/** A probe by its number, the same in the program that sends it and in the test that judges it. */
export function probeOf({ socket, destinations }: Order, number: number): Probe {
  const family = FAMILIES[socket][number % FAMILIES[socket].length];
  const all = destinations[family];
  const hasPorts = !socket.startsWith("raw") && socket !== "own";
  const isRefused = number % all.length > 0;
  const ttl = 1 + Math.floor(number / all.length) % (isRefused && family === "inet" ? TTL_MAX_REFUSED : TTL_MAX);
  // Each third is told by the beginning of its payload, by what lies far into it, and by nothing but its port.
  const kind = hasPorts ? number % 3 : number % 2;
  const port = kind === 2 ? FIRST_PORT + number : hasPorts ? FIRST_PORT : 0;
  return { family, destination: all[number % all.length], port, ttl, data: payloadOf(number, kind) };
}

function payloadOf(number: number, kind: number): Uint8Array {
  const data = new Uint8Array(kind === 1 ? DEEP + 24 : 24).fill(0x55);
  if (kind < 2) new DataView(data.buffer).setUint32(kind === 1 ? DEEP : 0, number);
  return data;
}

/** The number of the probe that an error is about, by its bytes and port alone. */
export function numberOf({ socket }: Order, { data, port }: Reported): number {
  if (port > FIRST_PORT) return port - FIRST_PORT;
  const bytes = Uint8Array.from(data.match(/../g) ?? [], (hex) => parseInt(hex, 16));
  const payload = socket === "own" ? bytes.subarray(IPV4_HEADER) : bytes;
  const isDeep = payload[0] === 0x55;
  return new DataView(payload.buffer, payload.byteOffset).getUint32(isDeep ? DEEP : 0);
}

/** The header that the sender writes itself. */
export function withHeader({ destination, ttl, data }: Probe): Uint8Array {
  const header = encodeIpv4Header({ protocol: EXPERIMENT, destination, ttl, payloadLength: data.length });
  return new Uint8Array([...header, ...data]);
}

/** Who has to answer a probe, and whether because its time ran out; `undefined` if nobody does. */
export function answerTo(
  { destination, ttl }: Probe,
  truth: Truth,
): { routers: readonly string[]; expired: boolean } | undefined {
  if (ttl === SILENT_TTL) return undefined;
  // r6 refuses what it has no way for, before it looks at the TTL.
  const last = destination === truth.destination ? truth.hops.length : truth.hops.length - 1;
  return { routers: truth.hops[Math.min(ttl, last) - 1], expired: ttl < last };
}
