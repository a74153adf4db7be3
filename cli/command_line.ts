/**
 * From the words of a command line to an exit status: finds the command, reads its options, runs it, tells what went wrong.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import type { Command, CommandGroup, Node, StandIn } from "./command.ts";
import { commandHelp, groupHelp } from "./help.ts";
import { interruption } from "./interruption.ts";
import type { OptionTable, OptionValues } from "./option.ts";
import { Output } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "./version.ts";
import { warn } from "./warning.ts";

const FINE = 0;
const FAILED = 1;
const USAGE = 2;

/** Runs what the words say, and gives the exit status. */
export async function runCommandLine(words: readonly string[], root: CommandGroup): Promise<number> {
  const { found, path, rest } = find(words, root);
  try {
    if ("commands" in found) return runGroup(found, path, rest);
    if ("standIn" in found) return await runStandIn(found, path, rest);
    return await runCommand(found, path, rest);
  } catch (error) {
    if (error instanceof UsageError) {
      warn(`${error.message}; see ${["sockeye", ...path, "--help"].join(" ")}`);
      return USAGE;
    }
    warn(error instanceof Error ? error.message : String(error));
    return FAILED;
  }
}

/** Follows the words into the tree of commands, as far as they lead. */
export function find(
  words: readonly string[],
  root: CommandGroup,
): { found: Node; path: string[]; rest: readonly string[] } {
  // `deno task sockeye -- doctor` hands over the two dashes as well.
  const given = words[0] === "--" ? words.slice(1) : words;
  const path: string[] = [];
  let found: Node = root;
  while ("commands" in found) {
    const next: Node | undefined = found.commands.find(({ name }) => name === given[path.length]);
    if (next === undefined) break;
    found = next;
    path.push(next.name);
  }
  return { found, path, rest: given.slice(path.length) };
}

/**
 * Reads what follows a command's name; `"help"` where that is wanted.
 *
 * @throws {UsageError} The command takes no such thing.
 */
export function readWords(
  command: Command,
  words: readonly string[],
): { options: OptionValues<OptionTable>; operands: string[] } | "help" {
  const { values, positionals } = parseWords(command, words);
  if (values.help === true) return "help";
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, option]) => [name, option.read(name, values[name])]),
  );
  const { operands, optionalOperands = [] } = command;
  if (positionals.length < operands.length) throw new UsageError(`${operands[positionals.length][0]} is missing`);
  const most = operands.length + optionalOperands.length;
  if (positionals.length > most) throw new UsageError(`"${positionals[most]}" is one argument too many`);
  return { options, operands: positionals };
}

function parseWords(
  command: Command,
  words: readonly string[],
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const kinds = Object.entries(command.options).map(([name, { placeholder, short }]) => {
    const type = placeholder === undefined ? "boolean" as const : "string" as const;
    return [name, short === undefined ? { type } : { type, short }] as const;
  });
  const options = { ...Object.fromEntries(kinds), help: { type: "boolean", short: "h" } } as const;
  try {
    return parseArgs({ args: withImplied(command, words), options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(firstSentence((error as Error).message));
  }
}

/** The words, with the value of each option that may stand alone and does; parseArgs knows no such options. */
function withImplied({ options }: Command, words: readonly string[]): string[] {
  const end = words.indexOf("--");
  return words.map((word, index) => {
    const isOption = word.startsWith("--") && (end < 0 || index < end);
    const implied = isOption ? options[word.slice(2)]?.implied : undefined;
    return implied === undefined ? word : `${word}=${implied}`;
  });
}

/** parseArgs explains at length; what was wrong is in the first sentence. */
function firstSentence(message: string): string {
  const [sentence] = message.split(/\.(?:\s|$)|\n/);
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

function runGroup(group: CommandGroup, path: readonly string[], words: readonly string[]): number {
  const isRoot = path.length === 0;
  const help = groupHelp(group, path, isRoot ? [["    --version", "show the version"]] : []);
  switch (words[0]) {
    case "--help":
    case "-h":
      return show(help);
    case "--version":
      if (!isRoot) break;
      return show(`sockeye ${VERSION}`);
    case undefined:
      process.stderr.write(`${help}\n`);
      return USAGE;
  }
  const names = group.commands.map(({ name }) => name).join(", ");
  throw new UsageError(
    words[0].startsWith("-")
      ? `there is no option ${words[0]} here; options of a command come after its name`
      : `there is no command "${words[0]}"; there are ${names}`,
  );
}

async function runCommand(command: Command, path: readonly string[], words: readonly string[]): Promise<number> {
  const read = readWords(command, words);
  if (read === "help") return show(commandHelp(command, path));
  const { signal, interrupt, stopListening } = interruption();
  try {
    const output = new Output(read.options.json === true, interrupt);
    return await command.run({ ...read, output, signal });
  } finally {
    stopListening();
  }
}

async function runStandIn(command: StandIn, path: readonly string[], words: readonly string[]): Promise<number> {
  const status = await command.standIn(words);
  return status === "help" ? show(commandHelp({ ...command, operands: [] }, path, command.exitStatus)) : status;
}

function show(text: string): number {
  new Output(false, () => {}).print(text);
  return FINE;
}
