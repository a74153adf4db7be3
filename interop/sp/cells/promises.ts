/**
 * What each pattern promises beyond carrying messages: topics, deadlines, contexts, exclusive pairs, many peers at once.
 *
 * @module
 */

import { cell, isPossible, meet, type Pairing, type SpCell } from "../cell.ts";
import { type Carrier, freshUrl } from "../place.ts";
import { fingerprint, fingerprints } from "../payload.ts";
import { PATIENCE_MS, Peer } from "../remote.ts";
import { compare, type End, open, pass, receive, type Role, roleCalled, ROLES, send, untilPipes } from "../roles.ts";

/** The cells of one pairing. */
export function promiseCells(table: string, pairing: Pairing): SpCell[] {
  return [
    ...topicCells(table, pairing),
    ...deadlineCells(table, pairing),
    ...contextCells(table, pairing),
    ...exclusiveCells(table, pairing),
    ...crowdCells(table, pairing),
  ];
}

/** The roles of these names that both sides have, each with who sends first and who receives. */
function possible(pairing: Pairing, ...names: readonly string[]): Role[] {
  return names.map(roleCalled).filter((role) => isPossible(pairing, role));
}

function topicCells(table: string, pairing: Pairing): SpCell[] {
  return possible(pairing, "PUB", "SUB").map((role) =>
    cell(table, `${role.name}: only topics that were subscribed to`, pairing, async (context) => {
      const { own, other } = await meet(context, pairing, role);
      const [publisher, subscriber] = role.name === "PUB" ? [own, other] : [other, own];
      await subscriber.peer.do("unsubscribe s -");

      for (const topic of ["weather", "news/"]) await subscriber.peer.do(`subscribe s ${topic}`);
      await publish(publisher, subscriber, 1, ["sports", "news", "weathe"], ["weather", "weather/Kyiv", "news/1"]);
      await subscriber.peer.do("unsubscribe s weather");
      await publish(publisher, subscriber, 2, ["weather", "news"], ["news/2"]);
      await subscriber.peer.do("unsubscribe s news/");
      await subscriber.peer.do("subscribe s weather/L");
      await publish(publisher, subscriber, 3, ["news/3", "weather/Kyiv", "weather"], ["weather/L", "weather/Lviv"]);
    })
  );
}

/** Publishes what is not wanted and what is, until the last of it has come; `seed` tells this time from others. */
async function publish(
  publisher: End,
  subscriber: End,
  seed: number,
  unwanted: readonly string[],
  wanted: readonly string[],
): Promise<void> {
  const last = wanted.at(-1)!;
  const taken = subscriber.peer.do(`until s ${last.length + TOPIC_BYTES + seed} ${PATIENCE_MS}`);
  let isTaken = false;
  taken.then(() => isTaken = true, () => isTaken = true);
  // Publishers may drop any message, so all come again.
  do {
    for (const topic of [...unwanted, ...wanted.slice(0, -1)]) await send(publisher, TOPIC_BYTES, seed, topic);
    await send(publisher, TOPIC_BYTES + seed, seed, last);
  } while (!isTaken);
  const messages = await taken;
  const stranger = unwanted.find((topic) => messages.includes(fingerprint(TOPIC_BYTES, seed, topic)));
  if (stranger !== undefined) throw new Error(`${subscriber.peer.kind} got "${stranger}" without a subscription`);
}

const TOPIC_BYTES = 30;

