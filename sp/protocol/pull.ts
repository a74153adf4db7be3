/**
 * PULL: takes work. Protocol 81, as in nng (there is no RFC).
 *
 * Messages are taken from the connected PUSH sockets in turn, so that a busy one holds up no other, and in order from each.
 * A bounded number is read ahead; then pipes are paused, and their peers feel it. What was read ahead is still given to the
 * user when its pipe has gone, but for what exceeds the buffer. Raw mode differs in nothing.
 *
 * @module
 */

import type { ProtocolInfo } from "./engine.ts";
import { FairEngine, InletPipe } from "./fair.ts";
import type { RawOption, ReceiveBufferOption } from "./options.ts";
import type { Pipe } from "./pipe.ts";
import { PULL } from "./protocols.ts";

/** How a PULL socket behaves. */
export interface PullOptions extends ReceiveBufferOption, RawOption {}

/** The PULL pattern. */
export class PullEngine extends FairEngine<InletPipe> {
  readonly info: ProtocolInfo = PULL;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: PullOptions = {}) {
    super(options.raw ?? false, options);
  }

  protected createRecord(pipe: Pipe): InletPipe {
    return new InletPipe(pipe, this.counters);
  }
}
