/**
 * Programs that are killed and started again, at either end.
 *
 * @module
 */

import { cell, isPossible, meet, type Pairing, type SpCell } from "../cell.ts";
import { fingerprint } from "../payload.ts";
import { PATIENCE_MS, Peer } from "../remote.ts";
import { compare, type End, exchange, open, type Role, roleCalled, ROLES, untilPipes } from "../roles.ts";

/** The cells of one pairing. */
export function reconnectCells(table: string, pairing: Pairing): SpCell[] {
  return [
    ...ROLES.filter((role) => isPossible(pairing, role)).flatMap((role) => [
      ...(mayStayAway(pairing, role) ? [] : [theyReturn(table, pairing, role)]),
      weReturn(table, pairing, role),
    ]),
    ...resendCells(table, pairing),
  ];
}

function theyReturn(table: string, pairing: Pairing, role: Role): SpCell {
  return cell(table, `${role.name}: they are killed, and return`, pairing, async (context) => {
    const { own, other, url } = await meet(context, pairing, role);
    await exchange(role, own, other, 64, 1);

    await killBeside(own, other);
    await untilPipes(own, 0);
    const again = await open(Peer.start(pairing.partner, context), "s", role.other);
    await rejoin(again, url, pairing.listener === "other");
    await untilPipes(own, 1);
    await untilPipes(again, 1, own);

    for (const seed of [2, 3, 4]) await exchange(role, own, again, 64, seed);
  });
}

function weReturn(table: string, pairing: Pairing, role: Role): SpCell {
  return cell(table, `${role.name}: we are killed, and return`, pairing, async (context) => {
    const { own, other, url } = await meet(context, pairing, role, { ownIsForItself: true });
    await exchange(role, own, other, 64, 1);

    await killBeside(other, own);
    await untilPipes(other, 0);
    const again = await open(Peer.start(pairing.subject, context), "s", role.own);
    await rejoin(again, url, pairing.listener === "own");
    // libnng may refuse the first that returns, for it tells that a pipe is gone before it has room for another.
    await untilPipes(other, 1, again);
    await untilPipes(again, 1);

    for (const seed of [2, 3, 4]) await exchange(role, again, other, 64, seed);
  });
}

/** Where libnng may refuse who returns, and who returns is nanomsg over ipc, which never dials again then. */
function mayStayAway({ subject, partner, carrier, listener }: Pairing, { name }: Role): boolean {
  return subject === "libnng" && partner === "libnanomsg" && carrier === "ipc" && listener === "own" &&
    name === "PAIR 0";
}

/**
 * Kills one of two ends.
 *
 * A program that is killed may lose its connections some milliseconds before it stops to listen. If libnng 1.5 dials again in
 * between, over ipc, and the listener goes before libnng has greeted, it takes that for a close of its own, and never dials
 * again: nanomsg/nng issue 1518. So a library doesn't move until the other program has gone as a whole. Ours need no such
 * consideration.
 */
async function killBeside(survivor: End, victim: End): Promise<void> {
  if (survivor.peer.kind === "ours") await victim.peer.kill();
  else await survivor.peer.whileStill(() => victim.peer.kill());
}

async function rejoin({ peer, socket }: End, url: string, listens: boolean): Promise<void> {
  await peer.do(`${listens ? "listen" : "dial"} ${socket} ${url}`);
}

/** A question outlives whoever was to answer it. */
function resendCells(table: string, pairing: Pairing): SpCell[] {
  return ["REQ", "REP"].map(roleCalled).flatMap((role) => [
    cell(table, `${role.name}: asked again after a kill`, pairing, async (context) => {
      const { own, other, url } = await meet(context, pairing, role, { ownIsForItself: role.name === "REP" });
      const [asker, replier] = sides(role, own, other);
      const asked = ask(asker);
      await question(replier);

      await killBeside(asker, replier);
      const again = await open(Peer.start(replier.peer.kind, context), "s", "rep");
      await rejoin(again, url, pairing.listener === (role.name === "REP" ? "own" : "other"));
      await question(again);
      await again.peer.do(`send s 1 - 64 8`);

      compare(await asked, [fingerprint(64, 8)], asker.peer.kind);
    }),
    cell(table, `${role.name}: asked again after a while`, pairing, async (context) => {
      const { own, other } = await meet(context, pairing, role, {
        settings: { req: { "resend-time": RESEND_MS } },
      });
      const [asker, replier] = sides(role, own, other);
      const asked = ask(asker);
      await question(replier);
      await question(replier);
      await replier.peer.do(`send s 1 - 64 8`);

      compare(await asked, [fingerprint(64, 8)], asker.peer.kind);
    }),
  ]);
}

const RESEND_MS = 100;

function sides(role: Role, own: End, other: End): [asker: End, replier: End] {
  return role.way === "ask" ? [own, other] : [other, own];
}

/** Asks, and does not wait. What comes in between, programs that start, has its own patience. */
function ask({ peer }: End): Promise<string[]> {
  return peer.do(`converse s 1 64 7 ${3 * PATIENCE_MS}`);
}

async function question({ peer }: End): Promise<void> {
  compare(await peer.do(`recv s 1 ${PATIENCE_MS}`), [fingerprint(64, 7)], peer.kind);
}
