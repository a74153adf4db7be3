/**
 * What REP and RESPONDENT do alike in raw mode: questions come up with the way back, answers go where it says.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { SpMessage } from "../message.ts";
import { ignore, type Sender } from "./engine.ts";
import { FairEngine } from "./fair.ts";
import {
  bufferOption,
  type HopLimitOption,
  hopLimitOption,
  type ReceiveBufferOption,
  type SendBufferOption,
} from "./options.ts";
import { pushWord, readWord, WORD } from "./parts/backtrace.ts";
import { DroppingDuplexPipe } from "./parts/dropping_pipe.ts";
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
export abstract class RawReplyEngine extends FairEngine<DroppingDuplexPipe> implements Sender {
  onSendable: (now: number) => void = ignore;
  readonly #sendBuffer: number;
  readonly #hopLimit: number;
  readonly #byId: Map<number, DroppingDuplexPipe> = new Map();

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: RawReplyOptions, defaultSendBuffer: number) {
    super(true, options);
    this.#sendBuffer = bufferOption("sendBuffer", options.sendBuffer, defaultSendBuffer);
    this.#hopLimit = hopLimitOption(options.hopLimit);
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

  protected override decode(record: DroppingDuplexPipe, bytes: Uint8Array): SpMessage | undefined {
    const length = questionHeader(record, bytes, this.#hopLimit);
    if (length < 0) return undefined;
    return new SpMessage(bytes.subarray(length), pushWord(record.pipe.id, bytes, length), record.pipe);
  }

  protected createRecord(pipe: Pipe): DroppingDuplexPipe {
    return new DroppingDuplexPipe(pipe, this.counters, this.#sendBuffer);
  }

  protected override attached(record: DroppingDuplexPipe, _now: number): void {
    this.#byId.set(record.pipe.id, record);
  }

  protected override detached(record: DroppingDuplexPipe, _now: number): void {
    this.#byId.delete(record.pipe.id);
    // Nobody could be answered.
    this.incoming.discard(record.inlet);
  }

  protected override closed(): void {
    this.#byId.clear();
    super.closed();
  }
}
