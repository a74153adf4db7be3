/**
 * Traceroute: the course of a trace joined to sockets and timers.
 *
 * @module
 */

import type { Inet6Address, InetAddress } from "../../ffi/sockaddr.ts";
import { checkPacketOptions } from "../packet_options.ts";
import { alignClocks, monotonicNow } from "./clock.ts";
import { findDestination, tooLargeToLeave } from "./destination.ts";
import type { TraceEvent, TraceTarget } from "./events.ts";
import { ReverseNames } from "./names.ts";
import { checkedTraceOptions, packetPart, sizeFor, type TraceOptions, type TraceSettings } from "./options.ts";
import { openIcmpProber } from "./probes/icmp.ts";
import type { Prober, ProberSettings } from "./probes/prober.ts";
import { openTcpProber } from "./probes/tcp.ts";
import { openUdpProber } from "./probes/udp.ts";
import { type ProbeRequest, TraceSchedule } from "./schedule.ts";
import { SummaryBuilder } from "./summary.ts";
import { Wakeup } from "./wakeup.ts";

/** How soon a send is tried again where the kernel's buffer is full, in milliseconds. */
const FULL_RETRY_MS = 1;

const OPEN: Readonly<Record<TraceSettings["method"], (settings: ProberSettings) => Prober>> = {
  udp: openUdpProber,
  icmp: openIcmpProber,
  tcp: openTcpProber,
};

/**
 * Finds the routers on the way to a host, as traceroute(8) does: packets whose TTL runs out at one hop after the other, and
 * the ICMP errors that tell where.
 *
 * Events come as things happen, the first says what is traced, and the last is the summary. UDP probes, the default, need no
 * privilege. Ending the loop, or the signal, closes the sockets at once.
 *
 * @param host A name or a numeric address.
 * @param options How to go about it.
 * @returns The events. They come only as fast as they are taken; round-trip times are the kernel's, and stay right.
 * @throws {ArgumentError} At once, when an option is out of range; from the iterator, when the host is no text or empty, or
 * an option means nothing for its family.
 * @throws {AddressError} From the iterator, when the host can't be found.
 * @throws {MessageTooLargeError} From the iterator, when probes of that size can't leave this machine unfragmented.
 * @throws {UnsupportedError} From the iterator, when the method needs a privilege that is missing; UDP needs none.
 * @throws {SystemError} From the iterator, as in send(2), for instance `ENETUNREACH` without a route.
 *
 * @example How far it is to this machine
 * ```ts
 * import { trace } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * for await (const event of trace("127.0.0.1")) {
 *   if (event.type === "reply") console.log(event.ttl, event.router, `${event.rtt.toFixed(3)} ms`);
 *   if (event.type === "summary") assert.equal(event.hops.length, 1);
 * }
 * ```
 */
export function trace(host: string, options: TraceOptions = {}): AsyncIterableIterator<TraceEvent> {
  return run(host, checkedTraceOptions(options));
}

async function* run(host: string, settings: TraceSettings): AsyncGenerator<TraceEvent, void, undefined> {
  const { signal, method, family, port } = settings;
  const destination = await findDestination(host, port, { family, signal });
  const size = sizeFor(settings, destination.family);
  const packet = packetPart(settings);
  checkPacketOptions(packet, destination.family);
  alignClocks();

  const target = targetOf(host, destination, size, settings);
  const summary = new SummaryBuilder(target);
  const began = monotonicNow();
  const course = new Course(
    settings,
    target,
    OPEN[method]({ destination, port, isStable: settings.flow === "stable", packet }),
  );
  try {
    yield target;
    for await (const event of course.events()) {
      signal?.throwIfAborted();
      summary.add(event);
      yield event;
    }
    signal?.throwIfAborted();
    yield summary.summary(course.mtu, monotonicNow() - began);
  } finally {
    course.close();
  }
}

function targetOf(
  hostname: string,
  { address, family, port }: InetAddress | Inet6Address,
  size: number,
  { method, firstTtl, maxTtl, probes }: TraceSettings,
): TraceTarget {
  const shownPort = method === "icmp" ? undefined : port;
  return { type: "target", hostname, address, family, method, port: shownPort, firstTtl, maxTtl, probes, size };
}

/** One trace under way: its schedule, its socket, which it owns, and the names of those who answer. */
class Course {
  readonly #schedule: TraceSchedule;
  readonly #prober: Prober;
  readonly #names: ReverseNames | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #wakeup: Wakeup;
  /** Also where nobody asks for the next event, and the generator stands still. */
  readonly #onAbort = () => this.close();
  #named: TraceEvent[] = [];

  constructor(settings: TraceSettings, target: TraceTarget, prober: Prober) {
    const { family, size } = target;
    const { hereFactor: here, nearFactor: near, signal, names } = settings;
    this.#schedule = new TraceSchedule({ ...settings, family, size, here, near });
    this.#prober = prober;
    this.#signal = signal;
    this.#wakeup = new Wakeup(signal);
    this.#names = names ? new ReverseNames((address, name) => this.#addName(address, name)) : undefined;
    prober.listen(() => this.#wakeup.wake());
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get mtu(): number | undefined {
    return this.#schedule.mtu;
  }

  async *events(): AsyncGenerator<TraceEvent, void, undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      const isFull = this.#exchange();
      yield* this.#news();
      if (this.#schedule.isDone) break;
      const now = monotonicNow();
      const wakeAt = isFull ? now + FULL_RETRY_MS : this.#schedule.wakeAt(now) ?? now;
      await this.#wakeup.wait(wakeAt - now);
    }
    await this.#names?.settled(this.#signal);
    yield* this.#news();
  }

  close(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#prober.close();
    this.#names?.close();
    this.#wakeup.close();
  }

  /**
   * Reads what has arrived, and sends as many probes as may leave now; whether the kernel takes no more.
   *
   * Answers are read between sends, so that nothing is sent beyond a destination that has answered already.
   */
  #exchange(): boolean {
    for (;;) {
      const now = this.#takeWhatArrived();
      const request = this.#schedule.next(now);
      if (request === undefined) {
        // Everything that is there has been read.
        this.#schedule.expire(now);
        return false;
      }
      const outcome = this.#prober.send(request);
      if (outcome === "full") return true;
      if (typeof outcome === "number") this.#schedule.sent(request, outcome);
      else this.#shrink(request, outcome);
    }
  }

  #shrink(request: ProbeRequest, { error, mtu }: { error: Error; mtu: number | undefined }): void {
    if (!this.#schedule.refused(request, mtu)) throw tooLargeToLeave(request.size, mtu, error);
  }

  /** Takes note of every answer that is there; when the look for them began. */
  #takeWhatArrived(): number {
    const began = monotonicNow();
    for (let answer = this.#prober.take(); answer !== undefined; answer = this.#prober.take()) {
      // It may have arrived since.
      this.#schedule.answer(answer, monotonicNow());
      this.#names?.ask(answer.router);
    }
    return began;
  }

  #news(): TraceEvent[] {
    const news = [...this.#schedule.takeEvents(), ...this.#named];
    this.#named = [];
    return news;
  }

  #addName(address: string, name: string | undefined): void {
    this.#named.push({ type: "name", address, name });
    this.#wakeup.wake();
  }
}
