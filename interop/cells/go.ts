/**
 * Go programs on github.com/ishidawataru/sctp, both ways round.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Cell } from "../cell.ts";
import { checkMessages, story } from "../checks.ts";
import { countOf, type SendSpec } from "../messages.ts";
import { converse, type End, nameOf } from "./conversation.ts";

/** Up to what the library takes in one piece: it can't put a partially delivered message together. */
const SENT: readonly SendSpec[] = [
  { stream: 0, ppid: 0x01020304, size: 1, seed: 1 },
  { stream: 1, ppid: 46, size: 1453, count: 10, seed: 10 },
  { stream: 2, ppid: 0xffffffff, size: 300, count: 3, seed: 30, unordered: true },
  { stream: 9, ppid: 51, size: 65_536, seed: 50 },
];

type Who = Pick<End, "kind" | "style">;

const NETWORKS = {
  "IPv4": { server: ["127.0.0.1"], client: ["127.0.0.1"] },
  "IPv4, multi-homed": { server: ["127.0.0.1", "127.0.0.2"], client: ["127.0.0.3", "127.0.0.4"] },
  "IPv6": { server: ["::1"], client: ["::1"] },
} as const;

/** The cells: a Go program connects, and is connected to. */
export function goCells(other: Who): Cell[] {
  const go: Who = { kind: "go", style: "one" };
  return [
    ...(Object.keys(NETWORKS) as (keyof typeof NETWORKS)[]).flatMap((network) => [
      goCell(other, go, network),
      goCell(go, other, network),
    ]),
    rawPpidCell(other, go),
  ];
}

function goCell(serverEnd: Who, clientEnd: Who, network: keyof typeof NETWORKS): Cell {
  return {
    group: "Go",
    name: `${nameOf(clientEnd)} to ${nameOf(serverEnd)}, ${network}`,
    async run(context) {
      const { server, client } = await converse(
        context,
        { ...serverEnd, local: NETWORKS[network].server, echo: true },
        { ...clientEnd, local: NETWORKS[network].client, sends: SENT, expect: countOf(SENT) },
      );

      checkMessages(server, SENT, "at the server");
      checkMessages(client, SENT, "at the client");
      if (clientEnd.kind === "go") {
        assert.deepEqual(story(server), [
          "SCTP_ASSOC_CHANGE SCTP_COMM_UP",
          "SCTP_SHUTDOWN_EVENT",
          "SCTP_ASSOC_CHANGE SCTP_SHUTDOWN_COMP",
        ]);
      } else {
        assert.equal(server.end.how, "EOF");
      }
    },
  };
}

/** What a user of the library gets who doesn't know that it leaves the PPID in the order of the host. */
function rawPpidCell(serverEnd: Who, clientEnd: Who): Cell {
  return {
    group: "Go",
    name: `${nameOf(clientEnd)} to ${nameOf(serverEnd)}: the library's own PPID order, seen swapped`,
    async run(context) {
      const { server, client } = await converse(
        context,
        { ...serverEnd, echo: true },
        { ...clientEnd, sends: SENT, expect: countOf(SENT), rawPpid: true },
      );

      checkMessages(server, SENT.map((send) => ({ ...send, ppid: swapped(send.ppid) })), "at the server");
      checkMessages(client, SENT, "at the client");
    },
  };
}

function swapped(ppid: number): number {
  return (ppid << 24 | (ppid & 0xff00) << 8 | ppid >>> 8 & 0xff00 | ppid >>> 24) >>> 0;
}
