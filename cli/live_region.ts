/**
 * The last lines of a terminal, drawn again and again in the same place.
 *
 * The cursor stays visible, below them, between two drawings; nothing about the terminal is changed, so that there is
 * nothing to restore, however the program ends.
 *
 * @module
 */

const CSI = "\x1b[";
const UP = (lines: number) => lines > 0 ? `\r${CSI}${lines}A` : "\r";
// Before a line is written, as erasing after a full one would take its last character.
const ERASE_LINE = `${CSI}2K`;
const ERASE_BELOW = `${CSI}J`;

/** Lines that are drawn over those that were drawn before. */
export class LiveRegion {
  readonly #write: (text: string) => void;
  #height = 0;

  /** @param write Writes to the terminal. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /**
   * Draws lines over those of before.
   *
   * @param lines Each at most as wide as the terminal.
   * @param rows The height of the terminal. Of more lines, the last are shown: a terminal can't draw above its top.
   */
  draw(lines: readonly string[], rows: number): void {
    // The cursor has a line of its own.
    const shown = lines.slice(-Math.max(1, rows - 1));
    this.#replace(shown);
    this.#height = shown.length;
  }

  /** Draws the lines for good, all of them. */
  finish(lines: readonly string[]): void {
    this.#replace(lines);
    this.#height = 0;
  }

  #replace(lines: readonly string[]): void {
    const text = lines.map((line) => `${ERASE_LINE}${line}\n`).join("");
    this.#write(`${UP(this.#height)}${text}${ERASE_BELOW}`);
  }
}
