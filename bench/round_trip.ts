/**
 * A unix datagram to another process and back.
 *
 * @module
 */

import { Peer } from "./peer.ts";
import { hasTwoProcessors, inC, onDeno, onProcessor, SocketFolder } from "./programs.ts";
import { bytes, microseconds, ratio, type Section, type Table } from "./report.ts";
import { alternate, median, medianRatio, type Rounds } from "./rounds.ts";
import { type Settings, SIZES } from "./settings.ts";

interface RoundTrip {
  /** In microseconds. */
  median: number;
  p99: number;
}

type Contender = "cBlock" | "cSpin" | "sync" | "busy" | "async" | "deno";

const TITLES: readonly [Contender, string][] = [
  ["cBlock", "C blocking"],
  ["sync", "ours, blocking in a Worker"],
  ["cSpin", "C spinning"],
  ["busy", "ours, busyPoll"],
  ["deno", "Deno"],
  ["async", "ours, async"],
];

/** Which processors the two processes may use. */
interface Placement {
  caption: string;
  /** Of whoever asks, and whoever answers. */
  processors?: readonly [number, number];
  contenders: readonly Contender[];
}

const ALL: readonly Contender[] = ["cBlock", "sync", "cSpin", "busy", "deno", "async"];

const PLACEMENTS: readonly Placement[] = [
  { caption: "each process on a processor of its own", processors: [0, 1], contenders: ALL },
  { caption: "both processes on one processor", processors: [0, 0], contenders: ["cBlock", "sync", "deno", "async"] },
  { caption: "wherever the scheduler puts them", contenders: ALL },
];

/** Measures round trips. */
export async function roundTrip(settings: Settings): Promise<Section> {
  using sockets = new SocketFolder();
  const c = inC("datagram");
  const ours = onDeno("our_datagram.ts");
  const programs: Record<Contender, [command: string[], style: string]> = {
    cBlock: [c, "block"],
    cSpin: [c, "spin"],
    sync: [ours, "sync"],
    busy: [ours, "busy"],
    async: [ours, "async"],
    deno: [onDeno("deno_datagram.ts", "--unstable-net"), "async"],
  };
  const tables: Table[] = [];
  const isPinned = hasTwoProcessors();

  for (const { caption, processors, contenders } of PLACEMENTS) {
    if (processors !== undefined && !isPinned) continue;
    const results = new Map<number, Record<Contender, Rounds<RoundTrip>>>();
    for (const size of SIZES) {
      const entries = contenders.map((
        name,
      ) => [name, () => measure(programs[name], size, processors, sockets, settings)]);
      results.set(
        size,
        await alternate<Contender, RoundTrip>(
          Object.fromEntries(entries),
          settings.rounds,
          (name, trip) =>
            settings.log(`round trip, ${caption}, ${bytes(size)}, ${name}: ${microseconds(trip.median)} µs`),
        ),
      );
    }
    tables.push(...tablesOf(caption, contenders, results));
  }
  return { title: "There and back across two processes", method: METHOD, tables };
}

const METHOD =
  `Microseconds from a send to the receipt of the answer, over unix datagram sockets: the median of a run, and in brackets
its 99th percentile. A processor that sleeps takes tens of microseconds to wake in a virtual machine, so what a blocking
program measures depends on where the scheduler puts the two processes; the first tables fix that.`;

async function measure(
  [program, style]: readonly [string[], string],
  size: number,
  processors: readonly [number, number] | undefined,
  sockets: SocketFolder,
  { runMs }: Settings,
): Promise<RoundTrip> {
  const at = sockets.path();
  const on = (which: 0 | 1, command: string[]) =>
    processors === undefined ? command : onProcessor(processors[which], command);
  await using answering = new Peer(on(1, [...program, "echo", "unix", at, String(size), style, "0"]));
  await answering.answer();
  await using asking = new Peer(on(0, [...program, "ask", "unix", at, String(size), style, String(runMs)]));
  const { median, p99 } = await asking.answer();
  await Promise.all([asking.end(), answering.end()]);
  return { median: Number(median), p99: Number(p99) };
}

function tablesOf(
  caption: string,
  contenders: readonly Contender[],
  results: ReadonlyMap<number, Record<Contender, Rounds<RoundTrip>>>,
): Table[] {
  const medians = (rounds: Rounds<RoundTrip>) => rounds.map((round) => round.median);
  const shown = TITLES.filter(([name]) => contenders.includes(name));
  const pairs: [Contender, Contender, string][] = [
    ["sync", "cBlock", "blocking : C blocking"],
    ["busy", "cSpin", "busyPoll : C spinning"],
    ["async", "deno", "async : Deno"],
  ];
  const compared = pairs.filter(([a, b]) => contenders.includes(a) && contenders.includes(b));
  return [
    {
      caption: `Round trip, ${caption}: µs`,
      columns: ["message", ...shown.map(([, title]) => title)],
      rows: [...results].map(([size, result]) => [
        bytes(size),
        ...shown.map(([name]) => {
          const p99 = median(result[name].map((round) => round.p99));
          return `${microseconds(median(medians(result[name])))} (${microseconds(p99)})`;
        }),
      ]),
    },
    {
      caption: `Round trip, ${caption}: ratios`,
      columns: ["message", ...compared.map(([, , title]) => title)],
      rows: [...results].map(([size, result]) => [
        bytes(size),
        ...compared.map(([a, b]) => ratio(medianRatio(medians(result[a]), medians(result[b])))),
      ]),
    },
  ];
}
