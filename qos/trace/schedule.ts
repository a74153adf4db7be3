/**
 * The course of a trace: which probe leaves when, what an answer means, when a probe is given up, and when it is over.
 *
 * It owns the probes in flight and what is known of each hop. It knows neither sockets nor clocks: requests for probes come
 * out, answers and readings of a clock go in. Times are milliseconds of a clock that is never set.
 *
 * @module
 */

import type { IcmpExtension } from "../icmp/extensions.ts";
import { likeliest } from "./attribution.ts";
import type { TraceAnswerKind, TraceEvent, TraceIcmp } from "./events.ts";
import { SizeSearch } from "./size_search.ts";
import { AdaptiveWait } from "./timeouts.ts";

/** What the course is made of. */
export interface ScheduleSettings {
  /** The family of the destination. */
  family: "inet" | "inet6";
  /** The TTL of the first probe. */
  firstTtl: number;
  /** The largest TTL. */
  maxTtl: number;
  /** How many probes each hop gets. */
  probes: number;
  /** The most probes in flight. */
  window: number;
  /** The size of a probe's IP packet, in bytes. */
  size: number;
  /** The least time between probes. */
  pause: number;
  /** The longest wait for an answer. */
  timeout: number;
  /** See `WaitSettings`. */
  here: number;
  /** See `WaitSettings`. */
  near: number;
  /** Whether probes shrink to what the path carries. */
  mtu: boolean;
}

/** A probe that is to be sent. */
export interface ProbeRequest {
  /** Tells it from every other of this trace; counts from 0. */
  readonly id: number;
  /** Its TTL. */
  readonly ttl: number;
  /** Which of the hop's probes it is, counted from 0. */
  readonly probe: number;
  /** The size of its IP packet, in bytes. */
  readonly size: number;
}

/** A probe on its way. */
export interface Flight extends ProbeRequest {
  /** When it was sent. */
  readonly sentAt: number;
  /** Whether it asks once more whether the destination is nearer than it seems. */
  readonly isConfirmation: boolean;
}

/** What somebody said to a probe. */
export interface ProbeAnswer {
  /** The probe's id; several where it could be any of these. */
  ids: readonly number[];
  /** What it means for the path: it goes on, it ends well, it ends badly, it is too narrow. */
  meaning: "transit" | "destination" | "unreachable" | "too-big";
  /** Who answered. */
  router: string;
  /** When it arrived, if that is known. */
  receivedAt: number | undefined;
  /** The MTU that a router reported. */
  mtu: number | undefined;
  /** See `TraceReply`, as for the rest. */
  answer: TraceAnswerKind;
  /** The ICMP error. */
  icmp: TraceIcmp | undefined;
  /** What it carries besides. */
  extensions: readonly IcmpExtension[];
  /** The mark of traceroute. */
  annotation: string | undefined;
  /** The TTL with which it arrived. */
  replyTtl: number | undefined;
}

/** What is known of a hop. */
export class Hop {
  /** The TTL. */
  readonly ttl: number;
  /** How many probes it gets. */
  planned: number;
  /** How many have been taken up. */
  started = 0;
  /** How many are answered or given up. */
  settled = 0;
  /** Who has answered. */
  readonly routers: Set<string> = new Set();
  /** Whether somebody said that a packet's TTL ran out here, so that the path goes on behind it. */
  isTransit = false;

  /** @param ttl The TTL. @param planned How many probes it gets. */
  constructor(ttl: number, planned: number) {
    this.ttl = ttl;
    this.planned = planned;
  }
}

/** The course of one trace. */
export class TraceSchedule {
  readonly #settings: ScheduleSettings;
  readonly #wait: AdaptiveWait;
  readonly #sizes: SizeSearch | undefined;
  readonly #hops: Hop[] = [];
  readonly #flights = new Map<number, Flight>();
  /** Probes that are to be sent again, smaller. */
  #again: { ttl: number; probe: number }[] = [];
  #events: TraceEvent[] = [];
  #nextId = 0;
  /** No hop below this one has probes left to send. */
  #cursor: number;
  #lastTtl: number;
  #lastSentAt = -Infinity;
  /** Who said that the path ends at `lastTtl`, and whether it is the destination. */
  #end: { router: string; isDestination: boolean } | undefined;
  #isReached = false;

