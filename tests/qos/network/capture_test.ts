// tcpdump as a witness: what it writes is read as it is meant.

import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { ipPacket, Reassembly, udpDatagram, type WholePacket } from "../../support/ip_packets.ts";
import { netnsUnavailable, Topology } from "../../support/netns/topology.ts";
import { type CapturedPacket, PcapError, readPcap } from "../../support/pcap.ts";
import { Capture } from "./capture.ts";
import { becomeReady, FAMILIES, numberedLink, TRUTHFUL } from "./chain.ts";
import { programsMissing } from "./foreign.ts";

const skip = netnsUnavailable() ?? programsMissing("tcpdump", "traceroute");

const PACKETS = 3;
const SIZE = 4000;
const MTU = 1300;

/** The UDP datagrams to unlikely ports in a capture. */
function probes(packets: readonly CapturedPacket[]): WholePacket[] {
  const reassembly = new Reassembly();
  return packets.flatMap((captured) => {
    const packet = ipPacket(captured);
    const whole = packet?.protocol === 17 ? reassembly.add(packet) : undefined;
    return whole !== undefined && udpDatagram(whole).destinationPort >= 33434 ? [whole] : [];
  });
}

test("captures with each kind of header hold every fragment of what was sent", async () => {
  await using net = await Topology.create({
    namespaces: ["source", "witness"],
    links: [numberedLink("source", "witness", 1, MTU)],
    sysctls: TRUTHFUL,
  });
  const [link] = net.links;
  await becomeReady(net, ["source", "witness"], link.addresses.to);
  const start = (device: string, ...how: string[]) =>
    Capture.start(net, { namespace: "witness", interface: device, arguments: how });
  using ethernet = await start(link.interfaces.to);
  using cooked = await start("any", "-y", "LINUX_SLL");
  using cooked2 = await start("any", "-y", "LINUX_SLL2");

  for (const host of link.addresses.to) {
    await net.exec("source", ["traceroute", "-n", "-q", String(PACKETS), "-m", "1", "-t", "184", host, String(SIZE)]);
  }

  for (const capture of [ethernet, cooked, cooked2]) {
    let all: WholePacket[] = [];
    await capture.until(() => (all = probes(capture.packets)).length === FAMILIES.length * PACKETS);
    for (const { family, fragments, payload, ttl, tos } of all) {
      assert.equal(payload.length, SIZE - (family === "inet" ? 20 : 40));
      assert.deepEqual([ttl, tos, fragments.length], [1, 184, 4]);
      assert(fragments.every(({ length }) => length <= MTU));
    }
    assert.equal(await capture.stop(), 0);
  }
}, { skip });

test("what is no capture is refused", () => {
  const unknownLink = new Uint8Array(24);
  unknownLink.set([0xd4, 0xc3, 0xb2, 0xa1]);
  unknownLink[20] = 105;

  assert.throws(() => readPcap(new Uint8Array(100)), PcapError);
  assert.throws(() => readPcap(new Uint8Array([0xd4, 0xc3, 0xb2, 0xa1])), /middle/);
  assert.throws(() => readPcap(unknownLink), /105/);
});
