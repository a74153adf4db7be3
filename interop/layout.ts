/**
 * Asks a C compiler what names are worth: constants, struct sizes, field offsets, and what a header declares.
 *
 * The C program is generated from the questions, so that no question can be forgotten in it; a name that the headers
 * don't know comes back as unknown.
 *
 * @module
 */

import { compileC } from "./build.ts";

/** What the compiler said. */
export interface Answers {
  /** The value of each expression that compiled, by its key. */
  values: Map<string, number>;
  /** What gcc said about each of the others, by its key. */
  unknown: Map<string, string>;
}

/** Where a C program finds what it is asked for. */
export interface Question {
  /** Names the program in `.build/interop`. */
  name: string;
  /** Lines of `#include` and `#define`, or several such blocks: what one doesn't know is asked of the next. */
  headers: string | readonly string[];
  /** Integer expressions in C, by key. */
  expressions: ReadonlyMap<string, string>;
}

/** Evaluates C expressions. */
export function ask(question: Question): Answers {
  const blocks = typeof question.headers === "string" ? [question.headers] : question.headers;
  const values = new Map<string, number>();
  let open = new Map(question.expressions);
  let unknown = new Map<string, string>();
  for (const [index, block] of blocks.entries()) {
    if (open.size === 0) break;
    const answers = askOne(`${question.name}-${index}`, block, open);
    for (const [key, value] of answers.values) values.set(key, value);
    unknown = answers.unknown;
    open = new Map([...open].filter(([key]) => unknown.has(key)));
  }
  return { values, unknown };
}

function askOne(name: string, headers: string, expressions: ReadonlyMap<string, string>): Answers {
  const unknown = new Map<string, string>();
  for (;;) {
    const asked = [...expressions].filter(([key]) => !unknown.has(key));
    // One expression a line: the line number in gcc's complaint tells which it is.
    const head = [...headers.trimEnd().split("\n"), "#include <stddef.h>", "#include <stdio.h>"];
    const lines = [
      ...head,
      "static const long long values[] = {",
      ...asked.map(([, expression]) => `(long long)(${expression}),`),
      "0 };",
      "int main(void) {",
      'for (size_t i = 0; i + 1 < sizeof values / sizeof *values; i++) printf("%lld\\n", values[i]);',
      "}",
    ];
    const program = compileC({ name, source: lines.join("\n") + "\n", flags: ["-fmax-errors=0"] });
    if (program.path !== undefined) {
      const numbers = linesOf(program.path).map(Number);
      return { values: new Map(asked.map(([key], index) => [key, numbers[index]])), unknown };
    }
    const before = unknown.size;
    for (const [, line, message] of program.stderr.matchAll(/\.c:(\d+):\d+: error: (.*)/g)) {
      const at = asked[Number(line) - head.length - 2];
      if (at !== undefined && !unknown.has(at[0])) unknown.set(at[0], message);
    }
    if (unknown.size === before) throw new Error(`gcc does not compile the questions of ${name}:\n${program.stderr}`);
  }
}

/** Runs a program and gives the lines that it prints. */
export function linesOf(path: string): string[] {
  const output = new Deno.Command(path, { stdin: "null" }).outputSync();
  if (!output.success) throw new Error(`${path} ended with status ${output.code}`);
  return new TextDecoder().decode(output.stdout).trimEnd().split("\n");
}

/** What a header declares. */
export interface Declarations {
  /** The fields of each struct and of each struct behind a typedef, in order. */
  structs: Map<string, string[]>;
  /** The enumerators and the macros without parameters that expand to a number or to another such name. */
  constants: Set<string>;
}

/** Lists the structs and constants that one header declares itself, not those of the headers that it includes. */
export function declarationsIn(header: string): Declarations {
  const text = ownText(header);
  const structs = new Map<string, string[]>();
  const fieldsOf = (body: string) =>
    [...body.matchAll(/(\w+)\s*(?:\[[^\]]*\])?\s*;/g)].map(([, field]) => field).filter((field) => field !== "");
  for (const [, name, body] of text.matchAll(/\bstruct\s+(\w+)\s*\{([^{}]*)\}/g)) structs.set(name, fieldsOf(body));
  for (const [, body, name] of text.matchAll(/\btypedef\s+struct\s*\{([^{}]*)\}\s*(\w+)\s*;/g)) {
    structs.set(name, fieldsOf(body));
  }
  const constants = new Set<string>();
  for (const [, body] of text.matchAll(/\benum\s*\w*\s*\{([^{}]*)\}/g)) {
    for (const [, name] of body.matchAll(/(?:^|,)\s*(\w+)/g)) constants.add(name);
  }
  for (const [, name] of Deno.readTextFileSync(header).matchAll(/^#define\s+(\w+)[ \t]+\(?(?:\w+|\d)\)?/gm)) {
    constants.add(name);
  }
  return { structs, constants };
}

/** The names of all macros that are defined after these lines of C. */
export function macrosOf(headers: string): string[] {
  return [...preprocess(["-dM"], headers).matchAll(/^#define (\w+)/gm)].map(([, name]) => name);
}

/** The header after the preprocessor, without what it includes. */
function ownText(header: string): string {
  let isOwn = false;
  return preprocess([], `#include "${header}"`).split("\n").filter((line) => {
    const marker = /^# \d+ "(.*?)"/.exec(line);
    if (marker !== null) isOwn = marker[1] === header;
    return isOwn && marker === null;
  }).join("\n");
}

function preprocess(flags: readonly string[], source: string): string {
  const gcc = new Deno.Command("bash", {
    args: ["-c", 'printf "%s\\n" "$0" | gcc -E -D_GNU_SOURCE "$@" -xc -', source, ...flags],
    stdin: "null",
  });
  const output = gcc.outputSync();
  if (!output.success) throw new Error(`gcc -E: ${new TextDecoder().decode(output.stderr)}`);
  return new TextDecoder().decode(output.stdout);
}
