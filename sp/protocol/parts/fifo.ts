/**
 * A queue.
 *
 * @module
 */

/** The size of the first array; an empty queue has none, so that idle pipes cost little. */
const FIRST_CAPACITY = 8;

/**
 * First in, first out, in a ring of an array that doubles when it is full.
 *
 * It has no limit of its own: whoever puts something in looks at `length` first.
 */
export class Fifo<T> {
  /** How many items are in it. */
  length = 0;
  #items: (T | undefined)[] = [];
  #head = 0;

  /** Puts an item at the end. */
  push(item: T): void {
    if (this.length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.length) & (this.#items.length - 1)] = item;
    this.length++;
  }

  /** Puts an item in front of all others. */
  unshift(item: T): void {
    if (this.length === this.#items.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#items.length - 1);
    this.#items[this.#head] = item;
    this.length++;
  }

  /** Takes the first item; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.length--;
    return item;
  }

  /** Takes the last item; `undefined` when there is none. */
  pop(): T | undefined {
    if (this.length === 0) return undefined;
    const at = (this.#head + --this.length) & (this.#items.length - 1);
    const item = this.#items[at];
    this.#items[at] = undefined;
    return item;
  }

  /** The first item, which stays; `undefined` when there is none. */
  peek(): T | undefined {
    return this.length === 0 ? undefined : this.#items[this.#head];
  }

  /** Keeps the items that pass, in their order; how many went. */
  retain(passes: (item: T) => boolean): number {
    const before = this.length;
    for (let left = before; left > 0; left--) {
      const item = this.shift()!;
      if (passes(item)) this.push(item);
    }
    return before - this.length;
  }

  /** Forgets everything, the array too. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.length = 0;
  }

  #grow(): void {
    const old = this.#items;
    const items = new Array<T | undefined>(Math.max(FIRST_CAPACITY, old.length * 2)).fill(undefined);
    for (let at = 0; at < this.length; at++) items[at] = old[(this.#head + at) & (old.length - 1)];
    this.#items = items;
    this.#head = 0;
  }
}
