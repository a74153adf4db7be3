/**
 * Sending on a message socket: at once where nothing is in front, else in line, under backpressure.
 *
 * It knows when to try again. It needs to know nothing of receiving, nor of how messages get into the kernel:
 * {@linkcode SendQueue} does that. Its owner calls {@linkcode MessageSender.ready} when the descriptor takes more.
 *
 * @module
 */

import type { ClosedError } from "../common/errors.ts";
import { checkTimeout, WaitList, type WaitOptions } from "../common/wait.ts";
import type { Descriptor } from "./descriptor.ts";
import type { OutgoingMessage, SendOptions } from "./message.ts";
import { Reactor, WRITABLE } from "./reactor.ts";
import type { SendQueue } from "./send_queue.ts";

const DONE: Promise<void> = Promise.resolve();
/** Waits between attempts where a socket says writable and is not, in milliseconds. */
const RETRY_MIN_MS = 1;
const RETRY_MAX_MS = 32;

/** How long to wait after a wait of so many milliseconds was in vain. */
export function nextRetryMs(beforeMs: number): number {
  return Math.min(Math.max(RETRY_MIN_MS, beforeMs * 2), RETRY_MAX_MS);
}

/** Those who send on one descriptor. */
export class MessageSender {
  readonly #reactor: Reactor = Reactor.current();
  readonly #descriptor: Descriptor;
  readonly #sends: SendQueue;
  readonly #flushers: WaitList<void> = new WaitList();
  readonly #interestChanged: () => void;
  readonly #endTurn: () => void;

  /** A message has gone out in this turn of the event loop; further ones are gathered until its end. */
  #isTurnTaken = false;
  /** The kernel's buffer was full at the last attempt. */
  #isBlocked = false;
  #retryMs = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param interestChanged Called when {@linkcode MessageSender.wantsRoom} may have changed.
   */
  constructor(descriptor: Descriptor, sends: SendQueue, interestChanged: () => void) {
    this.#descriptor = descriptor;
    this.#sends = sends;
    this.#interestChanged = interestChanged;
    this.#endTurn = () => {
      this.#isTurnTaken = false;
      this.flushNow();
    };
  }

  /** Messages that wait. */
  get length(): number {
    return this.#sends.length;
  }

  /** Whether it is to be called when the descriptor takes more. */
  get wantsRoom(): boolean {
    return this.#isBlocked && this.#sends.length > 0 && this.#retryTimer === undefined;
  }

  /** As {@linkcode MessageSocket.send}. */
  send(data: Uint8Array, options: SendOptions & WaitOptions): Promise<void> {
    try {
      const { fd } = this.#descriptor;
      this.#sends.check(data, options);
      checkTimeout(options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      if (!this.#isTurnTaken && this.#sends.length === 0) {
        if (this.#sends.sendNow(fd, data, options) === "sent") {
          this.#isTurnTaken = true;
          queueMicrotask(this.#endTurn);
          return this.#reactor.takeTurn() ?? DONE;
        }
        this.#isBlocked = true;
      }
      const settled = this.#sends.enqueue(data, options);
      this.#interestChanged();
      return settled;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@linkcode MessageSocket.trySend}. */
  trySend(data: Uint8Array, options: SendOptions): boolean {
    const { fd } = this.#descriptor;
    this.#sends.check(data, options);
    if (this.#sends.length > 0 && !this.flushNow()) return false;
    return this.#sends.sendNow(fd, data, options) === "sent";
  }

  /** As {@linkcode MessageSocket.sendBatch}. */
  sendBatch(messages: readonly OutgoingMessage[], options: WaitOptions): Promise<void> {
    try {
      const { fd } = this.#descriptor;
      for (let i = 0; i < messages.length; i++) this.#sends.check(messages[i].data, messages[i], `messages[${i}].`);
      checkTimeout(options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      let sent = 0;
      if (this.#sends.length === 0) {
        sent = this.#sends.sendManyNow(fd, messages, 0);
        this.#isBlocked = sent < messages.length;
      }
      if (sent === messages.length) return this.#reactor.takeTurn() ?? DONE;
      const settled = this.#sends.enqueueMany(messages, sent, options);
      this.#interestChanged();
      return settled;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@linkcode MessageSocket.flush}. */
  flush(options: WaitOptions): Promise<void> {
    if (this.#sends.length === 0 || this.flushNow()) return DONE;
    return this.#flushers.wait("flush", options, undefined);
  }

  /** Hands the queue to the kernel; true when it is empty now. */
  flushNow(): boolean {
    if (this.#sends.length === 0 || this.#descriptor.isClosed) return true;
    const before = this.#sends.messagesSent;
    this.#isBlocked = this.#sends.flush(this.#descriptor.fd) === "blocked";
    if (this.#sends.messagesSent > before) this.#retryMs = 0;
    if (this.#isBlocked) {
      this.#interestChanged();
      return false;
    }
    this.#flushers.resolveAll();
    return true;
  }

  /** Goes on with what was held up. */
  ready(events: number): void {
    if (!this.#isBlocked) return;
    const before = this.#sends.messagesSent;
    if (!this.flushNow() && this.#sends.messagesSent === before && (events & WRITABLE) !== 0) this.#retryLater();
  }

  /** Rejects everything that waits. */
  close(reason: ClosedError): void {
    clearTimeout(this.#retryTimer);
    this.#sends.fail(reason);
    this.#flushers.rejectAll(reason);
  }

  /** A unix datagram socket that isn't connected is always writable, also when the peer's queue is full: unix(7). */
  #retryLater(): void {
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.flushNow();
      if (!this.#descriptor.isClosed) this.#interestChanged();
    }, this.#retryMs = nextRetryMs(this.#retryMs));
  }
}
