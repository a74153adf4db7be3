/**
 * PULL: takes work. Protocol 81, as in nng (there is no RFC).
 *
 * Messages are taken from the connected PUSH sockets in turn, so that a busy one holds up no other, and in order from each.
 * A bounded number is read ahead; then pipes are paused, and their peers feel it. What was read ahead is still given to the
 * user when its pipe has gone, but for what exceeds the buffer. Raw mode differs in nothing.
 *
 * @module
 */

import { NO_HEADER, SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Receiver } from "./engine.ts";
import { bufferOption, DEFAULT_RECEIVE_BUFFER, type RawOption, type ReceiveBufferOption } from "./options.ts";
import { FairQueue, Inlet } from "./parts/fair_queue.ts";
import { Pattern, PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { PULL } from "./protocols.ts";

/** How a PULL socket behaves. */
export interface PullOptions extends ReceiveBufferOption, RawOption {}

class PullPipe extends PipeRecord {
  readonly inlet: Inlet = new Inlet(this);

  override get unread(): number {
    return this.inlet.queue.length;
  }
}

/** The PULL pattern. */
export class PullEngine extends Pattern<PullPipe> implements Receiver {
  readonly info: ProtocolInfo = PULL;
  onReceivable: (now: number) => void = ignore;
  readonly #incoming: FairQueue;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: PullOptions = {}) {
    super(options.raw ?? false);
    this.#incoming = new FairQueue(bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER));
  }

  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.#incoming.take();
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    if (this.#incoming.put(record.inlet, new SpMessage(bytes, NO_HEADER, pipe))) this.onReceivable(now);
  }

  protected override get unread(): number {
    return this.#incoming.length;
  }

  protected createRecord(pipe: Pipe): PullPipe {
    return new PullPipe(pipe, this.counters);
  }

  protected override detached(record: PullPipe, _now: number): void {
    this.#incoming.release(record.inlet);
  }

  protected override closed(): void {
    this.#incoming.clear();
  }
}