function deadlineCells(table: string, pairing: Pairing): SpCell[] {
  return possible(pairing, "SURVEYOR", "RESPONDENT").map((role) =>
    cell(table, `${role.name}: a deadline, and answers that come after it`, pairing, async (context) => {
      const { own, other } = await meet(context, pairing, role, {
        settings: { surveyor: { "survey-time": SURVEY_MS } },
      });
      const [surveyor, respondent] = role.name === "SURVEYOR" ? [own, other] : [other, own];

      const receive = () => surveyor.peer.tell(`recv s 1 ${PATIENCE_MS}`);
      // What the libraries call a wrong state is, for us, a survey that is over, until the next one.
      const isOver = (error: string | undefined) =>
        error === "timeout" || error === "state" && surveyor.peer.kind !== "ours";

      const began = performance.now();
      await pass(surveyor, respondent, 64, 1);
      const asked = performance.now();
      const early = await receive();
      const ended = performance.now();
      if (!isOver(early.error)) throw new Error(`a survey without an answer ended with "${early.error ?? "ok"}"`);
      // Clocks of libraries count in milliseconds, from some time before ours.
      if (ended - began < SURVEY_MS - 20) throw new Error(`the survey lasted ${ended - began} ms`);
      if (ended - asked > PATIENCE_MS - 20) throw new Error("the survey had no deadline");
      await send(respondent, 64, 2);
      const late = await receive();
      if (!isOver(late.error)) throw new Error(`after the survey, receiving said "${late.error ?? "ok"}"`);
      // Where the machine is busy this answer may be late, too.
      for (let seed = 3;; seed += 2) {
        await pass(surveyor, respondent, 64, seed);
        const [{ messages, error }] = await Promise.all([receive(), send(respondent, 64, seed + 1)]);
        if (error === undefined) return compare(messages, [fingerprint(64, seed + 1)], surveyor.peer.kind);
        if (!isOver(error)) throw new Error(`a survey with an answer ended with "${error}"`);
      }
    })
  );
}

const SURVEY_MS = 1_000;

/**
 * Many conversations at once, answered the last first. nanomsg has no contexts: it can't ask so, and it answers one after
 * the other; and of surveys that come quickly it loses some.
 */
function contextCells(table: string, pairing: Pairing): SpCell[] {
  const isNanomsg = pairing.partner === "libnanomsg";
  const roles = isNanomsg ? ["REQ"] : ["REQ", "REP", "SURVEYOR", "RESPONDENT"];
  return possible(pairing, ...roles).map((role) =>
    cell(
      table,
      `${role.name}: ${AT_ONCE} at once`,
      pairing,
      async (context) => {
        const { own, other } = await meet(context, pairing, role);
        const [asker, replier] = role.way === "ask" ? [own, other] : [other, own];
        const [questions, answers] = await Promise.all([
          replier.peer.do(`${isNanomsg ? "echo" : "answer"} s ${AT_ONCE} ${PATIENCE_MS}`),
          asker.peer.do(`ask s ${AT_ONCE} 64 1 ${PATIENCE_MS}`),
        ]);
        const expected = fingerprints(AT_ONCE, 64, 1);
        compare([...questions].sort(), [...expected].sort(), replier.peer.kind);
        compare(answers, expected, asker.peer.kind);
      },
    )
  );
}

/** As many surveys as nng keeps for a pipe. */
const AT_ONCE = 8;

/** A pair has one peer; another one has to wait until that is gone. */
function exclusiveCells(table: string, pairing: Pairing): SpCell[] {
  // nanomsg never dials again over ipc if it reads the greeting and is turned away in the same moment, by whomever.
  if (pairing.partner === "libnanomsg" && pairing.carrier === "ipc" && pairing.listener === "own") return [];
  return possible(pairing, "PAIR 0", "PAIR 1").map((role) =>
    cell(table, `${role.name}: a second peer waits until the first is gone`, pairing, async (context) => {
      // Who listens is the host.
      const [hostKind, guestKind] = pairing.listener === "own"
        ? [pairing.subject, pairing.partner]
        : [pairing.partner, pairing.subject];
      const host = await open(Peer.start(hostKind, context), "s", role.own);
      const [first, second] = await Promise.all(
        ["s", "t"].map(async (socket) => await open(Peer.start(guestKind, context), socket, role.own)),
      );
      const url = freshUrl(pairing.carrier);
      await host.peer.do(`listen s ${url}`);
      await first.peer.do(`dial s ${url}`);
      await Promise.all([untilPipes(host, 1), untilPipes(first, 1)]);
      await second.peer.do(`dial t ${url}`);

      for (const seed of [1, 2, 3]) {
        await pass(first, host, 64, seed);
        await pass(host, first, 64, seed);
      }
      await first.peer.do("close s");
      // A peer that is turned away takes it for a connection for a moment, and loses what it sends meanwhile.
      const taken = host.peer.do(`recv s 1 ${PATIENCE_MS}`);
      let isTaken = false;
      taken.then(() => isTaken = true, () => isTaken = true);
      while (!isTaken) await send(second, 64, 4);
      compare(await taken, [fingerprint(64, 4)], host.peer.kind);
      await pass(host, second, 64, 5);
    })
  );
}

