/**
 * BUS: everybody to everybody else. Protocol 112, as in nng (there is no RFC).
 *
 * Each message goes to all connected BUS sockets and no further, so that a mesh in which everybody is connected to everybody
 * gets it once. Nothing waits: when the queue of a pipe, or of the user, is full, new messages are dropped and counted.
 * Messages have no header.
 *
 * In raw mode a received message has the id of its pipe as header, and a message sent with that header goes to all but that
 * pipe: so a device forwards it, and never back. There is no hop limit; devices in a loop forward for ever.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { NO_HEADER, SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Receiver, type Sender } from "./engine.ts";
import { bufferOption, type RawOption, type SendBufferOption } from "./options.ts";
import { pushWord, readWord, WORD } from "./parts/backtrace.ts";
import { DroppingPipe } from "./parts/dropping_pipe.ts";
import { DroppingQueue } from "./parts/dropping_queue.ts";
import { Pattern } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { BUS } from "./protocols.ts";

/** What nng's buffers have room for. */
const DEFAULT_BUFFER = 16;

/** How a BUS socket behaves. 16 messages fit each queue unless it is said otherwise, as in nng. */
export interface BusOptions extends SendBufferOption, RawOption {
  /** How many messages are kept for the user, 1 to 8192. @default {16} */
  receiveBuffer?: number;
}

/** The BUS pattern. */
export class BusEngine extends Pattern<DroppingPipe> implements Sender, Receiver {
  readonly info: ProtocolInfo = BUS;
  onSendable: (now: number) => void = ignore;
  onReceivable: (now: number) => void = ignore;
  readonly #sendBuffer: number;
  readonly #incoming: DroppingQueue;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: BusOptions = {}) {
    super(options.raw ?? false);
    this.#sendBuffer = bufferOption("sendBuffer", options.sendBuffer, DEFAULT_BUFFER);
    this.#incoming = new DroppingQueue(bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_BUFFER, 1));
  }

  /** @throws {ArgumentError} In raw mode, if the header is neither empty nor the id of a pipe. */
  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    const origin = this.isRaw ? originOf(message) : 0;
    this.checkSize(message.body.length);
    const outgoing = message.header.length === 0 ? message : new SpMessage(message.body);
    for (const record of this.pipes) {
      // Ids are unique in a socket only, so that what a device brings from another one may have the id of one of ours.
      const isOrigin = record.pipe.id === origin && (message.pipe ?? record.pipe) === record.pipe;
      if (!isOrigin) record.offer(outgoing);
    }
    return true;
  }

  tryReceive(_now: number): SpMessage | undefined {
    this.checkOpen("receive");
    return this.#incoming.take();
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    const header = this.isRaw ? pushWord(pipe.id, bytes, 0) : NO_HEADER;
    if (this.#incoming.put(record, new SpMessage(bytes, header, pipe))) this.onReceivable(now);
  }

  protected override get unread(): number {
    return this.#incoming.length;
  }

  protected createRecord(pipe: Pipe): DroppingPipe {
    return new DroppingPipe(pipe, this.counters, this.#sendBuffer);
  }

  protected override closed(): void {
    this.#incoming.clear();
  }
}

/** The pipe that a message came by; 0 for one of our own. */
function originOf({ header }: SpMessage): number {
  if (header.length === 0) return 0;
  if (header.length === WORD) return readWord(header);
  throw new ArgumentError("message.header", `must be empty or the 4 bytes of a pipe's id, got ${header.length} bytes`);
}
