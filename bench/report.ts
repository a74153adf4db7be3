/** Results as Markdown. @module */

/** Rows under a heading. */
export interface Table {
  caption: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** What one benchmark found out. */
export interface Section {
  title: string;
  /** What was done, in a paragraph. */
  method: string;
  tables: readonly Table[];
}

/** A section as Markdown. */
export function sectionToMarkdown({ title, method, tables }: Section): string {
  return [`## ${title}`, method, ...tables.map(tableToMarkdown)].join("\n\n") + "\n";
}

/** A table as Markdown, padded as `deno fmt` does it. */
function tableToMarkdown({ caption, columns, rows }: Table): string {
  const widths = columns.map((column, i) => Math.max(3, column.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(" | ")} |`;
  const ruler = `| ${
    widths.map((width, i) => i === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":").join(" | ")
  } |`;
  return [`**${caption}**`, "", line(columns), ruler, ...rows.map(line)].join("\n");
}

/** A number of bytes: "64 B", "60 KiB". */
export function bytes(count: number): string {
  return count < 1024 ? `${count} B` : `${count / 1024} KiB`;
}

/** What stands where a run was too short to count anything. */
const NOTHING = "–";

/** Messages per second: "1,310,000". */
export function perSecond(rate: number): string {
  if (!Number.isFinite(rate)) return NOTHING;
  return Number(rate.toPrecision(3)).toLocaleString("en");
}

/** A ratio: "0.93". */
export function ratio(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  return value >= 9.95 ? value.toFixed(0) : value >= 1.995 ? value.toFixed(1) : value.toFixed(2);
}

/** Microseconds: "3.6". */
export function microseconds(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  return value < 99.5 ? value.toFixed(1) : value.toFixed(0);
}

/** A share: "0.4 %". */
export function percent(share: number): string {
  return share === 0 ? "0" : `${(share * 100).toFixed(1)} %`;
}
