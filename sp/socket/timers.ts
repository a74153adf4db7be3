/**
 * Deadlines of one isolate: told by a timer of the runtime while its event loop runs, and by whoever blocks the thread.
 *
 * @module
 */

/** A callback and its time. */
interface Entry {
  readonly time: number;
  readonly callback: (now: number) => void;
  /** Tells entries of the same time apart, first come first served. */
  readonly order: number;
  isOver: boolean;
}

/** The longest delay that timers of all runtimes carry, in milliseconds. */
const LONGEST_MS = 0x7fffffff;

/** Deadlines in order. Times are those of `performance.now()`, in milliseconds. */
export class Timers {
  /** A binary heap: the next is the first. */
  readonly #heap: Entry[] = [];
  #order = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerTime = Infinity;

  /** When the next deadline is; `Infinity` without one. */
  get next(): number {
    this.#dropOver();
    return this.#heap.length === 0 ? Infinity : this.#heap[0].time;
  }

  /**
   * Has a function called at a time, or as soon after as possible; never from within this call.
   *
   * @param time When, on the clock of `performance.now()`; `Infinity` for never.
   * @param callback What to call, with the time that it is then.
   * @returns Takes it back.
   */
  at(time: number, callback: (now: number) => void): () => void {
    if (time === Infinity) return () => {};
    const entry: Entry = { time, callback, order: this.#order++, isOver: false };
    this.#push(entry);
    this.#arm();
    return () => {
      if (entry.isOver) return;
      entry.isOver = true;
      this.#arm();
    };
  }

  /**
   * Calls everything that is due.
   *
   * @param now The time.
   * @returns Whether anything was.
   */
  run(now: number = performance.now()): boolean {
    let any = false;
    // What is added meanwhile waits for its turn, also where it is due at once.
    const last = this.#order;
    const later: Entry[] = [];
    try {
      while (this.next <= now) {
        const entry = this.#pop();
        if (entry.order >= last) {
          later.push(entry);
          continue;
        }
        entry.isOver = true;
        any = true;
        entry.callback(now);
      }
    } finally {
      for (const entry of later) this.#push(entry);
      this.#arm();
    }
    return any;
  }

  /** Sees to it that the runtime's timer is that of the next deadline. */
  #arm(): void {
    const time = this.next;
    if (time === this.#timerTime) return;
    clearTimeout(this.#timer);
    this.#timerTime = time;
    if (time === Infinity) {
      this.#timer = undefined;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timerTime = Infinity;
      this.run();
    }, Math.min(LONGEST_MS, Math.max(0, time - performance.now())));
  }

  #dropOver(): void {
    while (this.#heap.length > 0 && this.#heap[0].isOver) this.#pop();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.time < right.time || left.time === right.time && left.order < right.order;
}

/** The deadlines of this isolate. */
export const timers: Timers = new Timers();
