// What is asked for one packet is in the header of that packet, and of no other: tcpdump is the witness.

import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { ipPacket, Reassembly, udpDatagram, type WholePacket } from "../../support/ip_packets.ts";
import { netnsUnavailable, tbfUnavailable, Topology } from "../../support/netns/topology.ts";
import type { CapturedPacket } from "../../support/pcap.ts";
import { Capture } from "./capture.ts";
import { becomeReady, configure, numberedLink, silence, TRUTHFUL } from "./chain.ts";
import { programsMissing } from "./foreign.ts";
import { runProgram } from "./program.ts";
import type { Order, Report } from "./programs/random_sends.ts";
import { readPacket, type WrittenPacket } from "./random_packets.ts";

const skip = netnsUnavailable() ?? tbfUnavailable() ?? programsMissing("tcpdump", "traceroute");

const COUNT = 10_000;
const MTU = 1400;
const UDP = 17;
/** What a packet has that nothing was asked for. */
const DEFAULT_TTL = 64;
const SOURCES = {
  inet: ["10.78.1.1", "10.78.1.11", "10.78.1.12"],
  inet6: ["fd78:1::1", "fd78:1::11", "fd78:1::12"],
};

const DESTINATIONS = { inet: ["10.78.1.2", "10.78.1.22"], inet6: ["fd78:1::2", "fd78:1::22"] };

/** What was sent, and seen. */
interface Proof {
  report: Report;
  packets: readonly { whole: WholePacket; written: WrittenPacket }[];
  /** How many times the kernel was handed UDP datagrams. */
  handed: number;
}

