/**
 * Time that passes only when something is to happen.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Engine } from "../../../sp/protocol/engine.ts";

interface Event {
  at: number;
  order: number;
  run: () => void;
}

/** A clock, what is to happen when, and the engines that look at the clock. */
export class Simulation {
  /** Milliseconds since the beginning. */
  now = 0;
  /** How many things have happened. */
  steps = 0;
  readonly #events: Event[] = [];
  readonly #engines: Engine[] = [];
  readonly #invariants: (() => void)[] = [];
  #order = 0;

  /** Keeps the deadlines of an engine. */
  drive<E extends Engine>(engine: E): E {
    this.#engines.push(engine);
    return engine;
  }

  /** Checks something after each step. */
  always(invariant: () => void): void {
    this.#invariants.push(invariant);
  }

  /** Does something after so many milliseconds. */
  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** Does something at a time; what is due at the same time happens in the order in which it was asked for. */
  at(time: number, run: () => void): void {
    const event = { at: time, order: this.#order++, run };
    const events = this.#events;
    let at = events.length;
    events.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, events[parent])) break;
      events[at] = events[parent];
      at = parent;
    }
    events[at] = event;
  }

  /** Lets things happen until a time, or until nothing is left to. */
  run(until: number): void {
    for (;;) {
      const deadline = Math.min(...this.#engines.map((engine) => engine.deadline));
      const next = Math.min(deadline, this.#events[0]?.at ?? Infinity);
      if (next > until || next === Infinity) break;
      this.now = Math.max(this.now, next);
      if (this.#events.length > 0 && this.#events[0].at <= this.now) this.#take().run();
      else this.#expire();
      for (const invariant of this.#invariants) invariant();
      this.steps++;
    }
    if (until !== Infinity) this.now = Math.max(this.now, until);
  }

  #expire(): void {
    for (const engine of this.#engines) {
      if (engine.deadline > this.now) continue;
      engine.expire(this.now);
      assert.ok(engine.deadline > this.now, `expire of ${engine.info.name} leaves its deadline in the past`);
    }
  }

  #take(): Event {
    const events = this.#events;
    const first = events[0];
    const last = events.pop()!;
    if (events.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1], events[child])) child++;
      if (!isBefore(events[child], last)) break;
      events[at] = events[child];
      at = child;
    }
    events[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
