/**
 * When to look again soon for what a peer may send, and when to have a thread wait for it.
 *
 * Waiting on a thread costs 30 to 50 microseconds until the wake-up has arrived, an empty look one microsecond of a
 * processor. So looking goes on while it has paid lately, and is tried again every now and then.
 *
 * A peer that runs on the same processor can't answer while we look, and the kernel sees no reason to move it: messages
 * wake their receiver where their sender runs. After a few empty looks the processor is therefore offered to whoever else
 * is to run on it, sched_yield(2). Where that is a program that computes, it keeps the processor for milliseconds; after
 * that, nothing is offered for a while.
 *
 * @module
 */

/** Empty looks in a row before a thread is parked: a peer that waits by a thread of its own can answer meanwhile. */
const MAX_LOOKS_IN_A_ROW = 128;
/** Empty looks since the last one that found something, before looking is taken to be in vain. */
const MAX_LOOKS = 512;
/**
 * Waits on a thread before looking is tried again. The number doubles with each try in vain, up to the second one: whoever
 * is waited for may simply take longer.
 */
const MIN_WAITS_BETWEEN_TRIES = 16;
const MAX_WAITS_BETWEEN_TRIES = 1024;
/**
 * Empty looks in a row after which the processor is offered. A peer on another one has mostly answered by then. The second
 * one is for a peer that has just answered at the first offer, and so is on this one.
 */
const LOOKS_BEFORE_YIELDING = 4;
const LOOKS_BEFORE_YIELDING_TO_NEIGHBOUR = 1;
/** A peer that was given the processor answers within microseconds; a program that computes keeps it, in milliseconds. */
const LONG_YIELD_MS = 1;
/** Empty looks without an offer after one that took long. Doubles with each, up to the second one; halves when one pays. */
const MIN_LOOKS_WITHOUT_YIELDING = 1024;
const MAX_LOOKS_WITHOUT_YIELDING = 524_288;

/** What looking needs of the platform. */
export interface Processors {
  /** How many there are. With a single one, whoever is waited for can't run meanwhile. */
  readonly count: number;
  /** Offers this one to others, sched_yield(2). */
  yield(): void;
  /** The time in milliseconds. */
  now(): number;
}

/** Decides between looking and waiting, by what came of it before. */
export class Looking {
  readonly #processors: Processors;
  /** Empty looks that are left; none while every wait is left to a thread. */
  #looksLeft: number;
  #inARow = 0;
  #waitsUntilTry = MIN_WAITS_BETWEEN_TRIES;
  #waitsBetweenTries = MIN_WAITS_BETWEEN_TRIES;
  #looksBeforeYielding = LOOKS_BEFORE_YIELDING;
  #yieldsInARow = 0;
  #looksUntilYielding = 0;
  #looksWithoutYielding = MIN_LOOKS_WITHOUT_YIELDING;

  constructor(processors: Processors) {
    this.#processors = processors;
    this.#looksLeft = processors.count > 1 ? MAX_LOOKS : 0;
  }

  /** Whether to look in the next turn of the event loop. */
  get isWorthwhile(): boolean {
    return this.#looksLeft > 0 && this.#inARow < MAX_LOOKS_IN_A_ROW;
  }

  /** A thread was sent to wait. */
  waits(): void {
    this.#inARow = 0;
    this.#yieldsInARow = 0;
  }

  /** The thread has come back. */
  hasWaited(): void {
    if (this.#looksLeft > 0 || --this.#waitsUntilTry > 0 || this.#processors.count === 1) return;
    this.#looksLeft = MAX_LOOKS_IN_A_ROW;
  }

  /** A look found something. */
  found(): void {
    if (this.#yieldsInARow > 0) {
      const isNeighbour = this.#yieldsInARow === 1;
      this.#looksBeforeYielding = isNeighbour ? LOOKS_BEFORE_YIELDING_TO_NEIGHBOUR : LOOKS_BEFORE_YIELDING;
      if (this.#looksUntilYielding === 0) {
        this.#looksWithoutYielding = Math.max(this.#looksWithoutYielding / 2, MIN_LOOKS_WITHOUT_YIELDING);
      }
    }
    this.#inARow = 0;
    this.#yieldsInARow = 0;
    this.#looksLeft = MAX_LOOKS;
    this.#waitsBetweenTries = MIN_WAITS_BETWEEN_TRIES;
  }

  /** A look found nothing. */
  foundNothing(): void {
    this.#inARow++;
    if (--this.#looksLeft === 0) {
      this.#waitsUntilTry = this.#waitsBetweenTries;
      this.#waitsBetweenTries = Math.min(this.#waitsBetweenTries * 2, MAX_WAITS_BETWEEN_TRIES);
    }
    if (this.#looksUntilYielding > 0) this.#looksUntilYielding--;
    else if (this.#inARow >= this.#looksBeforeYielding) this.#yield();
  }

  #yield(): void {
    this.#yieldsInARow++;
    const begun = this.#processors.now();
    this.#processors.yield();
    if (this.#processors.now() - begun < LONG_YIELD_MS) return;
    this.#looksUntilYielding = this.#looksWithoutYielding;
    this.#looksWithoutYielding = Math.min(this.#looksWithoutYielding * 2, MAX_LOOKS_WITHOUT_YIELDING);
  }
}
