/** Subscribers of their own on one socket: what nng calls contexts of SUB. @module */

import { ClosedError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import type { SpMessage } from "../message.ts";
import type { SubContext as Subscriber } from "../protocol/sub.ts";
import type { SocketCore } from "../socket/core.ts";
import type { ReceiveLine } from "../socket/lines.ts";
import type { SocketOptions } from "../socket/options.ts";
import { type ReceiveCalls, receiveLine, type SyncOptions } from "./socket.ts";

const NO_OPTIONS = Object.freeze({});
const encoder = new TextEncoder();

/** A subscriber on a {@linkcode Sub} socket, with topics and a queue of its own; it gets every message that it wants. */
export class SubContext implements ReceiveCalls, Disposable {
  readonly #subscriber: Subscriber;
  readonly #receives: ReceiveLine;
  readonly #release: () => void;
  #isClosed = false;

  /** Made by `openContext` of a socket. */
  constructor(subscriber: Subscriber, core: SocketCore, options: SocketOptions) {
    this.#subscriber = subscriber;
    this.#receives = receiveLine(subscriber, core, options);
    this.#release = core.onClose(() => this.close());
  }

  /** True once it is closed, or its socket is. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Subscribes to messages that begin with a topic. Whoever subscribes to it twice unsubscribes twice.
   *
   * @param topic The beginning, as text or bytes; an empty one is every message's.
   * @throws {ClosedError} When the context or its socket is closed.
   */
  subscribe(topic: string | Uint8Array): void {
    this.#subscriber.subscribe(topicBytes(topic));
  }

  /**
   * Takes one subscription back. Messages that were received, and that no other subscription wants, are dropped.
   *
   * @param topic As it was subscribed to.
   * @returns Whether there was such a subscription.
   * @throws {ClosedError} When the context or its socket is closed.
   */
  unsubscribe(topic: string | Uint8Array): boolean {
    return this.#subscriber.unsubscribe(topicBytes(topic));
  }

  /**
   * Receives a message.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the context or its socket is closed, before or meanwhile.
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

  /** Ends it. What is pending gets a `ClosedError`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#release();
    this.#subscriber.close();
    this.#receives.fail(new ClosedError("the context was closed; open a new one"));
  }

  /** The same as {@linkcode SubContext.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A topic as bytes. */
export function topicBytes(topic: string | Uint8Array): Uint8Array {
  return typeof topic === "string" ? encoder.encode(topic) : topic;
}
