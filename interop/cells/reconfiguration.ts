/**
 * Streams reset and added during an association, RFC 6525: the C peer is told what we did, and its counters follow.
 *
 * @module
 */

import { SctpAssociation, type SctpNotification } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import type { Cell } from "../cell.ts";
import { Peer, type PeerKind } from "../peers.ts";
import type { MessageReport, NotificationReport } from "../reports.ts";
import { nameOf } from "./conversation.ts";

interface Who {
  kind: PeerKind;
  style: "many" | "one";
}

/** Of strreset_flags: streams on which the one who is told receives, RFC 6525, section 6.1.1. */
const INCOMING = 1;

/** The cells with one C server. */
export function reconfigurationCells(serverEnd: Who): Cell[] {
  const cell = (what: string, run: (association: SctpAssociation, server: Peer) => Promise<void>): Cell => ({
    group: "reconfiguration",
    name: `ours (one) to ${nameOf(serverEnd)}: ${what}`,
    async run(context) {
      const { peer: server, port } = await Peer.start(
        serverEnd.kind,
        { role: "listen", style: serverEnd.style, reconfig: true },
        context,
      );
      const association = await SctpAssociation.connect(`sctp://127.0.0.1:${port}`, {
        events: ["stream-reset", "stream-change", "association-reset", "sender-dry"],
        reconfigSupported: true,
        streamReset: { streams: true, association: true, addStreams: true },
        signal: context.signal,
      });
      context.defer(() => association.close());
      await run(association, server);
      await association.shutdown();
      await server.done;
    },
  });
  return [
    cell("streams are reset", resetStreams),
    cell("streams are added", addStreams),
    cell("the association is reset", resetAssociation),
  ];
}

async function resetStreams(association: SctpAssociation, server: Peer): Promise<void> {
  for (const streamId of [1, 2, 2]) await association.send("before", { streamId });
  await server.until(() => server.messages.length === 3);

  association.options.resetStreams({ outgoing: true, streamIds: [1, 2] });
  const told = await notification(association, "stream-reset");
  await association.send("after", { streamId: 2 });
  const after = await server.until((report) => report.type === "message" && server.messages.length === 4);

  assert.deepEqual([told.outgoing, told.incoming, told.denied, told.failed], [true, false, false, false]);
  assert.deepEqual(told.streamIds, [1, 2]);
  const reset = event(server, "SCTP_STREAM_RESET_EVENT");
  assert.deepEqual([reset.flags, reset.streams], [INCOMING, [1, 2]]);
  assert.deepEqual(server.messages.map(({ ssn }) => ssn), [0, 0, 1, 0]);
  assert.equal((after as MessageReport).ssn, 0, "the reset stream counts from 0 again");
}

async function addStreams(association: SctpAssociation, server: Peer): Promise<void> {
  const { outboundStreams } = association.status();

  association.options.addStreams({ outbound: 5 });
  const told = await notification(association, "stream-change");
  await association.send("on a new stream", { streamId: outboundStreams + 4 });
  await server.until((report) => report.type === "message");

  // The kernel tells how many were added, where RFC 6525, section 6.1.3, has how many there are now.
  assert.deepEqual([told.outboundStreams, told.denied, told.failed], [5, false, false]);
  assert.equal(event(server, "SCTP_STREAM_CHANGE_EVENT").inbound, 5);
  assert.equal(association.status().outboundStreams, outboundStreams + 5);
  assert.equal(server.messages[0].stream, outboundStreams + 4);
}

async function resetAssociation(association: SctpAssociation, server: Peer): Promise<void> {
  for (const streamId of [3, 3]) await association.send("before", { streamId });
  await server.until(() => server.messages.length === 2);
  // The kernel resets only while nothing is unacknowledged.
  await notification(association, "sender-dry", () => association.status().unackedData === 0);

  association.options.resetAssociation();
  const told = await notification(association, "association-reset");
  await association.send("after", { streamId: 3 });
  await server.until(() => server.messages.length === 3);

  assert.deepEqual([told.denied, told.failed], [false, false]);
  assert.equal(server.messages[2].ssn, 0);
  assert.equal(server.messages[2].tsn, told.localTsn, "the TSN that we send next is the one that we were told");
  // What the kernel calls local is what comes in next: the raw numbers at the peer are ours, turned round once more.
  const reset = event(server, "SCTP_ASSOC_RESET_EVENT");
  assert.deepEqual(
    [reset.localTsn, reset.remoteTsn],
    [told.localTsn, told.remoteTsn],
    "both ends agree on the new TSNs",
  );
}

async function notification<Type extends SctpNotification["type"]>(
  association: SctpAssociation,
  type: Type,
  isIt = () => true,
): Promise<Extract<SctpNotification, { type: Type }>> {
  for await (const event of association.events()) {
    if (event.type === type && isIt()) return event as Extract<SctpNotification, { type: Type }>;
  }
  throw new Error(`the association ended without "${type}"`);
}

function event(peer: Peer, name: string): NotificationReport {
  const found = peer.notifications.filter((notification) => notification.event === name);
  assert.equal(found.length, 1, `${peer.kind} was told ${name} ${found.length} times`);
  return found[0];
}
