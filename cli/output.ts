/**
 * What a subcommand prints: lines for people, or one JSON object a line.
 *
 * It owns standard output. A reader that goes away (`sockeye … | head -1`) ends the command quietly.
 *
 * @module
 */

import { once } from "node:events";
import process from "node:process";

/** Something to tell, with its kind. */
export interface Report {
  /** The kind, for instance `"message"`. */
  type: string;
  [field: string]: unknown;
}

/** Standard output, in one of its two forms. */
export class Output {
  /** Whether objects are printed instead of text. */
  readonly isJson: boolean;
  #isFull = false;
  #isGone = false;

  /**
   * @param isJson Whether to print JSON.
   * @param onGone Called when nobody reads any more.
   */
  constructor(isJson: boolean, onGone: () => void) {
    this.isJson = isJson;
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      this.#isGone = true;
      onGone();
    });
  }

  /** Prints a report: the object, or the text that stands for it. Text may have several lines; none prints nothing. */
  report(report: Report, toText: (report: Report) => string | undefined): void {
    const line = this.isJson ? JSON.stringify(report) : toText(report);
    if (line !== undefined) this.print(line);
  }

  /** Prints a line as it is. */
  print(line: string): void {
    this.write(`${line}\n`);
  }

  /** Writes text that is no line of its own, for instance where on a terminal the next goes. */
  write(text: string): void {
    if (!this.#isGone) this.#isFull = !process.stdout.write(text);
  }

  /** Resolves when the reader keeps up, so that a command that prints without end needs no memory without end. */
  async ready(signal: AbortSignal): Promise<void> {
    if (!this.#isFull || this.#isGone || signal.aborted) return;
    await once(process.stdout, "drain", { signal }).catch(() => {});
    this.#isFull = false;
  }
}
