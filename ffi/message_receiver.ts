/**
 * Receiving from a message socket: at once what is there, later what comes, first come first served.
 *
 * It knows what those who wait want. It needs to know nothing of sending, nor of readiness: its owner calls
 * {@linkcode MessageReceiver.deliver} when there may be something.
 *
 * @module
 */

import { ClosedError, MessageTooLargeError } from "../common/errors.ts";
import { checkTimeout, WaitList, type WaitOptions } from "../common/wait.ts";
import type { Descriptor } from "./descriptor.ts";
import { requireAttached } from "./lent_memory.ts";
import { libc } from "./libc.ts";
import type { Message, ReceivedInto } from "./message.ts";
import { Reactor } from "./reactor.ts";
import { copyInto, discard, type ReceiveQueue } from "./receive_queue.ts";

type Answer = Message | Message[] | ReceivedInto | true;
/** What a waiting receiver wants: one message, all there are, one in its own buffer, or to know that there is one. */
type Wish = "one" | "batch" | "readiness" | Uint8Array;

const NO_OPTIONS = Object.freeze({});
/** How often `busyPoll` looks before it offers the processor to others, sched_yield(2): for about 40 microseconds. */
const LOOKS_PER_YIELD = 128;

/** Those who receive from one descriptor. */
export class MessageReceiver {
  /** Looks for one message, as {@linkcode MessageReceiver.spin} wants it. */
  readonly lookForOne = (): Message | undefined => this.tryReceive();
  /** Looks whether there is anything. */
  readonly lookForAny = (): true | undefined => this.#hasAny() || undefined;
  /** Looks for all that there is. */
  readonly lookForBatch = (): Message[] | undefined => this.tryReceiveBatch();
  /** Whether a receive that finds nothing looks again before it waits. */
  readonly polls: boolean;

  readonly #reactor: Reactor = Reactor.current();
  readonly #descriptor: Descriptor;
  readonly #received: ReceiveQueue;
  readonly #batch: number;
  readonly #busyPollMs: number;
  readonly #waiting: WaitList<Answer, Wish>;
  readonly #interestChanged: () => void;

  /**
   * @param interestChanged Called when somebody waits who didn't, or no longer does.
   */
  constructor(
    descriptor: Descriptor,
    received: ReceiveQueue,
    { batch, busyPollMs }: { batch: number; busyPollMs: number },
    interestChanged: () => void,
  ) {
    this.#descriptor = descriptor;
    this.#received = received;
    this.#batch = batch;
    this.#busyPollMs = busyPollMs;
    this.polls = busyPollMs > 0;
    this.#interestChanged = interestChanged;
    this.#waiting = new WaitList(interestChanged);
  }

  /** Whether somebody waits. */
  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  /** Messages that were fetched and not received yet. */
  get length(): number {
    return this.#received.length;
  }

