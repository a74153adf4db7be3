/**
 * What a subcommand is: its words, its options, its help, and what it does.
 *
 * @module
 */

import type { OptionTable, OptionValues } from "./option.ts";
import type { Output } from "./output.ts";

/** The exit status of a command that could do its work (0), or could not (1). */
export type ExitStatus = 0 | 1;

/** A command line of the help, and what it is for. */
export interface Example {
  /** What comes after `sockeye`. */
  line: string;
  /** What it does. */
  about: string;
}

/** What is said about commands and groups alike. */
interface Described {
  /** The word on the command line. */
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** What else there is to know, in lines of up to 100 characters. */
  readonly details?: string;
  /** How it is used; at least one. */
  readonly examples: readonly [Example, ...Example[]];
}

/** What follows a command: a placeholder, and what it stands for. */
export type Operand = readonly [placeholder: string, about: string];

/** What a command is run with. */
export interface Invocation<Table extends OptionTable = OptionTable> {
  /** The options. */
  readonly options: OptionValues<Table>;
  /** What was given for each of the command's operands, as far as it was given. */
  readonly operands: readonly string[];
  /** Standard output. */
  readonly output: Output;
  /** Aborted by Ctrl-C, by SIGTERM, and when nobody reads the output any more: time to end gracefully. */
  readonly signal: AbortSignal;
}

/** A subcommand. */
export interface Command<Table extends OptionTable = OptionTable> extends Described {
  /** What follows the command: a placeholder, and what it stands for. */
  readonly operands: readonly Operand[];
  /** What may follow that. */
  readonly optionalOperands?: readonly Operand[];
  /** The options. */
  readonly options: Table;
  /**
   * Does the work.
   *
   * @throws {UsageError} The command line makes no sense; nothing has happened.
   */
  run(invocation: Invocation<Table>): Promise<ExitStatus>;
}

/**
 * A subcommand that stands in for a program of somebody else: its words are spelled as there, and it owns standard output,
 * signals and exit statuses.
 */
export interface StandIn extends Described {
  /** Its options, for the help alone. */
  readonly options: OptionTable;
  /** The exit statuses, for the help: a sentence. */
  readonly exitStatus: string;
  /** Does the work, and gives the exit status; `"help"` where that is wanted. */
  standIn(words: readonly string[]): Promise<number | "help">;
}

/** A word that several subcommands follow. */
export interface CommandGroup extends Described {
  /** The subcommands. */
  readonly commands: readonly Node[];
}

/** What a word of the command line can lead to. */
export type Node = Command | StandIn | CommandGroup;

/** Declares a command, with the types of its options. */
export function command<Table extends OptionTable>(definition: Command<Table>): Command<Table> {
  return definition;
}
