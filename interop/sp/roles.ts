/**
 * The sides of the patterns, and how a message goes from one to the other and back.
 *
 * @module
 */

import { fingerprint, fingerprints } from "./payload.ts";
import { PATIENCE_MS, type Peer, type PeerKind } from "./remote.ts";

/** One side of a pattern, seen from whoever has it. */
export interface Role {
  /** As in the table. */
  readonly name: string;
  /** What the peers call this side. */
  readonly own: string;
  /** What they call the other one. */
  readonly other: string;
  /** Who begins: `ask` sends and is answered, `answer` the other way round; `give` only sends, `take` only receives. */
  readonly way: "ask" | "answer" | "give" | "take" | "both";
  /** Who drops messages while the other side is slower. @default {nobody} */
  readonly lossy?: "either" | "other";
}

/** All of them. A polyamorous socket of nng drops what it has no room for; ours waits. */
export const ROLES: readonly Role[] = [
  { name: "REQ", own: "req", other: "rep", way: "ask" },
  { name: "REP", own: "rep", other: "req", way: "answer" },
  { name: "PUB", own: "pub", other: "sub", way: "give", lossy: "either" },
  { name: "SUB", own: "sub", other: "pub", way: "take", lossy: "either" },
  { name: "PUSH", own: "push", other: "pull", way: "give" },
  { name: "PULL", own: "pull", other: "push", way: "take" },
  { name: "SURVEYOR", own: "surveyor", other: "respondent", way: "ask" },
  { name: "RESPONDENT", own: "respondent", other: "surveyor", way: "answer" },
  { name: "BUS", own: "bus", other: "bus", way: "both", lossy: "either" },
  { name: "PAIR 0", own: "pair0", other: "pair0", way: "both" },
  { name: "PAIR 1", own: "pair1", other: "pair1", way: "both" },
  { name: "PAIR 1 (ours poly)", own: "pair1-poly", other: "pair1", way: "both" },
  { name: "PAIR 1 (theirs poly)", own: "pair1", other: "pair1-poly", way: "both", lossy: "other" },
  { name: "PAIR 1 (both poly)", own: "pair1-poly", other: "pair1-poly", way: "both", lossy: "other" },
];

/** The role of that name. */
export function roleCalled(name: string): Role {
  return ROLES.find((role) => role.name === name)!;
}

/** Whether a peer has a side of a pattern at all. */
export function has(kind: PeerKind, pattern: string): boolean {
  return kind !== "libnanomsg" || !pattern.startsWith("pair1");
}

/** A socket of a peer. */
export interface End {
  readonly peer: Peer;
  readonly socket: string;
}

/** Options by nng's names. */
export type Settings = Record<string, number>;

/** How a socket is used; `blocking` is for ours alone: cooked, by calls that block the thread. */
export type Mode = "cooked" | "raw" | "blocking";

/** Options that let every cell show what it is about: sizes beyond the libraries' limits, surveys that last. */
export async function open(
  peer: Peer,
  socket: string,
  pattern: string,
  mode: Mode = "cooked",
  further: Settings = {},
): Promise<End> {
  await peer.do(`open ${socket} ${pattern} ${mode}`);
  const settings: Settings = { "recv-size-max": MOST_BYTES, "reconnect-time-min": RECONNECT_MS };
  if (pattern === "surveyor" && mode !== "raw") settings["survey-time"] = PATIENCE_MS;
  for (const [option, value] of Object.entries({ ...settings, ...further })) {
    await peer.do(`set ${socket} ${option} ${value}`);
  }
  if (pattern === "sub" && mode !== "raw") await peer.do(`subscribe ${socket} -`);
  return { peer, socket };
}

const MOST_BYTES = 4 << 20;
const RECONNECT_MS = 20;

/** Connects two ends, either of which listens, and waits until both have their pipe. */
export async function connect(own: End, other: End, url: string, listener: "own" | "other"): Promise<void> {
  const [host, guest] = listener === "own" ? [own, other] : [other, own];
  await host.peer.do(`listen ${host.socket} ${url}`);
  await guest.peer.do(`dial ${guest.socket} ${url}`);
  await Promise.all([untilPipes(host, 1), untilPipes(guest, 1)]);
}

/**
 * Waits until an end has so many pipes.
 *
 * @param opposite Who is to be connected with it: where that is a peer of ours, it is asked what it sees if they don't come.
 */
