/**
 * The size of probes that look for the path MTU on their way, as traceroute(8) does with `--mtu`, and tracepath(8).
 *
 * Probes can't be fragmented and begin as large as the local link allows. A router in front of a narrower link says so
 * (RFC 1191, RFC 8201), and from then on they have the size that it names. It need not know hops.
 *
 * @module
 */

import type { TraceMtu } from "./events.ts";
import { MIN_MTU, plateauBelow } from "./plateaus.ts";

/**
 * The least time, in milliseconds, that one probe has the path for itself. Were many under way at once, each of them would
 * meet the narrow link, and routers limit how often they complain.
 */
const PATIENCE_MS = 100;
/** How many of the longest round trips it has the path for itself. */
const PATIENCE_ROUND_TRIPS = 4;

/** The search of one trace. */
export class SizeSearch {
  readonly #family: "inet" | "inet6";
  #size: number;
  #hasBegun = false;
  #longestRtt = 0;

  /** @param family The destination's family. @param size The size of the first probe, in bytes. */
  constructor(family: "inet" | "inet6", size: number) {
    this.#family = family;
    this.#size = size;
  }

  /** The size of the next probe's IP packet, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Takes note that a probe left; the first shows what the local link carries. */
  begin(size: number): TraceMtu | undefined {
    if (this.#hasBegun) return undefined;
    this.#hasBegun = true;
    return { type: "mtu", ttl: 1, router: undefined, mtu: size };
  }

  /**
   * A packet was too large.
   *
   * @param size The packet's size.
   * @param mtu What would fit, where that was told. Routers before RFC 1191 report 0.
   * @returns False where nothing smaller is left to try.
   */
  lower(size: number, mtu: number | undefined): boolean {
    const least = MIN_MTU[this.#family];
    if (size <= least) return false;
    const isCredible = mtu !== undefined && mtu > 0 && mtu < size;
    this.#size = Math.min(this.#size, isCredible ? Math.max(mtu, least) : plateauBelow(size, this.#family));
    return true;
  }

  /** Takes note of a round-trip time, in milliseconds. */
  answered(rtt: number): void {
    this.#longestRtt = Math.max(this.#longestRtt, rtt);
  }

  /** When the next probe may leave: at once if none is on its way, else when the latest has been alone for long enough. */
  roomAt(flights: Iterable<{ readonly sentAt: number }>): number {
    let latest = -Infinity;
    for (const { sentAt } of flights) latest = Math.max(latest, sentAt);
    return latest + Math.max(PATIENCE_MS, this.#longestRtt * PATIENCE_ROUND_TRIPS);
  }
}
