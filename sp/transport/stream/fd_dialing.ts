/**
 * One attempt to connect a descriptor of ours, handshake included.
 *
 * @module
 */

import { type SockeyeError, SystemError, TimeoutError } from "../../../common/errors.ts";
import {
  connect,
  Descriptor,
  ERRNO,
  formatSocketAddress,
  getpeername,
  getsockname,
  getsockoptInt,
  Reactor,
  SO_ERROR,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
  systemError,
  type Watch,
  WRITABLE,
} from "../../../ffi/mod.ts";
import { applyStreamOptions, domainOf } from "../../../ffi/stream_options.ts";
import type { Endpoint } from "./carrier.ts";
import { FdHandshake } from "./fd_handshake.ts";
import { timers } from "../../socket/timers.ts";
import type { DialEvents } from "../transport.ts";

/** Pauses between attempts where a unix listener's backlog is full, in milliseconds. */
const RETRY_MIN_MS = 1;
const RETRY_MAX_MS = 32;

function ignore(): void {}

/** An attempt under way. */
export class FdDialing {
  readonly #endpoint: Endpoint;
  readonly #events: DialEvents;
  readonly #onWritable = (): void => this.#finishConnecting();
  readonly #deadline: number;
  #descriptor: Descriptor | undefined;
  #watch: Watch | undefined;
  #handshake: FdHandshake | undefined;
  #cancelTimer: () => void = ignore;
  #retryMs = RETRY_MIN_MS;
  #isOver = false;

  /** Begins; what becomes of it is told in a later step. */
  constructor(endpoint: Endpoint, events: DialEvents) {
    this.#endpoint = endpoint;
    this.#events = events;
    this.#deadline = performance.now() + endpoint.options.handshakeTimeout;
    try {
      this.#descriptor = Descriptor.adopt(socket(domainOf(endpoint.address), SOCK_STREAM), "connection");
      applyStreamOptions(this.#descriptor.fd, endpoint.address.family !== "unix", endpoint.options);
    } catch (error) {
      this.#failLater(error);
      return;
    }
    this.#connect();
  }

  /** Gives up, and tells nobody. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handshake?.cancel();
    this.#leave();
    this.#descriptor?.close();
  }

  #connect(): void {
    const { fd } = this.#descriptor!;
    try {
      if (connect(fd, this.#endpoint.address)) return this.#greet();
    } catch (error) {
      // unix(7): the backlog is full; nothing is under way, and the socket never becomes ready.
      const isFull = error instanceof SystemError && error.code === "EAGAIN" &&
        this.#endpoint.address.family === "unix";
      return isFull ? this.#retryLater() : this.#failLater(error);
    }
    this.#watch = Reactor.current().watch(fd, this.#onWritable);
    this.#watch.want(WRITABLE);
    this.#cancelTimer = timers.at(this.#deadline, () => this.#timedOut());
  }

  #retryLater(): void {
    const now = performance.now();
    const pauseMs = this.#retryMs;
    this.#retryMs = Math.min(2 * pauseMs, RETRY_MAX_MS);
    this.#cancelTimer = timers.at(Math.min(now + pauseMs, this.#deadline), () => {
      if (performance.now() >= this.#deadline) this.#timedOut();
      else this.#connect();
    });
  }

  #finishConnecting(): void {
    this.#leave();
    const { fd } = this.#descriptor!;
    const { address } = this.#endpoint;
    const errno = getsockoptInt(fd, SOL_SOCKET, SO_ERROR);
    if (errno !== 0) return this.#fail(systemError(errno, "connect", formatSocketAddress(address)));
    if (isConnectedToItself(fd)) {
      return this.#fail(
        new SystemError(`connect ${formatSocketAddress(address)}: nobody listens there, and the port became our own`, {
          code: "ECONNREFUSED",
          errno: ERRNO.ECONNREFUSED,
          syscall: "connect",
          address: formatSocketAddress(address),
        }),
      );
    }
    this.#greet();
  }

  #greet(): void {
    const descriptor = this.#descriptor!;
    this.#handshake = new FdHandshake(descriptor, this.#endpoint, {
      connected: (connection) => {
        this.#isOver = true;
        this.#events.connected(connection);
      },
      failed: (error) => this.#fail(error),
    }, ignore);
  }

  #timedOut(): void {
    const { address, options } = this.#endpoint;
    this.#fail(
      new TimeoutError(
        `connect ${formatSocketAddress(address)}: not done within ${options.handshakeTimeout} ms; see handshakeTimeout`,
      ),
    );
  }

  #failLater(error: unknown): void {
    Reactor.current().soon(() => this.#fail(error as SockeyeError));
  }

  #fail(error: SockeyeError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave();
    this.#descriptor?.close();
    this.#events.failed(error);
  }

  #leave(): void {
    this.#cancelTimer();
    this.#watch?.close();
    this.#watch = undefined;
  }
}

/** TCP allows a port of this machine's own choice to be connected with itself: simultaneous open, RFC 9293 section 3.5. */
function isConnectedToItself(fd: number): boolean {
  const own = getsockname(fd);
  const peer = getpeername(fd);
  return own !== undefined && peer !== undefined && formatSocketAddress(own) === formatSocketAddress(peer);
}
