/**
 * IP addresses as text: strict parsers, and the one canonical form.
 *
 * Nothing here knows ports, zones or sockets.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";

const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;

/**
 * The 32-bit number of a dotted quad that begins at `start` and ends with the text, or -1.
 *
 * Four decimal numbers without leading zeros, as inet_pton(3): the octal and short forms of inet_aton(3) have let
 * different programs see different hosts in one text.
 */
function parseIPv4Number(text: string, start: number): number {
  let value = 0;
  let index = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(index++) !== DOT) return -1;
    let octet = 0;
    let digits = 0;
    while (digits < 3) {
      const digit = text.charCodeAt(index) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      octet = octet * 10 + digit;
      digits++;
      index++;
    }
    if (digits === 0 || octet > 255 || (digits > 1 && text.charCodeAt(index - digits) === ZERO)) return -1;
    value = value * 256 + octet;
  }
  return index === text.length ? value : -1;
}

/** Writes an IPv4 address into four bytes at `offset`; false, and nothing written, if the text is not one. */
export function parseIPv4Into(text: string, target: Uint8Array, offset: number): boolean {
  const value = parseIPv4Number(text, 0);
  if (value < 0) return false;
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
  return true;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x61 + 10;
  if (code >= 0x41 && code <= 0x46) return code - 0x41 + 10;
  return -1;
}

/** "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", the longest text that RFC 4291 section 2.2 allows. */
const IPV6_LONGEST = 45;

const ipv6Scratch = new Uint8Array(16);

/** Writes an IPv6 address into 16 bytes at `offset`; false, and nothing written, if the text is not one. */
export function parseIPv6Into(text: string, target: Uint8Array, offset: number): boolean {
  const length = text.length;
  if (length < 2 || length > IPV6_LONGEST) return false;
  let groups = 0;
  let gap = -1;
  let index = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gap = 0;
    index = 2;
  }
  while (index < length) {
    if (groups === 8) return false;
    const start = index;
    let value = 0;
    for (let digit; index < length && (digit = hexDigit(text.charCodeAt(index))) >= 0; index++) {
      value = value << 4 | digit;
      if (index - start === 4) return false;
    }
    if (index < length && text.charCodeAt(index) === DOT) {
      if (groups > 6) return false;
      const quad = parseIPv4Number(text, start);
      if (quad < 0) return false;
      ipv6Scratch[groups * 2] = quad >>> 24;
      ipv6Scratch[groups * 2 + 1] = quad >>> 16;
      ipv6Scratch[groups * 2 + 2] = quad >>> 8;
      ipv6Scratch[groups * 2 + 3] = quad;
      groups += 2;
      break;
    }
    if (index === start) return false;
    ipv6Scratch[groups * 2] = value >>> 8;
    ipv6Scratch[groups * 2 + 1] = value;
    groups++;
    if (index === length) break;
    if (text.charCodeAt(index++) !== COLON || index === length) return false;
    if (text.charCodeAt(index) === COLON) {
      if (gap >= 0) return false;
      gap = groups;
      index++;
    }
  }
  if (gap < 0) {
    if (groups !== 8) return false;
  } else {
    // RFC 4291 section 2.2: "::" stands for one group of zeros or more, never for none.
    if (groups === 8) return false;
    const tail = 16 - (groups - gap) * 2;
    ipv6Scratch.copyWithin(tail, gap * 2, groups * 2);
    ipv6Scratch.fill(0, gap * 2, tail);
  }
  target.set(ipv6Scratch, offset);
  return true;
}

/**
 * The four bytes of an IPv4 address in dotted decimal.
 *
 * Only the form `"192.0.2.1"` is taken: four decimal numbers up to 255 without leading zeros, as inet_pton(3).
 *
 * @param text The address, without a port.
 * @returns The bytes in network order, or `undefined` if the text is not an IPv4 address.
 *
 * @example
 * ```ts
 * import { parseIPv4 } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseIPv4("192.0.2.1"), new Uint8Array([192, 0, 2, 1]));
 * assert.equal(parseIPv4("192.0.2"), undefined);
 * ```
 */
