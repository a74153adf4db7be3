/**
 * What both versions of PAIR do alike: one peer at a time, both ways, with backpressure.
 *
 * @module
 */

import type { SpMessage } from "../message.ts";
import { ignore, type Receiver, type Sender } from "./engine.ts";
import {
  bufferOption,
  DEFAULT_RECEIVE_BUFFER,
  type RawOption,
  type ReceiveBufferOption,
  type SendBufferOption,
} from "./options.ts";
import { Distributor } from "./parts/distributor.ts";
import { FairQueue, Inlet } from "./parts/fair_queue.ts";
import { RingNode } from "./parts/ring.ts";
import { Pattern, PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";

/** How a PAIR socket behaves. By default nothing waits in it to be sent, as in nng. */
export interface PairOptions extends SendBufferOption, ReceiveBufferOption, RawOption {}

/** What a PAIR socket remembers of its pipe. */
export class PairPipe extends PipeRecord {
  /** Its turn to send, which is always its. */
  readonly node: RingNode<PipeRecord> = new RingNode<PipeRecord>(this);
  /** What it has delivered. */
  readonly inlet: Inlet = new Inlet(this);

  override get unread(): number {
    return this.inlet.queue.length;
  }
}

/**
 * A PAIR socket, but for its header.
 *
 * A second pipe is refused while there is one. What waits to be sent goes to the next peer when this one goes, and what was
 * read ahead stays for the user.
 */
export abstract class PairEngine extends Pattern<PairPipe> implements Sender, Receiver {
  onSendable: (now: number) => void = ignore;
  onReceivable: (now: number) => void = ignore;
  readonly #outgoing: Distributor;
  readonly #incoming: FairQueue;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: PairOptions) {
    super(options.raw ?? false);
    this.#outgoing = new Distributor(bufferOption("sendBuffer", options.sendBuffer, 0), this);
    this.#incoming = new FairQueue(bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER));
  }

  override get unsent(): number {
    return this.#outgoing.length;
  }

  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    const encoded = this.encode(message);
    this.checkSize(encoded.header.length + encoded.body.length);
    return this.#outgoing.trySend(encoded);
  }

  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.#incoming.take();
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    const message = this.decode(record, bytes);
    if (message !== undefined && this.#incoming.put(record.inlet, message)) this.onReceivable(now);
  }

  /** The message as it goes to the peer. */
  protected abstract encode(message: SpMessage): SpMessage;

  /** The message as the user gets it; `undefined` if it is dropped, and counted. */
  protected abstract decode(record: PairPipe, bytes: Uint8Array): SpMessage | undefined;

  protected override get unread(): number {
    return this.#incoming.length;
  }

  protected override accepts(): boolean {
    return this.pipes.size === 0;
  }

  protected createRecord(pipe: Pipe): PairPipe {
    return new PairPipe(pipe, this.counters);
  }

  protected override attached(record: PairPipe, now: number): void {
    this.becameWritable(record, now);
  }

  protected override becameWritable(record: PairPipe, now: number): void {
    if (this.#outgoing.open(record.node)) this.onSendable(now);
  }

  protected override detached(record: PairPipe, now: number): void {
    if (this.#outgoing.remove(record.node)) this.onSendable(now);
    this.#incoming.release(record.inlet);
  }

  protected override closed(): void {
    this.#outgoing.clear();
    this.#incoming.clear();
  }
}
