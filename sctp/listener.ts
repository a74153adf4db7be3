/**
 * One-to-one SCTP: accepting associations.
 *
 * @module
 */

import { ClosedError } from "../common/errors.ts";
import { untilClosed } from "../common/iteration.ts";
import { checkTimeout, timeoutError, WaitList, type WaitOptions } from "../common/wait.ts";
import { SctpAddress, type SctpAddressLike } from "./address.ts";
import { adoptAssociation, type SctpAssociation } from "./association.ts";
import type { SctpListenerDriver } from "./driver.ts";
import { openOptionsOf, type SctpOpeningOptions, type Settings, settingsOf } from "./opening.ts";
import { selectStack } from "./stack.ts";
import type { SctpListenerStats } from "./stats.ts";

/**
 * Listens for peers, and gives each association as a handle of its own.
 *
 * Associations that nobody accepts wait in the stack, up to `backlog` of them. The options and subscriptions given to
 * `listen` are those of every association accepted. The one-to-one style of RFC 6458 section 4.
 *
 * @example
 * ```ts
 * import { isSctpAvailable, SctpAssociation, SctpListener } from "@sockeye/sockeye/sctp";
 * import assert from "node:assert/strict";
 *
 * if (isSctpAvailable()) {
 *   using listener = SctpListener.listen("sctp://127.0.0.1:0", { events: ["shutdown"] });
 *   const client = await SctpAssociation.connect(listener.localAddresses());
 *   await client.send("one");
 *   await client.send("two");
 *
 *   for await (const association of listener) {
 *     client.close();
 *     const texts: string[] = [];
 *     for await (const { data } of association) texts.push(new TextDecoder().decode(data));
 *     assert.deepEqual(texts, ["one", "two"]);
 *     association.close();
 *     break;
 *   }
 * }
 * ```
 */
export class SctpListener implements Disposable, AsyncDisposable, AsyncIterable<SctpAssociation> {
  readonly #driver: SctpListenerDriver;
  readonly #settings: Settings;
  readonly #waiters: WaitList<SctpAssociation>;
  #cancel: AbortController | undefined;
  #isAccepting = false;
  #closed: ClosedError | undefined;
  #accepted = 0;

  private constructor(driver: SctpListenerDriver, settings: Settings) {
    this.#driver = driver;
    this.#settings = settings;
    this.#waiters = new WaitList(() => this.#relax());
  }

  /**
   * Begins to listen.
   *
   * @param address What to bind: one or several IP addresses, or a wildcard; port 0 lets the stack choose.
   * @param options The options of the associations, and what to subscribe to.
   * @throws {AddressError} The address has another form.
   * @throws {ArgumentError} An option is out of range.
   * @throws {SystemError} `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` for a port below 1024, `EMFILE` when no descriptor is
   *   left.
   * @throws {UnsupportedError} The stack isn't available here, or lacks an option.
   */
  static listen(address: SctpAddressLike, options: SctpOpeningOptions = {}): SctpListener {
    const settings = settingsOf(options);
    const local = SctpAddress.from(address);
    return new SctpListener(selectStack(options.stack).openListener(local, openOptionsOf(options)), settings);
  }

  /** Which stack carries the listener. */
  get stack(): "kernel" | "userspace" {
    return this.#driver.stack;
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * The next association.
   *
   * @param options How long to wait.
   * @throws {ClosedError} The listener is closed, before or meanwhile.
   * @throws {SystemError} `EMFILE` when no descriptor is left; the association keeps waiting.
   * @throws {TimeoutError} The time was up.
   */
  accept(options: WaitOptions = {}): Promise<SctpAssociation> {
    try {
      checkTimeout(options.timeout);
      options.signal?.throwIfAborted();
      const association = this.#waiters.size === 0 ? this.tryAccept() : undefined;
      if (association !== undefined) return Promise.resolve(association);
      const waiting = this.#waiters.wait("accept", options, undefined);
      void this.#serve();
      return waiting;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The next association, if one waits to be accepted.
   *
   * @returns The association, or `undefined`.
   * @throws {ClosedError} The listener is closed.
   * @throws {SystemError} `EMFILE` when no descriptor is left; the association keeps waiting.
   */
  tryAccept(): SctpAssociation | undefined {
    if (this.#closed !== undefined) throw this.#closed;
    const driver = this.#driver.tryAccept();
    if (driver === undefined) return undefined;
    this.#accepted++;
    return adoptAssociation(driver, this.#settings);
  }

  /**
   * The next association; blocks the thread until there is one. For Workers.
   *
   * @param options The longest wait.
   * @throws As {@linkcode SctpListener.accept}.
   */
  acceptSync(options: Pick<WaitOptions, "timeout"> = {}): SctpAssociation {
    const { timeout } = options;
    checkTimeout(timeout);
    const deadline = timeout === undefined ? undefined : performance.now() + timeout;
    for (;;) {
      const association = this.tryAccept();
      if (association !== undefined) return association;
      const left = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
      if (!this.#driver.acceptableSync(left)) throw timeoutError("accept", timeout!);
    }
  }

  /** The associations, one after the other, until the listener is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SctpAssociation> {
    return untilClosed(() => this.accept());
  }

  /**
   * The addresses that the listener is bound to (sctp_getladdrs(3)).
   *
   * @throws {ClosedError} The listener is closed.
   */
  localAddresses(): SctpAddress {
    if (this.#closed !== undefined) throw this.#closed;
    return this.#driver.localAddress();
  }

  /** Counters of this listener. */
  stats(): SctpListenerStats {
    return { associationsAccepted: this.#accepted };
  }

  /** Stops listening; associations that were accepted live on, the others are aborted. Idempotent. */
  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new ClosedError("the listener is closed; open a new one");
    try {
      this.#driver.close();
    } finally {
      this.#waiters.rejectAll(this.#closed);
      this.#relax();
    }
  }

  /** The same as {@linkcode SctpListener.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the listener, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#driver.released();
  }

  /** Accepts for as long as somebody waits. */
  async #serve(): Promise<void> {
    if (this.#isAccepting) return;
    this.#isAccepting = true;
    while (this.#waiters.size > 0) {
      const { signal } = this.#cancel ??= new AbortController();
      try {
        await this.#driver.acceptable(signal);
        const association = this.#waiters.size > 0 ? this.tryAccept() : undefined;
        if (association !== undefined) this.#waiters.resolveNext(association);
      } catch (error) {
        if (!signal.aborted) this.#waiters.rejectNext(error);
      }
    }
    this.#isAccepting = false;
  }

  #relax(): void {
    if (this.#waiters.size > 0 || this.#cancel === undefined) return;
    this.#cancel.abort();
    this.#cancel = undefined;
  }
}