/** A link to a machine that says nothing; with a rate so slow that packets wait for it. */
async function createNetwork(rate?: string): Promise<Topology> {
  const link = numberedLink("source", "witness", 1, MTU);
  const net = await Topology.create({ namespaces: ["source", "witness"], links: [link], sysctls: TRUTHFUL });
  try {
    const { from: device, to: witness } = net.links[0].interfaces;
    await configure(net, "witness", [
      `address add ${DESTINATIONS.inet[1]}/24 dev ${witness}`,
      `address add ${DESTINATIONS.inet6[1]}/64 dev ${witness}`,
    ]);
    await becomeReady(net, ["source", "witness"], [...DESTINATIONS.inet, ...DESTINATIONS.inet6]);
    await silence(net, "witness");
    await configure(net, "source", [
      ...SOURCES.inet.slice(1).map((address) => `address add ${address}/24 dev ${device}`),
      ...SOURCES.inet6.slice(1).map((address) => `address add ${address}/64 dev ${device}`),
      // What the kernel is to cut into segments, it cuts before it leaves, where the witness can see it.
      `link set ${device} gso_max_segs 1`,
    ]);
    if (rate !== undefined) await limitRate(net, device, rate);
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
  return net;
}

async function limitRate(net: Topology, device: string, rate: string): Promise<void> {
  const slow = ["root", "tbf", "rate", rate, "burst", "16kb", "limit", "64mb"];
  const { code, stderr } = await net.exec("source", ["tc", "qdisc", "replace", "dev", device, ...slow]);
  assert.equal(code, 0, stderr);
}

/** Finds the packets of the program among those captured. */
class Sightings {
  /** The packets, by number. */
  readonly seen = new Map<number, { whole: WholePacket; written: WrittenPacket }>();
  readonly #reassembly = new Reassembly();

  add(captured: readonly CapturedPacket[]): void {
    for (const each of captured) {
      const packet = ipPacket(each);
      const whole = packet && this.#reassembly.add(packet);
      const written = whole && readPacket(whole.protocol === UDP ? udpDatagram(whole).payload : whole.payload);
      if (!written) continue;
      assert(!this.seen.has(written.number), `packet ${written.number} was sent twice`);
      this.seen.set(written.number, { whole, written });
    }
  }

  get incomplete(): number {
    return this.#reassembly.incomplete;
  }
}

/** Every fragment's header says what the payload says. */
function assertAsWritten(whole: WholePacket, { options, source, number, address, port }: WrittenPacket): void {
  const isFragmented = whole.fragments.length > 1;
  for (const { ttl, tos, flowLabel, length, dontFragment } of whole.fragments) {
    assert.equal(ttl, options.ttl ?? DEFAULT_TTL, `TTL of packet ${number}`);
    assert.equal(tos, options.tos ?? 0, `TOS of packet ${number}`);
    if (options.flowLabel !== undefined) assert.equal(flowLabel, options.flowLabel, `flow label of packet ${number}`);
    assert.equal(flowLabel, whole.flowLabel, `flow labels of the fragments of packet ${number}`);
    assert(length <= MTU, `packet ${number} is larger than the link`);
    if (whole.family === "inet") {
      // Linux sets DF where it is not told, and the packet fits the path.
      const expected = options.dontFragment ?? !isFragmented;
      assert.equal(dontFragment, expected !== false, `DF of packet ${number}`);
    }
  }
  if (isFragmented) assert(options.dontFragment === undefined || options.dontFragment === false);
  assert.equal(whole.destination, inFull(DESTINATIONS[whole.family][address]), `destination of packet ${number}`);
  if (whole.protocol === UDP) assert.equal(udpDatagram(whole).destinationPort, port, `port of packet ${number}`);
  if (source > 0) assert.equal(whole.source, inFull(SOURCES[whole.family][source - 1]), `source of packet ${number}`);
}

/** An address as captures show it. */
function inFull(address: string): string {
  const short = /^fd78:1::(\w+)$/.exec(address);
  return short ? `fd78:0001:0000:0000:0000:0000:0000:${short[1].padStart(4, "0")}` : address;
}

/** Sends from one machine to the other while tcpdump listens. */
async function proveOptions(order: Omit<Order, "sources" | "destinations">, rate?: string): Promise<Proof> {
  await using net = await createNetwork(rate);
  const [{ interfaces }] = net.links;
  using capture = await Capture.start(net, { namespace: "witness", interface: interfaces.to });

  const all: Order = { ...order, sources: SOURCES, destinations: DESTINATIONS };
  const handedBefore = await handedOver(net);
  const report = await runProgram<Report>(net, "source", "random_sends.ts", all);
  const sightings = new Sightings();
  await capture.until((news) => {
    sightings.add(news);
    return sightings.seen.size >= report.count - report.refused.length;
  });

  assert.equal(await capture.stop(), 0, "tcpdump was too slow for some packets");
  assert.equal(sightings.incomplete, 0);
  const refused = new Set(report.refused);
  for (let number = 0; number < report.count; number++) {
    assert.equal(sightings.seen.has(number), !refused.has(number), `packet ${number} of ${report.count}`);
  }
  for (const { whole, written } of sightings.seen.values()) assertAsWritten(whole, written);
  return { report, packets: [...sightings.seen.values()], handed: await handedOver(net) - handedBefore };
}

/** How many times the kernel was handed UDP datagrams: those that it is to cut out of one count once. */
async function handedOver(net: Topology): Promise<number> {
  const { stdout } = await net.exec("source", ["cat", "/proc/net/snmp", "/proc/net/snmp6"]);
  const [names, values] = stdout.split("\n").filter((line) => line.startsWith("Udp: ")).map((line) => line.split(" "));
  const inet6 = /^Udp6OutDatagrams\s+(\d+)$/m.exec(stdout);
  return Number(values[names.indexOf("OutDatagrams")]) + Number(inet6![1]);
}

/** What the proof is about has happened, each of it often. */
function assertVariety({ report, packets, handed }: Proof): void {
  const datagrams = packets.filter(({ whole }) => whole.protocol === UDP).length;
  assert(datagrams - handed > COUNT / 50, `${handed} system calls or parts of them sent ${datagrams} datagrams`);
  assert(packets.length >= COUNT);
  for (const [way, count] of Object.entries(report.ways)) assert(count > COUNT / 100, `${count} were sent ${way}`);
  assert(report.refused.length > COUNT / 100);
  const kinds = Map.groupBy(packets, ({ whole }) => `${whole.family}, protocol ${whole.protocol}`);
  assert.equal(kinds.size, 4);
  for (const [kind, ofKind] of kinds) {
    const fragmented = ofKind.filter(({ whole }) => whole.fragments.length > 1).length;
    assert(fragmented > COUNT / 100, `${fragmented} of ${kind} were fragmented`);
  }
  assert.equal(new Set(packets.map(({ written }) => written.socket)).size, 15);
}

test("10,000 packets at a time from many sockets have the options that each was sent with", async () => {
  const proof = await proveOptions({ seed: 1, count: COUNT, mtu: MTU });

  assertVariety(proof);
}, { skip });

test("packets that waited for room in the kernel's buffer have the options that each was sent with", async () => {
  const proof = await proveOptions({ seed: 2, count: COUNT, mtu: MTU }, "100mbit");

  assertVariety(proof);
  assert(proof.report.blocked > 20, `${proof.report.blocked} times there was no room`);
}, { skip });
