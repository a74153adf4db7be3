/**
 * The first bytes of a connection on a socket of the runtime.
 *
 * @module
 */

import type { Socket } from "node:net";
import { type SockeyeError, TimeoutError } from "../../../common/errors.ts";
import { timers } from "../../socket/timers.ts";
import type { HandshakeEvents } from "../places.ts";
import { checkGreeting, type Endpoint, goneBeforeGreeting } from "./carrier.ts";
import { encodeGreeting, GREETING_BYTES } from "./frame_format.ts";
import { NetConnection } from "./net_connection.ts";
import { localAddressOf, netError, remoteAddressOf } from "./net_errors.ts";

/** A handshake under way, which owns the socket. */
export class NetHandshake {
  readonly #socket: Socket;
  readonly #endpoint: Endpoint;
  readonly #events: HandshakeEvents;
  readonly #onGone: () => void;
  readonly #cancelTimer: () => void;
  #received: Uint8Array = new Uint8Array(0);
  #isOver = false;

  /** Greets. */
  constructor(socket: Socket, endpoint: Endpoint, events: HandshakeEvents, onGone: () => void) {
    const { greeting, options } = endpoint;
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#onGone = onGone;
    this.#cancelTimer = timers.at(performance.now() + options.handshakeTimeout, () => this.#timedOut());
    if (endpoint.address.family !== "unix") {
      socket.setNoDelay(options.noDelay);
      socket.setKeepAlive(options.keepAlive);
    }
    socket.on("data", (chunk: Uint8Array) => this.#read(chunk));
    socket.on("end", () => this.#fail(goneBeforeGreeting(this.#url())));
    socket.on("error", (error) => this.#fail(netError(error, this.#url())));
    socket.on("close", () => this.#fail(goneBeforeGreeting(this.#url())));
    socket.write(encodeGreeting(greeting.protocol));
  }

  /** Gives up, and tells nobody. */
  cancel(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#destroy();
  }

  #read(chunk: Uint8Array): void {
    const received = new Uint8Array(this.#received.length + chunk.length);
    received.set(this.#received);
    received.set(chunk, this.#received.length);
    this.#received = received;
    if (received.length < GREETING_BYTES) return;
    try {
      checkGreeting(received, this.#endpoint.greeting, this.#url());
    } catch (error) {
      return this.#fail(error as SockeyeError);
    }
    this.#leave();
    const { carrier, options } = this.#endpoint;
    this.#socket.pause();
    const connection = new NetConnection(this.#socket, received.subarray(GREETING_BYTES), {
      format: carrier.format,
      maxReceiveSize: options.maxReceiveSize,
      localAddress: localAddressOf(this.#socket),
      remoteAddress: remoteAddressOf(this.#socket),
      credentials: undefined,
      url: this.#url(),
      onGone: this.#onGone,
    });
    this.#events.connected(connection);
  }

  #url(): string {
    const { carrier, address } = this.#endpoint;
    return carrier.urlOf(remoteAddressOf(this.#socket) ?? address);
  }

  #timedOut(): void {
    const { handshakeTimeout } = this.#endpoint.options;
    this.#fail(
      new TimeoutError(`${this.#url()}: the peer did not greet within ${handshakeTimeout} ms; see handshakeTimeout`),
    );
  }

  #fail(error: SockeyeError): void {
    if (this.#isOver) return;
    this.#leave();
    this.#destroy();
    this.#events.failed(error);
  }

  #leave(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#socket.removeAllListeners();
  }

  #destroy(): void {
    // Errors after that are nobody's.
    this.#socket.on("error", () => {});
    this.#socket.destroy();
  }
}
