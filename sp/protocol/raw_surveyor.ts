/**
 * SURVEYOR in raw mode: passes surveys on, and answers back. Protocol 98; sp-surveyor-01, section "Hop-by-hop".
 *
 * A message goes to all connected RESPONDENT sockets with the header that it has: the way back, and the id. Nothing waits:
 * each pipe has a bounded queue, and what doesn't fit is dropped for it. Answers have the same header, and come in turn from
 * all pipes, which are paused when the buffer is full. There is no deadline: that is for the one who asked.
 *
 * @module
 */

import type { SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Receiver, type Sender } from "./engine.ts";
import { bufferOption, DEFAULT_RECEIVE_BUFFER, type ReceiveBufferOption, type SendBufferOption } from "./options.ts";
import { DroppingDuplexPipe, unsentOf } from "./parts/dropping_pipe.ts";
import { FairQueue } from "./parts/fair_queue.ts";
import { Pattern } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { SURVEYOR } from "./protocols.ts";
import { decodeAnswer } from "./raw_req.ts";

/** How a raw SURVEYOR socket behaves. 16 surveys wait for each pipe unless it is said otherwise, as in nng. */
export interface RawSurveyorOptions extends SendBufferOption, ReceiveBufferOption {}

/** The SURVEYOR pattern in raw mode. */
export class RawSurveyorEngine extends Pattern<DroppingDuplexPipe> implements Sender, Receiver {
  readonly info: ProtocolInfo = SURVEYOR;
  onSendable: (now: number) => void = ignore;
  onReceivable: (now: number) => void = ignore;
  readonly #sendBuffer: number;
  readonly #incoming: FairQueue;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: RawSurveyorOptions = {}) {
    super(true);
    this.#sendBuffer = bufferOption("sendBuffer", options.sendBuffer, 16);
    this.#incoming = new FairQueue(bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER));
  }

  override get unsent(): number {
    return unsentOf(this.pipes);
  }

  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    this.checkSize(message.header.length + message.body.length);
    for (const pipe of this.pipes) pipe.offer(message);
    return true;
  }

  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.#incoming.take();
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    const message = decodeAnswer(record, bytes);
    if (message !== undefined && this.#incoming.put(record.inlet, message)) this.onReceivable(now);
  }

  protected override get unread(): number {
    return this.#incoming.length;
  }

  protected createRecord(pipe: Pipe): DroppingDuplexPipe {
    return new DroppingDuplexPipe(pipe, this.counters, this.#sendBuffer);
  }

  protected override becameWritable(record: DroppingDuplexPipe, _now: number): void {
    record.flush();
  }

  protected override detached(record: DroppingDuplexPipe, _now: number): void {
    this.#incoming.release(record.inlet);
  }

  protected override closed(): void {
    this.#incoming.clear();
  }
}