/** One of the one kind, three of the other. */
function crowdCells(table: string, pairing: Pairing): SpCell[] {
  return ROLES.filter((role) => isPossible(pairing, role)).flatMap((role) => {
    const run = CROWDS[role.name];
    if (run === undefined) return [];
    return [
      cell(table, `${role.name}: one of us, three of them`, pairing, async (context) => {
        const hub = await open(Peer.start(pairing.subject, context), "s", role.own);
        await run(hub, await gather(context, pairing, pairing.partner, role.other, hub, "own"));
      }),
      cell(table, `${role.name}: three of us, one of them`, pairing, async (context) => {
        const hub = await open(Peer.start(pairing.partner, context), "s", role.own);
        await run(hub, await gather(context, pairing, pairing.subject, role.other, hub, "other"));
      }),
    ];
  });
}

/** Three sockets of one program, connected with the hub. */
async function gather(
  context: Parameters<SpCell["run"]>[0],
  { carrier, listener }: { carrier: Carrier; listener: "own" | "other" },
  kind: Pairing["subject"],
  pattern: string,
  hub: End,
  hubIs: "own" | "other",
): Promise<End[]> {
  const peer = Peer.start(kind, context);
  const members: End[] = [];
  const url = freshUrl(carrier);
  if (listener === hubIs) await hub.peer.do(`listen s ${url}`);
  for (const socket of ["a", "b", "c"]) {
    const member = await open(peer, socket, pattern);
    members.push(member);
    if (listener === hubIs) await peer.do(`dial ${socket} ${url}`);
    else {
      const own = freshUrl(carrier);
      await peer.do(`listen ${socket} ${own}`);
      await hub.peer.do(`dial s ${own}`);
    }
    await untilPipes(member, 1);
  }
  await untilPipes(hub, members.length);
  return members;
}

const CROWDS: Record<string, (hub: End, members: readonly End[]) => Promise<void>> = {
  async PUB(hub, members) {
    for (const seed of [1, 2, 3]) {
      await send(hub, 64, seed);
      for (const member of members) await receive(member, 64, seed);
    }
  },
  async SURVEYOR(hub, members) {
    for (const seed of [10, 20, 30]) {
      await send(hub, 64, seed);
      for (const [index, member] of members.entries()) {
        await receive(member, 64, seed);
        await send(member, 64, seed + 1 + index);
      }
      const answers = await hub.peer.do(`recv s ${members.length} ${PATIENCE_MS}`);
      compare([...answers].sort(), fingerprints(members.length, 64, seed + 1).sort(), hub.peer.kind);
    }
  },
  async BUS(hub, members) {
    for (const [index, member] of members.entries()) await pass(member, hub, 64, index);
    await send(hub, 64, 9);
    // The first thing that each hears: not itself, and no other member.
    for (const member of members) await receive(member, 64, 9);
  },
  async "PAIR 1 (ours poly)"(hub, members) {
    for (const [index, member] of [...members, ...members].entries()) {
      await send(member, 64, index);
      compare(await hub.peer.do(`echo s 1 ${PATIENCE_MS}`), [fingerprint(64, index)], hub.peer.kind);
      await receive(member, 64, index);
    }
  },
  async PULL(hub, members) {
    for (const [index, member] of [...members, ...members].entries()) await pass(member, hub, 64, index);
  },
  async REP(hub, members) {
    for (const [index, member] of [...members, ...members].entries()) {
      await send(member, 64, index);
      compare(await hub.peer.do(`echo s 1 ${PATIENCE_MS}`), [fingerprint(64, index)], hub.peer.kind);
      await receive(member, 64, index);
    }
  },
};
