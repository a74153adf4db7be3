/**
 * The path as far as a trace has found it: what its events add up to.
 *
 * It knows nothing of time, of output or of sockets.
 *
 * @module
 */

import type { IcmpExtension, TraceEvent, TraceReply, TraceSummary, TraceTarget } from "@sockeye/sockeye/qos";

/** One probe of a hop. */
export type Probe =
  | { readonly state: "pending" }
  | { readonly state: "lost" }
  | {
    readonly state: "answered";
    /** Who answered. */
    readonly router: string;
    /** The round trip, in milliseconds. */
    readonly rtt: number;
    /** What is unusual about the answer, as traceroute notes it: `"!H"`; empty if nothing is. */
    readonly note: string;
    /** What came with it: MPLS labels and the like. */
    readonly extensions: readonly IcmpExtension[];
  };

/** What the probes of one TTL have found. */
export interface Hop {
  /** The TTL. */
  readonly ttl: number;
  /** The probes, by their number; those that were not sent are missing. */
  readonly probes: Probe[];
  /** The MTU from here on, if it was found to be smaller than before. */
  mtu?: number;
}

/** One router of a hop, or nobody; several answer where packets are spread over several paths. */
export interface Responder {
  /** Its address; undefined where nobody has answered. */
  readonly address: string | undefined;
  /** Its round trips, in milliseconds, in the order of the probes. */
  readonly rtts: readonly number[];
  /** What is unusual about its answers. */
  readonly note: string;
  /** What came with its answers. */
  readonly extensions: readonly IcmpExtension[];
}

/** A path. */
export class Path {
  /** Whereto; undefined until that is known. */
  target: TraceTarget | undefined;
  /** What it came down to; undefined until the end. */
  summary: TraceSummary | undefined;
  /** The TTL at which the destination answered. */
  reachedTtl: number | undefined;
  readonly #hops = new Map<number, Hop>();
  readonly #names = new Map<string, string | undefined>();
  /** The nearest hop at which the path ends, because of the destination or of somebody who refuses to forward. */
  #lastTtl = Infinity;

  /** Takes an event in. */
  apply(event: TraceEvent): void {
    switch (event.type) {
      case "target":
        this.target = event;
        break;
      case "sent":
        this.#hop(event.ttl).probes[event.probe] = { state: "pending" };
        break;
      case "reply":
        this.#hop(event.ttl).probes[event.probe] = answered(event);
        if (event.isFinal) this.#lastTtl = Math.min(this.#lastTtl, event.ttl);
        break;
      case "timeout":
        this.#hop(event.ttl).probes[event.probe] = { state: "lost" };
        break;
      case "mtu":
        this.#hop(event.ttl).mtu = event.mtu;
        break;
      case "name":
        this.#names.set(event.address, event.name);
        break;
      case "reached":
        this.reachedTtl = event.ttl;
        this.#lastTtl = event.ttl;
        break;
      case "summary":
        this.summary = event;
        break;
    }
  }

  #hop(ttl: number): Hop {
    let hop = this.#hops.get(ttl);
    if (hop === undefined) this.#hops.set(ttl, hop = { ttl, probes: [] });
    return hop;
  }

  /** The hops up to the destination, or as far as probes have gone. */
  hops(): Hop[] {
    return [...this.#hops.values()]
      .filter(({ ttl }) => ttl <= this.#lastTtl)
      .sort((one, other) => one.ttl - other.ttl);
  }

  /** The hop of this TTL, if a probe was sent. */
  hopAt(ttl: number): Hop | undefined {
    return ttl > this.#lastTtl ? undefined : this.#hops.get(ttl);
  }

  /** Whether it is known what an address is called, or that it has no name. */
  isNameKnown(address: string): boolean {
    return this.#names.has(address);
  }

  /** What an address is called, if it is known. */
  nameOf(address: string): string | undefined {
    return this.#names.get(address);
  }
}

function answered({ router, rtt, annotation = "", extensions }: TraceReply): Probe {
  return { state: "answered", router, rtt, note: annotation, extensions };
}

/** Whether nothing more will be heard of a hop that is probed so often. */
export function isSettled(hop: Hop | undefined, queries: number): boolean {
  if (hop === undefined) return false;
  for (let probe = 0; probe < queries; probe++) {
    const { state } = hop.probes[probe] ?? { state: "pending" };
    if (state === "pending") return false;
  }
  return true;
}

/** Who answered at a hop, in the order of their first answers; one nobody, where nobody did. */
export function responders(hop: Hop): Responder[] {
  const found = new Map<
    string,
    { address: string; rtts: number[]; note: string; extensions: readonly IcmpExtension[] }
  >();
  for (const probe of hop.probes) {
    if (probe?.state !== "answered") continue;
    const { router, rtt, note, extensions } = probe;
    const responder = found.get(router);
    if (responder === undefined) found.set(router, { address: router, rtts: [rtt], note, extensions });
    else responder.rtts.push(rtt);
  }
  return found.size > 0 ? [...found.values()] : [{ address: undefined, rtts: [], note: "", extensions: [] }];
}

/** How many of a hop's probes got no answer, of those whose fate is known. */
export function losses({ probes }: Hop): { lost: number; known: number } {
  let lost = 0;
  let known = 0;
  for (const probe of probes) {
    if (probe === undefined || probe.state === "pending") continue;
    known++;
    if (probe.state === "lost") lost++;
  }
  return { lost, known };
}
