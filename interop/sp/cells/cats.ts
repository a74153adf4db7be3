/**
 * Sockeye and the tools nngcat and nanocat.
 *
 * @module
 */

import type { CellContext } from "../../cell.ts";
import { Cat, type CatOptions, catTakes, printed } from "../cats.ts";
import { type CatKind, cell, type Column, type SpCell } from "../cell.ts";
import { freshUrl } from "../place.ts";
import { messageOf } from "../payload.ts";
import { PATIENCE_MS, Peer, type PeerKind } from "../remote.ts";
import { type End, open, receive, type Role, ROLES, send, untilPipes } from "../roles.ts";
import { SIZES } from "./exchange.ts";

/** A column with a tool. */
export interface CatPairing extends Column {
  readonly subject: PeerKind;
  readonly partner: CatKind;
}

const MANY = 1_000;

/** The cells of one column. */
export function catCells(table: string, pairing: CatPairing): SpCell[] {
  const isOurs = pairing.subject === "ours";
  const roles = ROLES.filter((role) => !role.name.includes("poly") || (isOurs && role.name === "PAIR 1 (ours poly)"))
    .filter((role) => pairing.partner === "nngcat" || !role.name.includes("PAIR 1"));
  return [
    ...roles.map((role) =>
      cell(table, `${role.name}: 0 B to 1 MiB`, pairing, async (context) => {
        const peer = Peer.start(pairing.subject, context);
        const sizes = SIZES.filter((size) => catTakes(pairing.partner, role.own, size));
        const run = (size: number) => oneSize(context, pairing, role, peer, size);
        // All at once where seconds pass before nngcat says something.
        if (pairing.partner === "nngcat" && pairing.listener === "other") await Promise.all(sizes.map(run));
        else for (const size of sizes) await run(size);
      })
    ),
    ...roles.filter(({ name }) => name === "PUSH" || name === "PAIR 0").map((role) =>
      cell(table, `${role.name}: ${MANY} in order`, pairing, async (context) => {
        const own = await open(Peer.start(pairing.subject, context), "s", role.own);
        const cat = await meetCat(context, pairing, role, own, {});
        await own.peer.do(`send s ${MANY} - 64 1`);
        await cat.got(messageOf("-", 64, MANY));
        const expected = Array.from({ length: MANY }, (_, index) => printed(messageOf("-", 64, 1 + index)));
        const wrong = cat.messages.findIndex((line, index) => line !== expected[index]);
        if (wrong >= 0) throw new Error(`${pairing.partner} printed something else as message ${wrong}`);
      })
    ),
    ...roles.filter(({ name }) => name === "PUB").map((role) =>
      cell(table, `${role.name}: only topics that were subscribed to`, pairing, async (context) => {
        const own = await open(Peer.start(pairing.subject, context), "s", role.own);
        const cat = await meetCat(context, pairing, role, own, { topic: "weather" });
        for (const topic of ["sports", "weathe", "weather/Kyiv", "news"]) await send(own, 10, 1, topic);
        await send(own, 10, 2, "weather");
        await cat.got(messageOf("weather", 10, 2));
        const wanted = [messageOf("weather/Kyiv", 10, 1), messageOf("weather", 10, 2)].map(printed);
        if (cat.messages.join() !== wanted.join()) {
          throw new Error(`${pairing.partner} printed ${cat.messages.length} messages, not the two that it wants`);
        }
      })
    ),
  ];
}

/** Connects a socket of ours and a tool that nobody else talks to. */
async function meetCat(
  context: CellContext,
  { partner, carrier, listener }: CatPairing,
  role: Role,
  own: End,
  options: Partial<CatOptions>,
): Promise<Cat> {
  const url = freshUrl(carrier);
  if (listener === "own") await own.peer.do(`listen ${own.socket} ${url}`);
  const pattern = role.other.replace("-poly", "");
  const cat = new Cat(partner, { pattern, url, listens: listener === "other", ...options }, context);
  if (listener === "other") await own.peer.do(`dial ${own.socket} ${url}`);
  await untilPipes(own, 1);
  return cat;
}

/** One message of each way that the pattern knows; the tool's is the same all the time. */
async function oneSize(context: CellContext, pairing: CatPairing, role: Role, peer: Peer, size: number): Promise<void> {
  const began = performance.now();
  for (;;) {
    const own = await open(peer, `s${size}`, role.own);
    try {
      return await talk(context, pairing, role, own, size);
    } catch (error) {
      if (!speaksOnce(pairing, role) || performance.now() - began > AGAIN_MS) throw error;
      await peer.do(`close s${size}`);
    }
  }
}

/**
 * Whether the tool says what it says to whoever is there at that moment, and waits for an answer no longer than a second:
 * on a busy machine that may be too early, or too short.
 */
function speaksOnce({ partner }: CatPairing, { other }: Role): boolean {
  return partner === "nngcat" && (other === "surveyor" || other === "bus");
}

/** How long it is started again. */
const AGAIN_MS = 120_000;
/** Longer than a tool that speaks once waits before it does. */
const ONCE_MS = 10_000;

async function talk(context: CellContext, pairing: CatPairing, role: Role, own: End, size: number): Promise<void> {
  const theirSeed = 2_000 + size;
  const data = role.way === "give" ? undefined : messageOf("-", size, theirSeed);
  const cat = await meetCat(context, pairing, role, own, { data });
  const say = () => send(own, size, 1);
  const patience = speaksOnce(pairing, role) ? ONCE_MS : PATIENCE_MS;
  const heard = () => receive(own, size, theirSeed, "-", patience);
  switch (role.way) {
    case "ask":
    case "both":
      await say();
      await heard();
      await cat.got(messageOf("-", size, 1));
      break;
    case "answer": {
      let isPrinted = false;
      const printed = cat.got(messageOf("-", size, 1)).then(() => isPrinted = true);
      // It may have ended before anybody waits for this.
      printed.catch(() => {});
      // nanocat gives up a survey soon, and begins the next.
      do {
        // Told both at once, so that the answer is not later than it must be: surveys last a second, or less.
        await Promise.all([heard(), say()]);
      } while (role.name === "RESPONDENT" && pairing.partner === "nanocat" && !isPrinted);
      await printed;
      break;
    }
    case "give":
      await say();
      await cat.got(messageOf("-", size, 1));
      break;
    case "take":
      await heard();
  }
}