  /** As {@linkcode MessageSocket.receive}. */
  receive(options: WaitOptions): Promise<Message> {
    try {
      const message = this.isWaitedFor ? undefined : this.spin(this.lookForOne);
      if (message !== undefined) return this.#inTurn(message);
      return this.#wait("receive", "one", options) as Promise<Message>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@linkcode MessageSocket.tryReceive}. */
  tryReceive(): Message | undefined {
    return this.#hasAny() ? whole(this.#received.takeOne()) : undefined;
  }

  /** As {@linkcode MessageSocket.receiveBatch}. */
  receiveBatch(options: WaitOptions): Promise<Message[]> {
    try {
      const messages = this.isWaitedFor ? undefined : this.spin(this.lookForBatch);
      if (messages !== undefined) return this.#inTurn(messages);
      return this.#wait("receiveBatch", "batch", options) as Promise<Message[]>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@linkcode MessageSocket.tryReceiveBatch}. */
  tryReceiveBatch(): Message[] | undefined {
    return this.#hasAny() ? this.#received.takeAll() : undefined;
  }

  /** As {@linkcode MessageSocket.receiveInto}. */
  receiveInto(buffer: Uint8Array, options: WaitOptions): Promise<ReceivedInto> {
    try {
      const received = this.isWaitedFor ? undefined : this.spin(() => this.tryReceiveInto(buffer));
      if (received !== undefined) return this.#inTurn(received);
      return this.#wait("receiveInto", buffer, options) as Promise<ReceivedInto>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@linkcode MessageSocket.tryReceiveInto}. */
  tryReceiveInto(buffer: Uint8Array): ReceivedInto | undefined {
    if (buffer.length === 0) requireAttached(buffer, "buffer");
    if (this.#received.length === 0) return this.#received.fetchInto(this.#descriptor.fd, buffer);
    return copyInto(this.#received.takeOne(), buffer);
  }

  /** As {@linkcode MessageSocket.untilReadable}. */
  async untilReadable(options: WaitOptions): Promise<void> {
    if (!this.isWaitedFor && this.spin(this.lookForAny)) return this.#inTurn(undefined);
    await this.#wait("untilReadable", "readiness", options);
  }

  /** Message after message, until the socket is closed. */
  iterate(): AsyncIterableIterator<Message> {
    const more = (value: Message): IteratorResult<Message> => ({ done: false, value });
    const end = (error: unknown): IteratorResult<Message> => {
      if (error instanceof ClosedError) return { done: true, value: undefined };
      throw error;
    };
    return {
      next: () => {
        // What was fetched already needs no chain of promises.
        if (this.#received.length === 0 || this.isWaitedFor) return this.receive(NO_OPTIONS).then(more, end);
        try {
          return this.#inTurn(more(whole(this.#received.takeOne())));
        } catch (error) {
          return Promise.reject(error);
        }
      },
      return: (): Promise<IteratorResult<Message>> => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Looks once, and with `busyPoll` again and again until that is over. */
  spin<T>(take: () => T | undefined): T | undefined {
    const found = take();
    if (found !== undefined || this.#busyPollMs === 0) return found;
    const end = performance.now() + this.#busyPollMs;
    do {
      for (let looks = 0; looks < LOOKS_PER_YIELD; looks++) {
        const later = take();
        if (later !== undefined) return later;
      }
      // Whoever is waited for may want this very processor.
      libc().symbols.sched_yield();
    } while (performance.now() < end);
    return undefined;
  }

  /** Gives those who wait what is there; one call's worth, so that one busy socket starves no other. */
  deliver(): void {
    let budget = this.#batch;
    while (this.#waiting.size > 0 && budget-- > 0) {
      try {
        const wish = this.#waiting.nextTag!;
        const answer = wish === "one"
          ? this.tryReceive()
          : wish === "batch"
          ? this.tryReceiveBatch()
          : wish === "readiness"
          ? this.lookForAny()
          : this.tryReceiveInto(wish);
        if (answer === undefined) return;
        this.#waiting.resolveNext(answer);
      } catch (error) {
        this.#waiting.rejectNext(error);
      }
    }
  }

  /** Lets go of what was not received, and rejects those who wait. */
  close(reason: ClosedError): void {
    this.#received.clear();
    this.#waiting.rejectAll(reason);
  }

  /** What is there already, unless it is the event loop's turn. */
  #inTurn<T>(found: T): Promise<T> {
    const turn = this.#reactor.takeTurn();
    return turn === undefined ? Promise.resolve(found) : turn.then(() => found);
  }

  #wait(what: string, wish: Wish, options: WaitOptions): Promise<Answer> {
    checkTimeout(options.timeout);
    const answer = this.#waiting.wait(what, options, wish);
    this.#interestChanged();
    return answer;
  }

  /** True when a message was fetched before, or could be fetched now. */
  #hasAny(): boolean {
    return this.#received.length > 0 || this.#received.fetch(this.#descriptor.fd) > 0;
  }
}

function whole(message: Message): Message {
  if (!message.isTruncated) return message;
  discard(message);
  throw new MessageTooLargeError(
    `receive: a message was larger than the ${message.data.length} bytes that fit, and is lost; ` +
      "open the socket with more payloadBytes",
  );
}
