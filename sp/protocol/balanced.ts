/**
 * What PAIR and raw REQ do alike: each message to one peer, in turn, both ways, with backpressure.
 *
 * @module
 */

import type { SpMessage } from "../message.ts";
import { ignore, type Sender } from "./engine.ts";
import { FairEngine, InletPipe } from "./fair.ts";
import { bufferOption, type ReceiveBufferOption, type SendBufferOption } from "./options.ts";
import { Distributor } from "./parts/distributor.ts";
import { RingNode } from "./parts/ring.ts";
import type { PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";

/** What is remembered of a pipe. */
export class BalancedPipe extends InletPipe {
  /** Its turn to be sent to. */
  readonly node: RingNode<PipeRecord> = new RingNode<PipeRecord>(this);
}

/**
 * A pattern that gives each message to one of its peers, but for headers.
 *
 * A message goes to those whose pipe has room, in turn. While none has, a bounded number waits, and then the sender does.
 * What comes is received in turn.
 */
export abstract class BalancedEngine extends FairEngine<BalancedPipe> implements Sender {
  onSendable: (now: number) => void = ignore;
  readonly #outgoing: Distributor;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(isRaw: boolean, options: SendBufferOption & ReceiveBufferOption) {
    super(isRaw, options);
    this.#outgoing = new Distributor(bufferOption("sendBuffer", options.sendBuffer, 0), this);
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

  /** The message as it goes to the peer. */
  protected encode(message: SpMessage): SpMessage {
    return message;
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
    super.detached(record, now);
  }

  protected override closed(): void {
    this.#outgoing.clear();
    super.closed();
  }
}
