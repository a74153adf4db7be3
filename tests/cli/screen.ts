/** A terminal as far as redrawing in place needs one. @module */

/** The lines of a terminal, with those that have left it at the top. */
export class Screen {
  readonly #columns: number;
  readonly #rows: number;
  readonly #lines: string[] = [""];
  #row = 0;
  #column = 0;

  /** @param columns Its width. @param rows Its height. */
  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  /** Everything that is, or was, on it. */
  get text(): string {
    return this.#lines.join("\n");
  }

  /** The line on which the cursor is. */
  get cursor(): { row: number; column: number } {
    return { row: this.#row, column: this.#column };
  }

  /** Takes what a program writes; the line discipline makes `\r\n` of each `\n`. */
  write(text: string): void {
    // deno-lint-ignore no-control-regex
    for (const [token, parameter, command] of text.matchAll(/\x1b\[([\d;]*)([A-Za-z])|[^]/gu)) {
      if (command !== undefined) this.#control(command, parameter);
      else if (token === "\n") this.#newLine();
      else if (token === "\r") this.#column = 0;
      else this.#put(token);
    }
  }

  #control(command: string, parameter: string): void {
    switch (command) {
      case "A":
        // A terminal has no way up to what has left it.
        this.#row = Math.max(this.#row - Number(parameter), this.#lines.length - this.#rows, 0);
        return;
      case "G":
        this.#column = Math.max(Number(parameter) - 1, 0);
        return;
      case "K":
        if (parameter !== "2") throw new Error(`an erasure of ${parameter}`);
        this.#lines[this.#row] = "";
        return;
      case "J":
        this.#lines.splice(this.#row + 1);
        this.#lines[this.#row] = this.#lines[this.#row].slice(0, this.#column);
        return;
      case "m":
        return;
    }
    throw new Error(`a control sequence that nobody expected: ${parameter}${command}`);
  }

  #newLine(): void {
    this.#row++;
    this.#column = 0;
    if (this.#row === this.#lines.length) this.#lines.push("");
  }

  #put(character: string): void {
    if (this.#column === this.#columns) this.#newLine();
    const line = this.#lines[this.#row].padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column++;
  }
}