export async function untilPipes({ peer, socket }: End, count: number, opposite?: End): Promise<void> {
  try {
    await peer.do(`pipes ${socket} ${count} ${PATIENCE_MS}`);
  } catch (error) {
    if (opposite?.peer.kind !== "ours") throw error;
    const [state] = await opposite.peer.do(`state ${opposite.socket}`);
    throw new Error(`${(error as Error).message}; the other end: ${state}`, { cause: error });
  }
}

/** Sends one message. */
export async function send({ peer, socket }: End, size: number, seed: number, topic = "-"): Promise<void> {
  await peer.do(`send ${socket} 1 ${topic} ${size} ${seed}`);
}

/** Receives one message, and looks whether it is the one that was meant. */
export async function receive(
  { peer, socket }: End,
  size: number,
  seed: number,
  topic = "-",
  patience = PATIENCE_MS,
): Promise<void> {
  compare(await peer.do(`recv ${socket} 1 ${patience}`), [fingerprint(size, seed, topic)], peer.kind);
}

/** Sends from one end to the other. */
export async function pass(from: End, to: End, size: number, seed: number): Promise<void> {
  // Both at once: a message that fits into no buffer is sent when it is received.
  await Promise.all([send(from, size, seed), receive(to, size, seed)]);
}

/** One message of each way that the pattern knows. */
export async function exchange(role: Role, own: End, other: End, size: number, seed: number): Promise<void> {
  const back = seed + 1_000_000;
  switch (role.way) {
    case "ask":
    case "both":
      await pass(own, other, size, seed);
      await pass(other, own, size, back);
      break;
    case "answer":
      await pass(other, own, size, seed);
      await pass(own, other, size, back);
      break;
    case "give":
      await pass(own, other, size, seed);
      break;
    case "take":
      await pass(other, own, size, seed);
  }
}

/** Which ends send of themselves, and to whom. */
export function directions(role: Role, own: End, other: End): [from: End, to: End][] {
  switch (role.way) {
    case "both":
      return [[own, other], [other, own]];
    case "ask":
    case "give":
      return [[own, other]];
    default:
      return [[other, own]];
  }
}

/** Messages are those that were expected, in that order. */
export function compare(messages: readonly string[], expected: readonly string[], who: string): void {
  const wrong = expected.findIndex((print, index) => messages[index] !== print);
  if (wrong >= 0) throw new Error(`${who} got "${messages[wrong]}" as message ${wrong}, not "${expected[wrong]}"`);
  if (messages.length > expected.length) {
    throw new Error(`${who} got ${messages.length - expected.length} messages more`);
  }
}

/** Messages are some of those that were sent, in that order, each once. */
export function compareSome(messages: readonly string[], sent: readonly string[], who: string): void {
  let next = 0;
  for (const [index, print] of messages.entries()) {
    const found = sent.indexOf(print, next);
    if (found < 0) throw new Error(`${who} got "${print}" as message ${index}: changed, doubled or out of order`);
    next = found + 1;
  }
}

/** `count` messages alike from one end to the other, all of which arrive. */
export async function stream(from: End, to: End, count: number, size: number, seed: number): Promise<void> {
  const [, messages] = await Promise.all([
    from.peer.do(`send ${from.socket} ${count} - ${size} ${seed}`),
    to.peer.do(`recv ${to.socket} ${count} ${PATIENCE_MS}`),
  ]);
  compare(messages, fingerprints(count, size, seed), to.peer.kind);
}

/** `count` messages as quickly as they go to an end that may lose some; whatever arrives is in order. */
export async function burst(from: End, to: End, count: number, size: number, seed: number): Promise<void> {
  const lastSize = size + 1;
  const taken = to.peer.do(`until ${to.socket} ${lastSize} ${PATIENCE_MS}`);
  let isTaken = false;
  taken.then(() => isTaken = true, () => isTaken = true);
  await from.peer.do(`send ${from.socket} ${count} - ${size} ${seed}`);
  while (!isTaken) await send(from, lastSize, seed);
  compareSome((await taken).slice(0, -1), fingerprints(count, size, seed), to.peer.kind);
}

/** As many questions, one after the other. */
export async function converse(from: End, to: End, count: number, size: number, seed: number): Promise<void> {
  const [questions, answers] = await Promise.all([
    to.peer.do(`echo ${to.socket} ${count} ${PATIENCE_MS}`),
    from.peer.do(`converse ${from.socket} ${count} ${size} ${seed} ${PATIENCE_MS}`),
  ]);
  compare(questions, fingerprints(count, size, seed), to.peer.kind);
  compare(answers, fingerprints(count, size, seed), from.peer.kind);
}
