/**
 * The matrix as text: a row for what is shown, a column for with whom.
 *
 * @module
 */

import type { Outcome } from "../cell.ts";
import type { Column, SpCell } from "./cell.ts";

const MARKS = { passed: "ok", failed: "FAIL", skipped: "skip" };
const MARK_WIDTH = 5;

/** What became of a cell of these tables. */
export type SpOutcome = Outcome & { cell: SpCell };

/** All tables, one below the other. A place where nothing can be shown is a dot. */
export function tables(outcomes: readonly SpOutcome[]): string {
  return distinct(outcomes.map(({ cell }) => cell.table)).map((name) => {
    const inside = outcomes.filter(({ cell }) => cell.table === name);
    const columns = distinct(inside.map(({ cell }) => keyOf(cell.column)));
    const byKey = new Map(inside.map(({ cell }) => [keyOf(cell.column), cell.column]));
    const rows = distinct(inside.map(({ cell }) => cell.row));
    const width = Math.max(...rows.map((row) => row.length)) + 2;
    const lines = rows.map((row) => {
      const marks = columns.map((column) => {
        const found = inside.find(({ cell }) => cell.row === row && keyOf(cell.column) === column);
        return (found === undefined ? "." : MARKS[found.result]).padEnd(MARK_WIDTH);
      });
      return `${row.padEnd(width)}${marks.join("")}`.trimEnd();
    });
    return [name, ...headings(columns.map((key) => byKey.get(key)!), width), ...lines].join("\n");
  }).join("\n\n");
}

function headings(columns: readonly Column[], width: number): string[] {
  // A heading stands above the first of the columns that share it.
  const line = (textOf: (column: Column) => string, sharedBy: (column: Column) => string) =>
    columns.reduce((text, column, index) => {
      const isFirst = index === 0 || sharedBy(columns[index - 1]) !== sharedBy(column);
      return isFirst ? text.padEnd(width + index * MARK_WIDTH) + textOf(column) : text;
    }, "");
  return [
    line(({ partner }) => partner, ({ partner }) => partner),
    line(({ carrier }) => carrier, ({ partner, carrier }) => `${partner} ${carrier}`),
    line(({ listener }) => listener === "own" ? "L" : "D", keyOf),
  ];
}

function keyOf({ partner, carrier, listener }: Column): string {
  return `${partner} ${carrier} ${listener}`;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
