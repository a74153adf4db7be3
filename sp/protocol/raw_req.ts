/**
 * REQ in raw mode: passes requests on, and replies back. Protocol 48; sp-request-reply-01, section "Hop-by-hop".
 *
 * A message goes to one of the connected REP sockets, in turn among those whose pipe has room, with the header that it has:
 * the way back, and the id. While none has room, a bounded number waits, and then the sender does. Nothing is kept and sent
 * again: that is for the one who asked. Replies have the same header, and come in turn from all pipes, which are paused when
 * the buffer is full.
 *
 * @module
 */

import { SpMessage } from "../message.ts";
import { BalancedEngine } from "./balanced.ts";
import type { ProtocolInfo } from "./engine.ts";
import type { ReceiveBufferOption, SendBufferOption } from "./options.ts";
import { backtraceLength, MALFORMED, MAX_ANSWER_WORDS, TOO_MANY_HOPS } from "./parts/backtrace.ts";
import type { PipeRecord } from "./pattern.ts";
import { REQ } from "./protocols.ts";

/** How a raw REQ socket behaves. By default nothing waits in it to be sent, as in nng. */
export interface RawReqOptions extends SendBufferOption, ReceiveBufferOption {}

/** The REQ pattern in raw mode. */
export class RawReqEngine extends BalancedEngine {
  readonly info: ProtocolInfo = REQ;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: RawReqOptions = {}) {
    super(true, options);
  }

  protected override decode(record: PipeRecord, bytes: Uint8Array): SpMessage | undefined {
    return decodeAnswer(record, bytes);
  }
}

/** A reply, or an answer to a survey, with its header apart; `undefined` if it has none, for which its pipe is closed. */
export function decodeAnswer(record: PipeRecord, bytes: Uint8Array): SpMessage | undefined {
  const length = backtraceLength(bytes, MAX_ANSWER_WORDS);
  if (length === MALFORMED || length === TOO_MANY_HOPS) {
    record.refuse();
    return undefined;
  }
  return new SpMessage(bytes.subarray(length), bytes.subarray(0, length), record.pipe);
}
