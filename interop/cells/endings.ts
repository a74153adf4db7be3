/**
 * How associations end, each way from each side, and what both ends are told.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Cell } from "../cell.ts";
import { checkMessages, checkNeighbouringTsns, story } from "../checks.ts";
import type { SendSpec } from "../messages.ts";
import type { Peer, PeerKind } from "../peers.ts";
import { nameOf, start } from "./conversation.ts";

const SENT: readonly SendSpec[] = [{ stream: 3, ppid: 9, size: 500, count: 3, seed: 1 }];
const REASON = "gone fishing";

/** Keeps a server from ending by itself: an abort would take the echoes with it that are still on their way. */
const MORE_THAN_COMES = 1_000_000;

/** Cause code 12, user-initiated abort, with the reason: RFC 9260, section 3.3.10.12. */
const USER_INITIATED_ABORT = 12;

interface Who {
  kind: PeerKind;
  style: "many" | "one";
}

/** The cells for one pairing. */
export function endingCells(serverEnd: Who, clientEnd: Who): Cell[] {
  const cell = (what: string, run: (server: Peer, client: Peer) => Promise<void>, ends: Ends): Cell => ({
    group: "endings",
    name: `${nameOf(clientEnd)} to ${nameOf(serverEnd)}: ${what}`,
    async run(context) {
      const { server, client } = await start(
        context,
        { ...serverEnd, echo: true, expect: MORE_THAN_COMES, reason: REASON, end: ends.server },
        { ...clientEnd, sends: SENT, expect: SENT[0].count, reason: REASON, end: ends.client },
      );
      await client.until((report) => report.type === "message" && client.messages.length === SENT[0].count);
      await run(server, client);
      checkMessages(server, SENT, "at the server");
      checkMessages(client, SENT, "at the client");
      checkNeighbouringTsns(server);
      checkNeighbouringTsns(client);
    },
  });
  return [
    cell("the client shuts down", (server, client) => graceful(client, server), { client: "shutdown", server: "peer" }),
    cell("the server shuts down", async (server, client) => {
      server.finish();
      await graceful(server, client);
    }, { client: "peer", server: "peer" }),
    cell("the client aborts", (server, client) => aborted(client, clientEnd, server), {
      client: "abort",
      server: "peer",
    }),
    cell("the server aborts", async (server, client) => {
      server.finish();
      await aborted(server, serverEnd, client);
    }, { client: "peer", server: "abort" }),
    cell("the client closes its socket", async (server, client) => {
      await Promise.all([server.done, client.done]);
      assert.deepEqual(story(server).slice(-2), ["SCTP_SHUTDOWN_EVENT", "SCTP_ASSOC_CHANGE SCTP_SHUTDOWN_COMP"]);
    }, { client: "close", server: "peer" }),
  ];
}

/** A client that is killed, which only a program can be. */
export function killedCell(serverEnd: Who, clientEnd: Who): Cell {
  return {
    group: "endings",
    name: `${nameOf(clientEnd)} to ${nameOf(serverEnd)}: the client is killed`,
    async run(context) {
      const { server, client } = await start(
        context,
        { ...serverEnd, echo: true },
        { ...clientEnd, sends: SENT, end: "peer" },
      );
      await client.until((report) => report.type === "message" && client.messages.length === SENT[0].count);

      client.kill();
      await server.done;

      checkMessages(server, SENT, "at the server");
      // The kernel closes the dead process's socket: in order, or by an ABORT if something was left unread in it.
      assert.match(server.end.how, /^SCTP_(SHUTDOWN_COMP|COMM_LOST)$/);
    },
  };
}

interface Ends {
  client: "shutdown" | "abort" | "close" | "peer";
  server: "abort" | "peer";
}

async function graceful(ender: Peer, other: Peer): Promise<void> {
  await Promise.all([ender.done, other.done]);
  assert.deepEqual(
    story(ender),
    ["SCTP_ASSOC_CHANGE SCTP_COMM_UP", "SCTP_ASSOC_CHANGE SCTP_SHUTDOWN_COMP"],
    ender.kind,
  );
  assert.deepEqual(story(other), [
    "SCTP_ASSOC_CHANGE SCTP_COMM_UP",
    "SCTP_SHUTDOWN_EVENT",
    "SCTP_ASSOC_CHANGE SCTP_SHUTDOWN_COMP",
  ], other.kind);
}

async function aborted(ender: Peer, end: Who, other: Peer): Promise<void> {
  await Promise.all([ender.done, other.done]);
  // What the other end had in flight comes back to it after the association is lost.
  const told = story(other).filter((line) => line !== "SCTP_SEND_FAILED_EVENT" && line !== "SCTP_SEND_FAILED");
  assert.deepEqual(told, ["SCTP_ASSOC_CHANGE SCTP_COMM_UP", "SCTP_ASSOC_CHANGE SCTP_COMM_LOST"], other.kind);
  const lost = other.notifications.findLast(({ state }) => state === "SCTP_COMM_LOST")!;
  assert.equal(lost.error, USER_INITIATED_ABORT, other.kind);
  // A one-to-one socket aborts by a close that doesn't linger, which has no place for words.
  const reason = end.style === "many" ? REASON : "";
  const cause = [0, USER_INITIATED_ABORT, 0, 4 + reason.length, ...new TextEncoder().encode(reason)];
  assert.equal(lost.info, cause.map((byte) => byte.toString(16).padStart(2, "0")).join(""), other.kind);
  assert.equal(other.end.how, "SCTP_COMM_LOST");
}
