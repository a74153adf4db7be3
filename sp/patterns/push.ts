/** PUSH and PULL: work for whoever is free. @module */

import { PullEngine, type PullOptions as PullPatternOptions } from "../protocol/pull.ts";
import { PushEngine, type PushOptions as PushPatternOptions } from "../protocol/push.ts";
import type { SocketOptions } from "../socket/options.ts";
import { ReceivingSocket } from "./receiving.ts";
import { SendingSocket } from "./sending.ts";

/** How a {@linkcode Push} socket is set up. */
export interface PushOptions extends PushPatternOptions, SocketOptions {}

/**
 * PUSH: each message goes to one of the connected PULL sockets, in turn among those that have room.
 *
 * @example Two workers share the work
 * ```ts
 * import { Pull, Push } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using push = new Push();
 * await push.listen("inproc://work");
 * await using one = new Pull();
 * await using two = new Pull();
 * await one.dial("inproc://work");
 * await two.dial("inproc://work");
 *
 * for (const task of ["a", "b"]) await push.send(task);
 * const done = [(await one.receive()).text(), (await two.receive()).text()];
 * assert.deepEqual(done.sort(), ["a", "b"]);
 * ```
 */
export class Push extends SendingSocket {
  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: PushOptions = {}) {
    super(new PushEngine(options), options);
  }
}

/** How a {@linkcode Pull} socket is set up. */
export interface PullOptions extends PullPatternOptions, SocketOptions {}

/**
 * PULL: gets messages of all connected PUSH sockets, fairly.
 *
 * @example
 * ```ts
 * import { Pull, Push } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using pull = new Pull();
 * await pull.listen("inproc://results");
 * await using push = new Push();
 * await push.dial("inproc://results");
 * await push.send("42");
 *
 * for await (const message of pull) {
 *   assert.equal(message.text(), "42");
 *   break;
 * }
 * ```
 */
export class Pull extends ReceivingSocket {
  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: PullOptions = {}) {
    super(new PullEngine(options), options);
  }
}
