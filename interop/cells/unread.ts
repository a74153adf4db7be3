/**
 * The peer has sent, aborted and gone before we read the first message: what arrived is still to be had.
 *
 * @module
 */

import { type SctpAssociation, SctpEndpoint, SctpListener, type SctpMessage } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import type { Cell, CellContext } from "../cell.ts";
import { fingerprints, fnv1a, type SendSpec } from "../messages.ts";
import { Peer, type PeerKind } from "../peers.ts";

const SENT: readonly SendSpec[] = [{ stream: 2, ppid: 5, size: 100, count: 8, seed: 1 }];

/** The cells with one kind of C client. */
export function unreadCells(kind: PeerKind): Cell[] {
  const group = "endings";
  return [
    {
      group,
      name: `${kind} (many) to ours (many): aborts with messages unread`,
      run: (context) => unreadByMany(kind, context),
    },
    {
      group,
      name: `${kind} (many) to ours (one): aborts with messages unread`,
      run: (context) => unreadByOne(kind, context),
    },
  ];
}

async function unreadByMany(kind: PeerKind, context: CellContext): Promise<void> {
  const endpoint = SctpEndpoint.listen("sctp://127.0.0.1:0", { events: ["association"] });
  context.defer(() => endpoint.close());
  const isGone = sendAndAbort(kind, endpoint.localAddresses().port, context);
  const begun = await endpoint.receive({ signal: context.signal });
  assert.equal(begun.type, "association");
  await endpoint.send("go", { associationId: begun.associationId });
  await isGone;

  const messages: SctpMessage[] = [];
  for await (const event of endpoint) {
    if (event.type === "message") messages.push(event);
    else if (event.type === "association" && event.state === "comm-lost") break;
  }

  checkAll(messages);
}

async function unreadByOne(kind: PeerKind, context: CellContext): Promise<void> {
  const listener = SctpListener.listen("sctp://127.0.0.1:0", { events: ["association"] });
  context.defer(() => listener.close());
  const isGone = sendAndAbort(kind, listener.localAddresses().port, context);
  const association = await listener.accept({ signal: context.signal });
  context.defer(() => association.close());
  await association.send("go");
  await isGone;

  const messages: SctpMessage[] = [];
  await assert.rejects(async () => {
    for await (const message of association) messages.push(message);
  }, { code: "ECONNRESET" });

  checkAll(messages);
  assert.deepEqual(await statesOf(association), ["comm-up", "comm-lost"]);
}

/** The client sends at once, and aborts when it is told to go. */
async function sendAndAbort(kind: PeerKind, peerPort: number, context: CellContext): Promise<void> {
  const script = { role: "connect", style: "many", peer: ["127.0.0.1"], peerPort, sends: SENT } as const;
  const { peer } = await Peer.start(kind, { ...script, nodelay: true, expect: 1, end: "abort" }, context);
  await peer.done;
}

async function statesOf(association: SctpAssociation): Promise<string[]> {
  const states: string[] = [];
  for await (const event of association.events()) if (event.type === "association") states.push(event.state);
  return states;
}

function checkAll(messages: readonly SctpMessage[]): void {
  assert.deepEqual(messages.map(({ data }) => fnv1a(data)), fingerprints(SENT).map(({ fnv }) => fnv));
}
