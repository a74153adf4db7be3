/**
 * PUSH and PULL: messages one way, from one process to another and within one.
 *
 * @module
 */

import { bytes, perSecond, type Section } from "./report.ts";
import type { Settings } from "./settings.ts";
import { compare, type Comparison, type Contender, type Ground, TCP, UNIX } from "./sp_comparison.ts";
import { inRole, libraries } from "./sp_peers.ts";

const SIZES = new Map([64, 1024].map((size) => [bytes(size), size]));

/** Measures rates from one process to another. */
export async function spPush(settings: Settings): Promise<Section> {
  const programs = libraries(settings);
  const comparison = rateBy((program, contender, url, size) =>
    acrossProcesses(program, contender, url, size, settings)
  );
  return {
    title: "SP: PUSH to PULL across two processes",
    method:
      `Messages per second that arrive in the receiving process; each socket may hold 1,000 messages. Ours is \`await
send\` and \`for await\`; "blocking" is \`sendSync\` and \`receiveSync\` in a Worker. nng is libnng in C by \`nng_sendmsg\` and
\`nng_recvmsg\`; zeromq.js is \`await send\` and \`for await\` on Node. Neither has unixgram.`,
    tables: [
      ...await compare(UNIX, comparison, programs, settings),
      ...await compare(TCP, comparison, programs, settings),
    ],
  };
}

const IN_PROCESS: Ground = {
  caption: "inproc",
  contenders: (["nng", "zeromq", "ours"] as const).map((library) => ({ library, scheme: "inproc", isSync: false })),
};

/** Measures rates within one process. */
export async function spInproc(settings: Settings): Promise<Section> {
  const comparison = rateBy((program, _, url, size) => withinProcess(program, url, size, settings));
  return {
    title: "SP: PUSH to PULL within a process",
    method: `The same over \`inproc://\`. nng has a thread for each side; ours and zeromq.js have both on one.`,
    tables: await compare(IN_PROCESS, comparison, libraries(settings), settings),
  };
}

function rateBy(measure: Comparison<number>["measure"]): Comparison<number> {
  return { unit: "messages/s", column: "message", rows: SIZES, format: perSecond, measure };
}

async function acrossProcesses(
  program: readonly string[],
  { isSync }: Contender,
  at: string,
  size: number,
  { runMs, warmUpMs }: Settings,
): Promise<number> {
  await using receiver = inRole(program, "pull", { url: at, size, isSync, ms: warmUpMs });
  const url = String((await receiver.answer()).ready);
  await using sender = inRole(program, "push", { url, size, isSync, ms: runMs });
  const { sent } = await sender.answer();
  const { received, seconds, total } = await receiver.answer();
  await Promise.all([sender.end(), receiver.end()]);
  if (total !== sent) throw new Error(`${program.join(" ")}: ${sent} messages were sent, ${total} arrived`);
  return Number(received) / Number(seconds);
}

async function withinProcess(
  program: readonly string[],
  url: string,
  size: number,
  { runMs }: Settings,
): Promise<number> {
  await using both = inRole(program, "inproc", { url, size, ms: runMs });
  const { received, seconds } = await both.answer();
  await both.end();
  return Number(received) / Number(seconds);
}
