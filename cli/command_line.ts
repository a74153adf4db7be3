/**
 * From the words of a command line to an exit status: finds the command, reads its options, runs it, tells what went wrong.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import type { Command, CommandGroup } from "./command.ts";
import { commandHelp, groupHelp } from "./help.ts";
import { interruption } from "./interruption.ts";
import { Output } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "./version.ts";
import { warn } from "./warning.ts";

const FINE = 0;
const FAILED = 1;
const USAGE = 2;

/** Runs what the words say, and gives the exit status. */
export async function runCommandLine(words: readonly string[], root: CommandGroup): Promise<number> {
  // `deno task sockeye -- doctor` hands over the two dashes as well.
  const given = words[0] === "--" ? words.slice(1) : words;
  const { found, path, rest } = find(given, root);
  try {
    return "commands" in found ? runGroup(found, path, rest) : await runCommand(found, path, rest);
  } catch (error) {
    if (error instanceof UsageError) {
      warn(`${error.message}; see ${["sockeye", ...path, "--help"].join(" ")}`);
      return USAGE;
    }
    warn(error instanceof Error ? error.message : String(error));
    return FAILED;
  }
}

function find(words: readonly string[], root: CommandGroup) {
  const path: string[] = [];
  let found: Command | CommandGroup = root;
  while ("commands" in found) {
    const next: Command | CommandGroup | undefined = found.commands.find(({ name }) => name === words[path.length]);
    if (next === undefined) break;
    found = next;
    path.push(next.name);
  }
  return { found, path, rest: words.slice(path.length) };
}

function runGroup(group: CommandGroup, path: readonly string[], words: readonly string[]): number {
  const isRoot = path.length === 0;
  const output = new Output(false, () => {});
  const help = groupHelp(group, path, isRoot ? [["    --version", "show the version"]] : []);
  switch (words[0]) {
    case "--help":
    case "-h":
      output.print(help);
      return FINE;
    case "--version":
      if (!isRoot) break;
      output.print(`sockeye ${VERSION}`);
      return FINE;
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
  const { values, positionals } = parseWords(command, words);
  if (values.help === true) {
    new Output(false, () => {}).print(commandHelp(command, path));
    return FINE;
  }
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, option]) => [name, option.read(name, values[name])]),
  );
  checkOperands(command, positionals);
  const { signal, interrupt, stopListening } = interruption();
  try {
    const output = new Output(values.json === true, interrupt);
    return await command.run({ options, operands: positionals, output, signal });
  } finally {
    stopListening();
  }
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
    return parseArgs({ args: [...words], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(firstSentence((error as Error).message));
  }
}

/** parseArgs explains at length; what was wrong is in the first sentence. */
function firstSentence(message: string): string {
  const [sentence] = message.split(/\.(?:\s|$)|\n/);
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

function checkOperands({ operands }: Command, given: readonly string[]): void {
  if (given.length < operands.length) throw new UsageError(`${operands[given.length][0]} is missing`);
  if (given.length > operands.length) throw new UsageError(`"${given[operands.length]}" is one argument too many`);
}
