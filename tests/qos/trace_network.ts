/**
 * A network that exists in numbers only: routers with delays, losses, silences, limits and links of unequal width, all by a
 * seed, and a clock that jumps to the next event.
 *
 * @module
 */

import type { TraceEvent } from "../../qos/trace/events.ts";
import { type ProbeAnswer, type ProbeRequest, type ScheduleSettings, TraceSchedule } from "../../qos/trace/schedule.ts";

/** Numbers from 0 to 1 that look like chance, the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 0x100000000;
  };
}

/** A hop of the simulated path; the last one is the destination. */
export interface SimulatedHop {
  /** Who may answer here: one of them for each probe, by chance. */
  addresses: readonly string[];
  /** The round-trip time to here, in milliseconds. */
  rtt: number;
  /** Whether it answers nothing. */
  isSilent?: boolean;
  /** How many answers it has to give at once, and how many more each second. */
  limit?: { burst: number; perSecond: number };
  /** The largest packet on the link that leads here. */
  mtu?: number;
  /** What is added to round-trip times by chance, up to this many milliseconds. */
  jitter?: number;
  /** What it says instead of "time exceeded", or of "port unreachable". */
  refusal?: string;
  /** Whether it tells what would fit: 0 is what routers before RFC 1191 say. */
  toldMtu?: number;
}

/** The whole of it. */
export interface SimulatedNetwork {
  /** The path. */
  hops: readonly SimulatedHop[];
  /** The part of the answers that get lost. */
  loss?: number;
  /** The part of the answers that arrive twice. */
  duplicates?: number;
  /** The part of the answers that say too little of the probe, so that it may be any that is in flight. */
  vague?: number;
  /** The seed of all that is by chance. */
  seed?: number;
}

/** What came of it. */
export interface SimulatedTrace {
  /** The events and when they were. */
  events: (TraceEvent & { at: number })[];
  /** When it was over. */
  duration: number;
  /** The most probes in flight. */
  most: number;
  /** When each probe left. */
  departures: number[];
  /** Which hop each probe came to, by id. */
  truth: Map<number, { ttl: number; probe: number; router: string | undefined }>;
  /** What the path carries, where that was looked for. */
  mtu: number | undefined;
}

export const DEFAULTS: ScheduleSettings = {
  family: "inet",
  firstTtl: 1,
  maxTtl: 30,
  probes: 3,
  window: 16,
  size: 60,
  pause: 0,
  timeout: 5000,
  here: 3,
  near: 10,
  mtu: false,
};

/** An answer of a router on the way, to no probe. */
export const ANSWER: ProbeAnswer = {
  ids: [],
  meaning: "transit",
  router: "10.0.1.1",
  receivedAt: undefined,
  mtu: undefined,
  answer: "icmp",
  icmp: { type: 11, code: 0, name: "time-exceeded" },
  extensions: [],
  annotation: undefined,
  replyTtl: 64,
};

/** How long a send takes, in milliseconds. */
const SEND_MS = 0.01;
/** More events than any trace has. */
const TOO_MANY = 100_000;

/** Runs a trace through the network. */
export function simulate(network: SimulatedNetwork, options: Partial<ScheduleSettings> = {}): SimulatedTrace {
  const settings = { ...DEFAULTS, ...options };
  const schedule = new TraceSchedule(settings);
  const path = new SimulatedPath(network, settings.family);
  const result: SimulatedTrace = {
    events: [],
    duration: 0,
    most: 0,
    departures: [],
    truth: path.truth,
    mtu: undefined,
  };
  let now = 1000;
  const note = () => result.events.push(...schedule.takeEvents().map((event) => ({ ...event, at: now - 1000 })));
  for (let turn = 0; !schedule.isDone; turn++) {
    if (turn > TOO_MANY) throw new Error("the trace doesn't come to an end");
    const request = schedule.next(now);
    if (request !== undefined) {
      const refused = path.send(request, now);
      if (refused !== undefined) {
        if (!schedule.refused(request, refused)) throw new Error("nothing fits");
        continue;
      }
      schedule.sent(request, now);
      note();
      result.departures.push(now - 1000);
      result.most = Math.max(result.most, schedule.inFlight);
      now += SEND_MS;
    } else {
      const wake = Math.min(schedule.wakeAt(now) ?? Infinity, path.nextArrival);
      if (wake === Infinity) throw new Error("the trace waits for nothing");
      now = Math.max(now, wake);
    }
    for (const answer of path.arrivalsBy(now)) schedule.answer(answer, now);
    schedule.expire(now);
    note();
  }
  return { ...result, duration: now - 1000, mtu: schedule.mtu };
}

