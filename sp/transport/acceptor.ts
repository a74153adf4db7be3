/**
 * Accepting connections on a descriptor that listens, as long as there are descriptors for them.
 *
 * @module
 */

import { type SockeyeError, SystemError } from "../../common/errors.ts";
import { accept4, Descriptor, Reactor, READABLE, type Watch } from "../../ffi/mod.ts";
import { timers } from "../socket/timers.ts";

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

/** What an acceptor tells. */
export interface AcceptorEvents {
  /** Somebody has connected; whoever is told owns the descriptor. */
  accepted(descriptor: Descriptor): void;
  /** An accept(2) went wrong; it goes on. */
  failed(error: SockeyeError): void;
}

/** Accepts until it is closed. */
export class Acceptor {
  readonly #descriptor: Descriptor;
  readonly #label: string;
  readonly #events: AcceptorEvents;
  readonly #watch: Watch;
  readonly #onReady = (): void => this.#accept();
  #cancelPause: (() => void) | undefined;
  #isClosed = false;

  /**
   * Begins.
   *
   * @param descriptor One that listens; owned from now on.
   * @param label What the accepted ones are, for people.
   * @param events Told what comes.
   */
  constructor(descriptor: Descriptor, label: string, events: AcceptorEvents) {
    this.#descriptor = descriptor;
    this.#label = label;
    this.#events = events;
    this.#watch = Reactor.current().watch(descriptor.fd, this.#onReady);
    this.#watch.want(READABLE);
  }

  /** Ends it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelPause?.();
    this.#watch.close();
    this.#descriptor.close();
  }

  #accept(): void {
    for (let budget = ACCEPT_BUDGET; budget > 0 && !this.#isClosed; budget--) {
      try {
        const accepted = accept4(this.#descriptor.fd);
        if (accepted === undefined) return;
        this.#events.accepted(Descriptor.adopt(accepted.fd, this.#label));
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        const isOurs = !CONNECTION_GONE.has(error.code);
        if (isOurs) this.#pause();
        this.#events.failed(error);
        if (isOurs) return;
      }
    }
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
