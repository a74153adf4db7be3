/**
 * SUB in raw mode: hears everything, as a device needs it. Protocol 33.
 *
 * There are no topics. A full queue drops the newest message, as in nng, and never holds up a publisher.
 *
 * @module
 */

import { NO_HEADER, SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Receiver } from "./engine.ts";
import { bufferOption, DEFAULT_RECEIVE_BUFFER } from "./options.ts";
import { DroppingQueue } from "./parts/dropping_queue.ts";
import { Pattern, PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { SUB } from "./protocols.ts";
import type { SubOptions } from "./sub.ts";

/** The SUB pattern in raw mode. */
export class RawSubEngine extends Pattern<PipeRecord> implements Receiver {
  readonly info: ProtocolInfo = SUB;
  onReceivable: (now: number) => void = ignore;
  readonly #incoming: DroppingQueue;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: SubOptions = {}) {
    super(true);
    const receiveBuffer = bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER, 1);
    this.#incoming = new DroppingQueue(receiveBuffer, options.preferNew ?? false);
  }

  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.#incoming.take();
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    if (this.#incoming.put(record, new SpMessage(bytes, NO_HEADER, pipe))) this.onReceivable(now);
  }

  protected override get unread(): number {
    return this.#incoming.length;
  }

  protected createRecord(pipe: Pipe): PipeRecord {
    return new PipeRecord(pipe, this.counters);
  }

  protected override closed(): void {
    this.#incoming.clear();
  }
}
