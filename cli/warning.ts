/** What is wrong, in one line on standard error. @module */

import process from "node:process";

/** Prints a line on standard error, whatever the message looks like. */
export function warn(message: string): void {
  process.stderr.write(`sockeye: ${message.trim().replace(/\s*\n\s*/g, " ")}\n`);
}
