/**
 * One-to-one SCTP: an association with a peer, as a handle of its own.
 *
 * @module
 */

import { ArgumentError, ClosedError, SystemError, UnsupportedError } from "../common/errors.ts";
import { checkTimeout, type WaitOptions } from "../common/wait.ts";
import { ERRNO } from "../ffi/mod.ts";
import { SctpAddress, type SctpAddressLike } from "./address.ts";
import { AssociationCore, type AssociationSettings } from "./association_core.ts";
import { SctpSocketControls } from "./controls.ts";
import type { SctpSocketDriver } from "./driver.ts";
import type { SctpMessage, SctpSendOptions } from "./message.ts";
import type { SctpEventName, SctpNotification } from "./notification.ts";
import { openOptionsOf, peerAddressOf, type SctpOpeningOptions, settingsOf } from "./opening.ts";
import { OptionAccess } from "./option_access.ts";
import type { SctpStatistics, SctpStatus } from "./options.ts";
import { outgoingMessage, payloadBytes, type SctpOutgoingMessage, type SctpPayload } from "./payload.ts";
import { selectStack } from "./stack.ts";
import type { SctpAssociationStats } from "./stats.ts";
import { SctpStream, type StreamCarrier } from "./stream.ts";

/** Makes the handle of an association that a listener accepted, or that was peeled off an endpoint. */
export let adoptAssociation: (
  driver: SctpSocketDriver,
  settings: AssociationSettings,
  core?: AssociationCore,
) => SctpAssociation;

/** Options of {@linkcode SctpAssociation.connect}. */
export interface SctpConnectOptions extends SctpOpeningOptions, WaitOptions {
  /**
   * The local addresses and port; port 0 lets the stack choose.
   *
   * @default {every address of the machine, and a free port}
   */
  local?: SctpAddressLike;
}

/**
 * An association with one peer: a reliable carrier of messages on many streams, over one path or several.
 *
 * `connect` sets one up, {@linkcode SctpListener} accepts one, {@linkcode SctpEndpoint.peelOff} makes one of an
 * endpoint's. Messages come by `receive`, by async iteration, or on `readable`; notifications that were subscribed to
 * come by `events()`. When the peer shuts the association down, iteration ends and `receive` rejects with a
 * `ClosedError`, after what has arrived; when it breaks, both fail with a `SystemError`.
 *
 * Received messages wait in the stack until somebody receives, and hold the peer back (its sends wait). The one-to-one
 * style of RFC 6458 section 4.
 *
 * @example
 * ```ts
 * import { isSctpAvailable, SctpAssociation, SctpListener } from "@sockeye/sockeye/sctp";
 * import assert from "node:assert/strict";
 *
 * if (isSctpAvailable()) {
 *   using listener = SctpListener.listen("sctp://127.0.0.1:0");
 *   await using client = await SctpAssociation.connect(listener.localAddresses());
 *   await using server = await listener.accept();
 *
 *   await client.send("hello", { streamId: 3, ppid: 46 });
 *   const message = await server.receive();
 *
 *   assert.equal(new TextDecoder().decode(message.data), "hello");
 *   assert.equal(message.streamId, 3);
 *   assert.equal(message.ppid, 46);
 * }
 * ```
 */
export class SctpAssociation implements Disposable, AsyncDisposable, AsyncIterable<SctpMessage> {
  static {
    adoptAssociation = (driver, settings, core) => new SctpAssociation(driver, settings, core);
  }

