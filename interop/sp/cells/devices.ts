/**
 * Devices in the path: those of the libraries, and ours; one, and two behind each other.
 *
 * @module
 */

import type { CellContext } from "../../cell.ts";
import { cell, isPossible, type Pairing, type SpCell } from "../cell.ts";
import { freshUrl } from "../place.ts";
import { Peer, type PeerKind } from "../remote.ts";
import { converse, type End, exchange, has, open, type Role, ROLES, untilPipes } from "../roles.ts";

/** Whose devices stand in the path, from our end to the other. */
const PATHS: readonly (readonly PeerKind[])[] = [["ours"], ["libnng"], ["libnanomsg"], ["ours", "libnng"], [
  "libnanomsg",
  "ours",
]];

const SIZES: readonly number[] = [0, 1, 1 << 10, (1 << 16) + 1, 1 << 20];
const CONVERSATIONS = 50;

/** The cells of one pairing. */
export function deviceCells(table: string, pairing: Pairing): SpCell[] {
  return PATHS.filter((path) => pairing.subject === "ours" || !path.includes("ours")).flatMap((path) =>
    ROLES.filter((role) => isPossible(pairing, role) && !role.name.includes("poly"))
      .filter((role) => path.every((kind) => has(kind, role.own)))
      .map((role) =>
        cell(table, `${role.name}: through ${path.map(nameOfDevice).join(" and ")}`, pairing, async (context) => {
          const own = await open(Peer.start(pairing.subject, context), "s", role.own);
          const other = await open(Peer.start(pairing.partner, context), "s", role.other);
          await join(context, pairing, role, path, own, other);

          for (const [seed, size] of SIZES.entries()) await exchange(role, own, other, size, seed);
          if (role.way === "ask") await converse(own, other, CONVERSATIONS, 64, 1);
          if (role.way === "answer") await converse(other, own, CONVERSATIONS, 64, 1);
        })
      )
  );
}

function nameOfDevice(kind: PeerKind): string {
  return kind === "ours" ? "our device" : `${kind}'s`;
}

/** Puts devices between two ends. Who listens does so at our end, and at every device; or at the other end, and at every device. */
async function join(
  context: CellContext,
  { carrier, listener }: Pairing,
  role: Role,
  path: readonly PeerKind[],
  own: End,
  other: End,
): Promise<void> {
  const devices: { front: End; back: End }[] = [];
  for (const kind of path) {
    const peer = Peer.start(kind, context, true);
    // What faces us is what is on the other side, and the other way round.
    const front = await openRaw(peer, "front", role.other);
    const back = await openRaw(peer, "back", role.own);
    devices.push({ front, back });
  }
  const chain = [own, ...devices.flatMap(({ front, back }) => [front, back]), other];
  for (let index = 0; index < chain.length; index += 2) {
    const [near, far] = [chain[index], chain[index + 1]];
    const [host, guest] = listener === "own" ? [near, far] : [far, near];
    const url = freshUrl(carrier);
    await host.peer.do(`listen ${host.socket} ${url}`);
    await guest.peer.do(`dial ${guest.socket} ${url}`);
    await Promise.all([untilPipes(near, 1), untilPipes(far, 1)]);
  }
  for (const { front } of devices) await front.peer.do("device front back");
}

async function openRaw(peer: Peer, socket: string, pattern: string): Promise<End> {
  const end = await open(peer, socket, pattern, "raw");
  // nanomsg's device hears only what it is subscribed to; others don't filter.
  if (pattern === "sub" && peer.kind === "libnanomsg") await peer.do(`subscribe ${socket} -`);
  return end;
}
