/**
 * A path as a table for a terminal: pure text, fitted to a width.
 *
 * @module
 */

import { extensionTexts } from "../packets/extensions.ts";
import { headline, type LinesOptions, shown } from "./lines.ts";
import { type Hop, losses, type Path, type Probe, type Responder, responders } from "./path.ts";

/** The terminal, as far as the table depends on it. */
export interface TableLook {
  /** How many characters a line has. */
  readonly columns: number;
  /** Whether to use colours. */
  readonly hasColours: boolean;
  /** Whether to use more than ASCII. */
  readonly hasUnicode: boolean;
}

/** How a text looks, by the numbers of ECMA-48, section 8.3.117. */
const STYLES = { plain: 0, bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

type Style = keyof typeof STYLES;

/** A text and its look. */
type Piece = readonly [text: string, style: Style];

/** One column of the table. */
interface Column {
  readonly title: string;
  readonly isLeft?: boolean;
  /** The narrowest that makes sense; columns that don't fit are left out, the last of {@linkcode SACRIFICES} first. */
  readonly width: number;
  cell(row: Row): Piece;
}

/** A line of the table: a hop, or another router of the hop above. */
interface Row {
  readonly hop: Hop;
  readonly responder: Responder;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly isDestination: boolean;
}

/** Between two columns. */
const GAP = "  ";

/** What goes where the terminal is narrow, the first first. */
const SACRIFICES = ["Name", "Worst", "Best", "Probes", "Avg", "Last", "Loss"];

/** Room for `1234`, `123.4`, `12.34` or `1.234`. */
const TIME_WIDTH = 5;
const MOST_PROBES_SHOWN = 20;

const BARS = { unicode: "▁▂▃▄▅▆▇█", ascii: "_.-~=+*#" };
const LOST = { unicode: "×", ascii: "x" };
const PENDING = { unicode: "·", ascii: " " };
const ELLIPSIS = { unicode: "…", ascii: ">" };

/** The lines of the table, none of them wider than the terminal. */
export function pathTable(path: Path, options: LinesOptions, look: TableLook): string[] {
  const { near, far } = split(path.hops());
  const rows = near.flatMap((hop) => rowsOf(hop, path));
  const columns = fitting(columnsFor(rows, path, options, look), look.columns);
  const { target } = path;
  const lines: Piece[][] = target === undefined ? [] : [
    [[headline(target), "plain"]],
    [[columns.map(({ title, width, isLeft }) => pad(title, width, isLeft)).join(GAP).trimEnd(), "bold"]],
  ];
  for (const row of rows) {
    lines.push(rowPieces(row, columns, look));
    if (options.showsExtensions) {
      for (const text of extensionTexts(row.responder.extensions)) lines.push([[`       ${text}`, "dim"]]);
    }
    if (row.isLast && row.hop.mtu !== undefined) lines.push([[`       MTU ${row.hop.mtu} on the way here`, "yellow"]]);
  }
  if (far.length > 0) lines.push([[`       nothing from ${far[0].ttl} to ${far[far.length - 1].ttl} either`, "dim"]]);
  return lines.map((pieces) => painted(cut(pieces, look), look));
}

/** The hops that have a row, and those behind the last answer that need none: silence after silence. */
function split(hops: readonly Hop[]): { near: readonly Hop[]; far: readonly Hop[] } {
  const answers = hops.map(({ probes }) => probes.some((probe) => probe?.state === "answered"));
  const rows = answers.lastIndexOf(true) + 2;
  return { near: hops.slice(0, rows), far: hops.slice(rows) };
}

/** What the table comes down to, in a line; none where the trace did not come to its end. */
export function conclusion({ target, summary }: Path, look: TableLook): string[] {
  if (target === undefined || summary === undefined) return [];
  const { reached, hops, mtu } = summary;
  const last = hops.at(-1)?.ttl ?? 0;
  const result = reached ? `reached in ${last} ${last === 1 ? "hop" : "hops"}` : `not reached within ${last} hops`;
  const text = mtu === undefined ? result : `${result}, path MTU ${mtu}`;
  return ["", painted(cut([[text, reached ? "green" : "red"]], look), look)];
}

function rowsOf(hop: Hop, path: Path): Row[] {
  const isDestination = hop.ttl === path.reachedTtl;
  const all = responders(hop);
  return all.map((responder, index) => {
    return { hop, responder, isFirst: index === 0, isLast: index === all.length - 1, isDestination };
  });
}

function columnsFor(rows: readonly Row[], path: Path, options: LinesOptions, look: TableLook): Column[] {
  const addresses = rows.map(({ responder }) => addressText(responder));
  const names = rows.map(({ responder }) => nameText(responder, path));
  const slowest = Math.max(...rows.flatMap(({ responder }) => responder.rtts), 0);
  const shownProbes = Math.min(options.queries, MOST_PROBES_SHOWN);
  return [
    { title: "Hop", width: 3, cell: ({ hop, isFirst }) => [isFirst ? String(hop.ttl) : "", "plain"] },
    {
      title: "Address",
      width: widest(["Address", ...addresses]),
      isLeft: true,
      cell: ({ responder, isDestination }) => [
        addressText(responder),
        responder.address === undefined ? "dim" : isDestination ? "bold" : "plain",
      ],
    },
    ...(options.isNumeric ? [] : [{
      title: "Name",
      width: widest(["Name", ...names]),
      isLeft: true,
      cell: ({ responder }: Row): Piece => [nameText(responder, path), "plain"],
    }]),
    { title: "Loss", width: 4, cell: ({ hop, isFirst }) => isFirst ? lossPiece(hop) : ["", "plain"] },
    timeColumn("Last", (rtts) => rtts[rtts.length - 1]),
    timeColumn("Best", (rtts) => Math.min(...rtts)),
    timeColumn("Avg", (rtts) => rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length),
    timeColumn("Worst", (rtts) => Math.max(...rtts)),
    {
      title: "Probes",
      width: Math.max("Probes".length, shownProbes),
      isLeft: true,
      cell: (row) => [sparkline(row, shownProbes, slowest, look), "green"],
    },
  ];
}

function timeColumn(title: string, pick: (rtts: readonly number[]) => number): Column {
  return {
    title,
    width: TIME_WIDTH,
    cell: ({ responder: { rtts } }) => [rtts.length === 0 ? "" : timeText(pick(rtts)), "plain"],
  };
}

function addressText({ address, note }: Responder): string {
  if (address === undefined) return "*";
  return note === "" ? shown(address) : `${shown(address)} ${note}`;
}

function nameText({ address }: Responder, path: Path): string {
  const name = address === undefined ? undefined : path.nameOf(address);
  return name === undefined || name === address ? "" : shown(name);
}

function lossPiece(hop: Hop): Piece {
  const { lost, known } = losses(hop);
  if (known === 0) return ["", "plain"];
  return [`${Math.round(lost / known * 100)}%`, lost === 0 ? "green" : lost < known ? "yellow" : "red"];
}

/** Milliseconds, in at most five characters where they are less than a minute and a half. */
export function timeText(ms: number): string {
  return ms.toFixed(ms < 9.9995 ? 3 : ms < 99.995 ? 2 : ms < 999.95 ? 1 : 0);
}

/** A bar for each of the last probes, as high as its round trip; in the hop's first row a sign for those without. */
function sparkline({ hop, responder, isFirst }: Row, most: number, slowest: number, look: TableLook): string {
  const bars = [...choose(BARS, look)];
  const sign = (probe: Probe | undefined) => {
    if (probe?.state === "answered") {
      if (probe.router !== responder.address) return " ";
      const height = slowest === 0 ? 0 : Math.floor(probe.rtt / slowest * bars.length);
      return bars[Math.min(height, bars.length - 1)];
    }
    if (probe === undefined || !isFirst) return " ";
    return choose(probe.state === "pending" ? PENDING : LOST, look);
  };
  // Array.from, as map() would leave out those that were not sent.
  return Array.from(hop.probes.slice(-most), sign).join("");
}

function rowPieces(row: Row, columns: readonly Column[], look: TableLook): Piece[] {
  return columns.flatMap((column, index): Piece[] => {
    const [text, style] = column.cell(row);
    const piece: Piece = [pad(abridged(text, column.width, look), column.width, column.isLeft), style];
    return index === 0 ? [piece] : [[GAP, "plain"], piece];
  });
}

/** The columns that there is room for: a name is shortened first, then columns are left out. */
function fitting(columns: readonly Column[], room: number): Column[] {
  let left = [...columns];
  const excess = () => left.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length) - room;
  const name = left.find(({ title }) => title === "Name");
  if (name !== undefined && excess() > 0) {
    const width = Math.max("Name".length * 2, name.width - excess());
    left = left.map((column) => column === name ? { ...name, width: Math.min(width, name.width) } : column);
  }
  for (const title of SACRIFICES) {
    if (excess() <= 0) break;
    left = left.filter((column) => column.title !== title);
  }
  return left;
}

