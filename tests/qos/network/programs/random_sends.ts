// Sends packets at random from several sockets, in every way there is, and says in the end which of them were refused.
// Its argument is an Order as JSON, its output a Report.

import { MessageTooLargeError } from "@sockeye/sockeye";
import {
  encodeIpv4Header,
  encodeIpv6Header,
  type OutgoingDatagram,
  type PacketSocket,
  RawIpSocket,
  UdpSocket,
} from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import process from "node:process";
import {
  packetOf,
  type PacketRange,
  type Place,
  Random,
  randomOptions,
  type RandomPacket,
  randomSize,
  tosOf,
} from "../random_packets.ts";

/** What is to be sent. */
export interface Order {
  /** The same seed asks for the same packets. */
  seed: number;
  /** How many packets at least. */
  count: number;
  /** The largest packet that the link carries, in bytes. */
  mtu: number;
  /** The addresses of this machine to send from, and of the other one to send to, by family. */
  sources: Record<"inet" | "inet6", readonly string[]>;
  destinations: Record<"inet" | "inet6", readonly string[]>;
}

/** What was sent. */
export interface Report {
  /** How many numbers there are, from 0. */
  count: number;
  /** The numbers of the packets that were refused, as they had to be, or not sent because of those. */
  refused: number[];
  /** How many packets went each way. */
  ways: Record<string, number>;
  /** How often a packet had to wait because the kernel's buffer was full. */
  blocked: number;
}

/** One of the sockets, and what packets it can be asked for. */
interface Sender extends PacketRange {
  index: number;
  socket: PacketSocket;
  places: readonly Place[];
  /** Whether some of its packets are labelled, from the first of which on the kernel gets one packet at a time. */
  labels?: boolean;
}

/** How many send at a time. */
const WORKERS = 12;
/** So many packets may wait for room in the kernel's buffer. */
const QUEUE = { sendQueue: 20_000 };
/** Room for a few packets. With less than two packets' fragments of it, ENOBUFS is what the kernel says, not EAGAIN. */
const SMALL_BUFFER = 16_384;
const IP_HEADER = { inet: 20, inet6: 40 };
const UDP_HEADER = 8;
/** RFC 3692: a protocol number for experiments. */
const EXPERIMENT = 253;

const order: Order = JSON.parse(process.argv[2]);
const random = new Random(order.seed);
const report: Report = { count: 0, refused: [], ways: {}, blocked: 0 };
let sent = 0;

/** Several ports of several addresses, as texts and as objects. */
function portsOf(family: "inet" | "inet6"): Place[] {
  return order.destinations[family].flatMap((text, address) =>
    [9001, 9002].map((port) => {
      const asText = family === "inet" ? `${text}:${port}` : `[${text}]:${port}`;
      return { address, port, to: port === 9001 ? asText : { family, address: text, port } };
    })
  );
}

function openSenders(): Sender[] {
  const { sources } = order;
  const ports = { inet: portsOf("inet"), inet6: portsOf("inet6") };
  const bound4 = UdpSocket.bind(`${sources.inet[0]}:0`, QUEUE);
  const bound6 = UdpSocket.bind(`[${sources.inet6[0]}]:0`, QUEUE);
  const dual = UdpSocket.bind(undefined, QUEUE);
  const small = UdpSocket.bind(undefined, { ...QUEUE, sendBuffer: SMALL_BUFFER });
  const whole = UdpSocket.bind("0.0.0.0:0", { ...QUEUE, segmentation: false, errors: true });
  const connected4 = UdpSocket.connect(ports.inet[0].to!, QUEUE);
  const connected6 = UdpSocket.connect(ports.inet6[0].to!, { ...QUEUE, family: "inet6" });
  const peer = (family: "inet" | "inet6") => [{ ...ports[family][0], to: undefined }];
  const raw = (family: "inet" | "inet6", options = {}) =>
    RawIpSocket.open({ ...QUEUE, protocol: EXPERIMENT, family, ...options });
  const hosts = (family: "inet" | "inet6") =>
    order.destinations[family].map((to, address) => ({ to, address, port: 0 }));
  const rawSender = (family: "inet" | "inet6", options = {}) => ({
    ...{ socket: raw(family, options), family, places: hosts(family), sources: sources[family] },
  });
  const senders: Omit<Sender, "index" | "unfragmented">[] = [
    { socket: bound4, family: "inet", places: ports.inet },
    { socket: bound6, family: "inet6", places: ports.inet6 },
    { socket: dual, family: "inet", places: ports.inet, sources: sources.inet },
    { socket: dual, family: "inet6", places: ports.inet6, sources: sources.inet6 },
    { socket: small, family: "inet", places: ports.inet, labels: true },
    { socket: small, family: "inet6", places: ports.inet6, labels: true },
    { socket: whole, family: "inet", places: ports.inet, sources: sources.inet, labels: true },
    { socket: connected4, family: "inet", places: peer("inet") },
    { socket: connected6, family: "inet6", places: peer("inet6") },
    rawSender("inet"),
    rawSender("inet6"),
    { ...rawSender("inet", { sendBuffer: SMALL_BUFFER }), labels: true },
    { ...rawSender("inet6", { sendBuffer: SMALL_BUFFER }), labels: true },
    { ...rawSender("inet", { ownHeader: true }), ownHeader: true },
    { ...rawSender("inet6", { ownHeader: true }), ownHeader: true },
  ];
  return senders.map((sender, index) => {
    const transport = sender.socket instanceof UdpSocket ? UDP_HEADER : 0;
    return { ...sender, index, unfragmented: order.mtu - IP_HEADER[sender.family] - transport };
  });
}

