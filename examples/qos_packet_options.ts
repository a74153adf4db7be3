/**
 * Three datagrams from one socket, each with a time to live, a marking and a fragmentation of its own; the receiver shows
 * what each came with.
 *
 *     deno run -A examples/qos_packet_options.ts
 *
 * @module
 */

import { dscpName, type OutgoingDatagram, UdpSocket } from "@sockeye/sockeye/qos";

await using receiver = UdpSocket.bind("127.0.0.1:0", { info: ["ttl", "tos"] });
await using sender = UdpSocket.bind("127.0.0.1:0");

const encoder = new TextEncoder();
const packets: OutgoingDatagram[] = [
  { data: encoder.encode("voice"), ttl: 3, dscp: "EF", dontFragment: true },
  { data: encoder.encode("video"), ttl: 30, dscp: "AF41", ecn: "ECT(0)" },
  { data: encoder.encode("backup"), dscp: "LE", dontFragment: false },
];
await sender.sendBatch(packets.map((packet) => ({ ...packet, to: receiver.localAddress() })));

for (let i = 0; i < packets.length; i++) {
  const datagram = await receiver.receive({ timeout: 5_000 });
  const { ttl, dscp = 0, ecn } = datagram;
  console.log(`${datagram.text()}: ttl ${ttl}, dscp ${dscpName(dscp) ?? dscp}, ecn ${ecn}`);
}
