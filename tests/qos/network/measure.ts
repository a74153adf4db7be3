/**
 * Our own trace() and pathMtu() in a namespace, and what they find in the words of the other programs.
 *
 * @module
 */

import type { PathMtu, PathMtuOptions, TraceEvent, TraceOptions, TraceSummary } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import type { Topology } from "../../support/netns/topology.ts";
import { runProgram } from "./program.ts";
import type { FoundPath } from "./truth.ts";

/** Something to find out. */
export type Job =
  | { kind: "trace"; host: string; options: TraceOptions }
  | { kind: "mtu"; host: string; options: PathMtuOptions };

/** What came of a {@linkcode Job}. */
export interface Finding {
  /** Of a trace. */
  events?: TraceEvent[];
  /** Of a search for the path MTU. */
  mtu?: PathMtu;
  /** Why it couldn't be found out: the name of the error, and its message. */
  failure?: { name: string; message: string };
}

/** An event of one type. */
export type EventOf<Type extends TraceEvent["type"]> = Extract<TraceEvent, { type: Type }>;

/** Only silence is to be waited for, and for long: an answer counts however busy this machine is. */
export const PATIENT: TraceOptions = { timeout: 2000, hereFactor: 0, nearFactor: 0 };

/** Finds out several things at a time, in one process in the namespace `source`. */
export function measure(net: Topology, jobs: readonly Job[], isPrivileged = true): Promise<Finding[]> {
  return runProgram(net, "source", "measure.ts", jobs, isPrivileged);
}

/** Traces several paths at a time. */
export async function traceAll(
  net: Topology,
  traces: readonly { host: string; options?: TraceOptions }[],
  isPrivileged = true,
): Promise<TraceEvent[][]> {
  const jobs = traces.map(({ host, options }): Job => ({ kind: "trace", host, options: { ...PATIENT, ...options } }));
  return (await measure(net, jobs, isPrivileged)).map(({ events, failure }) => {
    assert(events !== undefined, failure?.message);
    return events;
  });
}

/** The events of one type. */
export function eventsOf<Type extends TraceEvent["type"]>(events: readonly TraceEvent[], type: Type): EventOf<Type>[] {
  return events.filter((event): event is EventOf<Type> => event.type === type);
}

/** The last event of a trace. */
export function summaryOf(events: readonly TraceEvent[]): TraceSummary {
  const last = events.at(-1);
  assert(last?.type === "summary", "the last event is the summary");
  return last;
}

/** What a trace found, as the other programs would say it. */
export function foundBy(events: readonly TraceEvent[]): FoundPath {
  const { hops, mtu } = summaryOf(events);
  return {
    mtu,
    hops: hops.map(({ ttl, routers, probes, lost }) => ({
      ttl,
      routers: routers.map(({ address }) => address).sort(),
      unanswered: lost,
      annotations: probes.flatMap((reply) => reply?.annotation ?? []),
      mtu: eventsOf(events, "mtu").findLast((event) => event.ttl === ttl)?.mtu,
    })),
  };
}