/** No line may wrap, or redrawing would not find its place. */
function cut(pieces: readonly Piece[], look: TableLook): Piece[] {
  let room = look.columns;
  return pieces.map(([text, style]): Piece => {
    const fits = abridged(text, room, look);
    room -= fits.length;
    return [fits, style];
  });
}

function painted(pieces: readonly Piece[], { hasColours }: TableLook): string {
  return pieces.map(([text, style]) => hasColours && style !== "plain" ? paint(text, style) : text).join("").trimEnd();
}

/** Blanks around a text stay plain, and so can be left out at the end of a line. */
function paint(text: string, style: Style): string {
  return text.replace(/\S(?:.*\S)?/u, (words) => `\x1b[${STYLES[style]}m${words}\x1b[0m`);
}

function abridged(text: string, width: number, look: TableLook): string {
  if (text.length <= width) return text;
  return width <= 0 ? "" : text.slice(0, width - 1) + choose(ELLIPSIS, look);
}

function pad(text: string, width: number, isLeft = false): string {
  return isLeft ? text.padEnd(width) : text.padStart(width);
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map(({ length }) => length));
}

function choose<Kind>(kinds: { unicode: Kind; ascii: Kind }, { hasUnicode }: TableLook): Kind {
  return hasUnicode ? kinds.unicode : kinds.ascii;
}
