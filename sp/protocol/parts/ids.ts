/**
 * The ids of requests and surveys.
 *
 * @module
 */

/** The bit that tells an id from the pipes on the way. */
const TOP_BIT = 0x80000000;

/**
 * Ids with the top bit set, each other than those in use.
 *
 * They begin anywhere, so that answers to what a former program asked match nothing.
 */
export class Ids {
  #next: number;

  /** @param first The first id; its top bit is set in any case. @default {a random one} */
  constructor(first: number = Math.floor(Math.random() * TOP_BIT)) {
    this.#next = (first | TOP_BIT) >>> 0;
  }

  /** An id that is not among those in use, of which there are fewer than 2^31. */
  take(inUse: ReadonlyMap<number, unknown>): number {
    while (inUse.has(this.#next)) this.#advance();
    const id = this.#next;
    this.#advance();
    return id;
  }

  #advance(): void {
    this.#next = ((this.#next + 1) | TOP_BIT) >>> 0;
  }
}