export function parseIPv4(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(4);
  return parseIPv4Into(text, bytes, 0) ? bytes : undefined;
}

/**
 * The 16 bytes of an IPv6 address in any form of RFC 4291 section 2.2, an embedded IPv4 address included.
 *
 * @param text The address, without brackets, zone, prefix length or port.
 * @returns The bytes in network order, or `undefined` if the text is not an IPv6 address.
 *
 * @example
 * ```ts
 * import { parseIPv6 } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseIPv6("::1")?.[15], 1);
 * assert.equal(parseIPv6("fe80::1%eth0"), undefined);
 * ```
 */
export function parseIPv6(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(16);
  return parseIPv6Into(text, bytes, 0) ? bytes : undefined;
}

/**
 * An IPv4 address in dotted decimal.
 *
 * @param bytes Holds the address in network order.
 * @param offset Where in `bytes` it begins. @default {0}
 * @returns For instance `"192.0.2.1"`.
 * @throws {ArgumentError} if `bytes` has not four bytes from `offset` on.
 *
 * @example
 * ```ts
 * import { formatIPv4 } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(formatIPv4(new Uint8Array([192, 0, 2, 1])), "192.0.2.1");
 * ```
 */
export function formatIPv4(bytes: Uint8Array, offset = 0): string {
  requireBytes(bytes, offset, 4);
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/**
 * An IPv6 address in the canonical form of RFC 5952: lower case, and the longest run of zeros as `::`.
 *
 * IPv4-mapped addresses (`::ffff:0:0/96`) end in dotted decimal, as section 5 recommends.
 *
 * @param bytes Holds the address in network order.
 * @param offset Where in `bytes` it begins. @default {0}
 * @returns For instance `"2001:db8::1"`.
 * @throws {ArgumentError} if `bytes` has not 16 bytes from `offset` on.
 *
 * @example
 * ```ts
 * import { formatIPv6, parseIPv6 } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(formatIPv6(parseIPv6("2001:DB8:0:0:1:0:0:1")!), "2001:db8::1:0:0:1");
 * assert.equal(formatIPv6(parseIPv6("::ffff:c000:201")!), "::ffff:192.0.2.1");
 * ```
 */
export function formatIPv6(bytes: Uint8Array, offset = 0): string {
  requireBytes(bytes, offset, 16);
  if (isIPv4Mapped(bytes, offset)) return `::ffff:${formatIPv4(bytes, offset + 12)}`;
  let gap = 8;
  let gapLength = 1; // RFC 5952 section 4.2.2: a single group of zeros is not shortened
  for (let group = 0; group < 8;) {
    let end = group;
    while (end < 8 && groupAt(bytes, offset, end) === 0) end++;
    if (end - group > gapLength) {
      gap = group;
      gapLength = end - group;
    }
    group = end + 1;
  }
  let text = "";
  for (let group = 0; group < 8; group++) {
    if (group === gap) {
      text += "::";
      group += gapLength - 1;
      continue;
    }
    if (group > 0 && group !== gap + gapLength) text += ":";
    text += groupAt(bytes, offset, group).toString(16);
  }
  return text;
}

function groupAt(bytes: Uint8Array, offset: number, group: number): number {
  return bytes[offset + group * 2] << 8 | bytes[offset + group * 2 + 1];
}

function isIPv4Mapped(bytes: Uint8Array, offset: number): boolean {
  for (let index = 0; index < 10; index++) {
    if (bytes[offset + index] !== 0) return false;
  }
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

function requireBytes(bytes: Uint8Array, offset: number, length: number): void {
  if (!(Number.isInteger(offset) && offset >= 0 && offset + length <= bytes.length)) {
    throw new ArgumentError("bytes", `must have ${length} bytes from offset ${offset} on, has ${bytes.length} in all`);
  }
}