class SimulatedPath {
  readonly truth = new Map<number, { ttl: number; probe: number; router: string | undefined }>();
  readonly #network: SimulatedNetwork;
  readonly #family: "inet" | "inet6";
  readonly #random: () => number;
  readonly #tokens: number[];
  readonly #refilledAt: number[];
  readonly #sent: ProbeRequest[] = [];
  #arrivals: { at: number; answer: ProbeAnswer; isVague: boolean }[] = [];

  constructor(network: SimulatedNetwork, family: "inet" | "inet6") {
    this.#network = network;
    this.#family = family;
    this.#random = chance(network.seed ?? 1);
    this.#tokens = network.hops.map(({ limit }) => limit?.burst ?? Infinity);
    this.#refilledAt = network.hops.map(() => 0);
  }

  get nextArrival(): number {
    return Math.min(Infinity, ...this.#arrivals.map(({ at }) => at));
  }

  arrivalsBy(now: number): ProbeAnswer[] {
    const due = this.#arrivals.filter(({ at }) => at <= now).sort((left, right) => left.at - right.at);
    this.#arrivals = this.#arrivals.filter(({ at }) => at > now);
    const anyOne = this.#sent.map(({ id }) => id);
    return due.map(({ answer, isVague }) => isVague ? { ...answer, ids: anyOne } : answer);
  }

  /** Sends a probe; what the local link carries, if it is too large for that. */
  send(request: ProbeRequest, now: number): number | undefined {
    const { hops } = this.#network;
    const { id, ttl, probe, size } = request;
    if (size > (hops[0].mtu ?? 1500)) return hops[0].mtu ?? 1500;
    this.#sent.push(request);
    const narrow = hops.findIndex((hop, index) => index > 0 && index < ttl && size > (hop.mtu ?? 1500));
    if (narrow > 0) {
      this.truth.set(id, { ttl, probe, router: undefined });
      const told = hops[narrow].toldMtu ?? hops[narrow].mtu;
      this.#answer(narrow - 1, now, id, { meaning: "too-big", mtu: told === 0 ? undefined : told });
      return undefined;
    }
    const index = Math.min(ttl, hops.length) - 1;
    const meaning = hops[index].refusal !== undefined
      ? "unreachable"
      : index === hops.length - 1
      ? "destination"
      : "transit";
    this.truth.set(id, { ttl, probe, router: this.#answer(index, now, id, { meaning }) });
    return undefined;
  }

  /** Who answers, also where the answer is lost on its way. */
  #answer(index: number, now: number, id: number, part: Pick<ProbeAnswer, "meaning"> & Partial<ProbeAnswer>) {
    const { hops, loss = 0, duplicates = 0, vague = 0 } = this.#network;
    const hop = hops[index];
    const router = hop.addresses[Math.floor(this.#random() * hop.addresses.length)];
    if (hop.isSilent || !this.#isAllowed(index, now) || this.#random() < loss) return router;
    const at = now + hop.rtt + this.#random() * (hop.jitter ?? 0);
    const isVague = this.#random() < vague;
    const answer: ProbeAnswer = {
      ...ANSWER,
      ids: [id],
      router,
      receivedAt: at,
      annotation: hop.refusal,
      replyTtl: (this.#family === "inet" ? 64 : 255) - index,
      ...part,
    };
    this.#arrivals.push({ at, answer, isVague });
    if (this.#random() < duplicates) this.#arrivals.push({ at: at + this.#random(), answer, isVague });
    return router;
  }

  #isAllowed(index: number, now: number): boolean {
    const { limit } = this.#network.hops[index];
    if (limit === undefined) return true;
    const gained = (now - this.#refilledAt[index]) / 1000 * limit.perSecond;
    this.#tokens[index] = Math.min(limit.burst, this.#tokens[index] + gained);
    this.#refilledAt[index] = now;
    if (this.#tokens[index] < 1) return false;
    this.#tokens[index]--;
    return true;
  }
}

/** A path of so many hops, the last the destination, a millisecond each. */
export function chain(length: number, changes: Record<number, Partial<SimulatedHop>> = {}): SimulatedHop[] {
  return Array.from({ length }, (_, index) => ({
    addresses: [`10.0.${index + 1}.1`],
    rtt: index + 1,
    ...changes[index + 1],
  }));
}
