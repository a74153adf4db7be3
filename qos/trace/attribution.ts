/**
 * Which probe an answer belongs to, where a router quotes too little of it to tell.
 *
 * RFC 792 asks routers for the IP header and 8 bytes, which are the ports, and the same for all probes of one flow.
 *
 * @module
 */

import type { Flight, Hop, ProbeAnswer } from "./schedule.ts";

/**
 * The likeliest of several probes.
 *
 * Who has answered at one hop answers there again; who hasn't yet been seen is the next; and an end lies behind every hop
 * that forwards. Among equals it is the one sent first, since answers come in order more often than not.
 *
 * @param candidates The probes in flight that it may be, in the order of sending.
 * @param answer What was said.
 * @param hops What is known of each hop, by TTL.
 */
export function likeliest(
  candidates: readonly Flight[],
  answer: Pick<ProbeAnswer, "router" | "meaning">,
  hops: readonly Hop[],
): Flight | undefined {
  const byTtl = candidates.toSorted((left, right) => left.ttl - right.ttl || left.id - right.id);
  const seen = byTtl.find(({ ttl }) => hops[ttl].routers.has(answer.router));
  if (seen !== undefined) return seen;
  if (answer.meaning === "transit") return byTtl.find(({ ttl }) => hops[ttl].routers.size === 0) ?? byTtl[0];
  return byTtl.find(({ ttl }) => !hops[ttl].isTransit) ?? byTtl[0];
}
