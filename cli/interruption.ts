/**
 * Ctrl-C and SIGTERM as an AbortSignal.
 *
 * The first asks the command to end gracefully; a second one ends the program as if nobody listened.
 *
 * @module
 */

import process from "node:process";

/** The wish of whoever uses the command that it end. */
export interface Interruption {
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Asks for the same end without one. */
  readonly interrupt: () => void;
  /** Ends the listening. */
  readonly stopListening: () => void;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Begins to listen for Ctrl-C and SIGTERM. */
export function interruption(): Interruption {
  const controller = new AbortController();
  const stopListening = () => {
    for (const name of SIGNALS) process.removeListener(name, interrupt);
  };
  const interrupt = () => {
    stopListening();
    controller.abort(new Error("interrupted"));
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  return { signal: controller.signal, interrupt, stopListening };
}
