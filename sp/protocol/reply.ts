/**
 * What REP and RESPONDENT do alike: they get a question, and answer it the way that it came.
 *
 * @module
 */

import { StateError } from "../../common/errors.ts";
import { NO_HEADER, SpMessage } from "../message.ts";
import { ConversingEngine, EngineContext } from "./contexts.ts";
import { ignore, type Sender } from "./engine.ts";
import { InletPipe } from "./fair.ts";
import {
  bufferOption,
  DEFAULT_RECEIVE_BUFFER,
  type HopLimitOption,
  hopLimitOption,
  type ReceiveBufferOption,
} from "./options.ts";
import { backtraceLength, MALFORMED, TOO_MANY_HOPS } from "./parts/backtrace.ts";
import { FairQueue } from "./parts/fair_queue.ts";
import type { PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";

/** How a REP or RESPONDENT socket behaves. */
export interface ReplyOptions extends ReceiveBufferOption, HopLimitOption {}

/** What is remembered of a pipe that asks. */
export class ReplyPipe extends InletPipe {
  /** Whether it has refused an answer, and nothing was said since. */
  isFull = false;
  /** Contexts whose answer it refused, the first first. */
  readonly blocked: Set<ReplyContext> = new Set();
}

/** A conversation on a REP or RESPONDENT socket: one question, one answer, and so on. */
export class ReplyContext extends EngineContext<ReplyEngine> implements Sender {
  onSendable: (now: number) => void = ignore;
  /** The pipe that the question came by; `undefined` while there is none. The engine's business, as what follows. */
  origin: ReplyPipe | undefined = undefined;
  /** The way back from there. */
  backtrace: Uint8Array = NO_HEADER;

  /**
   * Sends the answer. False while the pipe that it is for is full; when that has gone, the answer is dropped and counted, and
   * this is true.
   *
   * @throws {StateError} If there is no question to answer, or no more, since the next was received while this waited.
   */
  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    return this.engine.answer(this, message.body);
  }

  /** Gives a question. One that was received before has no answer any more: one that still waits is refused. */
  tryReceive(now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.engine.take(this, now);
  }
}

/**
 * A REP or RESPONDENT socket, but for its name.
 *
 * Questions come from all pipes in turn, to whichever context asks first. A bounded number is read ahead, and then pipes are
 * paused; those of a pipe that goes are dropped, since nobody could be answered. The header of a question stays with the
 * context that takes it, and is what its answer begins with.
 */
export abstract class ReplyEngine extends ConversingEngine<ReplyPipe, ReplyContext> {
  protected readonly main: ReplyContext;
  readonly #hopLimit: number;
  readonly #incoming: FairQueue;
  /** Contexts that have asked for a question when there was none, the first first. */
  readonly #waiting: Set<ReplyContext> = new Set();

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: ReplyOptions) {
    super();
    this.#hopLimit = hopLimitOption(options.hopLimit);
    this.#incoming = new FairQueue(bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER));
    this.main = this.openContext();
  }

  /** Opens a context. */
  openContext(): ReplyContext {
    this.checkOpen("openContext");
    return this.add(new ReplyContext(this));
  }

  override contextClosed(context: ReplyContext): void {
    super.contextClosed(context);
    this.#waiting.delete(context);
    this.#finish(context);
  }

  /** Sends the answer of a context, or lets it wait. */
  answer(context: ReplyContext, body: Uint8Array): boolean {
    const { origin } = context;
    if (origin === undefined) {
      throw new StateError(
        "send: there is nothing to answer; receive first, and send once for each message received, before the next",
      );
    }
    if (!origin.isAttached) origin.drop("noPeer");
    else {
      origin.checkSize(context.backtrace.length + body.length);
      if (origin.isFull || !origin.send(context.backtrace, body)) {
        origin.isFull = true;
        origin.blocked.add(context);
        return false;
      }
    }
    this.#finish(context);
    return true;
  }

  /** Gives a context the question whose turn it is, or lets it wait. */
  take(context: ReplyContext, now: number): SpMessage | undefined {
    const message = this.#incoming.take();
    if (message === undefined) {
      this.#waiting.add(context);
      return undefined;
    }
    // An answer that waits must learn it before there is another question, whose answer it is not.
    if (this.#finish(context)) context.onSendable(now);
    context.origin = this.recordOf(message.pipe!);
    context.backtrace = message.header;
    message.header = NO_HEADER;
    return message;
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    const length = questionHeader(record, bytes, this.#hopLimit);
    if (length < 0) return;
    this.#incoming.put(record.inlet, new SpMessage(bytes.subarray(length), bytes.subarray(0, length), pipe));
    for (const context of this.#waiting) {
      if (this.#incoming.length === 0) return;
      this.#waiting.delete(context);
      context.onReceivable(now);
    }
  }

  protected override get unread(): number {
    return this.#incoming.length;
  }

  protected createRecord(pipe: Pipe): ReplyPipe {
    return new ReplyPipe(pipe, this.counters);
  }

  protected override becameWritable(record: ReplyPipe, now: number): void {
    record.isFull = false;
    this.#unblock(record, now);
  }

  protected override detached(record: ReplyPipe, now: number): void {
    this.#incoming.discard(record.inlet);
    record.isFull = false;
    this.#unblock(record, now);
  }

  protected override closed(): void {
    super.closed();
    this.#incoming.clear();
  }

  #unblock(record: ReplyPipe, now: number): void {
    for (const context of record.blocked) {
      if (record.isFull) return;
      record.blocked.delete(context);
      context.onSendable(now);
    }
  }

  /** Forgets the question of a context; true if an answer to it was waiting. */
  #finish(context: ReplyContext): boolean {
    const wasBlocked = context.origin?.blocked.delete(context) === true;
    context.origin = undefined;
    context.backtrace = NO_HEADER;
    return wasBlocked;
  }
}

/**
 * How long the header of a question is; less than 0 if it must not pass. It is counted then, and its pipe is closed if it is
 * malformed.
 */
export function questionHeader(record: PipeRecord, bytes: Uint8Array, hopLimit: number): number {
  const length = backtraceLength(bytes, hopLimit);
  if (length === MALFORMED) record.refuse();
  else if (length === TOO_MANY_HOPS) record.drop("hopLimit");
  return length;
}
