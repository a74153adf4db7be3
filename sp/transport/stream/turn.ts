/**
 * What connections do once a turn: they write what was gathered, and deliver what waited for `resume`.
 *
 * @module
 */

/** Somebody with something to do. */
export interface TurnTaker {
  /** The turn has come. */
  takeTurn(): void;
}

/** Has a function called before the thread waits; only then things that were gathered can go on. */
export type Scheduler = (step: () => void) => void;

/** Those who want a turn, each of them once. */
export class Turns {
  readonly #schedule: Scheduler;
  readonly #run = (): void => this.#take();
  #waiting: TurnTaker[] = [];

  /** @param schedule `Reactor.soon`, or `setImmediate` where there is no reactor. */
  constructor(schedule: Scheduler) {
    this.#schedule = schedule;
  }

  /** Puts somebody on the list. */
  add(taker: TurnTaker): void {
    if (this.#waiting.push(taker) === 1) this.#schedule(this.#run);
  }

  #take(): void {
    const takers = this.#waiting;
    this.#waiting = [];
    for (const taker of takers) taker.takeTurn();
  }
}
