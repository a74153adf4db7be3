/**
 * Which cells there are.
 *
 * @module
 */

import { columns, type SpCell } from "../cell.ts";
import { blockingCells } from "./blocking.ts";
import { catCells } from "./cats.ts";
import { deviceCells } from "./devices.ts";
import { exchangeCells } from "./exchange.ts";
import { promiseCells } from "./promises.ts";
import { reconnectCells } from "./reconnect.ts";

/** Sockeye and the programs of others. */
const OURS = "Sockeye with programs of others (L: we listen, D: we dial)";
/** Where these fail, Sockeye is not to blame. */
const THEIRS = "libnng with the others, as a measure (L: libnng listens, D: it dials)";

const groups = [exchangeCells, promiseCells, reconnectCells, deviceCells];

/** All cells, in the order of the table. */
export function allCells(): SpCell[] {
  return [
    ...columns("libnng", "libnanomsg").flatMap((column) => {
      const pairing = { ...column, subject: "ours" as const };
      return [...groups, blockingCells].flatMap((cells) => cells(OURS, pairing));
    }),
    ...columns("nngcat", "nanocat").flatMap((column) => catCells(OURS, { ...column, subject: "ours" })),
    ...columns("libnanomsg").flatMap((column) => {
      const pairing = { ...column, subject: "libnng" as const };
      return groups.flatMap((cells) => cells(THEIRS, pairing));
    }),
    ...columns("nngcat", "nanocat").flatMap((column) => catCells(THEIRS, { ...column, subject: "libnng" })),
  ];
}
