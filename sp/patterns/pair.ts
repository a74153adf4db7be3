/** PAIR: two who talk to each other, or, polyamorous, one who talks to several. @module */

import { ArgumentError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import { messageOf, type Sendable, SpMessage } from "../message.ts";
import { Pair0Engine } from "../protocol/pair0.ts";
import { Pair1Engine, type Pair1Options } from "../protocol/pair1.ts";
import { Pair1PolyEngine } from "../protocol/pair1_poly.ts";
import type { SocketOptions } from "../socket/options.ts";
import type { SpPipe } from "../pipe.ts";
import { concerned } from "../socket/errors.ts";
import { DuplexSocket } from "./duplex.ts";
import { coreOf } from "./socket.ts";

/** How a {@linkcode Pair} socket is set up. */
export interface PairOptions extends Pair1Options, SocketOptions {
  /** The version of the pattern; both ends must have the same. @default {0} */
  version?: 0 | 1;
  /** Whether it has several peers, which `sendTo` chooses from; version 1 only, and not raw. @default {false} */
  polyamorous?: boolean;
}

/**
 * PAIR: one peer, and no other beside it; with `polyamorous` several.
 *
 * @example
 * ```ts
 * import { Pair } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using left = new Pair();
 * await left.listen("inproc://pair");
 * await using right = new Pair();
 * await right.dial("inproc://pair");
 * await left.send("hello");
 * assert.equal((await right.receive()).text(), "hello");
 * ```
 *
 * @example One with several
 * ```ts
 * import { Pair } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using hub = new Pair({ version: 1, polyamorous: true });
 * await hub.listen("inproc://hub");
 * await using spoke = new Pair({ version: 1 });
 * await spoke.dial("inproc://hub");
 * await spoke.send("question");
 * const question = await hub.receive();
 * await hub.sendTo(question.pipe!, "answer");
 * assert.equal((await spoke.receive()).text(), "answer");
 * ```
 */
export class Pair extends DuplexSocket {
  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range, or options don't go together.
   */
  constructor(options: PairOptions = {}) {
    super(engineOf(options), options);
  }

  /**
   * Sends a message to one of several peers.
   *
   * @param pipe The peer: the `pipe` of a message that it sent, or of an event.
   * @param data The message.
   * @param options How long to wait while it can't be taken.
   * @throws {NoPeerError} When that pipe is gone.
   * @throws As {@linkcode Pair.send}.
   */
  async sendTo(pipe: SpPipe, data: Sendable, options?: WaitOptions): Promise<void> {
    const { body, header } = concerned(coreOf(this).label, () => messageOf(data));
    await this.send(new SpMessage(body, header, pipe), options);
  }
}

function engineOf({ version = 0, polyamorous = false, ...options }: PairOptions) {
  if (version !== 0 && version !== 1) {
    throw new ArgumentError("options.version", `must be 0 or 1, got ${String(version)}`);
  }
  if (polyamorous && version === 0) throw new ArgumentError("options.polyamorous", "needs version: 1");
  if (polyamorous && options.raw) throw new ArgumentError("options.polyamorous", "can't be raw as well");
  if (polyamorous) return new Pair1PolyEngine(options);
  return version === 1 ? new Pair1Engine(options) : new Pair0Engine(options);
}
