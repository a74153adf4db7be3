/**
 * One-to-many SCTP: one socket, any number of associations, one typed stream of events.
 *
 * @module
 */

import { ArgumentError, SystemError } from "../common/errors.ts";
import { checkTimeout, type WaitOptions } from "../common/wait.ts";
import { ERRNO } from "../ffi/mod.ts";
import { SctpAddress, type SctpAddressLike } from "./address.ts";
import { adoptAssociation, type SctpAssociation } from "./association.ts";
import { AssociationCore } from "./association_core.ts";
import { ignoreAbsence } from "./attempts.ts";
import { SctpSocketControls } from "./controls.ts";
import type { SctpEvent, SctpOptionScope, SctpSocketDriver, SetUp } from "./driver.ts";
import { EndpointCore } from "./endpoint_core.ts";
import { cannotStartError, lostError } from "./ending.ts";
import type { SctpEndpointSendOptions, SctpTransportAddress } from "./message.ts";
import type { SctpAssociationNotification, SctpEventName } from "./notification.ts";
import { openOptionsOf, peerAddressOf, type SctpOpeningOptions, type Settings, settingsOf } from "./opening.ts";
import { OptionAccess } from "./option_access.ts";
import type { SctpPathInfo, SctpStatistics, SctpStatus } from "./options.ts";
import { payloadBytes, type SctpPayload } from "./payload.ts";
import { selectStack } from "./stack.ts";
import type { SctpEndpointStats } from "./stats.ts";

/**
 * A one-to-many endpoint: it accepts and sets up associations, and delivers the messages and notifications of all of
 * them in one typed stream.
 *
 * Events wait in the stack until somebody receives, and hold the peers back. `for await` gives one after the other
 * until the endpoint is closed; tell them apart by `type`: `"message"`, `"message-too-large"`, or the kind of a
 * notification that was subscribed to. The one-to-many style of RFC 6458 section 3.
 *
 * @example
 * ```ts
 * import { isSctpAvailable, SctpEndpoint } from "@sockeye/sockeye/sctp";
 * import assert from "node:assert/strict";
 *
 * if (isSctpAvailable()) {
 *   using server = SctpEndpoint.listen("sctp://127.0.0.1,127.0.0.2:0", { events: ["association"] });
 *   using client = SctpEndpoint.bind("sctp://127.0.0.1:0");
 *
 *   const associationId = await client.connect(server.localAddresses());
 *   await client.send("ping", { associationId, streamId: 3, ppid: 46 });
 *
 *   for await (const event of server) {
 *     if (event.type === "message") {
 *       await server.send(event.data, { associationId: event.associationId, streamId: event.streamId });
 *       break;
 *     }
 *     assert.equal(event.type, "association");
 *   }
 *   const echo = await client.receive();
 *   assert.equal(echo.type === "message" && new TextDecoder().decode(echo.data), "ping");
 * }
 * ```
 */
export class SctpEndpoint implements Disposable, AsyncDisposable, AsyncIterable<SctpEvent> {
  /** The options for the associations to come, and those of the socket; to be read and written by name. */
  readonly options: SctpSocketControls;
  readonly #core: EndpointCore;
  readonly #settings: Settings;

  private constructor(driver: SctpSocketDriver, settings: Settings) {
    this.#settings = settings;
    this.#core = new EndpointCore(driver, settings.events, settings.receiveQueueSize);
    this.options = new SctpSocketControls(new OptionAccess(driver, "future"));
  }

  /**
   * Opens an endpoint that accepts associations.
   *
   * @param address What to bind: one or several IP addresses, or a wildcard; port 0 lets the stack choose.
   * @param options The socket's options, and what to subscribe to.
   * @throws {AddressError} The address has another form.
   * @throws {ArgumentError} An option is out of range.
   * @throws {SystemError} `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` for a port below 1024, `EMFILE` when no descriptor is
   *   left.
   * @throws {UnsupportedError} The stack isn't available here, or lacks an option.
   */
  static listen(address: SctpAddressLike, options: SctpOpeningOptions = {}): SctpEndpoint {
    return SctpEndpoint.#open(address, true, options);
  }

