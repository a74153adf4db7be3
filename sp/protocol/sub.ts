/**
 * SUB: hears what it wants. Protocol 33, as in nng (there is no RFC).
 *
 * A message from a PUB socket is kept if it begins with one of the topics subscribed to; without a subscription nothing is.
 * Filtering is done here, so that publishers know nothing of topics. A full queue drops, by default the oldest message, and
 * never holds up a publisher. When a subscription ends, what waits in the queue for it goes.
 *
 * Contexts have topics and a queue of their own, and each gets every message that it wants. In raw mode there are neither
 * topics nor contexts: see `raw_sub.ts`.
 *
 * @module
 */

import { NO_HEADER, SpMessage } from "../message.ts";
import { ContextEngine, EngineContext } from "./contexts.ts";
import type { ProtocolInfo } from "./engine.ts";
import { bufferOption, DEFAULT_RECEIVE_BUFFER } from "./options.ts";
import { DroppingQueue } from "./parts/dropping_queue.ts";
import { Topics } from "./parts/topics.ts";
import { type Counters, PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { SUB } from "./protocols.ts";

/** How a SUB socket, or a context of it, behaves. */
export interface SubOptions {
  /** How many messages are kept for the user, 1 to 8192. @default {128} */
  receiveBuffer?: number;
  /** Whether a full queue drops the oldest message for the newest, rather than the newest. @default {true} */
  preferNew?: boolean;
}

/** A subscriber of its own on a SUB socket. */
export class SubContext extends EngineContext<SubEngine> {
  readonly #counters: Counters;
  readonly #topics: Topics = new Topics();
  readonly #queue: DroppingQueue;

  /** Made by {@linkcode SubEngine.openContext}. */
  constructor(engine: SubEngine, counters: Counters, options: SubOptions) {
    super(engine);
    this.#counters = counters;
    const receiveBuffer = bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER, 1);
    this.#queue = new DroppingQueue(receiveBuffer, options.preferNew ?? true);
  }

  override get unread(): number {
    return this.#queue.length;
  }

  /** How many different topics are subscribed to. */
  get topics(): number {
    return this.#topics.size;
  }

  /** Wants all messages that begin with these bytes, from now on. Whoever subscribes twice unsubscribes twice. */
  subscribe(topic: Uint8Array): void {
    this.checkOpen("subscribe");
    this.#topics.add(topic);
  }

  /** Takes one subscription back, and drops what waits and matches no other; false if there is none. */
  unsubscribe(topic: Uint8Array): boolean {
    this.checkOpen("unsubscribe");
    if (!this.#topics.delete(topic)) return false;
    this.#counters.dropped.unsubscribed += this.#queue.retain(({ body }) => this.#topics.matches(body));
    return true;
  }

  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.#queue.take();
  }

  /** Whether it wants a message. */
  matches(body: Uint8Array): boolean {
    return this.#topics.matches(body);
  }

  /** Keeps a message, or drops one. */
  deliver(record: PipeRecord, message: SpMessage, now: number): void {
    if (this.#queue.put(record, message)) this.onReceivable(now);
  }

  protected override closed(): void {
    this.#queue.clear();
  }
}

/** The SUB pattern. */
export class SubEngine extends ContextEngine<PipeRecord, SubContext> {
  readonly info: ProtocolInfo = SUB;
  protected readonly main: SubContext;
  readonly #options: SubOptions;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: SubOptions = {}) {
    super();
    this.#options = { ...options };
    this.main = this.openContext();
  }

  /**
   * Opens a context, by default with the options of the socket.
   *
   * @throws {ArgumentError} If an option is out of its range.
   */
  openContext(options: SubOptions = {}): SubContext {
    this.checkOpen("openContext");
    return this.add(new SubContext(this, this.counters, { ...this.#options, ...options }));
  }

  /** See {@linkcode SubContext.subscribe}. */
  subscribe(topic: Uint8Array): void {
    this.main.subscribe(topic);
  }

  /** See {@linkcode SubContext.unsubscribe}. */
  unsubscribe(topic: Uint8Array): boolean {
    return this.main.unsubscribe(topic);
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    let isWanted = false;
    for (const context of this.contexts) {
      if (!context.matches(bytes)) continue;
      // Whoever receives a message may write into it, so each context but the first gets a copy.
      context.deliver(record, new SpMessage(isWanted ? bytes.slice() : bytes, NO_HEADER, pipe), now);
      isWanted = true;
    }
    if (!isWanted) this.counters.filtered++;
  }

  protected createRecord(pipe: Pipe): PipeRecord {
    return new PipeRecord(pipe, this.counters);
  }
}
