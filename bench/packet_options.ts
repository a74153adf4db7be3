/**
 * What it costs a send to have options of its own.
 *
 * @module
 */

import { Peer } from "./peer.ts";
import { hasTwoProcessors, inC, onDeno, onProcessor } from "./programs.ts";
import { bytes, ratio, type Section, type Table } from "./report.ts";
import { alternate, median, medianRatio, type Rounds } from "./rounds.ts";
import type { Settings } from "./settings.ts";

const SIZES = [64, 1024];

/** Nanoseconds for a message, by way and options: `"single.plain"`. */
type Costs = Record<string, number>;
type Contender = "c" | "ours";

const OPTIONS: readonly [string, string][] = [
  ["plain", "none"],
  ["marked", "ttl and dscp, the same for all"],
  ["fixed", "ttl, dscp and dontFragment, the same for all"],
  ["changing", "dscp, and a ttl that changes from message to message"],
  ["alternating", "ttl, dscp, and dontFragment for every other message"],
];

const WAYS: readonly [string, string][] = [
  ["single", "one by one"],
  ["batch", "batches of 32, without segmentation"],
  ["cut", "batches of 32, with segmentation where all are alike"],
];

/** Measures the cost of options. */
export async function packetOptions(settings: Settings): Promise<Section> {
  const programs: Record<Contender, string[]> = { c: inC("packet_options"), ours: onDeno("our_packet_options.ts") };
  const tables: Table[] = [];
  for (const size of SIZES) {
    const run = (program: string[]) => () => measure(program, size, settings);
    const results = await alternate(
      { c: run(programs.c), ours: run(programs.ours) },
      settings.rounds,
      (name, costs) =>
        settings.log(
          `options, ${bytes(size)}, ${name}: ${
            WAYS.map(([way]) => OPTIONS.map(([options]) => costs[`${way}.${options}`].toFixed(0)).join(" ")).join(" | ")
          } ns`,
        ),
    );
    for (const [way, caption] of WAYS) tables.push(tableOf(way, `${bytes(size)}, ${caption}`, results));
  }
  return { title: "Options of single packets", method: METHOD, tables };
}

const METHOD =
  `Nanoseconds that a UDP message takes to send, to a socket over loopback whose receive buffer is full, so that nobody else
takes part; the ways to send take turns within one process, every 5 ms. The costs are those of the message without options
= 1. C is \`sendmsg\`, \`sendmmsg\` and \`UDP_SEGMENT\` with \`IP_TTL\` and \`IP_TOS\` as control messages, and \`setsockopt\`
with \`IP_MTU_DISCOVER\` where that changes; ours is \`await socket.send(data, to, options)\` and \`sendBatch\`. Don't fragment
is a state of the socket on IPv4: where it changes from message to message there is a system call more for each, and each
has a call of its own.`;

async function measure(program: readonly string[], size: number, { runMs, warmUpMs }: Settings): Promise<Costs> {
  const command = [...program, String(size), String(Math.max(warmUpMs, runMs / 5))];
  await using peer = new Peer(hasTwoProcessors() ? onProcessor(0, command) : command);
  const costs = await peer.answer();
  await peer.end();
  return costs as Costs;
}

function tableOf(way: string, caption: string, results: Record<Contender, Rounds<Costs>>): Table {
  const costs = (contender: Contender, options: string) =>
    results[contender].map((round) => round[`${way}.${options}`]);
  const cost = (contender: Contender, options: string) => median(costs(contender, options)).toFixed(0);
  const relative = (contender: Contender, options: string) =>
    ratio(medianRatio(costs(contender, options), costs(contender, "plain")));
  return {
    caption,
    columns: ["options", "C, ns", "ours, ns", "C: cost", "ours: cost", "ours : C"],
    rows: OPTIONS.map(([options, title]) => [
      title,
      cost("c", options),
      cost("ours", options),
      relative("c", options),
      relative("ours", options),
      ratio(medianRatio(costs("ours", options), costs("c", options))),
    ]),
  };
}
