/**
 * RESPONDENT: answers surveys, or doesn't. Protocol 99; sp-surveyor-01.
 *
 * Surveys come from the connected SURVEYOR sockets in turn, and each answer goes back the way that its survey came, through
 * any number of devices up to the hop limit. A context answers one survey at a time, and need not: receiving the next gives
 * up the one before. An answer to a pipe that has gone is dropped and counted, and one to a pipe that is full waits, as in
 * nng. A survey without an id closes its pipe.
 *
 * @module
 */

import type { ProtocolInfo } from "./engine.ts";
import { RESPONDENT } from "./protocols.ts";
import { ReplyEngine, type ReplyOptions } from "./reply.ts";

/** The RESPONDENT pattern. */
export class RespondentEngine extends ReplyEngine {
  readonly info: ProtocolInfo = RESPONDENT;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: ReplyOptions = {}) {
    super(options);
  }
}
