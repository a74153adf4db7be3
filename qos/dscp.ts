/**
 * Names for the two parts of the type-of-service byte, the traffic class on IPv6: DSCP (RFC 2474) in the upper six bits
 * and ECN (RFC 3168) in the lower two.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";

/** The names of differentiated services code points, as IANA's registry has them. */
export type DscpName =
  | "CS0"
  | "CS1"
  | "CS2"
  | "CS3"
  | "CS4"
  | "CS5"
  | "CS6"
  | "CS7"
  | "AF11"
  | "AF12"
  | "AF13"
  | "AF21"
  | "AF22"
  | "AF23"
  | "AF31"
  | "AF32"
  | "AF33"
  | "AF41"
  | "AF42"
  | "AF43"
  | "EF"
  | "VA"
  | "LE";

/** The names of the ECN field's values, RFC 3168 section 5. */
export type EcnName = "Not-ECT" | "ECT(1)" | "ECT(0)" | "CE";

/**
 * Code points by name: class selectors CS0 to CS7 (RFC 2474), assured forwarding AF11 to AF43 (RFC 2597), expedited
 * forwarding EF (RFC 3246), VOICE-ADMIT VA (RFC 5865) and lower effort LE (RFC 8622).
 */
export const DSCP: Readonly<Record<DscpName, number>> = Object.freeze({
  CS0: 0,
  CS1: 8,
  CS2: 16,
  CS3: 24,
  CS4: 32,
  CS5: 40,
  CS6: 48,
  CS7: 56,
  AF11: 10,
  AF12: 12,
  AF13: 14,
  AF21: 18,
  AF22: 20,
  AF23: 22,
  AF31: 26,
  AF32: 28,
  AF33: 30,
  AF41: 34,
  AF42: 36,
  AF43: 38,
  EF: 46,
  VA: 44,
  LE: 1,
});

/** Values of the ECN field by name: not capable, capable (two ways to say so), and congestion experienced. */
export const ECN: Readonly<Record<EcnName, number>> = Object.freeze({ "Not-ECT": 0, "ECT(1)": 1, "ECT(0)": 2, CE: 3 });

const dscpNames = new Map<number, DscpName>();
const dscpValues = new Map<string, number>();
for (const [name, value] of Object.entries(DSCP)) {
  dscpNames.set(value, name as DscpName);
  dscpValues.set(name, value);
}
const ecnNames: readonly EcnName[] = ["Not-ECT", "ECT(1)", "ECT(0)", "CE"];

/**
 * The name of a code point.
 *
 * @param value The code point, 0 to 63.
 * @returns Its name, or `undefined` where it has none.
 *
 * @example
 * ```ts
 * import { dscpName } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * assert.equal(dscpName(46), "EF");
 * assert.equal(dscpName(63), undefined);
 * ```
 */
export function dscpName(value: number): DscpName | undefined {
  return dscpNames.get(value);
}

/**
 * The name of an ECN value.
 *
 * @param value The value, 0 to 3.
 * @returns Its name, or `undefined` outside that range.
 *
 * @example
 * ```ts
 * import { ecnName } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * assert.equal(ecnName(3), "CE");
 * ```
 */
export function ecnName(value: number): EcnName | undefined {
  return ecnNames[value];
}

/**
 * The code point that a text means: a name in upper or lower case, or a number, decimal or with `0x`.
 *
 * @param text For instance `"EF"`, `"af41"` or `"46"`.
 * @returns The code point, 0 to 63.
 * @throws {ArgumentError} if it is neither.
 *
 * @example
 * ```ts
 * import { parseDscp } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseDscp("ef"), 46);
 * assert.equal(parseDscp("0x2e"), 46);
 * ```
 */
export function parseDscp(text: string): number {
  const value = dscpValues.get(text.toUpperCase()) ?? parseNumber(text);
  if (value >= 0 && value <= 63) return value;
  throw new ArgumentError(
    "dscp",
    `must be a number from 0 to 63 or one of CS0…CS7, AF11…AF43, EF, VA, LE, not ${JSON.stringify(text)}`,
  );
}

/**
 * The ECN value that a text means: a name in upper or lower case, also without hyphen and brackets, or a number.
 *
 * @param text For instance `"ECT(0)"`, `"ect0"`, `"ce"` or `"2"`.
 * @returns The value, 0 to 3.
 * @throws {ArgumentError} if it is neither.
 *
 * @example
 * ```ts
 * import { parseEcn } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseEcn("ECT(0)"), 2);
 * assert.equal(parseEcn("not-ect"), 0);
 * ```
 */
export function parseEcn(text: string): number {
  const plain = plainEcn(text);
  const named = ecnNames.findIndex((name) => plainEcn(name) === plain);
  const value = named >= 0 ? named : parseNumber(text);
  if (value >= 0 && value <= 3) return value;
  throw new ArgumentError(
    "ecn",
    `must be a number from 0 to 3 or one of ${ecnNames.join(", ")}, not ${JSON.stringify(text)}`,
  );
}

/** Without what a shell would take for its own: `ECT(0)` and `ect0` are the same. */
function plainEcn(text: string): string {
  return text.toLowerCase().replace(/^ect\((.)\)$/, "ect$1").replace(/^not-/, "not");
}

/** A number, decimal or hexadecimal, or -1. */
function parseNumber(text: string): number {
  return /^(?:\d{1,3}|0[xX][0-9a-fA-F]{1,2})$/.test(text) ? Number(text) : -1;
}

/** The value of the option `dscp`, or -1. */
export function dscpValue(dscp: number | DscpName): number {
  if (typeof dscp !== "number") return dscpValues.get(dscp) ?? -1;
  return (dscp & 63) === dscp ? dscp : -1;
}

/** The value of the option `ecn`, or -1. */
export function ecnValue(ecn: number | EcnName): number {
  return typeof ecn !== "number" ? ecnNames.indexOf(ecn) : (ecn & 3) === ecn ? ecn : -1;
}
