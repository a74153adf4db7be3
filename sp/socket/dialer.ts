/**
 * Keeps one connection to an address: tries until there is one, and again when it has gone.
 *
 * @module
 */

import { Backoff } from "../../common/backoff.ts";
import { ClosedError, type SockeyeError, TimeoutError } from "../../common/errors.ts";
import { WaitList, type WaitOptions } from "../../common/wait.ts";
import type { Connection, Dialing, Greeting, Transport } from "../transport/transport.ts";
import type { SpUrl } from "../transport/url.ts";
import type { EndpointSettings } from "./options.ts";
import { timers } from "./timers.ts";

/** What a dialer needs of its socket. */
export interface DialerOwner {
  /** There is a connection; gives the reason when the socket doesn't take it. `onGone` is called when it has gone. */
  adopt(connection: Connection, role: "dialer", onGone: () => void): SockeyeError | undefined;
  /** An attempt failed. */
  attemptFailed(url: string, error: SockeyeError): void;
  /** The dialer is closed. */
  dialerClosed(dialer: Dialer): void;
}

/** What doesn't heal by trying again. */
const HOPELESS: readonly string[] = ["ADDRESS", "UNSUPPORTED", "ARGUMENT"];

/** A dialer at work. */
export class Dialer implements Disposable {
  readonly url: string;
  readonly #transport: Transport;
  readonly #named: SpUrl;
  readonly #greeting: Greeting;
  readonly #settings: EndpointSettings;
  readonly #owner: DialerOwner;
  readonly #waiting: WaitList<void> = new WaitList();
  readonly #backoff: Backoff;
  /** Where that is, as far as is known. */
  #target: SpUrl;
  #isResolving = false;
  #attempt: Dialing | undefined;
  #cancelTimer: () => void = () => {};
  #isClosed = false;
  #isConnected = false;
  #lastError: SockeyeError | undefined;
  #retries = true;

  /**
   * Makes a dialer that does nothing yet.
   *
   * @param named Where to connect, as the user says it.
   * @param target The same with its name resolved; where there is none, the same object.
   */
  constructor(
    transport: Transport,
    named: SpUrl,
    target: SpUrl,
    greeting: Greeting,
    settings: EndpointSettings,
    owner: DialerOwner,
  ) {
    this.url = named.href;
    this.#transport = transport;
    this.#named = named;
    this.#target = target;
    this.#greeting = greeting;
    this.#settings = settings;
    this.#owner = owner;
    const { reconnectMin: min, reconnectMax: max, reconnectJitter: jitter } = settings;
    this.#backoff = new Backoff({ min, max, jitter });
  }

  /** Whether there is a connection now. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Makes an attempt. Without `retry` its failure is told to whoever waits, and is the end. */
  start(retry: boolean = this.#retries): void {
    this.#retries = retry;
    try {
      this.#attempt = this.#transport.dial(this.#target, this.#greeting, this.#settings, {
        connected: (connection) => this.#connected(connection),
        failed: (error) => this.#failed(error),
      });
    } catch (error) {
      // The interface that a zone names may be gone.
      this.#failed(error as SockeyeError);
    }
  }

  /** Resolves with the first connection; rejects with what can't be mended by trying again. */
  async untilConnected(options: WaitOptions): Promise<void> {
    if (this.#isConnected) return;
    try {
      await this.#waiting.wait(`dial ${this.url}`, options, undefined);
    } catch (error) {
      const last = this.#lastError;
      if (!(error instanceof TimeoutError) || last === undefined) throw error;
      throw new TimeoutError(`${error.message}. The last attempt: ${last.message}`, { cause: last });
    }
  }

  /** Ends it. Its connection goes on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#attempt?.cancel();
    this.#attempt = undefined;
    this.#cancelTimer();
    this.#waiting.rejectAll(new ClosedError(`dial ${this.url}: the dialer, or its socket, was closed`));
    this.#owner.dialerClosed(this);
  }

  /** The same as {@linkcode Dialer.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #connected(connection: Connection): void {
    this.#attempt = undefined;
    this.#backoff.reset();
    this.#isConnected = true;
    const refusal = this.#owner.adopt(connection, "dialer", () => {
      this.#isConnected = false;
      this.#tryLater();
    });
    if (refusal === undefined) return this.#waiting.resolveAll(undefined);
    this.#isConnected = false;
    this.#failed(refusal);
  }

  #failed(error: SockeyeError): void {
    this.#lastError = error;
    this.#attempt = undefined;
    this.#owner.attemptFailed(this.url, error);
    // Whoever waits wants to know of a peer of the wrong pattern; without anybody it may become the right one.
    const isWaitedFor = this.#waiting.size > 0;
    if (HOPELESS.includes(error.code) || isWaitedFor && (error.code === "PROTOCOL" || !this.#retries)) {
      this.#waiting.rejectAll(error);
      this.close();
      return;
    }
    this.#tryLater();
  }

  #tryLater(): void {
    if (this.#isClosed) return;
    if (this.#target !== this.#named) this.#resolveAgain();
    this.#cancelTimer = timers.at(performance.now() + this.#backoff.next(), () => this.start());
  }

  /**
   * Asks for the addresses of a name, which may have changed. Attempts don't wait for the answer: it never comes while the
   * thread is blocked.
   */
  #resolveAgain(): void {
    if (this.#isResolving) return;
    this.#isResolving = true;
    const found = (target: SpUrl) => {
      this.#isResolving = false;
      this.#target = target;
    };
    // Where nobody knows the name just now, its last addresses have to do.
    this.#transport.resolve!(this.#named, {}).then(found, () => found(this.#target));
  }
}
