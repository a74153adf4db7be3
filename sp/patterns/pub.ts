/** PUB and SUB: news for whoever subscribed. @module */

import { PubEngine, type PubOptions as PubPatternOptions } from "../protocol/pub.ts";
import { RawSubEngine } from "../protocol/raw_sub.ts";
import { SubEngine, type SubOptions as SubPatternOptions } from "../protocol/sub.ts";
import type { RawOption } from "../protocol/options.ts";
import type { SocketOptions } from "../socket/options.ts";
import { concerned } from "../socket/errors.ts";
import { ReceivingSocket } from "./receiving.ts";
import { SendingSocket } from "./sending.ts";
import { cooked, coreOf } from "./socket.ts";
import { SubContext, topicBytes } from "./sub_context.ts";

/** How a {@linkcode Pub} socket is set up. */
export interface PubOptions extends PubPatternOptions, SocketOptions {}

/**
 * PUB: each message goes to all connected SUB sockets. A subscriber that is too slow loses messages, and slows nobody.
 *
 * @example
 * ```ts
 * import { Pub, Sub } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using pub = new Pub();
 * await pub.listen("inproc://news");
 * await using sub = new Sub();
 * sub.subscribe("weather ");
 * await sub.dial("inproc://news");
 *
 * await pub.send("sports 2:1");
 * await pub.send("weather sunny");
 * assert.equal((await sub.receive()).text(), "weather sunny");
 * ```
 */
export class Pub extends SendingSocket {
  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: PubOptions = {}) {
    super(new PubEngine(options), options);
  }
}

/** How a {@linkcode Sub} socket is set up. */
export interface SubOptions extends SubPatternOptions, RawOption, SocketOptions {}

/**
 * SUB: gets those messages of all connected PUB sockets that begin with a topic subscribed to; without a subscription none.
 *
 * @example Everything
 * ```ts
 * import { Pub, Sub } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using sub = new Sub();
 * sub.subscribe("");
 * await sub.listen("inproc://everything");
 * await using pub = new Pub();
 * await pub.dial("inproc://everything");
 * await pub.send("anything");
 * assert.equal((await sub.receive()).text(), "anything");
 * ```
 */
export class Sub extends ReceivingSocket {
  readonly #options: SubOptions;

  /**
   * Opens a socket.
   *
   * @param options How it is set up. In raw mode it gets everything.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: SubOptions = {}) {
    super(options.raw ? new RawSubEngine(options) : new SubEngine(options), options);
    this.#options = options;
  }

  /**
   * Subscribes to messages that begin with a topic. Whoever subscribes to it twice unsubscribes twice.
   *
   * @param topic The beginning, as text or bytes; an empty one is every message's.
   * @throws {ArgumentError} When it is neither.
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} In raw mode, which gets everything.
   */
  subscribe(topic: string | Uint8Array): void {
    const core = coreOf(this);
    const engine = cooked(core, SubEngine, "subscribe");
    concerned(core.label, () => engine.subscribe(topicBytes(topic)));
  }

  /**
   * Takes one subscription back. Messages that were received, and that no other subscription wants, are dropped.
   *
   * @param topic As it was subscribed to.
   * @returns Whether there was such a subscription.
   * @throws {ArgumentError} When it is neither text nor bytes.
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} In raw mode.
   */
  unsubscribe(topic: string | Uint8Array): boolean {
    const core = coreOf(this);
    const engine = cooked(core, SubEngine, "unsubscribe");
    return concerned(core.label, () => engine.unsubscribe(topicBytes(topic)));
  }

  /**
   * Opens a subscriber of its own on this socket, with no subscriptions yet: several parts of a program share the
   * connections, and each gets every message that it wants.
   *
   * @param options Its queue; what is left out is as in the socket.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} In raw mode.
   */
  openContext(options: SubPatternOptions = {}): SubContext {
    const core = coreOf(this);
    const engine = cooked(core, SubEngine, "openContext");
    return new SubContext(concerned(core.label, () => engine.openContext(options)), core, this.#options);
  }
}
