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
export function text(placeholder: string, about: string): Option<string | undefined> {
  return { placeholder, about, read: (_, given) => given as string | undefined };
}

/** An option with one of several words; the first is the default. */
export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  about: string,
): Option<Words[number]> {
  return {
    placeholder: words.join("|"),
    about,
    read(name, given) {
      if (given === undefined) return words[0];
      const word = words.find((word) => word === given);
      if (word === undefined) throw new UsageError(`--${name} must be ${words.join(" or ")}, not "${given}"`);
      return word;
    },
  };
}

/** The bounds of a number, both included. */
export interface Range {
  /** The smallest value. */
  min: number;
  /** The largest value. */
  max: number;
}

/** An option with an integer, decimal or hexadecimal after `0x`. */
export function integer(placeholder: string, about: string, range: Range): Option<number | undefined> {
  return {
    placeholder,
    about,
    read: (name, given) => given === undefined ? undefined : readInteger(name, given as string, range),
  };
}

/** An option with an integer that has a default. */
export function integerOr(fallback: number, placeholder: string, about: string, range: Range): Option<number> {
  return {
    placeholder,
    about: `${about} (default ${fallback})`,
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
export function seconds(about: string): Option<number | undefined> {
  return {
    placeholder: "SECONDS",
    about,
    read(name, given) {
      if (given === undefined) return undefined;
      const value = /^(?:\d+\.?\d*|\.\d+)$/.test(given as string) ? Number(given) : NaN;
      if (!(value > 0 && value <= MAX_SECONDS)) {
        throw new UsageError(`--${name} must be a number of seconds above 0, at most ${MAX_SECONDS}, not "${given}"`);
      }
      return value * 1_000;
    },
  };
}
