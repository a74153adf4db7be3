/** Sockets that receive. @module */

import type { WaitOptions } from "../../common/wait.ts";
import type { SpMessage } from "../message.ts";
import type { Engine, Receiver } from "../protocol/engine.ts";
import { SocketCore } from "../socket/core.ts";
import type { ReceiveLine } from "../socket/lines.ts";
import type { SocketOptions } from "../socket/options.ts";
import { type ReceiveCalls, receiveLine, SpSocket, type SyncOptions } from "./socket.ts";
import { readableOf } from "./streams.ts";

const NO_OPTIONS = Object.freeze({});

/** What some patterns need besides. */
export interface ReceivingNeeds {
  /** Whether the pattern looks at the time. */
  readonly usesClock?: boolean;
  /** Called when somebody gives up waiting. */
  readonly onAbandoned?: () => void;
}

/** A socket that receives. */
export abstract class ReceivingSocket extends SpSocket implements ReceiveCalls {
  readonly #receives: ReceiveLine;
  #readable: ReadableStream<SpMessage> | undefined;

  /** For the patterns only. */
  protected constructor(engine: Engine & Receiver, options: SocketOptions, needs: ReceivingNeeds = NO_OPTIONS) {
    const core = new SocketCore(engine, options, needs.usesClock);
    super(core);
    this.#receives = receiveLine(engine, core, options, needs.onAbandoned);
    core.onClose((error) => this.#receives.fail(error));
  }

  /**
   * The messages received; cancelling it closes the socket. A wait that fails, as by `receiveTimeout`, is the end of the
   * stream, and not of the socket.
   */
  get readable(): ReadableStream<SpMessage> {
    return this.#readable ??= readableOf(this.#receives, () => this.close());
  }

  /**
   * Receives a message.
   *
   * @param options How long to wait.
   * @throws {ArgumentError} When the timeout is none.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {NoPeerError} When `resendTime` is `Infinity`, and the connection that carried the request is lost.
   * @throws {StateError} When there is nothing to wait for, as for a reply without a request.
   * @throws {TimeoutError} When nothing comes in time; its `cause` is a `NoPeerError` when nobody is connected.
   */
  receive(options?: WaitOptions): Promise<SpMessage> {
    return this.#receives.receive(options);
  }

  /**
   * Receives a message if one is there.
   *
   * @returns The message, or `undefined`.
   * @throws As {@linkcode ReceivingSocket.receive}, without waiting.
   */
  tryReceive(): SpMessage | undefined {
    return this.#receives.tryReceive();
  }

  /**
   * Receives a message, and blocks the thread until one is there. For Workers.
   *
   * @param options The longest wait.
   * @throws {UnsupportedError} Where there is no libc to wait with.
   * @throws As {@linkcode ReceivingSocket.receive}.
   */
  receiveSync(options: SyncOptions = NO_OPTIONS): SpMessage {
    return this.#receives.receiveSync(options.timeout);
  }

  /** Message after message, until the socket is closed. Breaking off loses none: the next call gets the next message. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SpMessage> {
    return this.#receives.iterate();
  }
}