  /** The options of this association, to be read and written by name. */
  readonly options: SctpSocketControls;
  readonly #core: AssociationCore;
  readonly #streams = new Map<number, SctpStream>();
  readonly #carrier: StreamCarrier;
  /** One for all sends, so that a send costs no closure. */
  readonly #rejectSend = (error: unknown): never => {
    throw this.#sendError(error);
  };
  #id: number | undefined;
  #readable: ReadableStream<SctpMessage> | undefined;
  #writable: WritableStream<SctpPayload | SctpOutgoingMessage> | undefined;

  private constructor(driver: SctpSocketDriver, settings: AssociationSettings, core?: AssociationCore) {
    this.#core = core ?? new AssociationCore(driver, settings);
    this.options = new SctpSocketControls(new OptionAccess(driver, 0));
    const isClosed = () => this.isClosed;
    this.#carrier = {
      get isClosed() {
        return isClosed();
      },
      send: (data, options) => this.send(data, options),
      trySend: (data, options) => this.trySend(data, options),
      sendSync: (data, options) => this.sendSync(data, options),
      forgetStream: (stream) => this.#forgetStream(stream),
    };
  }

  /**
   * Sets up an association with a peer.
   *
   * @param address The peer: the stack tries its addresses in order, and learns of further ones from the peer. A URL
   *   may have host names.
   * @param options The socket's options, the local address, what to subscribe to, and how long to wait.
   * @returns The association, once it is up.
   * @throws {AddressError} The address has another form, or a name doesn't resolve.
   * @throws {ArgumentError} An option is out of range.
   * @throws {SystemError} `ECONNREFUSED` when nobody listens there, `ETIMEDOUT` when nobody answers, `EADDRINUSE` or
   *   `EACCES` for the local address, `EMFILE` when no descriptor is left.
   * @throws {TimeoutError} The time was up; the attempt is given up.
   * @throws {UnsupportedError} The stack isn't available here, or lacks an option.
   *
   * @example
   * ```ts
   * import { isSctpAvailable, SctpAssociation } from "@sockeye/sockeye/sctp";
   * import assert from "node:assert/strict";
   *
   * if (isSctpAvailable()) {
   *   const nobody = SctpAssociation.connect("sctp://127.0.0.1:9", { signal: AbortSignal.timeout(5_000) });
   *   await assert.rejects(nobody, { code: "ECONNREFUSED" });
   * }
   * ```
   */
  static async connect(address: SctpAddressLike, options: SctpConnectOptions = {}): Promise<SctpAssociation> {
    const { signal, timeout } = options;
    checkTimeout(timeout);
    signal?.throwIfAborted();
    const settings = settingsOf(options);
    const local = options.local === undefined ? undefined : SctpAddress.from(options.local);
    const peer = await peerAddressOf(address, signal);
    const driver = await selectStack(options.stack).connect(peer, local, openOptionsOf(options), { signal, timeout });
    return new SctpAssociation(driver, settings);
  }

  /**
   * Sets up an association with a peer, and blocks the thread until it is up. For Workers.
   *
   * @param address The peer, by its IP addresses.
   * @param options As for {@linkcode SctpAssociation.connect}; a `signal` can't be heard.
   * @throws As {@linkcode SctpAssociation.connect}.
   */
  static connectSync(address: SctpAddressLike, options: Omit<SctpConnectOptions, "signal"> = {}): SctpAssociation {
    checkTimeout(options.timeout);
    const settings = settingsOf(options);
    const local = options.local === undefined ? undefined : SctpAddress.from(options.local);
    const peer = SctpAddress.from(address);
    const driver = selectStack(options.stack).connectSync(peer, local, openOptionsOf(options), options.timeout);
    return new SctpAssociation(driver, settings);
  }

  /** Which stack carries the association. */
  get stack(): "kernel" | "userspace" {
    return this.#core.driver.stack;
  }

  /**
   * The stack's number for the association (`sctp_assoc_t`), as in notifications.
   *
   * @throws {ClosedError} The association is closed.
   */
  get id(): number {
    return this.#id ??= this.status().associationId;
  }

  /** Whether `close` or `abort` was called. An association that has ended by itself stays open until then. */
  get isClosed(): boolean {
    return this.#core.isClosed;
  }

  /**
   * Sends a message. Settled, the stack has it whole, and delivers it unless the association breaks.
   *
   * @param data The message, at least one byte; text goes out as UTF-8. Bytes must not change until the promise has
   *   settled.
   * @param options Stream, PPID, order, reliability, and how long to wait while the send buffer is full.
   * @throws {ArgumentError} The message is empty, or an option is out of range, for instance `streamId` beyond the
   *   negotiated number of streams.
   * @throws {MessageTooLargeError} The message exceeds the send buffer, or what one packet takes with
   *   `disableFragments`.
   * @throws {BufferFullError} More than `sendQueueLength` sends wait already.
   * @throws {ClosedError} The association is closed, or shutting down.
   * @throws {SystemError} The association broke.
   * @throws {TimeoutError} The time was up; nothing of the message was sent.
   */
  send(data: SctpPayload, options: SctpSendOptions = {}): Promise<void> {
    try {
      this.#requireOpen();
      if (options.abort) return Promise.resolve(this.#abortBy(data, options));
      return this.#core.driver.send(payloadBytes(data), options).catch(this.#rejectSend);
    } catch (error) {
      return Promise.reject(this.#sendError(error));
    }
  }

  /**
   * Sends a message if there is room for it at once.
   *
   * @param data The message, at least one byte; text goes out as UTF-8.
   * @param options Stream, PPID, order, reliability.
   * @returns False, and nothing was sent, when the send buffer is full or other messages wait.
   * @throws As {@linkcode SctpAssociation.send}, without waiting.
   */
  trySend(data: SctpPayload, options: SctpSendOptions = {}): boolean {
    this.#requireOpen();
    try {
      if (options.abort) this.#abortBy(data, options);
      else return this.#core.driver.trySend(payloadBytes(data), options);
      return true;
    } catch (error) {
      throw this.#sendError(error);
    }
  }

  /**
   * Sends a message, and blocks the thread while the send buffer is full. For Workers.
   *
   * @param data The message, at least one byte; text goes out as UTF-8.
   * @param options Stream, PPID, order, reliability, and the longest wait; a `signal` can't be heard.
   * @throws As {@linkcode SctpAssociation.send}.
   */
  sendSync(data: SctpPayload, options: SctpSendOptions = {}): void {
    this.#requireOpen();
    try {
      if (options.abort) this.#abortBy(data, options);
      else this.#core.driver.sendSync(payloadBytes(data), options);
    } catch (error) {
      throw this.#sendError(error);
    }
  }

  /**
   * The next message of a stream that has no view.
   *
   * @param options How long to wait.
   * @throws {ClosedError} The association was closed, or the peer has shut it down and everything was received.
   * @throws {MessageTooLargeError} A message exceeded `maxMessageSize`, and is lost; the next call goes on after it.
   * @throws {SystemError} The association broke: `ECONNRESET` when the peer aborted it, `ETIMEDOUT` when it fell
   *   silent.
   * @throws {TimeoutError} The time was up.
   */
  receive(options: WaitOptions = {}): Promise<SctpMessage> {
    return this.#core.messages.receive(options);
  }

  /**
   * The next message of a stream that has no view, if it has arrived already.
   *
   * @returns The message, or `undefined`.
   * @throws As {@linkcode SctpAssociation.receive}, without waiting.
   */
  tryReceive(): SctpMessage | undefined {
    return this.#core.messages.tryReceive();
  }

  /**
   * The next message of a stream that has no view; blocks the thread until it is there. For Workers.
   *
   * @param options The longest wait.
   * @throws {StateError} A message for a view finds the view's queue full, and nobody can empty it meanwhile.
   * @throws As {@linkcode SctpAssociation.receive}.
   */
  receiveSync(options: Pick<WaitOptions, "timeout"> = {}): SctpMessage {
    return this.#core.messages.receiveSync(options);
  }

  /** The messages of the streams that have no view, until the association ends in order or is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SctpMessage> {
    return this.#core.messages.iterate();
  }

  /**
   * The messages as a Web stream, which reads nothing ahead. It closes when the association ends in order. Cancelling
   * it stops receiving, and leaves the association open. The same object each time.
   */
  get readable(): ReadableStream<SctpMessage> {
    return this.#readable ??= this.#core.messages.readable();
  }

  /**
   * Sends what is written to it: bytes, text, or a message with its metadata. Closing it shuts the association down,
   * aborting it aborts the association. The same object each time.
   */
  get writable(): WritableStream<SctpPayload | SctpOutgoingMessage> {
    return this.#writable ??= new WritableStream({
      write: (chunk) => {
        const { data, ...options } = outgoingMessage(chunk);
        return this.send(data, options);
      },
      close: () => this.isClosed ? undefined : this.shutdown(),
      abort: () => this.abort(),
    });
  }

  /**
   * The notifications that were subscribed to, one after the other, until the association ends or is closed.
   *
   * Up to 1,024 wait here; then the oldest is dropped for the newest, and `stats().droppedNotifications` counts it. So
   * notifications never hold up messages.
   *
   * @example
   * ```ts
   * import { isSctpAvailable, SctpAssociation, SctpListener } from "@sockeye/sockeye/sctp";
   * import assert from "node:assert/strict";
   *
   * if (isSctpAvailable()) {
   *   using listener = SctpListener.listen("sctp://127.0.0.1:0");
   *   using client = await SctpAssociation.connect(listener.localAddresses(), { events: ["sender-dry"] });
   *   using server = await listener.accept();
   *
   *   await client.send("to be acknowledged");
   *   for await (const event of client.events()) {
   *     assert.equal(event.type, "sender-dry");
   *     break;
   *   }
   *   assert.equal((await server.receive()).data.length, 18);
   * }
   * ```
   */
  events(): AsyncIterableIterator<SctpNotification> {
    return this.#core.notifications.iterate();
  }

  /**
   * Subscribes to a kind of notification; what arrives comes by {@linkcode SctpAssociation.events}.
   *
   * @param event The kind.
   * @throws {ArgumentError} There is no such kind.
   * @throws {ClosedError} The association is closed.
   */
  subscribe(event: SctpEventName): void {
    this.#requireHandle();
    this.#core.subscribe(event);
  }

  /**
   * Ends the subscription to a kind of notification.
   *
   * @param event The kind.
   * @throws {ArgumentError} There is no such kind.
   * @throws {ClosedError} The association is closed.
   */
  unsubscribe(event: SctpEventName): void {
    this.#requireHandle();
    this.#core.unsubscribe(event);
  }

  /**
   * A view on one stream: from now on its messages come there. The same object until it is closed.
   *
   * @param streamId The stream, 0 to 65535.
   * @throws {ArgumentError} The identifier is out of range.
   * @throws {ClosedError} The association is closed.
   */
  stream(streamId: number): SctpStream {
    if (!Number.isInteger(streamId) || streamId < 0 || streamId > 65535) {
      throw new ArgumentError("streamId", `must be an integer from 0 to 65535, not ${String(streamId)}`);
    }
    this.#requireHandle();
    let stream = this.#streams.get(streamId);
    if (stream === undefined) {
      stream = new SctpStream(streamId, this.#carrier, this.#core.openView(streamId));
      this.#streams.set(streamId, stream);
    }
    return stream;
  }

  /**
   * Ends the association gracefully: what both sides have sent is delivered first (RFC 9260 section 9.2). What arrives
   * meanwhile can be received, during the shutdown and after it, until {@linkcode SctpAssociation.close}; what finds
   * the queue full is discarded.
   *
   * @param options How long to wait for the peer; the shutdown goes on when the wait is given up.
   * @returns Settles when the peer has agreed. At once when the association has ended in order already.
   * @throws {ClosedError} The association is closed, before or meanwhile.
   * @throws {SystemError} The association broke, and what was sent may be lost.
   * @throws {TimeoutError} The time was up.
   */
  async shutdown(options: WaitOptions = {}): Promise<void> {
    checkTimeout(options.timeout);
    options.signal?.throwIfAborted();
    this.#requireHandle();
    this.#core.beginShutdown();
    await this.#core.ended(options);
  }

  /**
   * Ends the association gracefully, and blocks the thread until the peer has agreed. For Workers.
   *
   * @param options The longest wait.
   * @throws As {@linkcode SctpAssociation.shutdown}.
   */
  shutdownSync(options: Pick<WaitOptions, "timeout"> = {}): void {
    this.#requireHandle();
    this.#core.beginShutdown();
    this.#core.endedSync(options.timeout);
  }

  /**
   * Ends the association at once, and closes it: the peer gets an ABORT (RFC 9260 section 9.1), what was not delivered
   * is lost.
   *
   * A reason travels only where the stack can carry one. Linux can for associations that were peeled off an endpoint,
   * and can't for those that `connect` and `accept` gave. Idempotent.
   *
   * @param reason What the peer's `"association"` notification shall say, as the data of its first cause.
   * @throws {UnsupportedError} There is a reason, and the stack can't carry it; nothing has happened.
   */
  abort(reason: SctpPayload = ""): void {
    if (this.isClosed) return;
    const bytes = payloadBytes(reason, "reason");
    const { driver } = this.#core;
    if (bytes.length > 0 && !driver.carriesAbortReason) {
      throw new UnsupportedError(
        "the kernel carries no reason when a one-to-one association is aborted: abort without one, " +
          "or use an SctpEndpoint, whose associations, also when peeled off, carry a reason",
      );
    }
    try {
      if (this.#core.endError === undefined) driver.abort(0, bytes);
    } finally {
      this.close();
    }
  }

  /**
   * Closes the association: what was sent is still delivered, in the background, and what was not received is
   * discarded. Whatever waits gets a `ClosedError`. To be sure that the peer has everything, await {@linkcode
   * SctpAssociation.shutdown} first, or declare the association with `await using`. Idempotent.
   */
  close(): void {
    this.#core.close();
  }

  /** The same as {@linkcode SctpAssociation.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Shuts the association down, waits for the peer to agree, and closes it, for `await using`.
   *
   * @throws {SystemError} The association broke during the shutdown, and what was sent may be lost.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.isClosed && this.#core.endError === undefined) await this.shutdown();
    } finally {
      this.close();
      await this.#core.driver.released();
    }
  }

  /**
   * How the association stands: state, streams, windows, primary path (SCTP_STATUS).
   *
   * @throws {ClosedError} The association is closed.
   * @throws {SystemError} The association has ended (`EINVAL`).
   */
  status(): SctpStatus {
    return this.options.status();
  }

  /**
   * What the protocol has counted for this association (SCTP_GET_ASSOC_STATS).
   *
   * @throws {ClosedError} The association is closed.
   * @throws {SystemError} The association has ended (`EINVAL`).
   */
  statistics(): SctpStatistics {
    return this.options.statistics();
  }

  /**
   * The local addresses of the association (sctp_getladdrs(3)).
   *
   * @throws {ClosedError} The association is closed.
   */
  localAddresses(): SctpAddress {
    return this.#core.driver.localAddress(0);
  }

  /**
   * The peer's addresses (sctp_getpaddrs(3)).
   *
   * @throws {ClosedError} The association is closed.
   * @throws {SystemError} The association has ended (`EINVAL`).
   */
  peerAddresses(): SctpAddress {
    return this.#core.driver.peerAddress(0);
  }

  /**
   * Adds local addresses to the association (RFC 5061), which the peer learns of where both support `asconf`.
   *
   * @param address The addresses; port 0 stands for the association's own.
   * @throws {AddressError} The address has another form.
   * @throws {SystemError} As in sctp_bindx(3).
   */
  addAddress(address: SctpAddressLike): void {
    this.#core.driver.addAddress(SctpAddress.from(address));
  }

  /**
   * Removes local addresses from the association (RFC 5061); at least one stays.
   *
   * @param address The addresses; port 0 stands for the association's own.
   * @throws {AddressError} The address has another form.
   * @throws {SystemError} As in sctp_bindx(3).
   */
  removeAddress(address: SctpAddressLike): void {
    this.#core.driver.removeAddress(SctpAddress.from(address));
  }

  /** Counters of this handle. */
  stats(): SctpAssociationStats {
    const { driver, messages, notifications, droppedMessages, droppedNotifications } = this.#core;
    return {
      ...driver.counters,
      droppedMessages,
      droppedNotifications,
      queuedMessages: messages.inbox.length,
      queuedBytes: messages.inbox.bytes,
      queuedNotifications: notifications.inbox.length,
    };
  }

  #abortBy(data: SctpPayload, { eof }: SctpSendOptions): void {
    if (eof) throw new ArgumentError("options.eof", "an association ends gracefully or by `abort`, not both");
    this.abort(data);
  }

  /** What has ended by itself can still be asked, what was closed can't. */
  #requireHandle(): void {
    if (this.isClosed) throw this.#core.endError;
  }

  #requireOpen(): void {
    if (this.#core.endError !== undefined) throw this.#core.endError;
  }

  #forgetStream(stream: SctpStream): void {
    this.#streams.delete(stream.id);
    this.#core.closeView(stream.id, new ClosedError(`the view on stream ${stream.id} is closed; ask for a new one`));
  }

  /** What a refused send means: the notification that says so may not have been read yet. */
  #sendError(error: unknown): unknown {
    if (!(error instanceof SystemError)) return error;
    switch (error.errno) {
      case ERRNO.EPIPE:
      case ERRNO.ESHUTDOWN:
      case ERRNO.ENOTCONN:
      case ERRNO.ECONNRESET:
      case ERRNO.ECONNABORTED:
      case ERRNO.ESRCH:
        return this.#core.endError ??
          new ClosedError("the association takes no more messages: it has ended, or is shutting down", {
            cause: error,
          });
      default:
        return error;
    }
  }
}
