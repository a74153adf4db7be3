/**
 * The receiving half of a handle, in its three styles: now or not at all, asynchronous, blocking.
 *
 * It joins one inbox to the pump that fills it. Endpoints, associations, views of streams and subscriptions to events
 * each have one.
 *
 * @module
 */

import { checkTimeout, timeoutError, type WaitOptions } from "../common/wait.ts";
import { Inbox } from "./inbox.ts";
import type { EventPump } from "./pump.ts";

/** Takes items of one kind from a pump. */
export class Receiver<T> {
  /** What has arrived and was not taken yet. */
  readonly inbox: Inbox<T>;
  readonly #pump: EventPump;
  readonly #what: string;
  readonly #isEnough = (): boolean => this.inbox.length > 0 || this.inbox.isEnded;

  /**
   * @param pump Fills the inbox.
   * @param limit The inbox's bound, in bytes.
   * @param what Names the receiving call in messages of errors.
   */
  constructor(pump: EventPump, limit: number, what: string) {
    this.#pump = pump;
    this.#what = what;
    this.inbox = new Inbox<T>(limit, () => pump.relax());
  }

  /**
   * The next item if it is there already.
   *
   * @throws The error with which the inbox ended, or one that stands for an item.
   */
  tryReceive(): T | undefined {
    let item = this.inbox.take();
    if (item === undefined) {
      if (!this.inbox.isEnded) {
        this.#pump.drain(this.#isEnough);
        item = this.inbox.take();
      }
      if (item === undefined && this.inbox.isEnded) throw this.inbox.endError;
    }
    if (item !== undefined) this.#pump.resume();
    return item;
  }

  /** The next item, as soon as it is there. */
  receive(options: WaitOptions = {}): Promise<T> {
    let item: T | undefined;
    try {
      checkTimeout(options.timeout);
      options.signal?.throwIfAborted();
      item = this.tryReceive();
    } catch (error) {
      return Promise.reject(error);
    }
    if (item === undefined) return this.#wait(options);
    const found = item;
    return this.#pump.takeTurn()?.then(() => found) ?? Promise.resolve(found);
  }

  #wait(options: WaitOptions): Promise<T> {
    const waiting = this.inbox.wait(this.#what, options);
    this.#pump.start();
    return waiting;
  }

  /** The next item; blocks until it is there. */
  receiveSync(options: Pick<WaitOptions, "timeout"> = {}): T {
    const { timeout } = options;
    checkTimeout(timeout);
    const deadline = timeout === undefined ? undefined : performance.now() + timeout;
    for (;;) {
      const item = this.tryReceive();
      if (item !== undefined) return item;
      const left = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
      if (!this.#pump.waitSync(left)) throw timeoutError(this.#what, timeout!);
    }
  }

  /** Repeated receives, until the source ends; they end quietly if it ended gracefully. */
  iterate(options: WaitOptions = {}): AsyncIterableIterator<T> {
    let isFinished = false;
    const finish = (error: unknown): IteratorResult<T> => {
      isFinished = true;
      if (this.inbox.isQuietEnd(error)) return { value: undefined, done: true };
      throw error;
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => {
        if (isFinished) return Promise.resolve<IteratorResult<T>>({ value: undefined, done: true });
        return this.receive(options).then((value): IteratorResult<T> => ({ value, done: false }), finish);
      },
      return: () => {
        isFinished = true;
        return Promise.resolve<IteratorResult<T>>({ value: undefined, done: true });
      },
    };
  }

  /**
   * The same as a Web stream, which reads nothing ahead and stops receiving when its reader cancels.
   */
  readable(): ReadableStream<T> {
    const cancelled = new AbortController();
    return new ReadableStream<T>({
      pull: async (controller) => {
        try {
          controller.enqueue(await this.receive({ signal: cancelled.signal }));
        } catch (error) {
          if (cancelled.signal.aborted) return;
          if (this.inbox.isQuietEnd(error)) controller.close();
          else controller.error(error);
        }
      },
      cancel: (reason) => cancelled.abort(reason),
    }, { highWaterMark: 0 });
  }
}
