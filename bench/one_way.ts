/**
 * Datagrams one way from one process to another.
 *
 * @module
 */

import { Peer } from "./peer.ts";
import { hasTwoProcessors, inC, onDeno, onNode, onProcessor, output, SocketFolder, version } from "./programs.ts";
import { bytes, percent, perSecond, ratio, type Section, type Table } from "./report.ts";
import { alternate, median, medianRatio, type Rounds } from "./rounds.ts";
import { type Settings, SIZES } from "./settings.ts";

const BATCH = "32";
/** Longer than the queue of a unix socket is by default, which is 10 messages. */
const LONG_QUEUE = 512;

/** What a run over one way gave. */
export interface OneWay {
  /** Messages per second at the receiver. */
  rate: number;
  /** Messages per second that the sender got rid of. */
  sentRate: number;
  /** The share that did not arrive. */
  loss: number;
}

/** What messages travel over. */
export interface Way {
  transport: "unix" | "udp";
  caption: string;
  /** `net.unix.max_dgram_qlen` for the receiver, in a network namespace of its own. */
  queue?: number;
}

const WAYS: readonly Way[] = [
  { transport: "unix", caption: "unix datagrams, queue of 10 messages (the default)" },
  { transport: "unix", caption: `unix datagrams, queue of ${LONG_QUEUE} messages`, queue: LONG_QUEUE },
  { transport: "udp", caption: "UDP over loopback" },
];

type Contender = "c32" | "ours32" | "pooled32" | "c1" | "ours1" | "pooled1" | "into1" | "deno" | "node";

/** Measures one-way rates. */
export async function oneWay(settings: Settings): Promise<Section> {
  using sockets = new SocketFolder();
  const c = inC("datagram");
  const ours = onDeno("our_datagram.ts");
  const deno = onDeno("deno_datagram.ts", "--unstable-net");
  const node = onNode("node_datagram.mjs");
  const hasNode = version("node") !== undefined;
  const isPinned = hasTwoProcessors();
  const tables: Table[] = [];

  for (const way of WAYS) {
    if (way.queue !== undefined && !canSetQueue()) {
      settings.log(`${way.caption}: left out, for it needs the right to make a network namespace`);
      continue;
    }
    const results = new Map<number, Partial<Record<Contender, Rounds<OneWay>>>>();
    for (const size of SIZES) {
      const run = (program: string[], style: string) => () =>
        measure(program, style, size, way, sockets, isPinned, settings);
      const contenders: Partial<Record<Contender, () => Promise<OneWay>>> = {
        c32: run(c, BATCH),
        ours32: run(ours, BATCH),
        pooled32: run(ours, `${BATCH}pooled`),
        c1: run(c, "1"),
        ours1: run(ours, "1"),
        pooled1: run(ours, "1pooled"),
        into1: run(ours, "into"),
        deno: run(deno, "1"),
      };
      if (way.transport === "udp" && hasNode) contenders.node = run(node, "1");
      results.set(
        size,
        await alternate(
          contenders as Record<Contender, () => Promise<OneWay>>,
          settings.rounds,
          (name, { rate, loss }) =>
            settings.log(`${way.caption}, ${bytes(size)}, ${name}: ${perSecond(rate)}/s, lost ${percent(loss)}`),
        ),
      );
    }
    tables.push(rateTable(way, results), ratioTable(way, results));
  }
  return {
    title: "One way across two processes",
    method: METHOD,
    tables,
  };
}

const METHOD =
  `Messages per second that arrive in the receiving process. Each process has a processor of its own; the receiver is
bound, the sender connected to it; both run as fast as they can. "× 32" is \`sendmmsg\`/\`recvmmsg\` by 32 in C,
\`sendBatch\`/\`receiveBatch\` in ours; "pooled" is ours with that option. "× 1" is \`sendto\`/\`recvfrom\` in C,
\`await send\` and \`for await\` in ours; "into" is \`receiveInto\` one buffer again and again, as C does, from batches. Deno is
\`Deno.listenDatagram\`, Node is \`node:dgram\` (which has no unix sockets) with 32 sends under way. UDP has a receive
buffer of 4 MiB, but for Deno's own, which can't set it.`;

