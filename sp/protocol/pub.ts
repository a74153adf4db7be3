/**
 * PUB: tells everybody. Protocol 32, as in nng (there is no RFC).
 *
 * Each message goes to all connected SUB sockets, which choose what they want by its first bytes. Sending never waits: each
 * pipe has a bounded queue of its own, and when that is full, a message for that pipe is dropped and counted, by default the
 * oldest one. Messages have no header. A peer that sends something is disconnected. Raw mode differs in nothing.
 *
 * @module
 */

import { ProtocolError } from "../../common/errors.ts";
import type { SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Sender } from "./engine.ts";
import { bufferOption, type RawOption, type SendBufferOption } from "./options.ts";
import { DroppingPipe } from "./parts/dropping_pipe.ts";
import { Pattern, withoutHeader } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { PUB } from "./protocols.ts";

/** How a PUB socket behaves. 16 messages wait for each pipe unless it is said otherwise, as in nng. */
export interface PubOptions extends SendBufferOption, RawOption {
  /** Whether a full queue drops the oldest message for the newest, rather than the newest. @default {true} */
  preferNew?: boolean;
}

/** The PUB pattern. */
export class PubEngine extends Pattern<DroppingPipe> implements Sender {
  readonly info: ProtocolInfo = PUB;
  onSendable: (now: number) => void = ignore;
  readonly #sendBuffer: number;
  readonly #preferNew: boolean;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: PubOptions = {}) {
    super(options.raw ?? false);
    this.#sendBuffer = bufferOption("sendBuffer", options.sendBuffer, 16);
    this.#preferNew = options.preferNew ?? true;
  }

  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    this.checkSize(message.body.length);
    const outgoing = withoutHeader(message);
    for (const pipe of this.pipes) pipe.offer(outgoing);
    return true;
  }

  receive(pipe: Pipe, _bytes: Uint8Array, _now: number): void {
    const record = this.recordOf(pipe);
    record?.drop("unexpected");
    if (record !== undefined) pipe.close(new ProtocolError("the peer sent a message to pub, which receives nothing"));
  }

  protected createRecord(pipe: Pipe): DroppingPipe {
    return new DroppingPipe(pipe, this.counters, this.#sendBuffer, this.#preferNew);
  }
}
