/**
 * Dialing a host that has several addresses.
 *
 * @module
 */

import type { SocketAddress } from "../../ffi/sockaddr.ts";
import type { DialEvents, Dialing } from "./transport.ts";

/** Tries the addresses of a host one after the other. */
export class AddressesDialing implements Dialing {
  readonly #addresses: readonly SocketAddress[];
  readonly #begin: (address: SocketAddress, events: DialEvents) => Dialing;
  readonly #events: DialEvents;
  #next = 0;
  #dialing!: Dialing;

  /** @param begin Begins an attempt with one address. */
  constructor(
    addresses: readonly SocketAddress[],
    begin: (address: SocketAddress, events: DialEvents) => Dialing,
    events: DialEvents,
  ) {
    this.#addresses = addresses;
    this.#begin = begin;
    this.#events = events;
    this.#dialNext();
  }

  cancel(): void {
    this.#dialing.cancel();
  }

  #dialNext(): void {
    this.#dialing = this.#begin(this.#addresses[this.#next++], {
      connected: (connection) => this.#events.connected(connection),
      failed: (error) => {
        if (this.#next < this.#addresses.length) this.#dialNext();
        else this.#events.failed(error);
      },
    });
  }
}
