/**
 * Checks of options that traces and searches for path MTUs share.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";

/** The longest time that timers of all runtimes carry, in milliseconds. */
export const LONGEST_MS = 0x7fffffff;

/** Refuses what is none of the words that an option can be. */
export function checkOneOf(argument: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return;
  const words = allowed.filter((each) => each !== undefined).map((each) => JSON.stringify(each));
  throw new ArgumentError(argument, `must be one of ${words.join(", ")}, got ${JSON.stringify(value)}`);
}

/** Refuses what is no boolean. */
export function checkBoolean(argument: string, value: unknown): void {
  if (typeof value !== "boolean") throw new ArgumentError(argument, `must be true or false, got ${String(value)}`);
}

/** Refuses a number outside its range; fractions are fine. */
export function checkNumber(argument: string, value: number, min: number, max: number): void {
  if (typeof value === "number" && value >= min && value <= max) return;
  throw new ArgumentError(argument, `must be a number from ${min} to ${max}, got ${String(value)}`);
}
