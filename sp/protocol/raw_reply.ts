/**
 * What REP and RESPONDENT do alike in raw mode: questions come up with the way back, answers go where it says.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { SpMessage } from "../message.ts";
import { ignore, type Receiver, type Sender } from "./engine.ts";
import {
  bufferOption,
  DEFAULT_RECEIVE_BUFFER,
  type HopLimitOption,
  hopLimitOption,
  type ReceiveBufferOption,
  type SendBufferOption,
} from "./options.ts";
import { pushWord, readWord, WORD } from "./parts/backtrace.ts";
import { DroppingDuplexPipe, unsentOf } from "./parts/dropping_pipe.ts";
import { FairQueue } from "./parts/fair_queue.ts";
import { Pattern } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { questionHeader } from "./reply.ts";

/** How a raw REP or RESPONDENT socket behaves. `sendBuffer` is for each pipe. */
export interface RawReplyOptions extends SendBufferOption, ReceiveBufferOption, HopLimitOption {}

/**
 * A raw REP or RESPONDENT socket, but for its name.
 *
 * The header of a question begins with the id of the pipe that it came by. An answer has the same header: that id says which
 * pipe it goes to, and the rest goes with it. One slow pipe must not hold up the others, so that sending never waits: what
 * doesn't fit its queue, or is for a pipe that has gone, is dropped and counted.
 */
export abstract class RawReplyEngine extends Pattern<DroppingDuplexPipe> implements Sender, Receiver {
  onSendable: (now: number) => void = ignore;
  onReceivable: (now: number) => void = ignore;
  readonly #sendBuffer: number;
  readonly #hopLimit: number;
  readonly #incoming: FairQueue;
  readonly #byId: Map<number, DroppingDuplexPipe> = new Map();

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: RawReplyOptions, defaultSendBuffer: number) {
    super(true);
    this.#sendBuffer = bufferOption("sendBuffer", options.sendBuffer, defaultSendBuffer);
    this.#hopLimit = hopLimitOption(options.hopLimit);
    this.#incoming = new FairQueue(bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER));
  }

  override get unsent(): number {
    return unsentOf(this.pipes);
  }

  /** @throws {ArgumentError} If the header doesn't begin with 4 bytes that can be the id of a pipe. */
  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    const { header, body } = message;
    if (header.length < WORD) {
      throw new ArgumentError("message.header", "must begin with the id of the pipe to answer; use a received header");
    }
    const record = this.#byId.get(readWord(header));
    if (record === undefined) {
      this.counters.dropped.noPeer++;
      return true;
    }
    record.checkSize(header.length - WORD + body.length);
    record.offer(new SpMessage(body, header.subarray(WORD)));
    return true;
  }

  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.#incoming.take();
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    const length = questionHeader(record, bytes, this.#hopLimit);
    if (length < 0) return;
    const message = new SpMessage(bytes.subarray(length), pushWord(pipe.id, bytes, length), pipe);
    if (this.#incoming.put(record.inlet, message)) this.onReceivable(now);
  }

  protected override get unread(): number {
    return this.#incoming.length;
  }

  protected createRecord(pipe: Pipe): DroppingDuplexPipe {
    return new DroppingDuplexPipe(pipe, this.counters, this.#sendBuffer);
  }

  protected override attached(record: DroppingDuplexPipe, _now: number): void {
    this.#byId.set(record.pipe.id, record);
  }

  protected override becameWritable(record: DroppingDuplexPipe, _now: number): void {
    record.flush();
  }

  protected override detached(record: DroppingDuplexPipe, _now: number): void {
    this.#byId.delete(record.pipe.id);
    this.#incoming.discard(record.inlet);
  }

  protected override closed(): void {
    this.#byId.clear();
    this.#incoming.clear();
  }
}
