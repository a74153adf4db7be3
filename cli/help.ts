/** The help of commands and groups. @module */

import type { Command, CommandGroup, Example } from "./command.ts";
import type { Option } from "./option.ts";

const PROGRAM = "sockeye";
const WIDTH = 100;

const HELP_ROW: Row = ["-h, --help", "show this help"];
const EXIT_STATUS = "Exit status: 0 fine, 1 failed, 2 usage.";

type Row = readonly [left: string, right: string];

/** The help of a group; `path` are the words that lead to it. */
export function groupHelp(group: CommandGroup, path: readonly string[], extraRows: readonly Row[] = []): string {
  const commands = group.commands.map(({ name, summary }): Row => [name, summary]);
  return sections(
    group.summary,
    `Usage: ${[PROGRAM, ...path].join(" ")} COMMAND`,
    group.details,
    table("Commands", commands),
    table("Options", [...extraRows, HELP_ROW]),
    examples(group.examples),
    `${[PROGRAM, ...path].join(" ")} COMMAND --help tells more. ${EXIT_STATUS}`,
  );
}

/** The help of a command; `path` are the words that lead to it, its own included. */
export function commandHelp(
  command: Omit<Command, "run">,
  path: readonly string[],
  exitStatus: string = EXIT_STATUS,
): string {
  const options = Object.entries(command.options).map((
    [name, option],
  ): Row => [optionForm(name, option), option.about]);
  const { optionalOperands = [] } = command;
  const operands = [...command.operands, ...optionalOperands];
  const placeholders = [
    ...command.operands.map(([placeholder]) => placeholder),
    ...optionalOperands.map(([placeholder]) => `[${placeholder}]`),
  ];
  const usage = [PROGRAM, ...path, ...placeholders, "[options]"].join(" ");
  return sections(
    command.summary,
    `Usage: ${usage}`,
    command.details,
    operands.length === 0 ? undefined : table("Operands", operands),
    table("Options", [...options, HELP_ROW]),
    examples(command.examples),
    exitStatus,
  );
}

function optionForm(name: string, { short, placeholder, implied }: Option<unknown>): string {
  const value = placeholder === undefined ? "" : implied === undefined ? ` ${placeholder}` : `[=${placeholder}]`;
  return `${short === undefined ? "    " : `-${short}, `}--${name}${value}`;
}

function examples(list: readonly Example[]): string {
  return `Examples:\n${list.map(({ line, about }) => `  ${PROGRAM} ${line}\n      ${about}`).join("\n")}`;
}

function table(title: string, rows: readonly Row[]): string {
  const left = Math.max(...rows.map(([text]) => text.length));
  const lines = rows.flatMap(([text, about]) =>
    wrap(about, WIDTH - left - 4).map((line, index) => `  ${(index === 0 ? text : "").padEnd(left)}  ${line}`)
  );
  return [`${title}:`, ...lines].join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function sections(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join("\n\n");
}
