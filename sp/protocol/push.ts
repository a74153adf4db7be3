/**
 * PUSH: hands out work. Protocol 80, as in nng (there is no RFC).
 *
 * Each message goes to one of the connected PULL sockets, in turn among those whose pipe has room. While none has, a bounded
 * number waits, and then the sender does. A message that no pipe has begun to send goes to another one when its pipe goes;
 * what was sent and not read is lost with the peer. A pipe gets its messages once, in the order of sending. Messages have
 * no header; what a peer sends is dropped. Raw mode differs in nothing.
 *
 * @module
 */

import type { SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Sender } from "./engine.ts";
import { bufferOption, type RawOption, type SendBufferOption } from "./options.ts";
import { Distributor } from "./parts/distributor.ts";
import { RingNode } from "./parts/ring.ts";
import { Pattern, PipeRecord, withoutHeader } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { PUSH } from "./protocols.ts";

/** How a PUSH socket behaves. By default nothing waits in it, as in nng. */
export interface PushOptions extends SendBufferOption, RawOption {}

class PushPipe extends PipeRecord {
  readonly node: RingNode<PipeRecord> = new RingNode<PipeRecord>(this);
}

/** The PUSH pattern. */
export class PushEngine extends Pattern<PushPipe> implements Sender {
  readonly info: ProtocolInfo = PUSH;
  onSendable: (now: number) => void = ignore;
  readonly #outgoing: Distributor;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: PushOptions = {}) {
    super(options.raw ?? false);
    this.#outgoing = new Distributor(bufferOption("sendBuffer", options.sendBuffer, 0), this);
  }

  override get unsent(): number {
    return this.#outgoing.length;
  }

  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    this.checkSize(message.body.length);
    return this.#outgoing.trySend(withoutHeader(message));
  }

  receive(pipe: Pipe, _bytes: Uint8Array, _now: number): void {
    this.recordOf(pipe)?.drop("unexpected");
  }

  protected createRecord(pipe: Pipe): PushPipe {
    return new PushPipe(pipe, this.counters);
  }

  protected override attached(record: PushPipe, now: number): void {
    this.becameWritable(record, now);
  }

  protected override becameWritable(record: PushPipe, now: number): void {
    if (this.#outgoing.open(record.node)) this.onSendable(now);
  }

  protected override detached(record: PushPipe, now: number): void {
    if (this.#outgoing.remove(record.node, record.pipe.reclaim?.())) this.onSendable(now);
  }

  protected override closed(): void {
    this.#outgoing.clear();
  }
}
