/** Gathered messages where the kernel's send buffer is full: behind a neighbour that doesn't answer yet. */

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "../support/harness.ts";
import { netnsUnavailable, Topology } from "../support/netns/topology.ts";

const PEER = fileURLToPath(new URL("segmentation_peer.ts", import.meta.url));
const COUNT = 800;
/** An address that nobody has at first. */
const ABSENT = "10.77.0.77";

/** Runs a peer; each call gives the next line that it prints. */
function peer(net: Topology, namespace: string, ...args: (string | number)[]): () => Promise<Record<string, unknown>> {
  const command = [Deno.execPath(), "run", "--quiet", "--no-check", "-A", PEER, ...args.map(String)];
  const child = net.spawn(namespace, command, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async () => JSON.parse((await lines.next()).value!);
}

test("a batch that finds the send buffer full arrives once, whole and in order", async () => {
  await using net = await Topology.create({
    namespaces: ["left", "right"],
    links: [{ from: "left", to: "right" }],
  });
  const { from, to } = net.links[0].interfaces;
  // It asks for the neighbour until there is one.
  await net.exec("left", ["ip", "ntable", "change", "name", "arp_cache", "dev", from, "mcast_probes", "1000"]);
  const receiver = peer(net, "right", "receive", COUNT);
  const { port } = await receiver();
  const sender = peer(net, "left", "send", ABSENT, port as number, COUNT);
  const stopped = await sender();

  await net.exec("right", ["ip", "address", "add", `${ABSENT}/24`, "dev", to]);
  const sent = await sender();
  const received = await receiver();

  assert(Number(stopped.sendsBlocked) > 0 && Number(stopped.messagesSent) < COUNT, JSON.stringify(stopped));
  assert.equal(Number(stopped.messagesSent) + Number(stopped.sendQueueLength), COUNT);
  assert.deepEqual(sent, { messagesSent: COUNT });
  assert.deepEqual(received, { inOrder: COUNT, more: false });
}, { skip: netnsUnavailable() });
