/**
 * What every pattern does alike: it knows its pipes, it counts, it is closed once.
 *
 * @module
 */

import { ClosedError, MessageTooLargeError, ProtocolError } from "../../common/errors.ts";
import { SpMessage } from "../message.ts";
import { type DropStats, type Engine, type EngineStats, noDrops, type PipeStats, type ProtocolInfo } from "./engine.ts";
import { ofPipe } from "./errors.ts";
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
  readonly dropped: DropStats = noDrops();
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
  readonly #counters: Counters;
  /** Most pipes drop nothing. */
  #dropped: DropStats | undefined;

  /** Makes the record of a pipe, which counts for its engine too. */
  constructor(pipe: Pipe, counters: Counters) {
    this.pipe = pipe;
    this.#counters = counters;
  }

  /** Messages that wait for it. */
  get unsent(): number {
    return 0;
  }

  /** Messages from it that wait for the user. */
  get unread(): number {
    return 0;
  }

  /** Messages to it or from it that were dropped, by reason: counters that go on, also when the pipe has gone. */
  get dropped(): Readonly<DropStats> {
    return this.#dropped ??= noDrops();
  }

  /** Whether the pipe can take a message of so many bytes, header included, as soon as it has room. */
  fits(size: number): boolean {
    return size <= this.pipe.maxSendSize;
  }

  /**
   * Refuses a message that the pipe can't take.
   *
   * @throws {MessageTooLargeError} Saying how large it may be.
   */
  checkSize(size: number): void {
    if (size > this.pipe.maxSendSize) throw tooLarge(size, this.pipe.maxSendSize, this.pipe);
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
    if (count === 0) return;
    (this.#dropped ??= noDrops())[reason] += count;
    this.#counters.dropped[reason] += count;
  }

  /** The pipe has room: it takes what is kept for it. */
  flush(): void {}

  /** The pipe has gone, and what is kept for it goes too. */
  forget(): void {
    this.isAttached = false;
  }

  /** Counts a message that breaks the protocol, and closes the pipe that it came by. */
  refuse(): void {
    this.drop("malformed");
    this.pipe.close(new ProtocolError("the peer sent a message without the header that its pattern has"));
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
  /** The pipe that could take the largest messages when that was last looked at; `undefined` when pipes have come or gone since. */
  #largest: P | undefined = undefined;
  #isClosed = false;

  /** Makes an engine without pipes. */
  constructor(isRaw: boolean) {
    this.isRaw = isRaw;
  }

  get deadline(): number {
    return Infinity;
  }

  get unsent(): number {
    let unsent = 0;
    for (const record of this.pipes) unsent += record.unsent;
    return unsent;
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
    this.#largest = undefined;
    this.attached(record, now);
    return true;
  }

  detach(pipe: Pipe, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    pipe.state = undefined;
    record.forget();
    this.pipes.delete(record);
    this.#largest = undefined;
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
    this.#largest = undefined;
    this.closed();
  }

  /** Whether a message of so many bytes, header included, can be sent: by one of the pipes, or a later one while there is none. */
  fits(size: number): boolean {
    if (this.#largest?.fits(size) || this.pipes.size === 0) return true;
    let largest: P | undefined;
    for (const record of this.pipes) {
      if (largest === undefined || record.pipe.maxSendSize > largest.pipe.maxSendSize) largest = record;
      if (largest.pipe.maxSendSize === Infinity) break;
    }
    this.#largest = largest;
    return largest!.fits(size);
  }

  /**
   * Refuses a message that none of the pipes can take.
   *
   * @throws {MessageTooLargeError} Saying how large it may be.
   */
  checkSize(size: number): void {
    if (!this.fits(size)) throw this.tooLarge(size);
  }

  countDrop(reason: keyof DropStats, pipe?: Pick<Pipe, "id">): void {
    const record = pipe && this.recordOf(pipe);
    if (record === undefined) this.counters.dropped[reason]++;
    else record.drop(reason);
  }

  stats(): EngineStats {
    const { refusedPipes, sent, received, resent, filtered, dropped } = this.counters;
    const { unsent, unread } = this;
    const pipes = this.pipes.size;
    return { pipes, refusedPipes, sent, received, resent, filtered, unsent, unread, dropped: { ...dropped } };
  }

  pipeStats(pipe: Pipe): PipeStats | undefined {
    const record = this.recordOf(pipe);
    if (record === undefined) return undefined;
    const { sent, received, unsent, unread, dropped } = record;
    return { sent, received, unsent, unread, dropped };
  }

  /** Messages that wait for the user. */
  protected get unread(): number {
    return 0;
  }

  /** What is remembered of a pipe; `undefined` when it is not attached. */
  protected recordOf(pipe: Pick<Pipe, "id">): P | undefined {
    return (pipe as Pipe).state as P | undefined;
  }

  /** Throws once the engine is closed. */
  protected checkOpen(operation: string): void {
    if (this.#isClosed) throw new ClosedError(`${operation}: the ${this.info.name} socket is closed`);
  }

  /** The error of a message that none of the pipes can take, as {@linkcode Pattern.fits} has just found. */
  protected tooLarge(size: number): MessageTooLargeError {
    const { pipe } = this.#largest!;
    return tooLarge(size, pipe.maxSendSize, this.pipes.size === 1 ? pipe : undefined);
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
  protected becameWritable(record: P, _now: number): void {
    record.flush();
  }

  /** The engine is closed: all messages go. */
  protected closed(): void {}
}

/** The error of a message that one pipe, or each of several, can't take. */
function tooLarge(size: number, limit: number, pipe: Pipe | undefined): MessageTooLargeError {
  const who = pipe === undefined ? "no peer takes more than" : "the peer takes at most";
  const error = new MessageTooLargeError(
    `send: the message has ${size} bytes with its header, and ${who} ${limit}; send less at a time, or have the peer raise ` +
      "`maxReceiveSize`, if the carrier allows",
  );
  return pipe === undefined ? error : ofPipe(error, pipe);
}

/** The message as cooked patterns send it: without a header that it may have from elsewhere. */
export function withoutHeader(message: SpMessage): SpMessage {
  return message.header.length === 0 ? message : new SpMessage(message.body);
}
