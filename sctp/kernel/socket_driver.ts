/**
 * A socket of the kernel's SCTP, one-to-many or one-to-one, on an ffi message socket.
 *
 * It turns public options into control messages and socket options, and what `recvmmsg` brings into events. It needs to
 * know nothing of queues, views and waiting.
 *
 * @module
 */

import { ArgumentError, NoPeerError, SystemError } from "../../common/errors.ts";
import { checkTimeout } from "../../common/wait.ts";
import {
  Descriptor,
  ERRNO,
  listen,
  MessageSocket,
  Reactor,
  setsockopt,
  SHUT_RDWR,
  SHUT_WR,
  shutdown,
  SO_LINGER,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "../../ffi/mod.ts";
import { SctpAddress } from "../address.ts";
import { ignoreAbsence, ignoreSystemErrors } from "../attempts.ts";
import type { SctpDriverCounters, SctpEvent, SctpOptionScope, SctpSocketDriver, SetUp } from "../driver.ts";
import type { SctpEndpointSendOptions } from "../message.ts";
import type { SctpEventName, SctpNotification } from "../notification.ts";
import type { SctpOptionName, SctpOptionParameter, SctpOptionRead, SctpOptionWritten } from "../option_map.ts";
import { beginAssociation, silenceBeforeFailure } from "./connect.ts";
import { SCTP_ALL_ASSOC, SCTP_CURRENT_ASSOC, SCTP_FUTURE_ASSOC } from "./constants.ts";
import type { SendDefaults } from "./control.ts";
import { EventReader } from "./event_reader.ts";
import { addAddresses, getLocalAddresses, getPeerAddresses, peelOff, removeAddresses } from "./option/addresses.ts";
import { subscribe } from "./option/events.ts";
import { getAssociationId } from "./option/paths.ts";
import type { OptionSocket } from "./option/socket.ts";
import { getAssociationIds, getSupportedFeatures } from "./option/status.ts";
import { readOption, writeOption } from "./option/table.ts";
import { optionSocketOf } from "./option_socket.ts";
import { explainSendError, noSuchAssociation } from "./send_errors.ts";
import { requireBytes, SEND_CONTROL_BYTES, SendRequests, type SocketOrigin } from "./send_requests.ts";
import { sendUrgently } from "./urgent_send.ts";

/** The largest piece that one read brings; larger messages come in several, and are put together. */
const PIECE_BYTES = 65536;

/** The kinds of notifications without which a socket can't do its own work. */
export const NEEDED_EVENTS: readonly SctpEventName[] = ["association", "shutdown", "partial-delivery"];

const NOTHING = new Uint8Array(0);
/** `struct linger` with `l_onoff` 1 and `l_linger` 0, by which close(2) aborts; RFC 6458 section 8.1.4. */
const LINGER_ZERO = new Uint8Array(new Int32Array([1, 0]).buffer);
/** How many batches a close reads away, so that a peer that floods us can't keep it from ending. */
const MOST_DISCARDED_BATCHES = 64;
const DONE: Promise<void> = Promise.resolve();

/** What a socket hands on to those that are accepted on it or peeled off it. */
export interface KernelSocketSettings {
  /** The largest message that is received, in bytes. */
  maxMessageSize: number;
  /** How many bytes of incomplete messages are kept; four times `maxMessageSize` if left out. */
  maxIncompleteBytes?: number;
  /** The kinds of notifications that the user subscribed to. */
  events: readonly SctpEventName[];
  /** What sends fill in. */
  defaults: SendDefaults;
  /** Whether message interleaving was asked for. */
  interleaving: boolean;
  /** How many messages may wait for room in the send buffer. */
  sendQueueLength: number;
  /** How long a receive that finds nothing looks again before it waits, in microseconds. */
  busyPoll: number;
}

/** A socket of the kernel's SCTP. */
export class KernelSocketDriver implements SctpSocketDriver {
  readonly stack = "kernel";

  readonly #origin: SocketOrigin;
  readonly #socket: MessageSocket;
  readonly #options: OptionSocket;
  readonly #settings: KernelSocketSettings;
  readonly #reader: EventReader;
  readonly #requests: SendRequests;
  readonly #subscribed: Set<SctpEventName>;
  #isInterleaving: boolean;
  #isAborted = false;
  #isTurnTaken = false;
  readonly #endTurn = (): void => {
    this.#isTurnTaken = false;
  };
  /** Messages without data, which end associations. */
  #endsSent = 0;

  /**
   * @param descriptor The socket, owned from now on, also when this fails.
   * @param origin What kind of socket it is.
   * @param settings The largest message, subscriptions, and what concerns sends.
   */
  constructor(descriptor: Descriptor, origin: SocketOrigin, settings: KernelSocketSettings) {
    this.#origin = origin;
    this.#settings = settings;
    this.#socket = MessageSocket.adopt(descriptor, {
      payloadBytes: PIECE_BYTES,
      controlBytes: SEND_CONTROL_BYTES,
      sendQueue: settings.sendQueueLength,
      busyPoll: settings.busyPoll,
    });
    this.#options = optionSocketOf(() => this.#socket.fd);
    this.#reader = new EventReader(this.#socket, settings, (event) => this.#notified(event));
    this.#requests = new SendRequests(origin, settings.defaults, () => this.peerAddress(0).port);
    this.#subscribed = new Set(settings.events);
    this.#isInterleaving = settings.interleaving;
  }

  get style(): "one-to-many" | "one-to-one" {
    return this.#origin === "one-to-many" ? "one-to-many" : "one-to-one";
  }

  get carriesAbortReason(): boolean {
    // SCTP_ABORT is EINVAL on one-to-one sockets, unless they were peeled off a one-to-many socket.
    return this.#origin !== "one-to-one";
  }

  get counters(): SctpDriverCounters {
    const { messagesSent, bytesSent } = this.#socket.stats();
    const { messagesReceived, bytesReceived, notificationsReceived, oversizedMessages, incompleteMessages } =
      this.#reader;
    return {
      messagesSent: messagesSent - this.#endsSent,
      bytesSent,
      messagesReceived,
      bytesReceived,
      notificationsReceived,
      oversizedMessages,
      incompleteMessages,
    };
  }

  /** @param reads How many reads it may take, so that a message of many pieces starves nobody else. */
  tryReceive(reads = Infinity): SctpEvent | undefined {
    return this.#reader.tryReceive(reads);
  }

  readable(signal: AbortSignal): Promise<void> {
    return this.#reader.readable(signal);
  }

  readableSync(timeoutMs: number | undefined): boolean {
    return this.#reader.readableSync(timeoutMs);
  }

  takeSocketError(): number {
    return this.#reader.takeSocketError();
  }

  takeEventsOf(associationId: number): SctpEvent[] {
    return this.#reader.takeEventsOf(associationId);
  }

  takeTurn(): Promise<void> | undefined {
    return Reactor.current().takeTurn();
  }

  trySend(data: Uint8Array, options: SctpEndpointSendOptions): boolean {
    if (options.eof || options.abort) return this.#trySendAndEnd(data, options);
    requireBytes(data);
    try {
      return this.#socket.trySend(data, this.#request(options));
    } catch (error) {
      throw this.#explain(error, data, options);
    }
  }

  send(data: Uint8Array, options: SctpEndpointSendOptions): Promise<void> {
    checkTimeout(options.timeout);
    if (options.eof || options.abort || options.sendAll) return this.#sendSpecially(data, options);
    if (!this.#isTurnTaken && options.signal === undefined) {
      // The first message of a turn of the event loop leaves at once; those that follow in the same turn leave
      // together.
      if (this.trySend(data, options)) {
        this.#isTurnTaken = true;
        queueMicrotask(this.#endTurn);
        return this.takeTurn() ?? DONE;
      }
    }
    requireBytes(data);
    return this.#socket.send(data, this.#request(options)).catch((error) => {
      throw this.#explain(error, data, options);
    });
  }

  sendSync(data: Uint8Array, options: SctpEndpointSendOptions): void {
    checkTimeout(options.timeout);
    if (options.sendAll) {
      for (const associationId of this.associationIds()) {
        ignoreAbsence(() => this.sendSync(data, { ...options, sendAll: false, associationId }));
      }
      return;
    }
    if (options.abort) return this.abort(this.#idOf(options), data);
    if (data.length > 0 || !options.eof) {
      requireBytes(data);
      try {
        this.#socket.sendSync(data, this.#request({ ...options, eof: false }));
      } catch (error) {
        throw this.#explain(error, data, options);
      }
    }
    if (options.eof) this.shutdown(this.#idOf(options));
  }

  connect(address: SctpAddress): SetUp {
    const silenceMs = silenceBeforeFailure(this.#options, address);
    const startedAtMs = performance.now();
    return { associationId: beginAssociation(this.#options, address), givesUpAtMs: startedAtMs + silenceMs };
  }

  peelOff(associationId: number): SctpSocketDriver {
    let fd: number;
    try {
      fd = peelOff(this.#options, associationId, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } catch (error) {
      throw error instanceof SystemError && error.errno === ERRNO.EINVAL
        ? noSuchAssociation(associationId, error)
        : error;
    }
    const driver = new KernelSocketDriver(Descriptor.adopt(fd, "kernel SCTP association"), "peeled-off", {
      ...this.#settings,
      events: [...this.#subscribed],
      defaults: this.#requests.defaultsOf(associationId),
      interleaving: this.#isInterleaving,
    });
    this.#requests.forget(associationId);
    this.#reader.moveIncomplete(associationId, driver.#reader);
    return driver;
  }

  shutdown(associationId: number): void {
    if (this.#origin === "one-to-one") {
      const begin = () => {
        if (!this.#socket.isClosed) ignoreSystemErrors(() => shutdown(this.#socket.fd, SHUT_WR));
      };
      if (this.#socket.stats().sendQueueLength === 0) begin();
      else void this.#socket.flush().then(begin, begin);
      return;
    }
    const request = this.#requests.request({ associationId, eof: true });
    try {
      // SCTP_EOF takes its turn behind the messages that wait for room.
      if (!this.#socket.trySend(NOTHING, request)) void this.#socket.send(NOTHING, request).catch(() => {});
      this.#endsSent++;
    } catch (error) {
      throw this.#explain(error, NOTHING, { associationId });
    }
  }

  abort(associationId: number, reason: Uint8Array): void {
    this.#isAborted = this.#origin !== "one-to-many";
    if (this.#origin === "one-to-one") {
      setsockopt(this.#socket.fd, SOL_SOCKET, SO_LINGER, LINGER_ZERO);
      return;
    }
    const { control } = this.#requests.request({ associationId, abort: true });
    try {
      sendUrgently(this.#socket.fd, reason, control!);
    } catch (error) {
      throw this.#explain(error, reason, { associationId });
    }
  }

  associationIds(): number[] {
    return getAssociationIds(this.#options);
  }

  localAddress(associationId: number): SctpAddress {
    return SctpAddress.fromSocketAddresses(getLocalAddresses(this.#options, associationId));
  }

  peerAddress(associationId: number): SctpAddress {
    return SctpAddress.fromSocketAddresses(getPeerAddresses(this.#options, associationId));
  }

  addAddress(address: SctpAddress): void {
    addAddresses(this.#options, this.#withOwnPort(address).toPackedSockaddrs());
  }

  removeAddress(address: SctpAddress): void {
    removeAddresses(this.#options, this.#withOwnPort(address).toPackedSockaddrs());
  }

  subscribe(event: SctpEventName, on: boolean, scope: SctpOptionScope): void {
    if (on || !NEEDED_EVENTS.includes(event)) subscribe(this.#options, scopeId(scope), event, on);
    if (on) this.#subscribed.add(event);
    else this.#subscribed.delete(event);
  }

  getOption<Name extends SctpOptionName>(
    name: Name,
    scope: SctpOptionScope,
    parameter?: SctpOptionParameter,
  ): SctpOptionRead<Name> {
    return readOption(this.#options, name, scopeId(scope), parameter);
  }

  setOption<Name extends SctpOptionName>(
    name: Name,
    value: SctpOptionWritten<Name>,
    scope: SctpOptionScope,
    parameter?: SctpOptionParameter,
  ): void {
    writeOption(this.#options, name, value, scopeId(scope), parameter);
    if (name === "interleaving") this.#isInterleaving = value === true;
    if (name !== "defaultSendInfo" && name !== "defaultPartialReliability") return;
    const change = name === "defaultSendInfo"
      ? { sendInfo: value as SendDefaults["sendInfo"] }
      : { partialReliability: value as SendDefaults["partialReliability"] };
    this.#requests.setDefaults(change, scope, () => this.associationIds());
  }

  close(): void {
    if (this.#socket.isClosed) return;
    if (!this.#isAborted) this.#discardUnread();
    this.#reader.clear();
    this.#socket.close();
  }

  released(): Promise<void> {
    return Reactor.current().idle();
  }

  /**
   * The kernel aborts all associations of a socket that is closed with unread messages, and what was sent could be
   * lost.
   */
  #discardUnread(): void {
    const { fd } = this.#socket;
    ignoreSystemErrors(() => {
      // A listening one-to-many socket has to stop listening before it can stop receiving.
      if (this.#origin === "one-to-many") listen(fd, 0);
    });
    // From now on the kernel itself discards what arrives.
    ignoreSystemErrors(() => shutdown(fd, SHUT_RDWR));
    ignoreSystemErrors(() => {
      for (let batches = 0; batches < MOST_DISCARDED_BATCHES; batches++) {
        const batch = this.#socket.tryReceiveBatch();
        if (batch === undefined || batch[0].data.length === 0) return;
      }
    });
  }

  #notified(notification: SctpNotification): void {
    if (notification.type !== "association") return;
    const { state, associationId } = notification;
    if (state !== "comm-up" && state !== "restart") this.#requests.forget(associationId);
    else if (this.#subscribed.has("association")) {
      // Linux has the features of an association as options, and does not tell them in the notification.
      ignoreSystemErrors(() => notification.features = getSupportedFeatures(this.#options, associationId));
    }
  }

  #request(options: SctpEndpointSendOptions): ReturnType<SendRequests["request"]> {
    if (!this.#isInterleaving || options.to === undefined) return this.#requests.request(options);
    return this.#requests.request({ ...options, to: undefined, associationId: this.#idOrNew(options) });
  }

  /**
   * With interleaving on, Linux blocks a send that sets an association up until it is up, whatever MSG_DONTWAIT says.
   * So the set-up is begun first, and the message waits for it in the kernel.
   */
  #idOrNew({ to, initmsg }: SctpEndpointSendOptions): number {
    const { first, further } = this.#requests.destination(to!);
    try {
      return getAssociationId(this.#options, first);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (initmsg === undefined) {
        return beginAssociation(this.#options, SctpAddress.fromSocketAddresses([first, ...further]));
      }
      throw new ArgumentError("options.initmsg", "can't go with `interleaving`: set it on the endpoint");
    }
  }

  async #sendSpecially(data: Uint8Array, options: SctpEndpointSendOptions): Promise<void> {
    if (options.sendAll) {
      // Not by SCTP_SENDALL: when there is room for some only, the kernel sends to those, and does not tell which.
      const sends = this.associationIds().map((associationId) =>
        this.send(data, { ...options, sendAll: false, associationId }).catch((error) => {
          if (!(error instanceof NoPeerError)) throw error;
        })
      );
      await Promise.all(sends);
      return;
    }
    if (options.abort) return this.abort(this.#idOf(options), data);
    if (data.length > 0) await this.send(data, { ...options, eof: false });
    this.shutdown(this.#idOf(options));
  }

  #trySendAndEnd(data: Uint8Array, options: SctpEndpointSendOptions): boolean {
    const associationId = this.#idOf(options);
    if (options.abort) this.abort(associationId, data);
    else {
      if (data.length > 0 && !this.trySend(data, { ...options, eof: false })) return false;
      this.shutdown(associationId);
    }
    return true;
  }

  /** The association that is meant, for what is done to it rather than sent on it. */
  #idOf({ associationId, to, eof, abort }: SctpEndpointSendOptions): number {
    if (eof && abort) throw new ArgumentError("options.eof", "an association ends gracefully or by `abort`, not both");
    if (to === undefined) return associationId ?? 0;
    const { first } = this.#requests.destination(to);
    try {
      return getAssociationId(this.#options, first);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      throw new NoPeerError(`there is no association with ${SctpAddress.fromSocketAddresses([first])}`, {
        cause: error,
      });
    }
  }

  #explain(error: unknown, data: Uint8Array, options: SctpEndpointSendOptions): unknown {
    return explainSendError(error, data, options, this.#options, this.#origin);
  }

  #withOwnPort(address: SctpAddress): SctpAddress {
    return address.port === 0 ? address.withPort(this.localAddress(0).port) : address;
  }
}

/** RFC 6458 section 7.2: sets of associations have identifiers too. */
function scopeId(scope: SctpOptionScope): number {
  switch (scope) {
    case "future":
      return SCTP_FUTURE_ASSOC;
    case "current":
      return SCTP_CURRENT_ASSOC;
    case "all":
      return SCTP_ALL_ASSOC;
    default:
      return scope;
  }
}
