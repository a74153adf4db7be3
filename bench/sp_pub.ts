/**
 * PUB and SUB: one publisher, many subscribers.
 *
 * @module
 */

import { SocketFolder } from "./programs.ts";
import { perSecond, ratio, type Section, type Table } from "./report.ts";
import { alternate, median, medianRatio, type Rounds } from "./rounds.ts";
import type { Settings } from "./settings.ts";
import { inRole, libraries, type Library, LIBRARY_TITLES } from "./sp_peers.ts";

/** Of those with many topics there are so many times fewer. */
const FEWER = 10;

interface Published {
  /** Messages per second that all subscribers had. */
  rate: number;
  /** What the publisher's process grew by for each subscriber, in bytes. */
  perSubscriber: number;
  /** What a subscriber's process grew by for each of its topics, in bytes. */
  perTopic: number;
}

/** Who listens to what. */
interface Audience {
  caption: string;
  subscribers: number;
  /** Topics of each; 0 subscribes to everything. */
  topics: number;
}

/** Measures publishing to many, and to those who want much. */
export async function spPub(settings: Settings): Promise<Section> {
  using sockets = new SocketFolder();
  const programs = libraries(settings);
  const present = (["nng", "zeromq", "ours"] as const).filter((library) => programs[library] !== undefined);
  const { subscribers, topics } = settings;
  const fewer = subscribers / FEWER;
  const audiences: Audience[] = [
    { caption: `${subscribers.toLocaleString("en")} subscribers to everything`, subscribers, topics: 0 },
    {
      caption: `${fewer.toLocaleString("en")} subscribers with ${topics.toLocaleString("en")} topics each`,
      subscribers: fewer,
      topics,
    },
  ];
  const tables: Table[] = [];
  for (const audience of audiences) {
    const runs = present.map((library) => {
      const url = () => `ipc://${sockets.path()}`;
      return [library, () => measure(programs[library]!, url(), audience, settings)] as const;
    });
    const results = await alternate<Library, Published>(
      Object.fromEntries(runs) as Record<Library, () => Promise<Published>>,
      settings.rounds,
      (library, { rate }) => settings.log(`PUB, ${audience.caption}, ${library}: ${perSecond(rate)}/s`),
    );
    tables.push(tableOf(audience, present, results));
  }
  return { title: "SP: PUB to many subscribers", method: METHOD, tables };
}

const METHOD =
  `Messages of 64 B that a publisher gets to all subscribers, which are sockets of another process, over ipc. It
publishes 64, and the next 64 when all of those before them have come everywhere, so that none is dropped. Where there are topics each message has one
that all subscribed to; zeromq.js looks topics up at the publisher, nng and ours at the subscriber. Memory is what the resident
set of the process grew by: the publisher's for each subscriber, the subscribers' for each topic of each.`;

async function measure(
  program: readonly string[],
  url: string,
  { subscribers, topics }: Audience,
  { runMs }: Settings,
): Promise<Published> {
  await using publisher = inRole(program, "pub", { url, count: subscribers, size: topics, ms: runMs });
  await publisher.answer();
  await using audience = inRole(program, "sub", { url, count: subscribers, size: topics });
  const subscribed = await audience.answer();
  const { published, seconds, memory } = await publisher.answer();
  await Promise.all([publisher.end(), audience.end()]);
  return {
    rate: Number(published) / Number(seconds),
    perSubscriber: Number(memory),
    perTopic: Number(subscribed.memory),
  };
}

function tableOf(
  { caption, subscribers, topics }: Audience,
  libraries: readonly Library[],
  results: Readonly<Record<Library, Rounds<Published>>>,
): Table {
  const rates = (library: Library) => results[library].map(({ rate }) => rate);
  const size = (of: "perSubscriber" | "perTopic", library: Library) =>
    Math.round(median(results[library].map((round) => round[of]))).toLocaleString("en");
  return {
    caption,
    columns: [
      "library",
      "messages/s",
      "deliveries/s",
      "ours by this",
      "bytes a subscriber",
      ...(topics > 0 ? ["bytes a topic"] : []),
    ],
    rows: libraries.map((library) => [
      LIBRARY_TITLES[library],
      perSecond(median(rates(library))),
      perSecond(median(rates(library)) * subscribers),
      ratio(medianRatio(rates("ours"), rates(library))),
      size("perSubscriber", library),
      ...(topics > 0 ? [size("perTopic", library)] : []),
    ]),
  };
}
