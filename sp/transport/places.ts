/**
 * The places that a listener has: as many connections as `maxPipes`, those that have not greeted yet included.
 *
 * @module
 */

import { BufferFullError, type SockeyeError } from "../../common/errors.ts";
import type { Connection, ListeningEvents } from "./transport.ts";

/** What a listener needs of them. */
export interface PlacesOwner {
  /** The listener, for people. */
  readonly url: string;
}

/** Counts connections, and says when there is no room for another. */
export class Places {
  /** Gives a place back. */
  readonly release: () => void = () => void this.#taken--;
  readonly #limit: number;
  readonly #owner: PlacesOwner;
  readonly #events: ListeningEvents;
  #taken = 0;
  #isFull = false;

  /** All are free. */
  constructor(limit: number, owner: PlacesOwner, events: ListeningEvents) {
    this.#limit = limit;
    this.#owner = owner;
    this.#events = events;
  }

  /**
   * Whether there is a place. If there is none it is told, once, and again only after there was one: whoever floods the
   * listener shall not flood its log too.
   */
  hasOne(): boolean {
    if (this.#taken < this.#limit) {
      this.#isFull = false;
      return true;
    }
    if (!this.#isFull) {
      this.#isFull = true;
      this.#events.failed(
        new BufferFullError(
          `${this.#owner.url}: refuses connections, for it has ${this.#limit}; raise maxPipes for more`,
        ),
      );
    }
    return false;
  }

  /** Takes a place. */
  take(): void {
    this.#taken++;
  }
}

/** What becomes of a handshake: exactly one of them is called, in a later step. */
export interface HandshakeEvents {
  connected(connection: Connection): void;
  failed(error: SockeyeError): void;
}

/** The handshakes of a listener, each of which has a place, and its connection after it. */
export class Admission {
  readonly #places: Places;
  readonly #events: ListeningEvents;
  readonly #handshakes: Set<{ cancel(): void }> = new Set();

  /** Nobody has come yet. */
  constructor(limit: number, owner: PlacesOwner, events: ListeningEvents) {
    this.#places = new Places(limit, owner, events);
    this.#events = events;
  }

  /**
   * Begins a handshake, if there is a place.
   *
   * @param begin Gives the handshake; is given what to tell, and what to call when the connection that comes of it is gone.
   * @returns False when there is none.
   */
  admit(begin: (events: HandshakeEvents, onGone: () => void) => { cancel(): void }): boolean {
    if (!this.#places.hasOne()) return false;
    this.#places.take();
    const handshake = begin({
      connected: (connection) => {
        this.#handshakes.delete(handshake);
        this.#events.accepted(connection);
      },
      failed: (error) => {
        this.#handshakes.delete(handshake);
        this.#places.release();
        this.#events.failed(error);
      },
    }, this.#places.release);
    this.#handshakes.add(handshake);
    return true;
  }

  /** Gives up all that are under way. */
  cancel(): void {
    for (const handshake of this.#handshakes) handshake.cancel();
    this.#handshakes.clear();
  }
}
