/**
 * REQ: asks, until there is an answer. Protocol 48; sp-request-reply-01.
 *
 * A request goes to one of the connected REP sockets, in turn among those whose pipe has room; while none has, the sender
 * waits. In front of it is an id, by which the reply is known. The request is kept until then, and sent again when nothing
 * has come for `resendTime`, or at once when the pipe that carries it goes: it may so be processed twice, and is answered
 * once. A reply that nobody waits for, or by a pipe that never had the request, is dropped and counted.
 *
 * A context carries one request at a time, and a new one cancels the old one. Replies go to the context that asked, so that
 * many contexts converse on one socket. As in nng, a message too short for an id closes its pipe.
 *
 * @module
 */

import { NoPeerError, SockeyeError, StateError } from "../../common/errors.ts";
import { NO_HEADER, SpMessage } from "../message.ts";
import { ConversingEngine, EngineContext } from "./contexts.ts";
import { ignore, type ProtocolInfo, type Sender } from "./engine.ts";
import { durationOption } from "./options.ts";
import { ofPipe } from "./errors.ts";
import { readWord, WORD, writeWord } from "./parts/backtrace.ts";
import { Ids } from "./parts/ids.ts";
import { sendInTurn } from "./parts/in_turn.ts";
import { Ring, RingNode } from "./parts/ring.ts";
import { PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { REQ } from "./protocols.ts";

/** How requests are made, of a socket or a context. */
export interface ReqContextOptions {
  /**
   * How long a reply may take before the request is sent again, in milliseconds. With `Infinity` it is sent once, and fails
   * with a `NoPeerError` when its pipe goes.
   *
   * @default {60000}
   */
  resendTime?: number;
}

/** How a REQ socket behaves. */
export interface ReqOptions extends ReqContextOptions {
  /** The id of the first request, for tests. @default {a random one} */
  firstId?: number;
}

class ReqPipe extends PipeRecord {
  /** Its turn, while it has room. */
  readonly node: RingNode<ReqPipe> = new RingNode<ReqPipe>(this);
}

/** What a context has asked, while there is no reply. */
class Request {
  readonly id: number;
  readonly body: Uint8Array;
  readonly context: ReqContext;
  resendAt: number;
  /** The pipe that carries it; `undefined` while it waits to be sent again. */
  carrier: ReqPipe | undefined;
  /** The pipes that carried it before. */
  earlier: Set<ReqPipe> | undefined = undefined;

  constructor(id: number, body: Uint8Array, context: ReqContext, carrier: ReqPipe, now: number) {
    this.id = id;
    this.body = body;
    this.context = context;
    this.carrier = carrier;
    this.resendAt = now + context.resendTime;
  }

  wasCarriedBy(record: ReqPipe): boolean {
    return record === this.carrier || this.earlier?.has(record) === true;
  }

  carry(record: ReqPipe, now: number): void {
    if (this.carrier !== undefined) (this.earlier ??= new Set()).add(this.carrier);
    this.carrier = record;
    this.resendAt = now + this.context.resendTime;
  }
}

/** A conversation on a REQ socket: one request, one reply, and so on. */
export class ReqContext extends EngineContext<ReqEngine> implements Sender {
  onSendable: (now: number) => void = ignore;
  /** What is asked, while there is no reply; the engine's business. */
  request: Request | undefined = undefined;
  /** The reply that nobody has asked for yet, or why there will be none; the engine's business. */
  outcome: SpMessage | SockeyeError | undefined = undefined;
  #resendTime: number;
  #isWaitedFor = false;

  /** Made by {@linkcode ReqEngine.openContext}. */
  constructor(engine: ReqEngine, resendTime: number) {
    super(engine);
    this.#resendTime = resendTime;
  }

  /** How long a reply to requests that are sent from now on may take, in milliseconds. */
  get resendTime(): number {
    return this.#resendTime;
  }

  set resendTime(resendTime: number) {
    this.#resendTime = durationOption("resendTime", resendTime);
  }

  override get unread(): number {
    return this.outcome === undefined ? 0 : 1;
  }

  /** Sends a request. Once it is taken, the request before it is cancelled, and so is a reply that was not asked for. */
  trySend(message: SpMessage, now: number): boolean {
    this.checkOpen("send");
    return this.engine.ask(this, message.body, now);
  }

  /**
   * Gives the reply.
   *
   * @throws {StateError} If nothing was asked.
   * @throws {MessageTooLargeError} If the request is to be sent again, and no pipe that there is can take it.
   * @throws {NoPeerError} If the pipe that carried the request has gone, and it is not sent again.
   */
  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    const { outcome } = this;
    if (outcome === undefined) {
      if (this.request === undefined) throw new StateError("receive: nothing was asked; send a request first");
      this.#isWaitedFor = true;
      return undefined;
    }
    this.outcome = undefined;
    if (outcome instanceof SockeyeError) throw outcome;
    return outcome;
  }

  /** Forgets the request, and the reply that may be there. */
  cancel(): void {
    this.engine.forget(this);
    this.outcome = undefined;
  }

  /** There is a reply, or there will be none. */
  settle(outcome: SpMessage | SockeyeError, now: number): void {
    this.outcome = outcome;
    if (!this.#isWaitedFor) return;
    this.#isWaitedFor = false;
    this.onReceivable(now);
  }

  protected override closed(): void {
    this.cancel();
  }
}

/** The REQ pattern. */
export class ReqEngine extends ConversingEngine<ReqPipe, ReqContext> {
  readonly info: ProtocolInfo = REQ;
  protected readonly main: ReqContext;
  readonly #ids: Ids;
  /** Pipes that have room, taking turns. */
  readonly #ready: Ring<ReqPipe> = new Ring();
  /** What has no reply, by id. */
  readonly #requests: Map<number, Request> = new Map();
  /** Those of them that wait to be sent again, the first first. Empty, or no pipe is ready. */
  readonly #resends: Set<Request> = new Set();
  /** Contexts that wait for a pipe, the first first. */
  readonly #blocked: Set<ReqContext> = new Set();
  readonly #header: Uint8Array = new Uint8Array(WORD);
  /** No request is to be sent again before this. Replies don't change it: looking too early now and then costs less. */
  #deadline = Infinity;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: ReqOptions = {}) {
    super();
    this.#ids = new Ids(options.firstId);
    this.main = this.add(new ReqContext(this, durationOption("resendTime", options.resendTime ?? 60_000)));
  }

  override get deadline(): number {
    return this.#deadline;
  }

  override get unsent(): number {
    return this.#resends.size;
  }

  /** See {@linkcode ReqContext.resendTime}; contexts that are opened later have it too. */
  get resendTime(): number {
    return this.main.resendTime;
  }

  set resendTime(resendTime: number) {
    this.main.resendTime = resendTime;
  }

  /**
   * Opens a context, by default with the options of the socket.
   *
   * @throws {ArgumentError} If an option is out of its range.
   */
  openContext(options: ReqContextOptions = {}): ReqContext {
    this.checkOpen("openContext");
    return this.add(new ReqContext(this, durationOption("resendTime", options.resendTime ?? this.resendTime)));
  }

  override contextClosed(context: ReqContext): void {
    super.contextClosed(context);
    this.#blocked.delete(context);
  }

  /** See {@linkcode ReqContext.cancel}. */
  cancel(): void {
    this.main.cancel();
  }

  /** Sends the request of a context, or lets it wait. */
  ask(context: ReqContext, body: Uint8Array, now: number): boolean {
    this.checkSize(WORD + body.length);
    const id = this.#ids.take(this.#requests);
    const carrier = this.#send(id, body);
    if (carrier === undefined) {
      this.#blocked.add(context);
      return false;
    }
    context.cancel();
    const request = new Request(id, body, context, carrier, now);
    context.request = request;
    this.#requests.set(id, request);
    this.#deadline = Math.min(this.#deadline, request.resendAt);
    return true;
  }

  /** Forgets what a context asked. */
  forget(context: ReqContext): void {
    const { request } = context;
    if (request === undefined) return;
    context.request = undefined;
    this.#requests.delete(request.id);
    this.#resends.delete(request);
    if (this.#requests.size === 0) this.#deadline = Infinity;
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    if (bytes.length < WORD) {
      record.refuse();
      return;
    }
    const request = this.#requests.get(readWord(bytes));
    if (request === undefined) {
      record.drop("stale");
      return;
    }
    if (!request.wasCarriedBy(record)) {
      record.drop("foreign");
      return;
    }
    record.countReceived();
    this.forget(request.context);
    request.context.settle(new SpMessage(bytes.subarray(WORD), NO_HEADER, pipe), now);
  }

  override expire(now: number): void {
    if (now < this.#deadline) return;
    let deadline = Infinity;
    for (const request of this.#requests.values()) {
      if (request.resendAt <= now) {
        request.resendAt = now + request.context.resendTime;
        this.#resends.add(request);
      }
      deadline = Math.min(deadline, request.resendAt);
    }
    this.#deadline = deadline;
    this.#resend(now);
  }

  protected createRecord(pipe: Pipe): ReqPipe {
    return new ReqPipe(pipe, this.counters);
  }

  protected override attached(record: ReqPipe, now: number): void {
    this.becameWritable(record, now);
  }

  protected override becameWritable(record: ReqPipe, now: number): void {
    this.#ready.add(record.node);
    this.#resend(now);
    this.#wake(now);
  }

  protected override detached(record: ReqPipe, now: number): void {
    this.#ready.remove(record.node);
    const failed: Request[] = [];
    for (const request of this.#requests.values()) {
      request.earlier?.delete(record);
      if (request.carrier !== record) continue;
      request.carrier = undefined;
      if (request.resendAt === Infinity) failed.push(request);
      else this.#resends.add(request);
    }
    this.#resend(now);
    for (const request of failed) {
      const lost = new NoPeerError("receive: the peer that had the request is gone; ask again, or give a `resendTime`");
      this.#fail(request, ofPipe(lost, record.pipe), now);
    }
    this.#wake(now);
  }

  protected override closed(): void {
    super.closed();
    this.#ready.current = undefined;
  }

  /** Tells that there will be no reply, unless who asked has given up, or asked something else, in the meantime. */
  #fail(request: Request, error: SockeyeError, now: number): void {
    const { context } = request;
    if (context.request !== request) return;
    this.forget(context);
    context.settle(error, now);
  }

  /** Sends again what waits for it, as far as pipes have room. */
  #resend(now: number): void {
    for (const request of this.#resends) {
      const record = this.#send(request.id, request.body);
      if (record === undefined) {
        if (this.#ready.current === undefined) return;
        const size = WORD + request.body.length;
        if (!this.fits(size)) this.#fail(request, this.tooLarge(size), now);
        continue;
      }
      request.carry(record, now);
      this.counters.resent++;
      this.#resends.delete(request);
    }
  }

  /** Lets those try who wait for a pipe, now that some have room, or those have gone that they could have gone by. */
  #wake(now: number): void {
    // Who is refused again joins the line again.
    let left = this.#blocked.size;
    for (const context of this.#blocked) {
      if (this.#ready.current === undefined || left-- === 0) return;
      this.#blocked.delete(context);
      context.onSendable(now);
    }
  }

  /** Sends by the pipe whose turn it is; `undefined` if none has room. */
  #send(id: number, body: Uint8Array): ReqPipe | undefined {
    writeWord(this.#header, id);
    return sendInTurn(this.#ready, this.#header, body);
  }
}
