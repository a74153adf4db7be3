/**
 * What a stack has to offer behind the public classes: sockets, one-to-many and one-to-one, and a listener.
 *
 * The classes above know queues, views and waiting; a driver knows how its stack sends, receives and sets options. It
 * never waits for anything but readiness, and keeps nothing that it has handed up.
 *
 * @module
 */

import type { MessageTooLargeError } from "../common/errors.ts";
import type { WaitOptions } from "../common/wait.ts";
import type { SctpAddress } from "./address.ts";
import type { SctpEndpointSendOptions, SctpMessage, SctpSendOptions } from "./message.ts";
import type { SctpEventName, SctpNotification } from "./notification.ts";
import type { SctpOptionName, SctpOptionParameter, SctpOptionRead, SctpOptionWritten } from "./option_map.ts";
import type { SctpSocketOptions } from "./options.ts";

/** Stands where a message would have been that exceeded `maxMessageSize`, and was discarded. */
export interface SctpOversizedMessage {
  /** Tells it from messages and notifications. */
  type: "message-too-large";
  /** The association. A peer that does this on purpose can be aborted. */
  associationId: number;
  /** The stream of the message. */
  streamId: number;
  /** The payload protocol identifier of the message. */
  ppid: number;
  /** The error that `receive` of a one-to-one association throws. */
  error: MessageTooLargeError;
}

/** What a socket delivers: messages and notifications in one typed stream, in the order in which they came. */
export type SctpEvent = SctpMessage | SctpNotification | SctpOversizedMessage;

/** What a driver has counted. */
export interface SctpDriverCounters {
  /** Messages handed to the stack. */
  messagesSent: number;
  /** Their bytes. */
  bytesSent: number;
  /** Whole messages received. */
  messagesReceived: number;
  /** Their bytes. */
  bytesReceived: number;
  /** Notifications received, those that the driver keeps to itself included. */
  notificationsReceived: number;
  /** Messages given up because they exceeded `maxMessageSize`. */
  oversizedMessages: number;
  /** Messages given up because the peer ended before their last piece. */
  incompleteMessages: number;
}

/** Which associations an option is about: one, or by RFC 6458 section 7.2 those to come, those there are, or both. */
export type SctpOptionScope = number | "future" | "current" | "all";

/** An association that is being set up. */
export interface SetUp {
  /** The association. */
  associationId: number;
  /** When the stack will have given up if nobody answers, by `performance.now()`: an earlier failure is a refusal. */
  givesUpAtMs: number;
}

/** A socket of a stack: one-to-many with any number of associations, or one-to-one with a single one. */
export interface SctpSocketDriver {
  /** The stack that it belongs to. */
  readonly stack: "kernel" | "userspace";
  /** Whether it carries many associations or a single one. */
  readonly style: "one-to-many" | "one-to-one";
  /** Whether `abort` can carry a reason. */
  readonly carriesAbortReason: boolean;
  /** What was counted so far. */
  readonly counters: SctpDriverCounters;

  /**
   * The next event that is there already, `undefined` if there is none.
   *
   * @throws {SystemError} The association broke, and no notification says so.
   */
  tryReceive(): SctpEvent | undefined;
  /**
   * Resolves when `tryReceive` is worth another try. Rejects with the signal's reason, or when the socket is closed.
   */
  readable(signal: AbortSignal): Promise<void>;
  /** What to wait for before an event that is there already is handed on: now and then, so that others get their turn. */
  takeTurn(): Promise<void> | undefined;
  /** Blocks until `tryReceive` is worth another try; false when the time, in milliseconds, is up first. */
  readableSync(timeoutMs: number | undefined): boolean;
  /**
   * What the socket says of its last failure, as in SO_ERROR: an error number, 0 if there is none. Reading clears it.
   */
  takeSocketError(): number;
  /** Takes back the events of an association that were read from the stack, but not handed up yet. */
  takeEventsOf(associationId: number): SctpEvent[];

  /** Sends if there is room in the send buffer; false, and nothing sent, if there isn't. */
  trySend(data: Uint8Array, options: SctpEndpointSendOptions): boolean;
  /** Sends as soon as there is room. */
  send(data: Uint8Array, options: SctpEndpointSendOptions): Promise<void>;
  /** Sends, and blocks until there is room. */
  sendSync(data: Uint8Array, options: SctpEndpointSendOptions): void;

