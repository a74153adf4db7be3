/** Subscribers of their own on one socket: what nng calls contexts of SUB. @module */

import { ArgumentError } from "../../common/errors.ts";
import type { SubContext as Subscriber } from "../protocol/sub.ts";
import type { SocketCore } from "../socket/core.ts";
import { concerned } from "../socket/errors.ts";
import type { SocketOptions } from "../socket/options.ts";
import { ReceivingContext } from "./context.ts";

const encoder = new TextEncoder();

/** A subscriber on a {@linkcode Sub} socket, with topics and a queue of its own; it gets every message that it wants. */
export class SubContext extends ReceivingContext {
  readonly #subscriber: Subscriber;
  readonly #core: SocketCore;

  /** Made by `openContext` of a socket. */
  constructor(subscriber: Subscriber, core: SocketCore, options: SocketOptions) {
    super(subscriber, core, options);
    this.#subscriber = subscriber;
    this.#core = core;
  }

  /**
   * Subscribes to messages that begin with a topic. Whoever subscribes to it twice unsubscribes twice.
   *
   * @param topic The beginning, as text or bytes; an empty one is every message's.
   * @throws {ArgumentError} When it is neither.
   * @throws {ClosedError} When the context or its socket is closed.
   */
  subscribe(topic: string | Uint8Array): void {
    concerned(this.#core.label, () => this.#subscriber.subscribe(topicBytes(topic)));
  }

  /**
   * Takes one subscription back. Messages that were received, and that no other subscription wants, are dropped.
   *
   * @param topic As it was subscribed to.
   * @returns Whether there was such a subscription.
   * @throws {ArgumentError} When it is neither text nor bytes.
   * @throws {ClosedError} When the context or its socket is closed.
   */
  unsubscribe(topic: string | Uint8Array): boolean {
    return concerned(this.#core.label, () => this.#subscriber.unsubscribe(topicBytes(topic)));
  }
}

/**
 * A topic as bytes.
 *
 * @throws {ArgumentError} If it is none; what has no length would be every message's.
 */
export function topicBytes(topic: string | Uint8Array): Uint8Array {
  if (typeof topic === "string") return encoder.encode(topic);
  if (topic instanceof Uint8Array) return topic;
  throw new ArgumentError("topic", `must be a string or a Uint8Array, got ${typeof topic}`);
}