  /**
   * Opens an endpoint that sets up associations, and accepts none.
   *
   * @param address What to bind: one or several IP addresses, or a wildcard; port 0 lets the stack choose.
   * @param options The socket's options, and what to subscribe to.
   * @throws As {@linkcode SctpEndpoint.listen}.
   */
  static bind(address: SctpAddressLike, options: SctpOpeningOptions = {}): SctpEndpoint {
    return SctpEndpoint.#open(address, false, options);
  }

  static #open(address: SctpAddressLike, listen: boolean, options: SctpOpeningOptions): SctpEndpoint {
    const settings = settingsOf(options);
    const local = SctpAddress.from(address);
    return new SctpEndpoint(selectStack(options.stack).openEndpoint(local, listen, openOptionsOf(options)), settings);
  }

  /** Which stack carries the endpoint. */
  get stack(): "kernel" | "userspace" {
    return this.#core.driver.stack;
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#core.closedError !== undefined;
  }

  /**
   * Sets up an association.
   *
   * Events that arrive meanwhile wait in the queue of `receive`; when that is full (`receiveQueueSize`), somebody has
   * to receive for the set-up to go on.
   *
   * @param address The peer; a URL may have host names.
   * @param options How long to wait; an attempt that is given up is aborted.
   * @returns The association's identifier, once it is up.
   * @throws {AddressError} The address has another form, or a name doesn't resolve.
   * @throws {ClosedError} The endpoint is closed, before or meanwhile.
   * @throws {SystemError} `ECONNREFUSED` when nobody listens there, `ETIMEDOUT` when nobody answers, `EISCONN` or
   *   `EALREADY` when there is an association with the peer.
   * @throws {TimeoutError} The time was up.
   */
  async connect(address: SctpAddressLike, options: WaitOptions = {}): Promise<number> {
    checkTimeout(options.timeout);
    options.signal?.throwIfAborted();
    this.#requireOpen();
    const peer = await peerAddressOf(address, options.signal);
    this.#requireOpen();
    const setUp = this.#core.driver.connect(peer);
    try {
      const change = await this.#core.change(setUp.associationId, "beginning", `connect to ${peer}`, options);
      return this.#begun(setUp, change, peer);
    } catch (error) {
      if (!(error instanceof SystemError)) this.#giveUp(setUp);
      throw error;
    }
  }

  /**
   * Sets up an association, and blocks the thread until it is up. For Workers.
   *
   * @param address The peer, by its IP addresses.
   * @param options The longest wait.
   * @throws {StateError} The queue of `receive` is full.
   * @throws As {@linkcode SctpEndpoint.connect}.
   */
  connectSync(address: SctpAddressLike, options: Pick<WaitOptions, "timeout"> = {}): number {
    checkTimeout(options.timeout);
    this.#requireOpen();
    const peer = SctpAddress.from(address);
    const setUp = this.#core.driver.connect(peer);
    try {
      const change = this.#core.changeSync(setUp.associationId, "beginning", `connect to ${peer}`, options.timeout);
      return this.#begun(setUp, change, peer);
    } catch (error) {
      if (!(error instanceof SystemError)) this.#giveUp(setUp);
      throw error;
    }
  }

  /**
   * Sends a message to an association, to a peer, or to all. Settled, the stack has it whole.
   *
   * A peer that has no association yet gets one, in the background.
   *
   * @param data The message, at least one byte; text goes out as UTF-8. Bytes must not change until the promise has
   *   settled.
   * @param options Where to: `associationId`, `to` or `sendAll`. Stream, PPID, order, reliability, and how long to wait
   *   while the send buffer is full.
   * @throws {AddressError} `to` has another form.
   * @throws {ArgumentError} The message is empty, there is no destination, or an option is out of range, for instance
   *   `streamId` beyond the negotiated number of streams.
   * @throws {BufferFullError} More than `sendQueueLength` sends wait already.
   * @throws {ClosedError} The endpoint is closed.
   * @throws {MessageTooLargeError} The message exceeds the send buffer, or what one packet takes with
   *   `disableFragments`.
   * @throws {NoPeerError} There is no such association, or not any more.
   * @throws {TimeoutError} The time was up; nothing of the message was sent.
   */
  send(data: SctpPayload, options: SctpEndpointSendOptions): Promise<void> {
    try {
      this.#requireOpen();
      return this.#core.driver.send(payloadBytes(data), checkDestination(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a message if there is room for it at once. Not for `sendAll`, which may find room for some only.
   *
   * @param data The message, at least one byte; text goes out as UTF-8.
   * @param options Where to, stream, PPID, order, reliability.
   * @returns False, and nothing was sent, when the send buffer is full or other messages wait.
   * @throws As {@linkcode SctpEndpoint.send}, without waiting.
   */
  trySend(data: SctpPayload, options: SctpEndpointSendOptions): boolean {
    this.#requireOpen();
    if (options.sendAll) {
      throw new ArgumentError("options.sendAll", "is for `send` and `sendSync`, which can wait until all have room");
    }
    return this.#core.driver.trySend(payloadBytes(data), checkDestination(options));
  }

  /**
   * Sends a message, and blocks the thread while the send buffer is full. For Workers.
   *
   * @param data The message, at least one byte; text goes out as UTF-8.
   * @param options Where to, stream, PPID, order, reliability, and the longest wait; a `signal` can't be heard.
   * @throws As {@linkcode SctpEndpoint.send}.
   */
  sendSync(data: SctpPayload, options: SctpEndpointSendOptions): void {
    this.#requireOpen();
    this.#core.driver.sendSync(payloadBytes(data), checkDestination(options));
  }

  /**
   * The next event: a message, or a notification that was subscribed to.
   *
   * @param options How long to wait.
   * @throws {ClosedError} The endpoint is closed, before or meanwhile.
   * @throws {TimeoutError} The time was up.
   */
  receive(options: WaitOptions = {}): Promise<SctpEvent> {
    return this.#core.events.receive(options);
  }

  /**
   * The next event, if it is there already.
   *
   * @returns The event, or `undefined`.
   * @throws {ClosedError} The endpoint is closed.
   */
  tryReceive(): SctpEvent | undefined {
    return this.#core.events.tryReceive();
  }

  /**
   * The next event; blocks the thread until it is there. For Workers.
   *
   * @param options The longest wait.
   * @throws {ClosedError} The endpoint is closed.
   * @throws {TimeoutError} The time was up.
   */
  receiveSync(options: Pick<WaitOptions, "timeout"> = {}): SctpEvent {
    return this.#core.events.receiveSync(options);
  }

  /** The events, one after the other, until the endpoint is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SctpEvent> {
    return this.#core.events.iterate();
  }

  /**
   * Subscribes to a kind of notification, for the associations that there are and those to come.
   *
   * @param event The kind.
   * @throws {ArgumentError} There is no such kind.
   * @throws {ClosedError} The endpoint is closed.
   */
  subscribe(event: SctpEventName): void {
    this.#requireOpen();
    this.#core.subscribe(event);
  }

  /**
   * Ends the subscription to a kind of notification.
   *
   * @param event The kind.
   * @throws {ArgumentError} There is no such kind.
   * @throws {ClosedError} The endpoint is closed.
   */
  unsubscribe(event: SctpEventName): void {
    this.#requireOpen();
    this.#core.unsubscribe(event);
  }

  /**
   * The identifiers of the associations that there are, those that are being set up or shut down included.
   *
   * @throws {ClosedError} The endpoint is closed.
   */
  associations(): number[] {
    this.#requireOpen();
    return this.#core.driver.associationIds();
  }

  /**
   * Moves an association to a handle of its own (sctp_peeloff(3)); what has arrived for it moves along.
   *
   * @param associationId The association, which must be up.
   * @throws {ClosedError} The endpoint is closed.
   * @throws {NoPeerError} There is no such association.
   * @throws {SystemError} `EMFILE` when no descriptor is left.
   */
  peelOff(associationId: number): SctpAssociation {
    this.#requireOpen();
    const driver = this.#core.driver.peelOff(associationId);
    const settings = { events: this.#core.subscribed, receiveQueueSize: this.#settings.receiveQueueSize };
    const core = new AssociationCore(driver, settings);
    core.accept(this.#core.takeEventsOf(associationId));
    return adoptAssociation(driver, settings, core);
  }

  /**
   * Ends an association gracefully, or all of them: what both sides have sent is delivered first (RFC 9260 section
   * 9.2).
   *
   * @param association The identifier, or `"all"`.
   * @param options How long to wait for the peers; the shutdown goes on when the wait is given up.
   * @returns Settles when the peers have agreed.
   * @throws {ClosedError} The endpoint is closed, before or meanwhile.
   * @throws {NoPeerError} There is no such association.
   * @throws {SystemError} The association broke, and what was sent may be lost. With `"all"` that is no error.
   * @throws {TimeoutError} The time was up.
   */
  async shutdown(association: number | "all", options: WaitOptions = {}): Promise<void> {
    checkTimeout(options.timeout);
    options.signal?.throwIfAborted();
    this.#requireOpen();
    const { driver } = this.#core;
    if (association !== "all") {
      driver.shutdown(association);
      const change = await this.#core.change(association, "end", `shutdown of association ${association}`, options);
      if (change.state !== "shutdown-complete") throw lostError(change, { syscall: "shutdown", errno: 0 });
      return;
    }
    const ends = driver.associationIds().map((id) => {
      ignoreAbsence(() => driver.shutdown(id));
      return this.#core.change(id, "end", "shutdown of all associations", options);
    });
    await Promise.all(ends);
  }

  /**
   * Ends an association at once, or all of them: the peer gets an ABORT (RFC 9260 section 9.1), what was not delivered
   * is lost.
   *
   * @param association The identifier, or `"all"`.
   * @param reason What the peer's `"association"` notification shall say, as the data of its first cause.
   * @throws {ClosedError} The endpoint is closed.
   * @throws {NoPeerError} There is no such association.
   */
  abort(association: number | "all", reason: SctpPayload = ""): void {
    this.#requireOpen();
    const { driver } = this.#core;
    const bytes = payloadBytes(reason, "reason");
    if (association !== "all") driver.abort(association, bytes);
    else for (const id of driver.associationIds()) ignoreAbsence(() => driver.abort(id, bytes));
  }

  /**
   * Closes the endpoint: what was sent is still delivered, in the background, and what was not received is discarded.
   * Whatever waits gets a `ClosedError`, and iteration ends. Idempotent.
   */
  close(): void {
    this.#core.close();
  }

  /** The same as {@linkcode SctpEndpoint.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Shuts all associations down, waits for the peers to agree, and closes the endpoint, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.isClosed) {
        this.#core.isShuttingDown = true;
        await this.shutdown("all");
      }
    } finally {
      this.close();
      await this.#core.driver.released();
    }
  }

  /**
   * The options of one association, or of those there are (`"current"`), or of those and the ones to come (`"all"`);
   * RFC 6458 section 7.2. For those to come alone, and for the socket's own, see {@linkcode SctpEndpoint.options}.
   *
   * @param association The identifier, or which ones. Reading needs an identifier.
   */
  optionsOf(association: SctpOptionScope): SctpSocketControls {
    return new SctpSocketControls(new OptionAccess(this.#core.driver, association));
  }

  /**
   * How an association stands: state, streams, windows, primary path (SCTP_STATUS).
   *
   * @param associationId The association.
   * @throws {ClosedError} The endpoint is closed.
   * @throws {SystemError} There is no such association (`EINVAL`).
   */
  status(associationId: number): SctpStatus {
    return this.optionsOf(associationId).status();
  }

  /**
   * What the protocol has counted for an association (SCTP_GET_ASSOC_STATS).
   *
   * @param associationId The association.
   * @throws {ClosedError} The endpoint is closed.
   * @throws {SystemError} There is no such association (`EINVAL`).
   */
  statistics(associationId: number): SctpStatistics {
    return this.optionsOf(associationId).statistics();
  }

  /**
   * How a path of an association stands (SCTP_GET_PEER_ADDR_INFO).
   *
   * @param associationId The association.
   * @param address One of the peer's addresses.
   * @throws {ClosedError} The endpoint is closed.
   * @throws {SystemError} There is no such association or address (`EINVAL`).
   */
  pathInfo(associationId: number, address: SctpTransportAddress | SctpAddressLike): SctpPathInfo {
    return this.optionsOf(associationId).pathInfo(address);
  }

  /**
   * The peer's addresses of an association (sctp_getpaddrs(3)).
   *
   * @param associationId The association.
   * @throws {ClosedError} The endpoint is closed.
   * @throws {SystemError} There is no such association (`EINVAL`).
   */
  peerAddresses(associationId: number): SctpAddress {
    return this.#core.driver.peerAddress(associationId);
  }

  /**
   * The local addresses (sctp_getladdrs(3)): those of an association, or those that the endpoint is bound to.
   *
   * @param associationId The association; without it, the endpoint. @default {0}
   * @throws {ClosedError} The endpoint is closed.
   */
  localAddresses(associationId = 0): SctpAddress {
    return this.#core.driver.localAddress(associationId);
  }

  /**
   * Binds further addresses (sctp_bindx(3)). Peers learn of them where both sides support `asconf` (RFC 5061).
   *
   * @param address The addresses; port 0 stands for the endpoint's own.
   * @throws {AddressError} The address has another form.
   * @throws {SystemError} `EADDRNOTAVAIL`, `EADDRINUSE`, or `EINVAL` when it is bound already.
   */
  addAddress(address: SctpAddressLike): void {
    this.#core.driver.addAddress(SctpAddress.from(address));
  }

  /**
   * Gives bound addresses up (sctp_bindx(3)); at least one stays. Peers learn of it where both sides support `asconf`.
   *
   * @param address The addresses; port 0 stands for the endpoint's own.
   * @throws {AddressError} The address has another form.
   * @throws {SystemError} `EINVAL` when it isn't bound, `EBUSY` when it is the last.
   */
  removeAddress(address: SctpAddressLike): void {
    this.#core.driver.removeAddress(SctpAddress.from(address));
  }

  /** Counters of this handle. */
  stats(): SctpEndpointStats {
    const { driver, events, droppedEvents } = this.#core;
    return { ...driver.counters, droppedEvents, queuedEvents: events.inbox.length, queuedBytes: events.inbox.bytes };
  }

  #requireOpen(): void {
    if (this.#core.closedError !== undefined) throw this.#core.closedError;
  }

  /** The identifier of an association that came up, or why it did not. */
  #begun(setUp: SetUp, change: SctpAssociationNotification, peer: SctpAddress): number {
    if (change.state === "comm-up") return setUp.associationId;
    const context = { syscall: "connect", peer: `${peer}`, errno: 0 };
    if (change.state !== "cant-start-assoc") throw lostError(change, context);
    // The notification says the same for a refusal and for silence; but silence lasts as long as INIT is repeated.
    const isSilence = performance.now() >= setUp.givesUpAtMs;
    throw cannotStartError(isSilence ? ERRNO.ETIMEDOUT : ERRNO.ECONNREFUSED, context);
  }

  #giveUp(setUp: SetUp): void {
    if (!this.isClosed) ignoreAbsence(() => this.#core.driver.abort(setUp.associationId, new Uint8Array(0)));
  }
}

function checkDestination(options: SctpEndpointSendOptions): SctpEndpointSendOptions {
  const { associationId, to, sendAll } = options;
  const given = (associationId === undefined ? 0 : 1) + (to === undefined ? 0 : 1) + (sendAll ? 1 : 0);
  if (given === 1) return options;
  throw new ArgumentError(
    "options",
    given === 0
      ? "must say where to: `associationId`, `to`, or `sendAll: true`"
      : "must say where to in one way: by `associationId`, `to` or `sendAll`",
  );
}
