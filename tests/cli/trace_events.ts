/** Events of traces that never took place. @module */

import type { IcmpExtension, TraceEvent, TraceReply, TraceTarget } from "@sockeye/sockeye/qos";

/** The first event. */
export function target(fields: Partial<TraceTarget> = {}): TraceTarget {
  return {
    type: "target",
    hostname: "example.org",
    address: "192.0.2.9",
    family: "inet",
    method: "udp",
    port: 33434,
    firstTtl: 1,
    maxTtl: 30,
    probes: 3,
    size: 60,
    ...fields,
  };
}

/** A probe that is under way. */
export function sent(ttl: number, probe: number): TraceEvent {
  return { type: "sent", ttl, probe, size: 60 };
}

/** A router's answer to a probe. */
export function reply(
  ttl: number,
  probe: number,
  router: string,
  rtt: number,
  fields: Partial<TraceReply> = {},
): TraceReply {
  return {
    type: "reply",
    ttl,
    probe,
    router,
    rtt,
    answer: "icmp",
    icmp: { type: 11, code: 0, name: "time-exceeded" },
    extensions: [],
    annotation: undefined,
    isDestination: false,
    isFinal: false,
    isCertain: true,
    replyTtl: undefined,
    size: 60,
    ...fields,
  };
}

/** The destination's answer to a probe. */
export function arrival(ttl: number, probe: number, rtt: number): TraceReply {
  const icmp = { type: 3, code: 3, name: "port-unreachable" };
  return reply(ttl, probe, "192.0.2.9", rtt, { icmp, isDestination: true, isFinal: true });
}

/** A probe that is given up. */
export function timeout(ttl: number, probe: number): TraceEvent {
  return { type: "timeout", ttl, probe };
}

/** An MPLS label stack of one entry. */
export const MPLS: IcmpExtension = {
  kind: "mpls",
  classNumber: 1,
  classType: 1,
  labels: [{ label: 24001, trafficClass: 0, isBottom: true, ttl: 1 }],
};

/** Three hops: a router, silence, and the destination; with the probes beyond that are under way when it answers. */
export function wholeTrace(): TraceEvent[] {
  const sends = [1, 2, 3, 4].flatMap((ttl) => [0, 1, 2].map((probe) => sent(ttl, probe)));
  return [
    target(),
    ...sends,
    ...[0, 1, 2].map((probe) => reply(1, probe, "192.0.2.1", 0.5 + probe)),
    ...[0, 1, 2].map((probe) => arrival(4, probe, 12.25)),
    ...[0, 1, 2].map((probe) => arrival(3, probe, 12.25)),
    ...[0, 1, 2].map((probe) => timeout(2, probe)),
    { type: "reached", ttl: 3, address: "192.0.2.9" },
    {
      type: "summary",
      hostname: "example.org",
      address: "192.0.2.9",
      reached: true,
      hops: [1, 2, 3].map((ttl) => {
        return { ttl, routers: [], probes: [], sent: 3, lost: 0, best: 1, avg: 1, worst: 1, last: 1 };
      }),
      mtu: undefined,
      duration: 100,
    },
  ];
}
