/**
 * What the two kernels have in common for whoever runs a command on one of them.
 *
 * @module
 */

import type { Signal } from "./processes.ts";
import type { InputFrom, OutputSink } from "./streams.ts";

/** A command with everything decided, for whichever kernel runs it. */
export interface PreparedCommand {
  /** The program and its arguments. */
  argv: readonly string[];
  /** Everything that its environment holds. */
  environment: Record<string, string>;
  /** The working directory. */
  cwd: string;
  /** Standard input. */
  input: InputFrom;
  /** Standard output. */
  output: OutputSink;
  /** Standard error. */
  errors: OutputSink;
  /** The guest's memory, in MiB. */
  memoryMiB: number;
}

/** A command under way. */
export interface StartedCommand {
  /**
   * Its exit status as a shell counts it. Fulfilled when all output has been taken and nothing is left of the command;
   * rejected, as tidily, where the rig or a taker of output failed.
   */
  readonly status: Promise<number>;
  /** Sends a signal to its process group. */
  signal(signal: Signal): void;
  /** Ends it and everything that it started, now. */
  end(): void;
}
