/**
 * What every pattern does alike: it knows its pipes, it counts, it is closed once.
 *
 * @module
 */

import { ClosedError } from "../../common/errors.ts";
import { SpMessage } from "../message.ts";
import type { DropStats, Engine, EngineStats, PipeStats, ProtocolInfo } from "./engine.ts";
import type { Pipe } from "./pipe.ts";

/** The counters of an engine. */
export class Counters {
  /** See {@linkcode EngineStats}. */
  refusedPipes = 0;
  /** See {@linkcode EngineStats}. */
  sent = 0;
  /** See {@linkcode EngineStats}. */
  received = 0;
  /** See {@linkcode EngineStats}. */
  resent = 0;
  /** See {@linkcode EngineStats}. */
  filtered = 0;
  /** See {@linkcode DropStats}. */
  readonly dropped: DropStats = {
    bufferFull: 0,
    noPeer: 0,
    malformed: 0,
    hopLimit: 0,
    stale: 0,
    foreign: 0,
    unexpected: 0,
    pipeGone: 0,
    unsubscribed: 0,
  };
}

/** What an engine remembers of a pipe. Patterns that need more extend it. */
export class PipeRecord {
  /** The pipe. */
  readonly pipe: Pipe;
  /** False once the pipe has gone. */
  isAttached = true;
  /** Messages handed to it. */
  sent = 0;
  /** Messages accepted from it. */
  received = 0;
  /** Messages to it or from it that were dropped. */
  dropped = 0;
  readonly #counters: Counters;

  /** Makes the record of a pipe, which counts for its engine too. */
  constructor(pipe: Pipe, counters: Counters) {
    this.pipe = pipe;
    this.#counters = counters;
  }

  /** Hands a message to the pipe, and counts it; false when the pipe is full. */
  send(header: Uint8Array, body: Uint8Array): boolean {
    if (!this.pipe.send(header, body)) return false;
    this.sent++;
    this.#counters.sent++;
    return true;
  }

  /** Counts a message from the pipe that is accepted. */
  countReceived(): void {
    this.received++;
    this.#counters.received++;
  }

  /** Counts dropped messages. */
  drop(reason: keyof DropStats, count = 1): void {
    this.dropped += count;
    this.#counters.dropped[reason] += count;
  }

  /** The pipe has gone, and what is kept for it goes too. */
  forget(): void {
    this.isAttached = false;
  }

  /** Counts a message that breaks the protocol, and closes the pipe that it came by. */
  refuse(): void {
    this.drop("malformed");
    this.pipe.close();
  }
}

/** The base of all engines. */
export abstract class Pattern<P extends PipeRecord> implements Engine {
  abstract readonly info: ProtocolInfo;
  readonly isRaw: boolean;
  /** The attached pipes, the oldest first. */
  protected readonly pipes: Set<P> = new Set();
  /** What is counted. */
  protected readonly counters: Counters = new Counters();
  #isClosed = false;

  /** Makes an engine without pipes. */
  constructor(isRaw: boolean) {
    this.isRaw = isRaw;
  }

  get deadline(): number {
    return Infinity;
  }

  get unsent(): number {
    return 0;
  }

  attach(pipe: Pipe, now: number): boolean {
    this.checkOpen("attach");
    if (!this.accepts()) {
      this.counters.refusedPipes++;
      return false;
    }
    const record = this.createRecord(pipe);
    pipe.state = record;
    this.pipes.add(record);
    this.attached(record, now);
    return true;
  }

  detach(pipe: Pipe, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    pipe.state = undefined;
    record.forget();
    this.pipes.delete(record);
    this.detached(record, now);
  }

  abstract receive(pipe: Pipe, bytes: Uint8Array, now: number): void;

  writable(pipe: Pipe, now: number): void {
    const record = this.recordOf(pipe);
    if (record !== undefined) this.becameWritable(record, now);
  }

  expire(_now: number): void {}

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const record of this.pipes) {
      record.pipe.state = undefined;
      record.forget();
    }
    this.pipes.clear();
    this.closed();
  }

  stats(): EngineStats {
    const { refusedPipes, sent, received, resent, filtered, dropped } = this.counters;
    const { unsent, unread } = this;
    const pipes = this.pipes.size;
    return { pipes, refusedPipes, sent, received, resent, filtered, unsent, unread, dropped: { ...dropped } };
  }

  pipeStats(pipe: Pipe): PipeStats | undefined {
    const record = this.recordOf(pipe);
    return record && { sent: record.sent, received: record.received, dropped: record.dropped };
  }

  /** Messages that wait for the user. */
  protected get unread(): number {
    return 0;
  }

  /** What is remembered of a pipe; `undefined` when it is not attached. */
  protected recordOf(pipe: Pipe): P | undefined {
    return pipe.state as P | undefined;
  }

  /** Throws once the engine is closed. */
  protected checkOpen(operation: string): void {
    if (this.#isClosed) throw new ClosedError(`${operation}: the ${this.info.name} socket is closed`);
  }

  /** Whether there is room for one more pipe. */
  protected accepts(): boolean {
    return true;
  }

  /** Makes the record of a new pipe. */
  protected abstract createRecord(pipe: Pipe): P;

  /** A pipe has been added. */
  protected attached(_record: P, _now: number): void {}

  /** A pipe has been removed. */
  protected detached(_record: P, _now: number): void {}

  /** A pipe that refused a message has room again. */
  protected becameWritable(_record: P, _now: number): void {}

  /** The engine is closed: all messages go. */
  protected closed(): void {}
}

/** The message as cooked patterns send it: without a header that it may have from elsewhere. */
export function withoutHeader(message: SpMessage): SpMessage {
  return message.header.length === 0 ? message : new SpMessage(message.body);
}
