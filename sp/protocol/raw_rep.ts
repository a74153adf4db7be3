/**
 * REP in raw mode: passes requests on, and replies back. Protocol 49; sp-request-reply-01, section "Hop-by-hop".
 *
 * @module
 */

import type { ProtocolInfo } from "./engine.ts";
import { REP } from "./protocols.ts";
import { RawReplyEngine, type RawReplyOptions } from "./raw_reply.ts";

/** How many replies wait for each pipe; nng's figure. */
const DEFAULT_SEND_BUFFER = 64;

/** The REP pattern in raw mode. */
export class RawRepEngine extends RawReplyEngine {
  readonly info: ProtocolInfo = REP;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: RawReplyOptions = {}) {
    super(options, DEFAULT_SEND_BUFFER);
  }
}
