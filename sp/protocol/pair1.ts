/**
 * PAIR, version 1: one peer, both ways, with a hop count. Protocol 17; sp-pair-v1.
 *
 * In front of each message is a 32-bit word, big endian, that says how often it has been sent, this time included. A message
 * beyond the hop limit is dropped; one without the word, or with bits that are reserved, closes its pipe, as in nng. Sending
 * waits while there is no peer, or it is busy; a second peer is refused, but see `pair1_poly.ts`.
 *
 * In raw mode the header is the hop count as it came, and sending adds one: so a device forwards it.
 *
 * @module
 */

import type { ProtocolInfo } from "./engine.ts";
import { ArgumentError } from "../../common/errors.ts";
import { NO_HEADER, SpMessage } from "../message.ts";
import { type HopLimitOption, hopLimitOption } from "./options.ts";
import { PairEngine, type PairOptions } from "./pair.ts";
import { readWord, WORD, writeWord } from "./parts/backtrace.ts";
import type { PipeRecord } from "./pattern.ts";
import { PAIR1 } from "./protocols.ts";

/** The largest hop count; the other bits of the word are reserved. */
const MAX_HOPS = 0xff;
/** What a message has that is sent for the first time. */
export const FIRST_HOP: Uint8Array = Uint8Array.of(0, 0, 0, 1);

/** How a PAIR socket of version 1 behaves. */
export interface Pair1Options extends PairOptions, HopLimitOption {}

/** The PAIR pattern, version 1. */
export class Pair1Engine extends PairEngine {
  readonly info: ProtocolInfo = PAIR1;
  readonly #hopLimit: number;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: Pair1Options = {}) {
    super(options);
    this.#hopLimit = hopLimitOption(options.hopLimit);
  }

  /** @throws {ArgumentError} In raw mode, if the header is no hop count below 255. */
  protected override encode(message: SpMessage): SpMessage {
    return new SpMessage(message.body, this.isRaw ? nextHop(message.header) : FIRST_HOP);
  }

  protected override decode(record: PipeRecord, bytes: Uint8Array): SpMessage | undefined {
    if (!checkHops(record, bytes, this.#hopLimit)) return undefined;
    return new SpMessage(bytes.subarray(WORD), this.isRaw ? bytes.subarray(0, WORD) : NO_HEADER, record.pipe);
  }
}

/** Whether a received message may pass; otherwise it is counted, and the pipe closed if it is malformed. */
export function checkHops(record: PipeRecord, bytes: Uint8Array, hopLimit: number): boolean {
  const hops = bytes.length < WORD ? Infinity : readWord(bytes);
  if (hops > MAX_HOPS) {
    record.refuse();
    return false;
  }
  if (hops > hopLimit) record.drop("hopLimit");
  // Nobody sends 0, but a count that wrapped around.
  else if (hops === 0) record.drop("malformed");
  else return true;
  return false;
}

function nextHop(header: Uint8Array): Uint8Array {
  const hops = header.length === WORD ? readWord(header) : Infinity;
  if (hops >= MAX_HOPS) {
    throw new ArgumentError("message.header", `must be a hop count from 0 to 254 in 4 bytes, got [${header}]`);
  }
  const next = new Uint8Array(WORD);
  writeWord(next, hops + 1);
  return next;
}
