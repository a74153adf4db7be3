/**
 * Checks of arguments, made before anything is handed to the kernel.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";

/**
 * An integer within bounds.
 *
 * @throws {ArgumentError} It is none, or outside.
 */
export function requireInteger(value: number, argument: string, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ArgumentError(argument, `must be an integer from ${min} to ${max}, not ${String(value)}`);
  }
  return value;
}

/** An integer of 0 to 65535. */
export function requireUint16(value: number, argument: string): number {
  return requireInteger(value, argument, 0, 0xffff);
}

/** An integer of 0 to 4294967295. */
export function requireUint32(value: number, argument: string): number {
  return requireInteger(value, argument, 0, 0xffff_ffff);
}

/** What the kernel keeps in a C `int` that must not be negative: 0 to 2147483647. */
export function requireInt31(value: number, argument: string): number {
  return requireInteger(value, argument, 0, 0x7fff_ffff);
}

/**
 * One of the names that a table knows.
 *
 * @returns What the table has for it.
 * @throws {ArgumentError} The table does not have it.
 */
export function requireName<Name extends string>(
  name: Name,
  argument: string,
  table: Readonly<Record<Name, number>>,
): number {
  if (!Object.hasOwn(table, name)) {
    const names = Object.keys(table).map((known) => JSON.stringify(known)).join(", ");
    throw new ArgumentError(argument, `must be one of ${names}, not ${JSON.stringify(name) ?? String(name)}`);
  }
  return table[name];
}
