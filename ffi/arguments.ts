/** Checks of arguments that several modules share. @module */

import { ArgumentError } from "../common/errors.ts";

/** Refuses a number that is no integer in its range; one that was left out is fine. */
export function checkInteger(argument: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || Number.isInteger(value) && value >= min && value <= max) return;
  throw new ArgumentError(argument, `must be an integer from ${min} to ${max}, got ${String(value)}`);
}
