/**
 * What PAIR and raw REQ do alike: each message to one peer, in turn, both ways, with backpressure.
 *
 * @module
 */

import type { SpMessage } from "../message.ts";
import { ignore, type Receiver, type Sender } from "./engine.ts";
import { bufferOption, DEFAULT_RECEIVE_BUFFER, type ReceiveBufferOption, type SendBufferOption } from "./options.ts";
import { Distributor } from "./parts/distributor.ts";
import { FairQueue, Inlet } from "./parts/fair_queue.ts";
import { RingNode } from "./parts/ring.ts";
import { Pattern, PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";

/** What is remembered of a pipe. */
export class BalancedPipe extends PipeRecord {
  /** Its turn to be sent to. */
  readonly node: RingNode<PipeRecord> = new RingNode<PipeRecord>(this);
  /** What it has delivered. */
  readonly inlet: Inlet = new Inlet(this);

  override get unread(): number {
    return this.inlet.queue.length;
  }
}

/**
 * A pattern that gives each message to one of its peers, but for headers.
 *
 * A message goes to those whose pipe has room, in turn. While none has, a bounded number waits, and then the sender does.
 * What comes is received in turn from all pipes, which are paused when the buffer is full.
 */
export abstract class BalancedEngine extends Pattern<BalancedPipe> implements Sender, Receiver {
  onSendable: (now: number) => void = ignore;
  onReceivable: (now: number) => void = ignore;
  readonly #outgoing: Distributor;
  readonly #incoming: FairQueue;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(isRaw: boolean, options: SendBufferOption & ReceiveBufferOption) {
    super(isRaw);
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
  protected encode(message: SpMessage): SpMessage {
    return message;
  }

  /** The message as the user gets it; `undefined` if it is dropped, and counted, or its pipe closed. */
  protected abstract decode(record: BalancedPipe, bytes: Uint8Array): SpMessage | undefined;

  protected override get unread(): number {
    return this.#incoming.length;
  }

  protected createRecord(pipe: Pipe): BalancedPipe {
    return new BalancedPipe(pipe, this.counters);
  }

  protected override attached(record: BalancedPipe, now: number): void {
    this.becameWritable(record, now);
  }

  protected override becameWritable(record: BalancedPipe, now: number): void {
    if (this.#outgoing.open(record.node)) this.onSendable(now);
  }

  protected override detached(record: BalancedPipe, now: number): void {
    if (this.#outgoing.remove(record.node)) this.onSendable(now);
    this.#incoming.release(record.inlet);
  }

  protected override closed(): void {
    this.#outgoing.clear();
    this.#incoming.clear();
  }
}
