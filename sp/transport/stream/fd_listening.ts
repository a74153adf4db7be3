/**
 * Listening with a descriptor of ours: TCP and unix streams.
 *
 * @module
 */

import { BufferFullError, SystemError } from "../../../common/errors.ts";
import {
  accept4,
  bind,
  Descriptor,
  getsockname,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  listen,
  Reactor,
  READABLE,
  setsockopt,
  SO_REUSEADDR,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
  type Watch,
} from "../../../ffi/mod.ts";
import { applyStreamOptions, domainOf } from "../../../ffi/stream_options.ts";
import type { Endpoint } from "./carrier.ts";
import { FdHandshake } from "./fd_handshake.ts";
import { timers } from "../../socket/timers.ts";
import type { Listening, ListeningEvents } from "../transport.ts";
import { bindPath, type SocketFile } from "./socket_file.ts";

/** Connections in a row, so that a flood of them starves nobody. */
const ACCEPT_BUDGET = 64;
/** Pause when the process or the machine has no descriptor left, in milliseconds. */
const SHORTAGE_PAUSE_MS = 100;

/** accept(2): what is wrong with the one connection, not with the listener. */
const CONNECTION_GONE: ReadonlySet<string> = new Set([
  "ECONNABORTED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENONET",
  "ENOPROTOOPT",
  "EPERM",
  "EPROTO",
]);

/** A listener, which accepts until it is closed. */
export class FdListening implements Listening {
  readonly url: string;
  readonly #endpoint: Endpoint;
  readonly #events: ListeningEvents;
  readonly #descriptor: Descriptor;
  readonly #file: SocketFile | undefined;
  readonly #watch: Watch;
  readonly #onReady = (): void => this.#accept();
  readonly #onGone = (): void => void this.#pipes--;
  readonly #handshakes: Set<FdHandshake> = new Set();
  /** Connections and handshakes. */
  #pipes = 0;
  #isFull = false;
  #isClosed = false;
  #cancelPause: (() => void) | undefined;

  /**
   * Begins to listen: socket(2), bind(2) and listen(2).
   *
   * @throws {SystemError} As in bind(2): `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, …
   */
  constructor(endpoint: Endpoint, events: ListeningEvents) {
    const { address, carrier, options } = endpoint;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#descriptor = Descriptor.adopt(socket(domainOf(address), SOCK_STREAM), "listener");
    const { fd } = this.#descriptor;
    try {
      if (address.family === "unix") {
        if ("path" in address) this.#file = bindPath(fd, address.path, options.mode);
        else bind(fd, address);
      } else {
        // What is set here, connections inherit: tcp(7).
        applyStreamOptions(fd, true, options);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (address.family === "inet6") setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, endpoint.ipv6Only ? 1 : 0);
        bind(fd, address);
      }
      listen(fd);
      this.url = carrier.urlOf(getsockname(fd) ?? address);
      this.#watch = Reactor.current().watch(fd, this.#onReady);
      this.#watch.want(READABLE);
    } catch (error) {
      this.#descriptor.close();
      this.#file?.remove();
      throw error;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelPause?.();
    this.#watch.close();
    for (const handshake of this.#handshakes) handshake.cancel();
    this.#handshakes.clear();
    try {
      this.#file?.remove();
    } finally {
      this.#descriptor.close();
    }
  }

  #accept(): void {
    for (let budget = ACCEPT_BUDGET; budget > 0 && !this.#isClosed; budget--) {
      try {
        const accepted = accept4(this.#descriptor.fd);
        if (accepted === undefined) return;
        this.#admit(Descriptor.adopt(accepted.fd, "connection"));
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        const isOurs = !CONNECTION_GONE.has(error.code);
        if (isOurs) this.#pause();
        this.#events.failed(error);
        if (isOurs) return;
      }
    }
  }

  #admit(descriptor: Descriptor): void {
    const { maxPipes } = this.#endpoint.options;
    if (this.#pipes >= maxPipes) {
      descriptor.close();
      this.#tellFull(maxPipes);
      return;
    }
    this.#isFull = false;
    this.#pipes++;
    const handshake = new FdHandshake(descriptor, this.#endpoint, {
      connected: (connection) => {
        this.#handshakes.delete(handshake);
        this.#events.accepted(connection);
      },
      failed: (error) => {
        this.#handshakes.delete(handshake);
        this.#pipes--;
        this.#events.failed(error);
      },
    }, this.#onGone);
    this.#handshakes.add(handshake);
  }

  /** Told once, and again only after there was room: whoever floods the listener shall not flood its log too. */
  #tellFull(maxPipes: number): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#events.failed(
      new BufferFullError(`${this.url}: refuses connections, for it has ${maxPipes}; raise maxPipes for more`),
    );
  }

  /** While descriptors are short, those who want to connect wait; asking again at once would keep the processor busy. */
  #pause(): void {
    if (this.#isClosed || this.#cancelPause !== undefined) return;
    this.#watch.want(0);
    this.#cancelPause = timers.at(performance.now() + SHORTAGE_PAUSE_MS, () => {
      this.#cancelPause = undefined;
      this.#watch.want(READABLE);
    });
  }
}
