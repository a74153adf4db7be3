/**
 * The summary of a trace, from its events.
 *
 * @module
 */

import type { TraceEvent, TraceHop, TraceReply, TraceRouter, TraceSummary, TraceTarget } from "./events.ts";

/** Gathers what a trace says. */
export class SummaryBuilder {
  readonly #target: TraceTarget;
  /** By TTL. */
  readonly #probes: (TraceReply | undefined)[][] = [];
  readonly #names = new Map<string, string>();
  #reached = false;

  /** @param target What is traced. */
  constructor(target: TraceTarget) {
    this.#target = target;
  }

  /** Takes note of an event. */
  add(event: TraceEvent): void {
    switch (event.type) {
      case "sent":
      case "timeout":
        // A probe that goes out again, smaller, keeps its place.
        (this.#probes[event.ttl] ??= [])[event.probe] = undefined;
        break;
      case "reply":
        (this.#probes[event.ttl] ??= [])[event.probe] = event;
        break;
      case "name":
        if (event.name !== undefined) this.#names.set(event.address, event.name);
        break;
      case "reached":
        this.#reached = true;
    }
  }

  /**
   * Everything together.
   *
   * @param mtu The path MTU, where it was looked for.
   * @param duration How long the trace took, in milliseconds.
   */
  summary(mtu: number | undefined, duration: number): TraceSummary {
    const { hostname, address } = this.#target;
    return { type: "summary", hostname, address, reached: this.#reached, hops: this.#hops(), mtu, duration };
  }

  /** Probes that overshot the end of the path don't count. */
  #hops(): TraceHop[] {
    const hops: TraceHop[] = [];
    for (const [ttl, probes] of this.#probes.entries()) {
      if (probes === undefined) continue;
      hops.push(this.#hop(ttl, probes));
      if (probes.some((reply) => reply?.isFinal)) break;
    }
    return hops;
  }

  #hop(ttl: number, probes: (TraceReply | undefined)[]): TraceHop {
    const replies = probes.filter((reply) => reply !== undefined);
    const times = replies.map(({ rtt }) => rtt);
    const total = times.reduce((sum, rtt) => sum + rtt, 0);
    return {
      ttl,
      routers: this.#routers(replies),
      probes: Array.from(probes),
      sent: probes.length,
      lost: probes.length - replies.length,
      best: times.length > 0 ? Math.min(...times) : undefined,
      avg: times.length > 0 ? total / times.length : undefined,
      worst: times.length > 0 ? Math.max(...times) : undefined,
      last: times.at(-1),
    };
  }

  #routers(replies: readonly TraceReply[]): TraceRouter[] {
    const routers = new Map<string, TraceRouter>();
    for (const { router } of replies) {
      const known = routers.get(router);
      if (known !== undefined) known.replies++;
      else routers.set(router, { address: router, ...this.#named(router), replies: 1 });
    }
    return [...routers.values()];
  }

  #named(address: string): { name?: string } {
    const name = this.#names.get(address);
    return name === undefined ? {} : { name };
  }
}
