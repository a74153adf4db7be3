/**
 * A bounded queue between the one who reads a socket and those who receive from it.
 *
 * It knows neither sockets nor SCTP: items have a size, somebody puts them in, somebody takes them out or waits.
 *
 * @module
 */

import { WaitList, type WaitOptions } from "../common/wait.ts";

/** What an item costs besides its bytes, so that a queue of empty or tiny items is bounded too. */
const ITEM_OVERHEAD = 64;

/** How many taken items may stay at the head of the array before it is compacted. */
const COMPACT_AT = 256;

/** Stands in the queue for an item that could not be delivered; whoever takes it gets the error. */
class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** A first-in-first-out queue that is bounded by the bytes in it, with a line of waiters. */
export class Inbox<T> {
  #items: (T | Failure | undefined)[] = [];
  #sizes: number[] = [];
  #head = 0;
  #bytes = 0;
  #end: { error: unknown; graceful: boolean } | undefined;
  readonly #limit: number;
  readonly #waiters: WaitList<T>;

  /**
   * @param limit How many bytes it holds; one item always fits, however large.
   * @param onAbandoned Called when somebody stops waiting.
   */
  constructor(limit: number, onAbandoned: () => void) {
    this.#limit = limit;
    this.#waiters = new WaitList(onAbandoned);
  }

  /** How many items are in it. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The bytes of the items in it, with their overhead. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether somebody waits for an item. */
  get isWaitedFor(): boolean {
    return this.#waiters.size > 0;
  }

  /** Whether an item may be put in. */
  get hasRoom(): boolean {
    return this.#bytes < this.#limit;
  }

  /** Whether nothing more will come: what is in it can still be taken. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Puts an item in, or hands it to the first who waits. An ended queue ignores it. */
  put(item: T, size: number): void {
    if (this.#end === undefined && !this.#waiters.resolveNext(item)) this.#push(item, size);
  }

  /** Puts items in that were taken out elsewhere, whatever room there is, and also after the end. */
  restore(entries: readonly { item: T; size: number }[]): void {
    for (const { item, size } of entries) {
      if (!this.#waiters.resolveNext(item)) this.#push(item, size);
    }
  }

  #push(item: T | Failure, size: number): void {
    this.#items.push(item);
    this.#sizes.push(size);
    this.#bytes += size + ITEM_OVERHEAD;
  }

  /** Puts an error where an item would have been: the one who takes it, or waits for it, gets the error instead. */
  putError(error: unknown): void {
    if (this.#end === undefined && !this.#waiters.rejectNext(error)) this.#push(new Failure(error), 0);
  }

  /**
   * Takes the first item, or `undefined` when it is empty.
   *
   * @throws What {@linkcode Inbox.putError} has put there.
   */
  take(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#bytes -= this.#sizes[this.#head] + ITEM_OVERHEAD;
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#sizes.length = 0;
      this.#head = 0;
    } else if (this.#head === COMPACT_AT) {
      this.#items.splice(0, COMPACT_AT);
      this.#sizes.splice(0, COMPACT_AT);
      this.#head = 0;
    }
    if (item instanceof Failure) throw item.error;
    return item;
  }

  /** Takes out every item that the predicate chooses, in order. */
  extract(chosen: (item: T) => boolean): { item: T; size: number }[] {
    const out: { item: T; size: number }[] = [];
    const items: (T | Failure | undefined)[] = [];
    const sizes: number[] = [];
    for (let index = this.#head; index < this.#items.length; index++) {
      const item = this.#items[index] as T | Failure;
      const size = this.#sizes[index];
      if (!(item instanceof Failure) && chosen(item)) {
        out.push({ item, size });
        this.#bytes -= size + ITEM_OVERHEAD;
      } else {
        items.push(item);
        sizes.push(size);
      }
    }
    this.#items = items;
    this.#sizes = sizes;
    this.#head = 0;
    return out;
  }

  /**
   * Waits for an item; call it only when {@linkcode Inbox.take} found none.
   *
   * @throws Rejects with the error of {@linkcode Inbox.end}, the signal's reason, or a `TimeoutError`.
   */
  wait(what: string, options: WaitOptions): Promise<T> {
    return this.#end === undefined ? this.#waiters.wait(what, options, undefined) : Promise.reject(this.#end.error);
  }

  /**
   * Nothing more comes: waiters reject with the error, and so do later waits once the queue is empty.
   *
   * @param error What they are told.
   * @param graceful Whether iteration ends quietly instead of throwing the error.
   */
  end(error: unknown, graceful: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = { error, graceful };
    this.#waiters.rejectAll(error);
  }

  /** Throws away what is in it, and ends it with this error whether it had ended or not. */
  close(error: unknown): void {
    this.#items = [];
    this.#sizes = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#end = { error, graceful: true };
    this.#waiters.rejectAll(error);
  }

  /** The error that the queue ended with. */
  get endError(): unknown {
    return this.#end?.error;
  }

  /** Whether this error is the quiet end of iteration. */
  isQuietEnd(error: unknown): boolean {
    return this.#end !== undefined && this.#end.graceful && this.#end.error === error;
  }
}
