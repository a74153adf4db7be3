/**
 * The matrix proper: every pairing of one-to-many and one-to-one sockets, over every kind of addresses, with messages of
 * all sizes in both directions.
 *
 * @module
 */

import type { Cell } from "../cell.ts";
import { checkAddresses, checkMessages, checkStreams, story } from "../checks.ts";
import { countOf, type SendSpec } from "../messages.ts";
import type { PeerKind } from "../peers.ts";
import { converse, nameOf } from "./conversation.ts";
import assert from "node:assert/strict";

const STYLES = ["many", "one"] as const;

/** Local addresses of server and client. */
const NETWORKS: Readonly<Record<string, readonly [server: readonly string[], client: readonly string[]]>> = {
  "IPv4": [["127.0.0.1"], ["127.0.0.1"]],
  "IPv4, multi-homed": [["127.0.0.1", "127.0.0.2"], ["127.0.0.3", "127.0.0.4"]],
  "IPv6": [["::1"], ["::1"]],
  "IPv6, multi-homed": [["fd77:a::1", "fd77:a::2"], ["fd77:a::3", "fd77:a::4"]],
};

/** From the smallest message to 256 KiB: one packet, the edge of one packet, many packets; over streams, PPIDs, both orders. */
const UP: readonly SendSpec[] = [
  { stream: 0, ppid: 0, size: 1 },
  { stream: 1, ppid: 46, size: 64, count: 5, seed: 10 },
  { stream: 2, ppid: 0xffffffff, size: 1452, seed: 20 },
  { stream: 2, ppid: 0x01020304, size: 1453, seed: 21 },
  { stream: 3, ppid: 51, size: 100, count: 5, seed: 30, unordered: true },
  { stream: 4, ppid: 3, size: 65_536, seed: 40 },
  { stream: 5, ppid: 0x80000000, size: 262_144, seed: 50 },
  { stream: 6, ppid: 60, size: 20_000, seed: 60, unordered: true },
  { stream: 1, ppid: 47, size: 2, seed: 70 },
];

/** What the server says of its own accord, on streams that its echo doesn't use. */
const DOWN: readonly SendSpec[] = [
  { stream: 7, ppid: 70, size: 5000, count: 2, seed: 100 },
  { stream: 8, ppid: 80, size: 9, count: 3, seed: 110, unordered: true },
];

const STREAMS = { server: [9, 11], client: [10, 12] } as const;

/** The cells. */
export function styleCells(pairs: readonly (readonly [server: PeerKind, client: PeerKind])[], group: string): Cell[] {
  return pairs.flatMap(([server, client]) =>
    STYLES.flatMap((serverStyle) =>
      STYLES.flatMap((clientStyle) =>
        Object.keys(NETWORKS).map((network) =>
          styleCell(group, { kind: server, style: serverStyle }, { kind: client, style: clientStyle }, network)
        )
      )
    )
  );
}

interface Who {
  kind: PeerKind;
  style: "many" | "one";
}

/** One cell. */
export function styleCell(group: string, serverEnd: Who, clientEnd: Who, network: keyof typeof NETWORKS): Cell {
  const [serverAddresses, clientAddresses] = NETWORKS[network];
  return {
    group,
    name: `${nameOf(clientEnd)} to ${nameOf(serverEnd)}, ${network}`,
    async run(context) {
      const { server, client } = await converse(
        context,
        { ...serverEnd, local: serverAddresses, echo: true, sends: DOWN, streams: STREAMS.server, adaptation: 7 },
        {
          ...clientEnd,
          local: clientAddresses,
          sends: UP,
          expect: countOf(UP) + countOf(DOWN),
          streams: STREAMS.client,
          adaptation: 0xfedcba98,
        },
      );

      checkMessages(server, UP, "at the server");
      checkMessages(client, [...UP, ...DOWN], "at the client");
      checkAddresses(server, client);
      checkStreams(server, client, STREAMS);
      assert.deepEqual(story(client), [
        "SCTP_ASSOC_CHANGE SCTP_COMM_UP",
        "SCTP_ADAPTATION_INDICATION",
        "SCTP_ASSOC_CHANGE SCTP_SHUTDOWN_COMP",
      ]);
      assert.deepEqual(story(server), [
        "SCTP_ASSOC_CHANGE SCTP_COMM_UP",
        "SCTP_ADAPTATION_INDICATION",
        "SCTP_SHUTDOWN_EVENT",
        "SCTP_ASSOC_CHANGE SCTP_SHUTDOWN_COMP",
      ]);
      const adaptation = (of: typeof server) =>
        of.notifications.find(({ event }) => event === "SCTP_ADAPTATION_INDICATION")?.adaptation;
      assert.deepEqual([adaptation(server), adaptation(client)], [0xfedcba98, 7]);
      assert.deepEqual([server.end.how, client.end.how], ["SCTP_SHUTDOWN_COMP", "SCTP_SHUTDOWN_COMP"]);
      assert.deepEqual([client.end.sent, client.end.received], [countOf(UP), countOf(UP) + countOf(DOWN)]);
    },
  };
}
