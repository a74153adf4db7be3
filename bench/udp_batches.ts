/**
 * UDP in batches that the kernel cuts out of one message, and coalesces into one.
 *
 * @module
 */

import { measure, type OneWay } from "./one_way.ts";
import { hasTwoProcessors, inC, onDeno, onNode, SocketFolder, version } from "./programs.ts";
import { bytes, percent, perSecond, ratio, type Section, type Table } from "./report.ts";
import { alternate, median, medianRatio, type Rounds } from "./rounds.ts";
import type { Settings } from "./settings.ts";

const SIZES = [64, 1024];

type Contender = "c" | "cCut" | "ours" | "pooled" | "turn" | "whole" | "deno" | "node";
type Results = ReadonlyMap<number, Partial<Record<Contender, Rounds<OneWay>>>>;
type Figure = "rate" | "sentRate";

const TITLES: readonly [Contender, string][] = [
  ["c", "C"],
  ["cCut", "C, offloaded"],
  ["ours", "ours"],
  ["pooled", "ours, pooled"],
  ["turn", "ours, 32 sends"],
  ["whole", "ours, neither"],
  ["deno", "Deno"],
  ["node", "Node"],
];

/** Measures UDP in batches. */
export async function udpBatches(settings: Settings): Promise<Section> {
  using sockets = new SocketFolder();
  const ours = onDeno("our_udp.ts");
  const c = inC("datagram");
  const programs: Partial<Record<Contender, [command: string[], style: string]>> = {
    c: [c, "32"],
    cCut: [c, "32gso"],
    ours: [ours, "batch"],
    pooled: [ours, "batchpooled"],
    turn: [ours, "turn"],
    whole: [ours, "batchwhole"],
    deno: [onDeno("deno_datagram.ts", "--unstable-net"), "1"],
    ...(version("node") === undefined ? {} : { node: [onNode("node_datagram.mjs"), "1"] }),
  };
  const isPinned = hasTwoProcessors();
  const way = { transport: "udp", caption: "UDP in batches" } as const;
  const results = new Map<number, Partial<Record<Contender, Rounds<OneWay>>>>();
  for (const size of SIZES) {
    const contenders = Object.fromEntries(
      Object.entries(programs).map(([name, [program, style]]) => [
        name,
        () => measure(program, style, size, way, sockets, isPinned, settings),
      ]),
    );
    results.set(
      size,
      await alternate(
        contenders,
        settings.rounds,
        (name, { rate, sentRate, loss }) =>
          settings.log(
            `${way.caption}, ${bytes(size)}, ${name}: ${perSecond(rate)}/s of ${perSecond(sentRate)}/s, ` +
              `lost ${percent(loss)}`,
          ),
      ),
    );
  }
  return {
    title: "UDP in batches",
    method: METHOD,
    tables: [
      rateTable("messages/s that the sender gets rid of", results, "sentRate"),
      rateTable("messages/s that arrive; in brackets what was lost", results, "rate"),
      ratioTable(results),
    ],
  };
}

const METHOD =
  `Messages per second over loopback from one process to another, each on a processor of its own, as above, with
\`UdpSocket\` and batches of 32. Ours has \`segmentation\` and \`coalescing\`, as it is by default: the kernel cuts a batch out of
one message, and hands it over as one (\`UDP_SEGMENT\`, \`UDP_GRO\`). "32 sends" are \`send\` in one turn of the event loop and
\`for await\`; "neither" is \`sendBatch\` and \`receiveBatch\` without the two options. C is \`sendmmsg\`/\`recvmmsg\`, "offloaded" one
\`sendmsg\` with \`UDP_SEGMENT\` and \`recvmmsg\` with \`UDP_GRO\`. What a sender gets rid of includes what the kernel does for
the receiver, which over loopback is most of it.`;

const of = (rounds: Rounds<OneWay>, figure: Figure) => rounds.map((round) => round[figure]);

function rateTable(caption: string, results: Results, figure: Figure): Table {
  const shown = TITLES.filter(([name]) => [...results.values()].every((result) => result[name] !== undefined));
  const rows = [...results].map(([size, result]) => [
    bytes(size),
    ...shown.map(([name]) => {
      const rate = perSecond(median(of(result[name]!, figure)));
      const loss = median(result[name]!.map((round) => round.loss));
      return figure === "rate" && loss >= 0.0005 ? `${rate} (−${percent(loss)})` : rate;
    }),
  ]);
  return { caption: `UDP in batches: ${caption}`, columns: ["message", ...shown.map(([, title]) => title)], rows };
}

function ratioTable(results: Results): Table {
  const pairs: [Contender, Contender, Figure, string][] = [
    ["ours", "c", "sentRate", "sent, ours : C"],
    ["ours", "c", "rate", "arrived, ours : C"],
    ["pooled", "c", "rate", "pooled : C"],
    ["whole", "c", "rate", "neither : C"],
    ["cCut", "c", "rate", "C offloaded : C"],
    ["pooled", "cCut", "rate", "pooled : C offloaded"],
    ["ours", "deno", "rate", "ours : Deno"],
    ["turn", "deno", "rate", "32 sends : Deno"],
    ["ours", "node", "rate", "ours : Node"],
    ["turn", "node", "rate", "32 sends : Node"],
  ];
  const shown = pairs.filter(([a, b]) => [...results.values()].every((result) => result[a] && result[b]));
  const rows = [...results].map(([size, result]) => [
    bytes(size),
    ...shown.map(([a, b, figure]) => ratio(medianRatio(of(result[a]!, figure), of(result[b]!, figure)))),
  ]);
  return { caption: "UDP in batches: ratios", columns: ["message", ...shown.map(([, , , title]) => title)], rows };
}
