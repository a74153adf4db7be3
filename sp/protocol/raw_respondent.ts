/**
 * RESPONDENT in raw mode: passes surveys on, and answers back. Protocol 99; sp-surveyor-01, section "Hop-by-hop".
 *
 * @module
 */

import type { ProtocolInfo } from "./engine.ts";
import { RESPONDENT } from "./protocols.ts";
import { RawReplyEngine, type RawReplyOptions } from "./raw_reply.ts";

/**
 * How many answers wait for each pipe. nng has 2, which loses answers of a device with more respondents behind it; this is
 * what its raw REP has.
 */
const DEFAULT_SEND_BUFFER = 64;

/** The RESPONDENT pattern in raw mode. */
export class RawRespondentEngine extends RawReplyEngine {
  readonly info: ProtocolInfo = RESPONDENT;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: RawReplyOptions = {}) {
    super(options, DEFAULT_SEND_BUFFER);
  }
}
