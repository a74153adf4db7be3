/** What JSON can't say by itself. @module */

import { hex } from "./payload.ts";

/** Digits behind the point of milliseconds: a tenth of a microsecond is less than any clock here tells. */
const FRACTION_DIGITS = 4;

/** The value as JSON takes it, at any depth: bytes in hexadecimal, times without digits that mean nothing. */
export function jsonable(value: unknown): unknown {
  if (typeof value === "number") return Number(value.toFixed(FRACTION_DIGITS));
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(jsonable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, jsonable(field)]));
}
