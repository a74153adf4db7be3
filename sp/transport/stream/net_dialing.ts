/**
 * One attempt to connect a socket of the runtime, handshake included.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { setImmediate } from "node:timers";
import { type SockeyeError, TimeoutError } from "../../../common/errors.ts";
import { timers } from "../../socket/timers.ts";
import type { DialEvents, Dialing } from "../transport.ts";
import type { Endpoint } from "./carrier.ts";
import { checkNetOptions, netError, netTarget } from "./net_errors.ts";
import { NetHandshake } from "./net_handshake.ts";

function ignore(): void {}

/** An attempt under way. */
export class NetDialing implements Dialing {
  readonly #endpoint: Endpoint;
  readonly #url: string;
  readonly #events: DialEvents;
  #socket: Socket | undefined;
  #handshake: NetHandshake | undefined;
  #cancelTimer: () => void = ignore;
  #isOver = false;

  /** Begins; what becomes of it is told in a later step. */
  constructor(endpoint: Endpoint, events: DialEvents) {
    const { address, carrier, options } = endpoint;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#url = carrier.urlOf(address);
    try {
      checkNetOptions(options, this.#url);
      this.#socket = connect(netTarget(address));
    } catch (error) {
      setImmediate(() => this.#fail(netError(error, this.#url)));
      return;
    }
    this.#cancelTimer = timers.at(performance.now() + options.handshakeTimeout, () => this.#timedOut());
    this.#socket.on("error", (error) => this.#fail(netError(error, this.#url)));
    this.#socket.on("connect", () => this.#greet());
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#handshake?.cancel();
    this.#socket?.destroy();
  }

  #greet(): void {
    this.#cancelTimer();
    const socket = this.#socket!;
    socket.removeAllListeners();
    this.#handshake = new NetHandshake(socket, this.#endpoint, {
      connected: (connection) => {
        this.#isOver = true;
        this.#events.connected(connection);
      },
      failed: (error) => this.#fail(error),
    }, ignore);
  }

  #timedOut(): void {
    const { handshakeTimeout } = this.#endpoint.options;
    this.#fail(new TimeoutError(`${this.#url}: not connected within ${handshakeTimeout} ms; see handshakeTimeout`));
  }

  #fail(error: SockeyeError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#socket?.destroy();
    this.#events.failed(error);
  }
}
