/**
 * A server and a client that talk until both are done.
 *
 * @module
 */

import type { CellContext } from "../cell.ts";
import { Peer, type PeerKind } from "../peers.ts";
import type { PeerScript } from "../script.ts";

/** One end of a conversation: who it is, where it runs, and what it does besides listening or connecting. */
export interface End extends Omit<PeerScript, "role" | "peerPort"> {
  kind: PeerKind;
  /** The network namespace; ours is always in the runner's. */
  namespace?: string;
}

/** Starts the server, then the client on the server's port. */
export async function start(
  context: CellContext,
  server: End,
  client: End,
): Promise<{ server: Peer; client: Peer }> {
  const listening = await Peer.start(server.kind, { ...server, role: "listen" }, context, server.namespace);
  const connecting = await Peer.start(
    client.kind,
    { ...client, role: "connect", peer: client.peer ?? server.local ?? ["127.0.0.1"], peerPort: listening.port },
    context,
    client.namespace,
  );
  return { server: listening.peer, client: connecting.peer };
}

/** Starts both, and waits until both are done. */
export async function converse(
  context: CellContext,
  server: End,
  client: End,
): Promise<{ server: Peer; client: Peer }> {
  const peers = await start(context, server, client);
  await Promise.all([peers.client.done, peers.server.done]);
  return peers;
}

/** How a cell names an end: `ours (many)`. */
export function nameOf({ kind, style }: Pick<End, "kind" | "style">): string {
  return `${kind} (${style})`;
}
