/**
 * The kinds of options that subcommands take: how each looks in the help, and how its text becomes a value.
 *
 * @module
 */

import { UsageError } from "./usage_error.ts";

/** One option of a subcommand; its name is its key in the subcommand's table. */
export interface Option<Value> {
  /** What stands for its value in the help, for instance `"N"`. A flag has none. */
  readonly placeholder?: string;
  /** Its one-letter form. */
  readonly short?: string;
  /** The value that its name alone stands for; another has to follow an equals sign then, as in `--df=no`. */
  readonly implied?: string;
  /** What it is for. */
  readonly about: string;
  /**
   * The value of what was given, or of nothing.
   *
   * @throws {UsageError} The text stands for no value.
   */
  read(name: string, given: string | boolean | undefined): Value;
}

/** The options of a subcommand, by name. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of a table's options. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer Value> ? Value : never;
};

/** An option without a value. */
export function flag(about: string, short?: string): Option<boolean> {
  return { about, short, read: (_, given) => given === true };
}

/** An option with any text. */
export function text(placeholder: string, about: string, short?: string): Option<string | undefined> {
  return { placeholder, about, short, read: (_, given) => given as string | undefined };
}

/** An option whose text a function of the library reads; what that throws is the complaint. */
export function parsed<Value>(
  placeholder: string,
  about: string,
  parse: (given: string) => Value,
  short?: string,
): Option<Value | undefined> {
  return {
    placeholder,
    about,
    short,
    read(name, given) {
      if (given === undefined) return undefined;
      try {
        return parse(given as string);
      } catch (error) {
        throw new UsageError(`--${name}: ${(error as Error).message}`);
      }
    },
  };
}

/** An option with one of several words; the first is the default. */
export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  about: string,
): Option<Words[number]> {
  return {
    placeholder: words.join("|"),
    about,
    read: (name, given) => given === undefined ? words[0] : readWord(name, given as string, words),
  };
}

/** An option with one of several words, none without it, and the first where only its name is given. */
export function choiceIfGiven<const Words extends readonly [string, ...string[]]>(
  words: Words,
  about: string,
): Option<Words[number] | undefined> {
  return {
    placeholder: words.join("|"),
    implied: words[0],
    about,
    read: (name, given) => given === undefined ? undefined : readWord(name, given as string, words),
  };
}

function readWord<Word extends string>(name: string, given: string, words: readonly Word[]): Word {
  const word = words.find((word) => word === given);
  if (word === undefined) throw new UsageError(`--${name} must be ${words.join(" or ")}, not "${given}"`);
  return word;
}

/** The bounds of a number, both included. */
export interface Range {
  /** The smallest value. */
  min: number;
  /** The largest value. */
  max: number;
}

/** An option with an integer, decimal or hexadecimal after `0x`. */
export function integer(
  placeholder: string,
  about: string,
  range: Range,
  short?: string,
): Option<number | undefined> {
  return {
    placeholder,
    about,
    short,
    read: (name, given) => given === undefined ? undefined : readInteger(name, given as string, range),
  };
}

/** An option with an integer that has a default. */
export function integerOr(
  fallback: number,
  placeholder: string,
  about: string,
  range: Range,
  short?: string,
): Option<number> {
  return {
    placeholder,
    about: `${about} (default ${fallback})`,
    short,
    read: (name, given) => given === undefined ? fallback : readInteger(name, given as string, range),
  };
}

function readInteger(name: string, given: string, { min, max }: Range): number {
  const value = /^(?:\d+|0x[\da-f]+)$/i.test(given) ? Number(given) : NaN;
  if (!(value >= min && value <= max)) {
    const allowed = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
    throw new UsageError(`--${name} must be an integer ${allowed}, not "${given}"`);
  }
  return value;
}

/** The longest duration: what timers of all runtimes carry, in seconds. */
const MAX_SECONDS = 2_147_483;

/** An option with a duration, given in seconds; its value is in milliseconds. */
export function seconds(about: string, short?: string): Option<number | undefined> {
  return {
    placeholder: "SECONDS",
    about,
    short,
    read: (name, given) => given === undefined ? undefined : readSeconds(name, given as string),
  };
}

/** An option with a duration that has a default, both in seconds; its value is in milliseconds. */
export function secondsOr(fallback: number, about: string, short?: string): Option<number> {
  return {
    placeholder: "SECONDS",
    about: `${about} (default ${fallback})`,
    short,
    read: (name, given) => given === undefined ? fallback * 1_000 : readSeconds(name, given as string),
  };
}

function readSeconds(name: string, given: string): number {
  const value = /^(?:\d+\.?\d*|\.\d+)$/.test(given) ? Number(given) : NaN;
  if (!(value > 0 && value <= MAX_SECONDS)) {
    throw new UsageError(`--${name} must be a number of seconds above 0, at most ${MAX_SECONDS}, not "${given}"`);
  }
  return value * 1_000;
}