/** The same packet with its header in front, where the sender is to write it. */
function withOwnHeader(packet: RandomPacket, { family, sources }: Sender): RandomPacket {
  const { ttl, flowLabel, dontFragment, source = sources![0] } = packet.options;
  const fields = { ttl, tos: tosOf(packet.options), protocol: EXPERIMENT, source, payloadLength: packet.data.length };
  const destination = order.destinations[family][packet.place.address];
  const header = family === "inet"
    ? encodeIpv4Header({ ...fields, destination, dontFragment: dontFragment !== false })
    : encodeIpv6Header({ ...fields, destination, flowLabel });
  return { ...packet, options: {}, data: new Uint8Array([...header, ...packet.data]) };
}

/** Each way to send packets takes so many at the most, from one sender; tells which were refused. */
type Way = [most: number, send: (packets: RandomPacket[], sender: Sender) => void | Promise<unknown>];

const WAYS: Record<string, Way> = {
  "one after the other": [8, async (packets, { socket }) => {
    for (const { data, place, options } of packets) await socket.send(data, place.to, options);
  }],
  "together": [64, (packets, { socket, labels }) =>
    Promise.all(packets.map(({ data, place, options }) => {
      const labelled = labels && random.oneIn(4) ? { ...options, label: data } : options;
      return socket.send(data, place.to, labelled);
    }))],
  "as a batch": [64, (packets, { socket }) => socket.sendBatch(packets.map(outgoing))],
  "at once if possible": [8, async (packets, { socket }) => {
    for (const { data, place, options } of packets) {
      if (!socket.trySend(data, place.to, options)) await socket.send(data, place.to, options);
    }
  }],
  "blocking": [4, (packets, { socket }) => {
    for (const { data, place, options } of packets) socket.sendSync(data, place.to, options);
  }],
};

function outgoing({ data, place, options }: RandomPacket): OutgoingDatagram {
  return { ...options, data, to: place.to };
}

/** Takes the next number for a packet of these options. */
function nextPacket(
  sender: Sender,
  options = randomOptions(random, sender),
  size = randomSize(random, options, sender),
  place = random.of(sender.places),
): RandomPacket {
  const packet = packetOf(sent++, sender.index, options, size, place, sender);
  return sender.ownHeader ? withOwnHeader(packet, sender) : packet;
}

function nextPackets(sender: Sender, most: number): RandomPacket[] {
  const count = 1 + random.below(most);
  // Runs of packets that differ in nothing but their payload, or their destination, are what segmentation is for, or not.
  const options = random.oneIn(3) ? randomOptions(random, sender) : undefined;
  const size = options && randomSize(random, options, sender);
  const place = random.oneIn(4) ? undefined : random.of(sender.places);
  return Array.from({ length: count }, () => nextPacket(sender, options, size, place));
}

/** A packet that must be refused, in the middle of a batch: what is behind it is not sent. */
async function sendTooLarge(sender: Sender): Promise<void> {
  const { socket, unfragmented } = sender;
  const before = nextPackets(sender, 8);
  const tooLarge = nextPacket(sender, { ttl: 9, dontFragment: random.of([true, "probe"]) }, unfragmented + 1);
  const behind = nextPackets(sender, 8);
  const { data, place, options } = tooLarge;
  await assert.rejects(socket.sendBatch([...before, tooLarge, ...behind].map(outgoing)), MessageTooLargeError);
  await assert.rejects(socket.send(data, place.to, options), MessageTooLargeError);
  report.refused.push(...[tooLarge, ...behind].map(({ number }) => number));
}

async function work(senders: readonly Sender[]): Promise<void> {
  while (sent - report.refused.length < order.count) {
    const sender = random.of(senders);
    if (random.oneIn(16)) await sendTooLarge(sender);
    const name = random.of(Object.keys(WAYS));
    const [most, send] = WAYS[name];
    const packets = nextPackets(sender, most);
    report.ways[name] = (report.ways[name] ?? 0) + packets.length;
    await send(packets, sender);
  }
}

const senders = openSenders();
await Promise.all(Array.from({ length: WORKERS }, () => work(senders)));
for (const socket of new Set(senders.map(({ socket }) => socket))) {
  report.blocked += socket.stats().sendsBlocked;
  await socket[Symbol.asyncDispose]();
}
report.count = sent;
console.log(JSON.stringify(report));
