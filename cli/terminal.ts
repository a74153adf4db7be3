/** What standard output is, where it is a terminal. @module */

import process from "node:process";

/** A terminal, as far as it matters to what is drawn on it. */
export interface Terminal {
  /** How many characters a line has. */
  readonly columns: number;
  /** How many lines there are. */
  readonly rows: number;
  /** Whether to use colours. */
  readonly hasColours: boolean;
  /** Whether it shows more than ASCII. */
  readonly hasUnicode: boolean;
}

/** What terminals have had since the VT100; for those that don't say. */
const USUAL = { columns: 80, rows: 24 };

/** How standard output stands as a terminal now; undefined where it is none, or one that can't move its cursor. */
export function terminal(): Terminal | undefined {
  const { stdout, env } = process;
  if (!stdout.isTTY || env.TERM === "dumb") return undefined;
  return {
    columns: stdout.columns || USUAL.columns,
    rows: stdout.rows || USUAL.rows,
    hasColours: hasColours(),
    hasUnicode: isUnicode(env.LC_ALL || env.LC_CTYPE || env.LANG),
  };
}

/** Colours are for terminals, and for those who want them: see no-color.org. */
export function hasColours(): boolean {
  return process.stdout.isTTY && !process.env.NO_COLOR;
}

/** Where the locale says nothing, most terminals know UTF-8; `C` and `POSIX` do say something. */
function isUnicode(locale: string | undefined): boolean {
  return locale === undefined || locale === "" || /utf-?8/i.test(locale);
}