  /** @param settings What the course is made of. */
  constructor(settings: ScheduleSettings) {
    this.#settings = settings;
    this.#wait = new AdaptiveWait(settings);
    this.#sizes = settings.mtu ? new SizeSearch(settings.family, settings.size) : undefined;
    this.#cursor = settings.firstTtl;
    this.#lastTtl = settings.maxTtl;
    for (let ttl = settings.firstTtl; ttl <= settings.maxTtl; ttl++) this.#hops[ttl] = new Hop(ttl, settings.probes);
  }

  /** How many probes are on their way. */
  get inFlight(): number {
    return this.#flights.size;
  }

  /** The largest packet that the path is known to carry, where that is looked for. */
  get mtu(): number | undefined {
    return this.#sizes?.size;
  }

  /** Whether all is said. */
  get isDone(): boolean {
    return this.#isSettledTo(this.#lastTtl);
  }

  /** What has happened since the last call, in order. */
  takeEvents(): TraceEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /**
   * The probe that should leave now, if any. Asked again before {@linkcode TraceSchedule.sent}, it is the same one.
   *
   * @param now The clock.
   */
  next(now: number): ProbeRequest | undefined {
    if (now < this.#lastSentAt + this.#settings.pause || !this.#hasRoom(now)) return undefined;
    const due = this.#nextDue();
    return due && { id: this.#nextId, ttl: due.ttl, probe: due.probe, size: this.#size };
  }

  /**
   * The probe has been handed over.
   *
   * @param request As it came from {@linkcode TraceSchedule.next}.
   * @param now The clock right before.
   */
  sent(request: ProbeRequest, now: number): void {
    const { ttl, probe, size } = request;
    const again = this.#again.findIndex((each) => each.ttl === ttl && each.probe === probe);
    if (again >= 0) this.#again.splice(again, 1);
    else this.#hops[ttl].started++;
    this.#nextId = request.id + 1;
    this.#lastSentAt = now;
    this.#flights.set(request.id, { ...request, sentAt: now, isConfirmation: probe >= this.#settings.probes });
    const local = this.#sizes?.begin(size);
    if (local !== undefined) this.#events.push(local);
    this.#events.push({ type: "sent", ttl, probe, size });
  }

  /**
   * The local link doesn't carry a packet of that size.
   *
   * @param request As it came from {@linkcode TraceSchedule.next}.
   * @param mtu What it carries, where that is known.
   * @returns Whether the search goes on with smaller probes.
   */
  refused(request: ProbeRequest, mtu: number | undefined): boolean {
    return this.#sizes?.lower(request.size, mtu) ?? false;
  }

  /**
   * Somebody has answered. Answers to probes that are not in flight any more mean nothing.
   *
   * @param answer What was said.
   * @param now The clock.
   */
  answer(answer: ProbeAnswer, now: number): void {
    const flight = this.#flightOf(answer);
    if (flight === undefined) return;
    this.#flights.delete(flight.id);
    if (answer.meaning === "too-big" && this.#isRetriedSmaller(flight, answer)) return;

    const { receivedAt } = answer;
    const isPlausible = receivedAt !== undefined && receivedAt >= flight.sentAt && receivedAt <= now;
    const rtt = (isPlausible ? receivedAt : now) - flight.sentAt;
    const hop = this.#hops[flight.ttl];
    hop.settled++;
    hop.routers.add(answer.router);
    hop.isTransit ||= answer.meaning === "transit";
    this.#wait.answered(flight.ttl, rtt);
    this.#sizes?.answered(rtt);
    this.#events.push({
      type: "reply",
      ttl: flight.ttl,
      probe: flight.probe,
      router: answer.router,
      rtt,
      answer: answer.answer,
      icmp: answer.icmp,
      extensions: answer.extensions,
      annotation: answer.annotation,
      isDestination: answer.meaning === "destination",
      isFinal: answer.meaning !== "transit",
      isCertain: answer.ids.length === 1,
      replyTtl: answer.replyTtl,
      size: flight.size,
    });
    if (answer.meaning !== "transit") this.#endAt(flight.ttl, answer);
    this.#concludeWhereSettled();
  }

  /**
   * Gives up what has been waited for long enough. Whatever has arrived should be told before.
   *
   * @param now The clock.
   */
  expire(now: number): void {
    for (const flight of this.#flights.values()) {
      if (now < this.#deadlineOf(flight)) continue;
      this.#flights.delete(flight.id);
      if (flight.size > this.#size) {
        this.#again.push(flight);
        continue;
      }
      this.#hops[flight.ttl].settled++;
      this.#events.push({ type: "timeout", ttl: flight.ttl, probe: flight.probe });
    }
    this.#concludeWhereSettled();
  }

  /**
   * When to look again if nothing arrives: to send, or to give up.
   *
   * @param now The clock.
   * @returns The reading; `undefined` when all is said.
   */
  wakeAt(now: number): number | undefined {
    let wake = Infinity;
    for (const flight of this.#flights.values()) wake = Math.min(wake, this.#deadlineOf(flight));
    if (this.#nextDue() !== undefined && this.#flights.size < this.#settings.window) {
      const roomAt = this.#sizes?.roomAt(this.#flights.values()) ?? now;
      wake = Math.min(wake, Math.max(this.#lastSentAt + this.#settings.pause, roomAt));
    }
    return wake === Infinity ? undefined : wake;
  }

  get #size(): number {
    return this.#sizes?.size ?? this.#settings.size;
  }

  #hasRoom(now: number): boolean {
    if (this.#flights.size >= this.#settings.window) return false;
    return this.#sizes === undefined || now >= this.#sizes.roomAt(this.#flights.values());
  }

  #nextDue(): { ttl: number; probe: number } | undefined {
    if (this.#again.length > 0) return this.#again[0];
    for (; this.#cursor <= this.#lastTtl; this.#cursor++) {
      const hop = this.#hops[this.#cursor];
      if (hop.started < hop.planned) return { ttl: hop.ttl, probe: hop.started };
    }
    return undefined;
  }

  #deadlineOf(flight: Flight): number {
    // Should the destination be one hop nearer, its answer takes no longer than the one that is known.
    return flight.sentAt + this.#wait.of(flight.isConfirmation ? this.#lastTtl : flight.ttl);
  }

  #flightOf(answer: ProbeAnswer): Flight | undefined {
    if (answer.ids.length === 1) return this.#flights.get(answer.ids[0]);
    const candidates = answer.ids.map((id) => this.#flights.get(id)).filter((flight) => flight !== undefined);
    return likeliest(candidates, answer, this.#hops);
  }

  /** Whether the probe goes out again in a smaller size, since a link on its way is too narrow. */
  #isRetriedSmaller(flight: Flight, answer: ProbeAnswer): boolean {
    if (this.#sizes === undefined) return false;
    const isNews = flight.size <= this.#sizes.size;
    if (isNews) {
      if (!this.#sizes.lower(flight.size, answer.mtu)) return false;
      const ttl = this.#hopBehind(answer.router) ?? flight.ttl;
      this.#events.push({ type: "mtu", ttl, router: answer.router, mtu: this.#sizes.size });
    }
    this.#again.push(flight);
    return true;
  }

  /** The hop that a router's link leads to, where the router has been seen. */
  #hopBehind(router: string): number | undefined {
    const hop = this.#hops.findLast((each) => each?.isTransit && each.routers.has(router));
    return hop && hop.ttl + 1;
  }

  #endAt(ttl: number, answer: ProbeAnswer): void {
    const isDestination = answer.meaning === "destination";
    if (ttl > this.#lastTtl || ttl === this.#lastTtl && this.#end?.isDestination) return;
    this.#lastTtl = ttl;
    this.#end = { router: answer.router, isDestination };
    for (const flight of this.#flights.values()) if (flight.ttl > ttl) this.#flights.delete(flight.id);
    this.#again = this.#again.filter((each) => each.ttl <= ttl);
  }

  #isSettledTo(ttl: number): boolean {
    for (let each = this.#settings.firstTtl; each <= ttl; each++) {
      if (this.#hops[each].settled < this.#hops[each].planned) return false;
    }
    return true;
  }

  #concludeWhereSettled(): void {
    if (this.#end === undefined || this.#isReached || !this.#isSettledTo(this.#lastTtl - 1)) return;
    if (this.#confirms()) return;
    this.#isReached = this.#end.isDestination;
    if (this.#isReached) this.#events.push({ type: "reached", ttl: this.#lastTtl, address: this.#end.router });
  }

  /**
   * Asks once more where the hop in front of the end is silent: the end may be there, its answers lost. Hosts limit how
   * many errors they send, RFC 1812 section 4.3.2.8, and all answers to one TTL may get lost.
   */
  #confirms(): boolean {
    const below = this.#hops[this.#lastTtl - 1];
    if (below === undefined || below.routers.size > 0 || below.planned > this.#settings.probes) return false;
    below.planned++;
    this.#cursor = Math.min(this.#cursor, below.ttl);
    return true;
  }
}