  /** Begins to set up an association; its outcome arrives as an `"association"` event. One-to-many only. */
  connect(address: SctpAddress): SetUp;
  /** Moves an association to a socket of its own. One-to-many only. */
  peelOff(associationId: number): SctpSocketDriver;
  /** Begins the graceful end of an association: what was sent is delivered first. */
  shutdown(associationId: number): void;
  /** Ends an association at once; the peer sees the reason where `carriesAbortReason`. */
  abort(associationId: number, reason: Uint8Array): void;

  /** The identifiers of the associations that there are. */
  associationIds(): number[];
  /** The local addresses, of an association or, with 0, of the socket. */
  localAddress(associationId: number): SctpAddress;
  /** The peer's addresses. */
  peerAddress(associationId: number): SctpAddress;
  /** Binds further addresses (sctp_bindx(3)). */
  addAddress(address: SctpAddress): void;
  /** Gives up bound addresses (sctp_bindx(3)). */
  removeAddress(address: SctpAddress): void;

  /** Turns a kind of notification on or off. */
  subscribe(event: SctpEventName, on: boolean, scope: SctpOptionScope): void;
  /** Reads an option. */
  getOption<Name extends SctpOptionName>(
    name: Name,
    scope: SctpOptionScope,
    parameter?: SctpOptionParameter,
  ): SctpOptionRead<Name>;
  /** Writes an option, or carries out what it stands for. */
  setOption<Name extends SctpOptionName>(
    name: Name,
    value: SctpOptionWritten<Name>,
    scope: SctpOptionScope,
    parameter?: SctpOptionParameter,
  ): void;

  /** Closes gracefully: what was sent is delivered, what was not received is discarded. Idempotent. */
  close(): void;
  /** Resolves when nothing of the stack keeps the program alive on behalf of closed sockets. */
  released(): Promise<void>;
}

/** A listening one-to-one socket of a stack. */
export interface SctpListenerDriver {
  /** The stack that it belongs to. */
  readonly stack: "kernel" | "userspace";
  /** The next association that is there already, `undefined` if there is none. */
  tryAccept(): SctpSocketDriver | undefined;
  /** Resolves when `tryAccept` is worth another try. */
  acceptable(signal: AbortSignal): Promise<void>;
  /** Blocks until `tryAccept` is worth another try; false when the time, in milliseconds, is up first. */
  acceptableSync(timeoutMs: number | undefined): boolean;
  /** The bound addresses. */
  localAddress(): SctpAddress;
  /** Stops listening. Idempotent. */
  close(): void;
  /** Resolves when nothing of the stack keeps the program alive on behalf of closed sockets. */
  released(): Promise<void>;
}

/** What every socket is opened with. */
export interface SctpOpenOptions extends SctpSocketOptions {
  /** The kinds of notifications to deliver. */
  events?: readonly SctpEventName[];
  /** The largest message received, in bytes. */
  maxMessageSize: number;
  /** How many associations may wait to be accepted. */
  backlog: number;
  /** How many messages may wait for room in the send buffer. */
  sendQueueLength: number;
  /** How long a receive that finds nothing looks again before it waits, in microseconds. */
  busyPoll: number;
}

/** An SCTP implementation. */
export interface SctpStack {
  /** Which one. */
  readonly name: "kernel" | "userspace";
  /**
   * Does nothing where the stack can be used.
   *
   * @throws {UnsupportedError} It can't; the message says why, and the remedy.
   */
  probe(): void;
  /** Opens a one-to-many socket: bound if there is an address, listening if told so. */
  openEndpoint(address: SctpAddress | undefined, listen: boolean, options: SctpOpenOptions): SctpSocketDriver;
  /** Opens a listening one-to-one socket. */
  openListener(address: SctpAddress, options: SctpOpenOptions): SctpListenerDriver;
  /** Sets up an association on a one-to-one socket. */
  connect(
    address: SctpAddress,
    local: SctpAddress | undefined,
    options: SctpOpenOptions,
    wait: WaitOptions,
  ): Promise<SctpSocketDriver>;
  /** The same, blocking. */
  connectSync(
    address: SctpAddress,
    local: SctpAddress | undefined,
    options: SctpOpenOptions,
    timeoutMs: number | undefined,
  ): SctpSocketDriver;
}

/** The options of a send that concern waiting only. */
export function waitOptionsOf(options: SctpSendOptions): WaitOptions {
  return { signal: options.signal, timeout: options.timeout };
}
