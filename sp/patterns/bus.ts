/** BUS: everybody to everybody else. @module */

import { BusEngine, type BusOptions as BusPatternOptions } from "../protocol/bus.ts";
import type { SocketOptions } from "../socket/options.ts";
import { DuplexSocket } from "./duplex.ts";

/** How a {@linkcode Bus} socket is set up. */
export interface BusOptions extends BusPatternOptions, SocketOptions {}

/**
 * BUS: each message goes to all who are directly connected. Whoever is too slow loses messages.
 *
 * @example
 * ```ts
 * import { Bus } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using one = new Bus();
 * await one.listen("inproc://bus");
 * await using two = new Bus();
 * await two.dial("inproc://bus");
 * await two.send("hello");
 * assert.equal((await one.receive()).text(), "hello");
 * ```
 */
export class Bus extends DuplexSocket {
  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: BusOptions = {}) {
    super(new BusEngine(options), options);
  }
}
