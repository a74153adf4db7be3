/**
 * PAIR, version 1, with several peers: the polyamorous mode of sp-pair-v1. Protocol 17.
 *
 * On the wire it is PAIR, version 1; a peer can't tell. A message goes to the pipe that it names (a received one names the
 * pipe that it came by), or to the oldest. One busy peer must not hold up the others, so sending waits only while there is no
 * peer at all: a bounded number of messages waits for each pipe, and what doesn't fit is dropped and counted. There is no
 * raw mode.
 *
 * @module
 */

import { NoPeerError } from "../../common/errors.ts";
import { NO_HEADER, SpMessage } from "../message.ts";
import { ignore, type ProtocolInfo, type Sender } from "./engine.ts";
import { ofPipe } from "./errors.ts";
import { FairEngine } from "./fair.ts";
import {
  bufferOption,
  type HopLimitOption,
  hopLimitOption,
  type ReceiveBufferOption,
  type SendBufferOption,
} from "./options.ts";
import { checkHops, FIRST_HOP } from "./pair1.ts";
import { WORD } from "./parts/backtrace.ts";
import { DroppingDuplexPipe } from "./parts/dropping_pipe.ts";
import type { Pipe } from "./pipe.ts";
import { PAIR1 } from "./protocols.ts";

/** How a polyamorous PAIR socket behaves. Two messages wait for each pipe unless it is said otherwise, as in nng. */
export interface Pair1PolyOptions extends SendBufferOption, ReceiveBufferOption, HopLimitOption {}

/** The PAIR pattern, version 1, polyamorous. */
export class Pair1PolyEngine extends FairEngine<DroppingDuplexPipe> implements Sender {
  readonly info: ProtocolInfo = PAIR1;
  onSendable: (now: number) => void = ignore;
  readonly #sendBuffer: number;
  readonly #hopLimit: number;
  #isRefused = false;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: Pair1PolyOptions = {}) {
    super(false, options);
    this.#sendBuffer = bufferOption("sendBuffer", options.sendBuffer, 2);
    this.#hopLimit = hopLimitOption(options.hopLimit);
  }

  /** @throws {NoPeerError} If the pipe that the message names has gone, or is another socket's. */
  trySend(message: SpMessage, _now: number): boolean {
    this.checkOpen("send");
    const record = this.#destinationOf(message);
    if (record === undefined) {
      this.#isRefused = true;
      return false;
    }
    record.checkSize(WORD + message.body.length);
    record.offer(new SpMessage(message.body, FIRST_HOP));
    return true;
  }

  protected override decode(record: DroppingDuplexPipe, bytes: Uint8Array): SpMessage | undefined {
    if (!checkHops(record, bytes, this.#hopLimit)) return undefined;
    return new SpMessage(bytes.subarray(WORD), NO_HEADER, record.pipe);
  }

  protected createRecord(pipe: Pipe): DroppingDuplexPipe {
    return new DroppingDuplexPipe(pipe, this.counters, this.#sendBuffer);
  }

  protected override attached(_record: DroppingDuplexPipe, now: number): void {
    if (!this.#isRefused) return;
    this.#isRefused = false;
    this.onSendable(now);
  }

  #destinationOf({ pipe }: SpMessage): DroppingDuplexPipe | undefined {
    if (pipe === undefined) return this.pipes.values().next().value;
    const record = this.recordOf(pipe);
    if (record !== undefined && this.pipes.has(record)) return record;
    this.counters.dropped.noPeer++;
    const text = `send: pipe ${pipe.id} is no pipe of this socket any more; send without one, or to another`;
    throw ofPipe(new NoPeerError(text), pipe);
  }
}
