/**
 * REQ and REP: a question to another process, and its answer.
 *
 * @module
 */

import { microseconds, perSecond, type Section } from "./report.ts";
import type { Settings } from "./settings.ts";
import { compare, type Contender, TCP, UNIX } from "./sp_comparison.ts";
import { inRole, libraries } from "./sp_peers.ts";

/** Questions under way at a time. */
const MANY = 100;
const SIZE = 64;

/** Measures questions one after the other, and many at a time. */
export async function spReq(settings: Settings): Promise<Section> {
  const programs = libraries(settings);
  const tables = [];
  for (const ground of [UNIX, TCP]) {
    const oneByOne = {
      unit: "µs there and back",
      column: "questions under way",
      rows: new Map([["1", 1]]),
      format: microseconds,
      isTime: true,
      measure: (program: readonly string[], contender: Contender, url: string) =>
        roundTrip(program, contender, url, settings),
    };
    const manyAtATime = {
      unit: "answers/s",
      column: "questions under way",
      rows: new Map([[String(MANY), MANY]]),
      format: perSecond,
      measure: (program: readonly string[], _: Contender, url: string, count: number) =>
        answersPerSecond(program, url, count, settings),
    };
    const asynchronous = { ...ground, contenders: ground.contenders.filter(({ isSync }) => !isSync) };
    tables.push(...await compare(ground, oneByOne, programs, settings));
    tables.push(...await compare(asynchronous, manyAtATime, programs, settings));
  }
  return { title: "SP: REQ and REP across two processes", method: METHOD, tables };
}

const METHOD =
  `Questions and answers of ${SIZE} B. One at a time is the median time from a send to the receipt of the answer;
"blocking" is \`sendSync\` and \`receiveSync\` in a Worker, on both sides. ${MANY} at a time is \`request\` and \`serve\` in ours,
contexts with \`nng_aio\` in nng, DEALER and ROUTER in zeromq.js, which has no contexts.`;

async function roundTrip(
  program: readonly string[],
  { isSync }: Contender,
  at: string,
  { runMs }: Settings,
): Promise<number> {
  await using answering = inRole(program, "rep", { url: at, size: SIZE, isSync });
  const url = String((await answering.answer()).ready);
  await using asking = inRole(program, "req", { url, size: SIZE, isSync, ms: runMs });
  const { median } = await asking.answer();
  await Promise.all([asking.end(), answering.end()]);
  return Number(median);
}

async function answersPerSecond(
  program: readonly string[],
  at: string,
  count: number,
  { runMs }: Settings,
): Promise<number> {
  await using answering = inRole(program, "rep", { url: at, count, size: SIZE });
  const url = String((await answering.answer()).ready);
  await using asking = inRole(program, "req", { url, count, size: SIZE, ms: runMs });
  const { answers, seconds } = await asking.answer();
  await Promise.all([asking.end(), answering.end()]);
  return Number(answers) / Number(seconds);
}
