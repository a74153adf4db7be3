/**
 * SURVEYOR in raw mode: passes surveys on, and answers back. Protocol 98; sp-surveyor-01, section "Hop-by-hop".
 *
 * A message goes to all connected RESPONDENT sockets with the header that it has: the way back, and the id. Nothing waits:
 * each pipe has a bounded queue, and what doesn't fit is dropped for it. Answers have the same header, and come in turn from
 * all pipes, which are paused when the buffer is full. There is no deadline: that is for the one who asked.
 *
 * @module
 */

import type { SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Sender } from "./engine.ts";
import { FairEngine } from "./fair.ts";
import { bufferOption, type ReceiveBufferOption, type SendBufferOption } from "./options.ts";
import { DroppingDuplexPipe } from "./parts/dropping_pipe.ts";
import type { Pipe } from "./pipe.ts";
import { SURVEYOR } from "./protocols.ts";
import { decodeAnswer } from "./raw_req.ts";

/** How a raw SURVEYOR socket behaves. 16 surveys wait for each pipe unless it is said otherwise, as in nng. */
export interface RawSurveyorOptions extends SendBufferOption, ReceiveBufferOption {}

/** The SURVEYOR pattern in raw mode. */
export class RawSurveyorEngine extends FairEngine<DroppingDuplexPipe> implements Sender {
  readonly info: ProtocolInfo = SURVEYOR;
  onSendable: (now: number) => void = ignore;
  readonly #sendBuffer: number;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: RawSurveyorOptions = {}) {
    super(true, options);
    this.#sendBuffer = bufferOption("sendBuffer", options.sendBuffer, 16);
  }

  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    this.checkSize(message.header.length + message.body.length);
    for (const pipe of this.pipes) pipe.offer(message);
    return true;
  }

  protected override decode(record: DroppingDuplexPipe, bytes: Uint8Array): SpMessage | undefined {
    return decodeAnswer(record, bytes);
  }

  protected createRecord(pipe: Pipe): DroppingDuplexPipe {
    return new DroppingDuplexPipe(pipe, this.counters, this.#sendBuffer);
  }
}
