/** Sockets that send. @module */

import type { WaitOptions } from "../../common/wait.ts";
import type { Sendable } from "../message.ts";
import type { Engine, Sender } from "../protocol/engine.ts";
import { SocketCore } from "../socket/core.ts";
import type { SendLine } from "../socket/lines.ts";
import type { SocketOptions } from "../socket/options.ts";
import { type SendCalls, sendLine, SpSocket, type SyncOptions } from "./socket.ts";
import { writableOf } from "./streams.ts";

const NO_OPTIONS = Object.freeze({});

/** A socket that sends. */
export abstract class SendingSocket extends SpSocket implements SendCalls {
  readonly #sends: SendLine;
  #writable: WritableStream<Sendable> | undefined;

  /** For the patterns only. */
  protected constructor(engine: Engine & Sender, options: SocketOptions) {
    const core = new SocketCore(engine, options);
    super(core);
    this.#sends = sendLine(engine, core, options);
    core.onClose((error) => this.#sends.fail(error));
  }

  /**
   * What is written here is sent; closing or aborting it closes the socket. A write that fails is the end of the stream, and
   * not of the socket.
   */
  get writable(): WritableStream<Sendable> {
    return this.#writable ??= writableOf(this.#sends, () => this.close());
  }

  /**
   * Sends a message. Settled, it is on its way, or in the socket's buffer.
   *
   * @param data The message; bytes must not change until they are sent.
   * @param options How long to wait while nobody can take it.
   * @throws {ArgumentError} When it is nothing that can be sent, or the timeout is none.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {MessageTooLargeError} When no peer takes so large a message; with none connected it waits.
   * @throws {TimeoutError} When the wait takes too long; the message is not sent then. Its `cause` says what it waited for: a
   * `NoPeerError` when nobody is connected, a `BufferFullError` when those who are can't take more.
   */
  send(data: Sendable, options?: WaitOptions): Promise<void> {
    return this.#sends.send(data, options);
  }

  /**
   * Sends a message if that is possible at once.
   *
   * @param data The message.
   * @returns False, and nothing sent, when it would have to wait.
   * @throws As {@linkcode SendingSocket.send}, without waiting.
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
   * @throws As {@linkcode SendingSocket.send}.
   */
  sendSync(data: Sendable, options: SyncOptions = NO_OPTIONS): void {
    this.#sends.sendSync(data, options.timeout);
  }
}
