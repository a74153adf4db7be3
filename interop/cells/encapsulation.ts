/**
 * SCTP in UDP, RFC 6951: the same conversation, and every packet of it is a UDP datagram.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Cell } from "../cell.ts";
import { checkAddresses, checkMessages } from "../checks.ts";
import { countOf, type SendSpec } from "../messages.ts";
import { type Family, TwoPaths } from "../network.ts";
import { converse, type End, nameOf } from "./conversation.ts";

const SENT: readonly SendSpec[] = [
  { stream: 0, ppid: 1, size: 1, count: 3, seed: 1 },
  { stream: 1, ppid: 2, size: 1400, count: 20, seed: 10 },
  { stream: 2, ppid: 3, size: 100_000, seed: 50, unordered: true },
];

/** The port that IANA gave to SCTP in UDP, and another, so that the two ends differ. */
const OUR_UDP_PORT = 9899;
const PEERS_UDP_PORT = 9900;

/** One cell. */
export function encapsulationCell(
  serverEnd: Pick<End, "kind" | "style">,
  clientEnd: Pick<End, "kind" | "style">,
  family: Family,
): Cell {
  return {
    group: "UDP encapsulation",
    name: `${nameOf(clientEnd)} to ${nameOf(serverEnd)}, ${family === 0 ? "IPv4" : "IPv6"}, two paths`,
    async run(context) {
      const network = await TwoPaths.build(context);
      await network.setUdpPorts(OUR_UDP_PORT, PEERS_UDP_PORT, context);
      const ours = { local: network.paths.map((path) => path.addresses.from[family]), encapPort: PEERS_UDP_PORT };
      const peers = {
        local: network.paths.map((path) => path.addresses.to[family]),
        encapPort: OUR_UDP_PORT,
        namespace: network.namespace,
      };
      const isServerOurs = serverEnd.kind === "ours";
      const before = await network.udpDatagrams();

      const { server, client } = await converse(
        context,
        { ...serverEnd, ...(isServerOurs ? ours : peers), echo: true },
        { ...clientEnd, ...(isServerOurs ? peers : ours), sends: SENT, expect: countOf(SENT) },
      );

      checkMessages(server, SENT, "at the server");
      checkMessages(client, SENT, "at the client");
      checkAddresses(server, client);
      const after = await network.udpDatagrams();
      const leastPackets = Math.ceil(SENT.reduce((sum, { size, count = 1 }) => sum + size * count, 0) / 1500);
      assert(after.ours - before.ours >= leastPackets, `${after.ours - before.ours} UDP datagrams came to our end`);
      assert(
        after.peers - before.peers >= leastPackets,
        `${after.peers - before.peers} UDP datagrams came to the peer`,
      );
    },
  };
}
