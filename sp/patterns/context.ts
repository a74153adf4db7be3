/**
 * Conversations of their own on one socket: what nng calls contexts.
 *
 * @module
 */

import { ClosedError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import type { SpMessage } from "../message.ts";
import type { Context, Receiver, Sender } from "../protocol/engine.ts";
import type { SocketCore } from "../socket/core.ts";
import type { ReceiveLine, SendLine } from "../socket/lines.ts";
import type { SocketOptions } from "../socket/options.ts";
import {
  messageOf,
  type ReceiveCalls,
  receiveLine,
  type Sendable,
  type SendCalls,
  sendLine,
  type SyncOptions,
} from "./socket.ts";

const NO_OPTIONS = Object.freeze({});

/** A conversation that ends by itself, or is closed: one question, one answer, and so on. */
export class SpContext implements SendCalls, ReceiveCalls, Disposable {
  readonly #context: Context & Sender & Receiver;
  readonly #sends: SendLine;
  readonly #receives: ReceiveLine;
  readonly #release: () => void;
  readonly #core: SocketCore;
  #isClosed = false;

  /** Made by `openContext` of a socket. */
  constructor(
    context: Context & Sender & Receiver,
    core: SocketCore,
    options: SocketOptions,
    onAbandoned?: () => void,
  ) {
    this.#context = context;
    this.#core = core;
    this.#sends = sendLine(context, core, options);
    this.#receives = receiveLine(context, core, options, onAbandoned);
    this.#release = core.onClose(() => this.close());
  }

  /** True once it is closed, or its socket is. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Sends a message: a request, or the answer to the one that was received last.
   *
   * @param data The message; bytes must not change until they are sent.
   * @param options How long to wait while nobody can take it.
   * @throws {ClosedError} When the context or its socket is closed, before or meanwhile.
   * @throws {MessageTooLargeError} When the peer that it is for, or each that it could go to, doesn't take so large a message.
   * @throws {StateError} When it is not this side's turn.
   * @throws {TimeoutError} When the wait takes too long; the message is not sent then.
   */
  send(data: Sendable, options?: WaitOptions): Promise<void> {
    try {
      return this.#sends.send(messageOf(data), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a message if that is possible at once.
   *
   * @returns False, and nothing sent, when it would have to wait.
   */
  trySend(data: Sendable): boolean {
    return this.#sends.trySend(messageOf(data));
  }

  /** Sends a message, and blocks the thread meanwhile. For Workers. */
  sendSync(data: Sendable, options: SyncOptions = NO_OPTIONS): void {
    this.#sends.sendSync(messageOf(data), options.timeout);
  }

  /**
   * Receives a message.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the context or its socket is closed, before or meanwhile.
   * @throws {StateError} When there is nothing to wait for.
   * @throws {TimeoutError} When nothing comes in time.
   */
  receive(options?: WaitOptions): Promise<SpMessage> {
    return this.#receives.receive(options);
  }

  /** Receives a message if one is there. */
  tryReceive(): SpMessage | undefined {
    return this.#receives.tryReceive();
  }

  /** Receives a message, and blocks the thread meanwhile. For Workers. */
  receiveSync(options: SyncOptions = NO_OPTIONS): SpMessage {
    return this.#receives.receiveSync(options.timeout);
  }

  /** Message after message, until the context or its socket is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SpMessage> {
    return this.#receives.iterate();
  }

  /** Ends the conversation. What is pending gets a `ClosedError`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#release();
    this.#context.close();
    this.#core.engineMoved();
    const error = new ClosedError("the context was closed; open a new one");
    this.#sends.fail(error);
    this.#receives.fail(error);
  }

  /** The same as {@linkcode SpContext.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
