/**
 * PAIR, version 0: one peer, both ways. Protocol 16, as in nanomsg and nng (there is no RFC).
 *
 * Messages have no header, so that nothing ends a loop of devices: sp-pair-v1 is for those. Raw mode differs in nothing.
 * Sending waits while there is no peer, or it is busy; a second peer is refused.
 *
 * @module
 */

import type { ProtocolInfo } from "./engine.ts";
import type { SpMessage } from "../message.ts";
import { PairEngine, type PairOptions } from "./pair.ts";
import { withoutHeader } from "./pattern.ts";
import { PAIR0 } from "./protocols.ts";

/** The PAIR pattern, version 0. */
export class Pair0Engine extends PairEngine {
  readonly info: ProtocolInfo = PAIR0;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: PairOptions = {}) {
    super(options);
  }

  protected override encode(message: SpMessage): SpMessage {
    return withoutHeader(message);
  }
}
