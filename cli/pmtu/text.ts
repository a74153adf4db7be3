/** What `sockeye pmtu` says to people. @module */

import type { PathMtu, PathMtuStep } from "@sockeye/sockeye/qos";
import { shown } from "../trace/lines.ts";

/** Room for 65535. */
const SIZE_WIDTH = 5;

/** A size that was tried, and what came of it. */
export function stepText(step: PathMtuStep): string {
  return `${String(step.size).padStart(SIZE_WIDTH)}  ${outcomeText(step)}`;
}

function outcomeText({ outcome, router, mtu, rtt }: PathMtuStep): string {
  const from = router === undefined ? "somebody" : router;
  switch (outcome) {
    case "arrived":
      return rtt === undefined ? "arrived" : `arrived, answered after ${rtt.toFixed(3)} ms`;
    case "too-big":
      return mtu
        ? `too large: ${from} says that ${mtu} would go on`
        : `too large, says ${from}, and not what would go on`;
    case "refused":
      return mtu
        ? `too large for this machine's own link, which carries ${mtu}`
        : "too large for this machine's own link";
    case "lost":
      return "lost: nobody said anything";
    case "unreachable":
      return `not forwarded: ${from} refuses, and not for its size`;
  }
}

/**
 * What it comes down to.
 *
 * @param result The result.
 * @param max The largest size that was wanted: what arrives with it may not be the limit.
 */
export function resultText({ hostname, address, mtu, reached, blackHole }: PathMtu, max?: number): string {
  const host = hostname === address ? shown(address) : `${shown(hostname)} (${shown(address)})`;
  if (!reached) return `${host} did not answer; no objection to ${mtu} bytes was heard on the way`;
  const result = `the path MTU to ${host} is ${mtu} bytes${mtu === max ? " or more" : ""}`;
  if (blackHole === undefined) return result;
  return `${result}\nblack hole: packets of ${blackHole.lost} bytes vanish, and nobody says that they are too large`;
}
