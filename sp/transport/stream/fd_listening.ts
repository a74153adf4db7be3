/**
 * Listening with a descriptor of ours: TCP and unix streams.
 *
 * @module
 */

import {
  bind,
  Descriptor,
  getsockname,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  listen,
  setsockopt,
  SO_REUSEADDR,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
} from "../../../ffi/mod.ts";
import { applyStreamOptions, domainOf } from "../../../ffi/stream_options.ts";
import { Acceptor } from "../acceptor.ts";
import { Admission } from "../places.ts";
import type { Listening, ListeningEvents } from "../transport.ts";
import type { Endpoint } from "./carrier.ts";
import { FdHandshake } from "./fd_handshake.ts";
import { bindPath, type SocketFile } from "./socket_file.ts";

/** A listener, which accepts until it is closed. */
export class FdListening implements Listening {
  readonly url: string;
  readonly #acceptor: Acceptor;
  readonly #admission: Admission;
  readonly #file: SocketFile | undefined;
  #isClosed = false;

  /**
   * Begins to listen: socket(2), bind(2) and listen(2).
   *
   * @throws {SystemError} As in bind(2): `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, …
   */
  constructor(endpoint: Endpoint, events: ListeningEvents) {
    const { address, carrier, options } = endpoint;
    this.#admission = new Admission(options.maxPipes, this, events);
    const descriptor = Descriptor.adopt(socket(domainOf(address), SOCK_STREAM), "listener");
    const { fd } = descriptor;
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
      this.#acceptor = new Acceptor(descriptor, "connection", {
        accepted: (accepted) => {
          const isAdmitted = this.#admission.admit((told, onGone) => new FdHandshake(accepted, endpoint, told, onGone));
          if (!isAdmitted) accepted.close();
        },
        failed: (error) => events.failed(error),
      });
    } catch (error) {
      descriptor.close();
      this.#file?.remove();
      throw error;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#admission.cancel();
    try {
      this.#file?.remove();
    } finally {
      this.#acceptor.close();
    }
  }
}
