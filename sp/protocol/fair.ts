/**
 * What all patterns do alike that receive from several peers in turn, with backpressure, and have no contexts.
 *
 * @module
 */

import { NO_HEADER, SpMessage } from "../message.ts";
import { ignore, type Receiver } from "./engine.ts";
import { bufferOption, DEFAULT_RECEIVE_BUFFER, type ReceiveBufferOption } from "./options.ts";
import { FairQueue, Inlet } from "./parts/fair_queue.ts";
import { Pattern, PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";

/** A pipe whose messages wait for the user beside those of others. */
export class InletPipe extends PipeRecord {
  /** What it has delivered, and nobody has received yet. */
  readonly inlet: Inlet = new Inlet(this);

  override get unread(): number {
    return this.inlet.queue.length;
  }
}

/**
 * A pattern that receives from its peers in turn, but for headers, and for what it sends.
 *
 * A bounded number of messages is read ahead, and then pipes are paused. What was read ahead of a pipe that has gone stays
 * for the user, but for what exceeds the buffer.
 */
export abstract class FairEngine<P extends PipeRecord & Pick<InletPipe, "inlet">> extends Pattern<P>
  implements Receiver {
  onReceivable: (now: number) => void = ignore;
  /** What was read ahead. */
  protected readonly incoming: FairQueue;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(isRaw: boolean, options: ReceiveBufferOption) {
    super(isRaw);
    this.incoming = new FairQueue(bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER));
  }

  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.incoming.take();
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    const message = this.decode(record, bytes);
    if (message !== undefined && this.incoming.put(record.inlet, message)) this.onReceivable(now);
  }

  /**
   * The message as the user gets it, without a header unless the pattern has one; `undefined` if it is dropped, and counted,
   * or its pipe closed.
   */
  protected decode(record: P, bytes: Uint8Array): SpMessage | undefined {
    return new SpMessage(bytes, NO_HEADER, record.pipe);
  }

  protected override get unread(): number {
    return this.incoming.length;
  }

  protected override detached(record: P, _now: number): void {
    this.incoming.release(record.inlet);
  }

  protected override closed(): void {
    this.incoming.clear();
  }
}
