/**
 * What a program found out about a path, ours or another, held against the truth.
 *
 * @module
 */

import assert from "node:assert/strict";
import { BALANCED_TTL, SILENT_TTL, type Truth } from "./chain.ts";

/** What a program says of one hop. */
export interface FoundHop {
  /** The number of the hop. */
  ttl: number;
  /** Who answered, each once, sorted. */
  routers: string[];
  /** How many probes had no answer. */
  unanswered: number;
  /** What traceroute prints behind a time: `"!H"`, `"!N"`, `"!X"`. */
  annotations: string[];
  /** The MTU that was found out at this hop; `undefined` where it is that of the hop before. */
  mtu: number | undefined;
}

/** What a program says of a path. */
export interface FoundPath {
  /** The hops, in order. */
  hops: FoundHop[];
  /** The MTU of the path, where the program looks for it. */
  mtu: number | undefined;
}

/** Who answers at each hop has been found, and who doesn't. */
export function assertHops(found: FoundPath, truth: Truth): void {
  assert.deepEqual(found.hops.map(({ ttl }) => ttl), truth.hops.map((_, index) => index + 1));
  for (const { ttl, routers, unanswered } of found.hops) {
    const expected = truth.hops[ttl - 1];
    if (ttl === BALANCED_TTL) assertOneOf(routers, expected);
    else assert.deepEqual(routers, expected, `hop ${ttl}`);
    assert.equal(unanswered > 0, ttl === SILENT_TTL, `hop ${ttl} left ${unanswered} probes unanswered`);
  }
}

/** Where the MTU falls has been found, and what the path carries. */
export function assertMtu(found: FoundPath, truth: Truth): void {
  // The programs call the local link's MTU a fall to it.
  const narrow = found.hops.filter(({ ttl, mtu }) => ttl > 1 && mtu !== undefined);
  assert.deepEqual(narrow.map(({ ttl, mtu }) => ({ ttl, mtu })), truth.narrow.map(({ ttl, mtu }) => ({ ttl, mtu })));
  assert.equal(found.mtu, truth.mtu);
}

function assertOneOf(routers: readonly string[], expected: readonly string[]): void {
  assert(routers.length > 0, "no router of the balanced pair answered");
  for (const router of routers) assert(expected.includes(router), `${router} is none of ${expected.join(", ")}`);
}
