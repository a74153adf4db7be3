/**
 * Ours beside nng and zeromq.js over each kind of transport, as tables.
 *
 * @module
 */

import { SocketFolder } from "./programs.ts";
import { ratio, type Table } from "./report.ts";
import { alternate, median, medianRatio, type Rounds } from "./rounds.ts";
import type { Settings } from "./settings.ts";
import { type Libraries, type Library, LIBRARY_TITLES } from "./sp_peers.ts";

/** One way to do it. */
export interface Contender {
  library: Library;
  scheme: "ipc" | "unixgram" | "tcp" | "inproc";
  isSync: boolean;
}

/** What is compared in one table. */
export interface Ground {
  caption: string;
  contenders: readonly Contender[];
}

/** Everything over unix sockets, where the peers have ipc only. */
export const UNIX: Ground = {
  caption: "unix sockets",
  contenders: [...peersOver("ipc"), ...oursOver("ipc"), ...oursOver("unixgram")],
};

/** Everything over TCP. */
export const TCP: Ground = { caption: "TCP over loopback", contenders: [...peersOver("tcp"), ...oursOver("tcp")] };

function peersOver(scheme: Contender["scheme"]): Contender[] {
  return [{ library: "nng", scheme, isSync: false }, { library: "zeromq", scheme, isSync: false }];
}

function oursOver(scheme: Contender["scheme"]): Contender[] {
  return [{ library: "ours", scheme, isSync: false }, { library: "ours", scheme, isSync: true }];
}

/** What is measured, and how it is shown. */
export interface Comparison<Row> {
  /** What the figures are: "messages/s". */
  unit: string;
  /** The heading of the rows. */
  column: string;
  rows: ReadonlyMap<string, Row>;
  format: (value: number) => string;
  /** Whether a small figure is a good one. @default {false} */
  isTime?: boolean;
  measure: (program: readonly string[], contender: Contender, url: string, row: Row) => Promise<number>;
}

/** Measures each contender in turn, and gives a table of figures and one of ratios. */
export async function compare<Row>(
  { caption, contenders }: Ground,
  { unit, column, rows, format, isTime = false, measure }: Comparison<Row>,
  programs: Libraries,
  settings: Settings,
): Promise<Table[]> {
  using sockets = new SocketFolder();
  const present = contenders.filter(({ library }) => programs[library] !== undefined);
  const results = new Map<string, Record<string, Rounds<number>>>();
  for (const [name, row] of rows) {
    const runs = present.map((contender) => {
      const run = () => measure(programs[contender.library]!, contender, urlFor(contender, sockets), row);
      return [titleOf(contender), run] as const;
    });
    const log = (title: string, value: number) =>
      settings.log(`${caption}, ${name}, ${title}: ${format(value)} ${unit}`);
    results.set(name, await alternate<string, number>(Object.fromEntries(runs), settings.rounds, log));
  }

  const titles = present.map(titleOf);
  const peers = present.filter(({ library }) => library !== "ours").map(titleOf);
  const pairs = present.filter(({ library }) => library === "ours").map(titleOf)
    .flatMap((ours) => peers.map((peer) => [ours, peer] as const));
  const speed = (ours: Rounds<number>, peer: Rounds<number>) =>
    isTime ? medianRatio(peer, ours) : medianRatio(ours, peer);
  const figures: Table = {
    caption: `${caption}: ${unit}`,
    columns: [column, ...titles],
    rows: [...results].map(([name, result]) => [name, ...titles.map((title) => format(median(result[title])))]),
  };
  const ratios: Table = {
    caption: `${caption}: how many times as fast ours is`,
    columns: [column, ...pairs.map(([ours, peer]) => `${ours} : ${peer}`)],
    rows: [...results].map(([name, result]) => [
      name,
      ...pairs.map(([ours, peer]) => ratio(speed(result[ours], result[peer]))),
    ]),
  };
  return pairs.length === 0 ? [figures] : [figures, ratios];
}

function titleOf({ library, scheme, isSync }: Contender): string {
  return library === "ours" ? `${scheme}${isSync ? ", blocking" : ""}` : `${LIBRARY_TITLES[library]} ${scheme}`;
}

function urlFor({ scheme }: Contender, sockets: SocketFolder): string {
  if (scheme === "tcp") return "tcp://127.0.0.1:0";
  return scheme === "inproc" ? "inproc://bench" : `${scheme}://${sockets.path()}`;
}
