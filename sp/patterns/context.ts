/**
 * Conversations of their own on one socket: what nng calls contexts.
 *
 * @module
 */

import { ClosedError, type SockeyeError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import type { Sendable, SpMessage } from "../message.ts";
import type { Context, Receiver, Sender } from "../protocol/engine.ts";
import type { SocketCore } from "../socket/core.ts";
import { concerning } from "../socket/errors.ts";
import type { ReceiveLine, SendLine } from "../socket/lines.ts";
import type { SocketOptions } from "../socket/options.ts";
import { type ReceiveCalls, receiveLine, type SendCalls, sendLine, type SyncOptions } from "./socket.ts";

const NO_OPTIONS = Object.freeze({});

/** A context that receives, on a socket that it shares with others. */
export abstract class ReceivingContext implements ReceiveCalls, Disposable {
  readonly #context: Context;
  readonly #core: SocketCore;
  readonly #receives: ReceiveLine;
  readonly #release: () => void;
  #isClosed = false;

  /** For the patterns only. */
  protected constructor(
    context: Context & Receiver,
    core: SocketCore,
    options: SocketOptions,
    onAbandoned?: () => void,
  ) {
    this.#context = context;
    this.#core = core;
    this.#receives = receiveLine(context, core, options, onAbandoned);
    this.#release = core.onClose(() => this.close());
  }

  /** True once it is closed, or its socket is. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Receives a message.
   *
   * @param options How long to wait.
   * @throws {ArgumentError} When the timeout is none.
   * @throws {ClosedError} When the context or its socket is closed, before or meanwhile.
   * @throws {NoPeerError} When `resendTime` is `Infinity`, and the connection that carried the request is lost.
   * @throws {StateError} When there is nothing to wait for.
   * @throws {TimeoutError} When nothing comes in time; its `cause` is a `NoPeerError` when nobody is connected.
   */
  receive(options?: WaitOptions): Promise<SpMessage> {
    return this.#receives.receive(options);
  }

  /**
   * Receives a message if one is there.
   *
   * @returns The message, or `undefined`.
   * @throws As {@linkcode ReceivingContext.receive}, without waiting.
   */
  tryReceive(): SpMessage | undefined {
    return this.#receives.tryReceive();
  }

  /**
   * Receives a message, and blocks the thread until one is there. For Workers.
   *
   * @param options The longest wait.
   * @throws {UnsupportedError} Where there is no libc to wait with.
   * @throws As {@linkcode ReceivingContext.receive}.
   */
  receiveSync(options: SyncOptions = NO_OPTIONS): SpMessage {
    return this.#receives.receiveSync(options.timeout);
  }

  /** Message after message, until the context or its socket is closed. Breaking off loses none. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SpMessage> {
    return this.#receives.iterate();
  }

  /** Ends it. What is pending gets a `ClosedError`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#release();
    this.#context.close();
    this.#core.engineMoved();
    this.failLines(concerning(new ClosedError("the context was closed; open a new one"), this.#core.label));
  }

  /** The same as {@linkcode ReceivingContext.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Tells those who wait. */
  protected failLines(error: SockeyeError): void {
    this.#receives.fail(error);
  }
}

/** A conversation that ends by itself, or is closed: one question, one answer, and so on. */
export class SpContext extends ReceivingContext implements SendCalls {
  readonly #sends: SendLine;

  /** Made by `openContext` of a socket. */
  constructor(
    context: Context & Sender & Receiver,
    core: SocketCore,
    options: SocketOptions,
    onAbandoned?: () => void,
  ) {
    super(context, core, options, onAbandoned);
    this.#sends = sendLine(context, core, options);
  }

  /**
   * Sends a message: a request, or the answer to the one that was received last.
   *
   * @param data The message; bytes must not change until they are sent.
   * @param options How long to wait while nobody can take it.
   * @throws {ArgumentError} When it is nothing that can be sent, or the timeout is none.
   * @throws {ClosedError} When the context or its socket is closed, before or meanwhile.
   * @throws {MessageTooLargeError} When the peer that it is for, or each that it could go to, doesn't take so large a message.
   * @throws {StateError} When it is not this side's turn.
   * @throws {TimeoutError} When the wait takes too long; the message is not sent then.
   */
  send(data: Sendable, options?: WaitOptions): Promise<void> {
    return this.#sends.send(data, options);
  }

  /**
   * Sends a message if that is possible at once.
   *
   * @returns False, and nothing sent, when it would have to wait.
   * @throws As {@linkcode SpContext.send}, without waiting.
   */
  trySend(data: Sendable): boolean {
    return this.#sends.trySend(data);
  }

  /**
   * Sends a message, and blocks the thread while nobody can take it. For Workers.
   *
   * @param data The message.
   * @param options The longest wait.
   * @throws {UnsupportedError} Where there is no libc to wait with.
   * @throws As {@linkcode SpContext.send}.
   */
  sendSync(data: Sendable, options: SyncOptions = NO_OPTIONS): void {
    this.#sends.sendSync(data, options.timeout);
  }

  /** Tells those who wait. */
  protected override failLines(error: SockeyeError): void {
    this.#sends.fail(error);
    super.failLines(error);
  }
}
