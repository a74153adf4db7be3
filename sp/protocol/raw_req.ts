/**
 * REQ in raw mode: passes requests on, and replies back. Protocol 48; sp-request-reply-01, section "Hop-by-hop".
 *
 * A message goes to one of the connected REP sockets, in turn among those whose pipe has room, with the header that it has:
 * the way back, and the id. While none has room, a bounded number waits, and then the sender does. Nothing is kept and sent
 * again: that is for the one who asked. Replies have the same header, and come in turn from all pipes, which are paused when
 * the buffer is full.
 *
 * @module
 */

import { SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Receiver, type Sender } from "./engine.ts";
import { bufferOption, DEFAULT_RECEIVE_BUFFER, type ReceiveBufferOption, type SendBufferOption } from "./options.ts";
import { backtraceLength, MALFORMED, MAX_ANSWER_WORDS, TOO_MANY_HOPS } from "./parts/backtrace.ts";
import { Distributor } from "./parts/distributor.ts";
import { FairQueue, Inlet } from "./parts/fair_queue.ts";
import { RingNode } from "./parts/ring.ts";
import { Pattern, PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { REQ } from "./protocols.ts";

/** How a raw REQ socket behaves. By default nothing waits in it to be sent, as in nng. */
export interface RawReqOptions extends SendBufferOption, ReceiveBufferOption {}

class RawReqPipe extends PipeRecord {
  readonly node: RingNode<PipeRecord> = new RingNode<PipeRecord>(this);
  readonly inlet: Inlet = new Inlet(this);

  override get unread(): number {
    return this.inlet.queue.length;
  }
}

/** The REQ pattern in raw mode. */
export class RawReqEngine extends Pattern<RawReqPipe> implements Sender, Receiver {
  readonly info: ProtocolInfo = REQ;
  onSendable: (now: number) => void = ignore;
  onReceivable: (now: number) => void = ignore;
  readonly #outgoing: Distributor;
  readonly #incoming: FairQueue;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: RawReqOptions = {}) {
    super(true);
    this.#outgoing = new Distributor(bufferOption("sendBuffer", options.sendBuffer, 0), this);
    this.#incoming = new FairQueue(bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER));
  }

  override get unsent(): number {
    return this.#outgoing.length;
  }

  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    this.checkSize(message.header.length + message.body.length);
    return this.#outgoing.trySend(message);
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

  protected createRecord(pipe: Pipe): RawReqPipe {
    return new RawReqPipe(pipe, this.counters);
  }

  protected override attached(record: RawReqPipe, now: number): void {
    this.becameWritable(record, now);
  }

  protected override becameWritable(record: RawReqPipe, now: number): void {
    if (this.#outgoing.open(record.node)) this.onSendable(now);
  }

  protected override detached(record: RawReqPipe, now: number): void {
    if (this.#outgoing.remove(record.node)) this.onSendable(now);
    this.#incoming.release(record.inlet);
  }

  protected override closed(): void {
    this.#outgoing.clear();
    this.#incoming.clear();
  }
}

/** A reply, or an answer to a survey, with its header apart; `undefined` if it has none, for which its pipe is closed. */
export function decodeAnswer(record: PipeRecord, bytes: Uint8Array): SpMessage | undefined {
  const length = backtraceLength(bytes, MAX_ANSWER_WORDS);
  if (length === MALFORMED || length === TOO_MANY_HOPS) {
    record.refuse();
    return undefined;
  }
  return new SpMessage(bytes.subarray(length), bytes.subarray(0, length), record.pipe);
}
