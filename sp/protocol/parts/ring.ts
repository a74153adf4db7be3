/**
 * Taking turns.
 *
 * @module
 */

/** A place in a {@linkcode Ring}; its owner makes it once, and adds and removes it as often as it likes. */
export class RingNode<T> {
  /** Who takes turns. */
  readonly value: T;
  /** Whose turn is next; `undefined` while it is in no ring. */
  next: RingNode<T> | undefined = undefined;
  /** Whose turn was before. */
  previous: RingNode<T> | undefined = undefined;

  /** Makes a place that is in no ring. */
  constructor(value: T) {
    this.value = value;
  }
}

/** Those who take turns, in a circle: adding and removing cost the same however many there are. */
export class Ring<T> {
  /** Whose turn it is; `undefined` when the ring is empty. */
  current: RingNode<T> | undefined = undefined;

  /** Adds a node behind all others; one that is in the ring stays where it is. */
  add(node: RingNode<T>): void {
    if (node.next !== undefined) return;
    const current = this.current;
    if (current === undefined) {
      node.next = node.previous = node;
      this.current = node;
      return;
    }
    const last = current.previous!;
    node.previous = last;
    node.next = current;
    last.next = current.previous = node;
  }

  /** Removes a node; if it was its turn, it is the next one's. One that is in no ring may be removed too. */
  remove(node: RingNode<T>): void {
    const { next, previous } = node;
    if (next === undefined || previous === undefined) return;
    if (this.current === node) this.current = next === node ? undefined : next;
    previous.next = next;
    next.previous = previous;
    node.next = node.previous = undefined;
  }
}