/** Runs a program as receiver and as sender. */
export async function measure(
  program: readonly string[],
  style: string,
  size: number,
  { transport, queue }: Way,
  sockets: SocketFolder,
  isPinned: boolean,
  { runMs, warmUpMs }: Settings,
): Promise<OneWay> {
  const at = transport === "unix" ? sockets.path() : "0";
  const on = (processor: number, command: string[]) => isPinned ? onProcessor(processor, command) : command;
  const receive = on(1, [...program, "receive", transport, at, String(size), style, String(warmUpMs)]);
  await using receiver = new Peer(queue === undefined ? receive : withQueue(queue, receive));
  const { ready } = await receiver.answer();
  const send = on(0, [...program, "send", transport, String(ready), String(size), style, String(runMs)]);
  await using sender = new Peer(send);
  const { sent, seconds: spent } = await sender.answer();
  const { received, seconds, total } = await receiver.answer();
  await Promise.all([sender.end(), receiver.end()]);
  return {
    rate: Number(received) / Number(seconds),
    sentRate: Number(sent) / Number(spent),
    loss: 1 - Number(total) / Number(sent),
  };
}

/** The length of the queue is the receiver's, taken from its network namespace when the socket is made. */
function withQueue(length: number, command: readonly string[]): string[] {
  const script = 'echo "$0" > /proc/sys/net/unix/max_dgram_qlen && exec "$@"';
  return ["unshare", "--net", "sh", "-c", script, String(length), ...command];
}

function canSetQueue(): boolean {
  return output(["unshare", "--net", "true"]) !== undefined;
}

type Results = ReadonlyMap<number, Partial<Record<Contender, Rounds<OneWay>>>>;

const rates = (rounds: Rounds<OneWay>) => rounds.map(({ rate }) => rate);

function rateTable({ transport, caption }: Way, results: Results): Table {
  const names: [Contender, string][] = [
    ["c32", "C × 32"],
    ["ours32", "ours × 32"],
    ["pooled32", "pooled"],
    ["c1", "C × 1"],
    ["ours1", "ours × 1"],
    ["pooled1", "pooled"],
    ["into1", "into"],
    ["deno", "Deno"],
    ["node", "Node"],
  ];
  const shown = names.filter(([name]) => [...results.values()].every((result) => result[name] !== undefined));
  const rows = [...results].map(([size, result]) => [
    bytes(size),
    ...shown.map(([name]) => {
      const rate = perSecond(median(rates(result[name]!)));
      const loss = median(result[name]!.map((round) => round.loss));
      return transport === "udp" && loss >= 0.0005 ? `${rate} (−${percent(loss)})` : rate;
    }),
  ]);
  const remark = transport === "udp" ? "; in brackets what was lost" : "";
  return { caption: `${caption}: messages/s${remark}`, columns: ["message", ...shown.map(([, title]) => title)], rows };
}

function ratioTable({ caption }: Way, results: Results): Table {
  const pairs: [Contender, Contender, string][] = [
    ["ours32", "c32", "ours × 32 : C"],
    ["pooled32", "c32", "pooled × 32 : C"],
    ["ours1", "c1", "ours × 1 : C"],
    ["pooled1", "c1", "pooled × 1 : C"],
    ["into1", "c1", "into : C"],
    ["pooled32", "deno", "pooled × 32 : Deno"],
    ["c32", "deno", "C × 32 : Deno"],
    ["pooled32", "node", "pooled × 32 : Node"],
    ["c32", "node", "C × 32 : Node"],
  ];
  const shown = pairs.filter(([a, b]) => [...results.values()].every((result) => result[a] && result[b]));
  const rows = [...results].map(([size, result]) => [
    bytes(size),
    ...shown.map(([a, b]) => ratio(medianRatio(rates(result[a]!), rates(result[b]!)))),
  ]);
  return { caption: `${caption}: ratios`, columns: ["message", ...shown.map(([, , title]) => title)], rows };
}
