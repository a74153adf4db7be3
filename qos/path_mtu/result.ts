/**
 * What is found out about a path MTU.
 *
 * @module
 */

/** A size that was tried, and what came of it. */
export interface PathMtuStep {
  /** The size of the IP packet, in bytes. */
  size: number;
  /**
   * `"arrived"`: the destination answered. `"too-big"`: a router said that a link doesn't carry it. `"refused"`: this
   * machine's own link doesn't. `"lost"`: nobody said anything, however often it was tried. `"unreachable"`: somebody
   * refused to forward it, for another reason than its size.
   */
  outcome: "arrived" | "too-big" | "refused" | "lost" | "unreachable";
  /** Who said so, where it was a router. */
  router?: string;
  /** The MTU that was reported, in bytes; 0 or `undefined` where it was none. */
  mtu?: number;
  /** The round-trip time in milliseconds, where it arrived. */
  rtt?: number;
}

/** Packets above some size vanish, and nobody says so: RFC 2923 section 2.1. */
export interface PathMtuBlackHole {
  /** The largest size that arrives, in bytes: the path MTU. */
  arrived: number;
  /** The smallest size that was found to vanish, in bytes. Where a router speaks of those between, it isn't the next. */
  lost: number;
}

/** The path MTU to a host, and how it was found. */
export interface PathMtu {
  /** The host as it was given. */
  hostname: string;
  /** The destination's address. */
  address: string;
  /** The address's family. */
  family: "inet" | "inet6";
  /**
   * The size of the largest IP packet that arrives unfragmented, headers included, in bytes. Unless `reached`, it is the
   * largest that neither this machine nor a router has objected to.
   */
  mtu: number;
  /** Whether the destination answered. Where it doesn't, nothing is certain about the last part of the path. */
  reached: boolean;
  /** The sizes that were tried, in order. */
  steps: readonly PathMtuStep[];
  /** Set where large packets vanish without a word, which breaks connections that rely on being told. */
  blackHole: PathMtuBlackHole | undefined;
}
