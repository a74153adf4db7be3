/**
 * REP: answers requests. Protocol 49; sp-request-reply-01.
 *
 * Requests come from the connected REQ sockets in turn, and each reply goes back the way that its request came, through any
 * number of devices up to the hop limit. A context answers one request at a time; receiving the next gives up the one before.
 * A reply to a pipe that has gone is dropped and counted: whoever asked asks again elsewhere. One to a pipe that is full
 * waits, as in nng. A request without an id closes its pipe.
 *
 * @module
 */

import type { ProtocolInfo } from "./engine.ts";
import { REP } from "./protocols.ts";
import { ReplyEngine, type ReplyOptions } from "./reply.ts";

/** The REP pattern. */
export class RepEngine extends ReplyEngine {
  readonly info: ProtocolInfo = REP;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: ReplyOptions = {}) {
    super(options);
  }
}
