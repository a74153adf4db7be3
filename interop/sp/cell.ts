/**
 * A cell of the matrix of the Scalability Protocols: where it stands in the table, and who meets whom.
 *
 * @module
 */

import type { Cell, CellContext } from "../cell.ts";
import { type Carrier, freshUrl } from "./place.ts";
import { Peer, type PeerKind } from "./remote.ts";
import { connect, type End, has, type Mode, open, type Role, type Settings } from "./roles.ts";

/** Programs that are not ours to change. */
export type CatKind = "nngcat" | "nanocat";

/** A column of the table: who is on the other side, over what, and who listens. */
export interface Column {
  readonly partner: PeerKind | CatKind;
  readonly carrier: Carrier;
  /** Of the two ends: ours, or that of the partner. */
  readonly listener: "own" | "other";
}

/** A cell with a place. */
export interface SpCell extends Cell {
  /** Which of the tables. */
  readonly table: string;
  /** What is shown in its row. */
  readonly row: string;
  readonly column: Column;
}

/** The columns for some partners. */
export function columns<Partner extends Column["partner"]>(
  ...partners: readonly Partner[]
): (Column & { partner: Partner })[] {
  return partners.flatMap((partner) =>
    (["ipc", "tcp"] as const).flatMap((carrier) =>
      (["own", "other"] as const).map((listener) => ({ partner, carrier, listener }))
    )
  );
}

/** As in a line: `"libnng, ipc, we listen"`. */
export function nameOf({ partner, carrier, listener }: Column): string {
  return `${partner}, ${carrier}, ${listener === "own" ? "we listen" : "they listen"}`;
}

/** Puts a cell into a row. */
export function cell(
  table: string,
  row: string,
  column: Column,
  run: (context: CellContext) => Promise<void>,
): SpCell {
  return { table, row, column, group: table, name: `${row}: ${nameOf(column)}`, timeoutMs: CELL_LIMIT_MS, run };
}

const CELL_LIMIT_MS = 180_000;

/** Who has the cell's own side: Sockeye, or a peer that shows what the other one does without Sockeye. */
export interface Pairing extends Column {
  readonly subject: PeerKind;
  readonly partner: PeerKind;
}

/** Whether both can do what the cell is about. */
export function isPossible({ subject, partner }: Pairing, { own, other }: Role): boolean {
  return has(subject, own) && has(partner, other);
}

/** Two connected ends, and where. */
export interface Meeting {
  own: End;
  other: End;
  url: string;
}

/** What is particular in a cell. */
export interface MeetOptions {
  /** Whether our side is killed in it. @default {false} */
  ownIsForItself?: boolean;
  /** How our socket is used. @default {"cooked"} */
  ownMode?: Mode;
  /** Options of sockets, by their pattern. */
  settings?: Record<string, Settings>;
}

/** Starts both sides and connects them. */
export async function meet(
  context: CellContext,
  pairing: Pairing,
  role: Role,
  { ownIsForItself, ownMode = "cooked", settings = {} }: MeetOptions = {},
): Promise<Meeting> {
  const start = (kind: PeerKind, pattern: string, mode: Mode, isForItself = false) =>
    open(Peer.start(kind, context, isForItself), "s", pattern, mode, settings[pattern]);
  const own = await start(pairing.subject, role.own, ownMode, ownIsForItself);
  const other = await start(pairing.partner, role.other, "cooked");
  const url = freshUrl(pairing.carrier);
  await connect(own, other, url, pairing.listener);
  return { own, other, url };
}
