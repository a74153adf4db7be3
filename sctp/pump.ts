/**
 * Reads a driver's events for as long as somebody wants them.
 *
 * It decides when to read; where an event goes is its owner's business. While nobody wants anything, nothing is
 * pending, so that a program can end, and events stay in the stack, where they hold the peer back.
 *
 * @module
 */

import { StateError } from "../common/errors.ts";
import type { SctpEvent, SctpSocketDriver } from "./driver.ts";

/** What the pump asks of its owner. */
export interface EventPumpOwner {
  /** Puts an event where it belongs; false when there is no room, and it shall come again later. */
  dispatch(event: SctpEvent): boolean;
  /** Whether somebody waits for something that an event may bring. */
  isWanted(): boolean;
  /** Reading failed. */
  onReadError(error: unknown): void;
}

/** Moves events from a driver to its owner, on demand. */
export class EventPump {
  readonly #driver: SctpSocketDriver;
  readonly #owner: EventPumpOwner;
  #held: SctpEvent | undefined;
  #running = false;
  #cancel: AbortController | undefined;

  /** @param driver Where events come from. @param owner Where they go. */
  constructor(driver: SctpSocketDriver, owner: EventPumpOwner) {
    this.#driver = driver;
    this.#owner = owner;
  }

  /** Takes back the event that found no room, if it is of this association. */
  takeHeldOf(associationId: number): SctpEvent | undefined {
    const held = this.#held;
    if (held === undefined || held.type === "unknown" || held.associationId !== associationId) return undefined;
    this.#held = undefined;
    return held;
  }

  /** Dispatches what is there already, without waiting, until the claim holds, nothing is left, or there is no room. */
  drain(isEnough: () => boolean): void {
    while (!isEnough()) {
      let event: SctpEvent | undefined;
      try {
        event = this.#held ?? this.#driver.tryReceive();
      } catch (error) {
        this.#owner.onReadError(error);
        continue;
      }
      if (event === undefined) return;
      this.#held = undefined;
      if (!this.#owner.dispatch(event)) {
        this.#held = event;
        return;
      }
    }
  }

  /**
   * Blocks until there is something to drain; false when the time, in milliseconds, is up first.
   *
   * @throws {StateError} An event for somebody else has no room, and nobody can make some while this thread blocks.
   */
  waitSync(timeoutMs: number | undefined): boolean {
    if (this.#held === undefined) return this.#driver.readableSync(timeoutMs);
    throw new StateError(
      "a message for another receiver (the association itself, or a view of a stream) finds its queue full: receive " +
        "there first, close the view, or raise `receiveQueueSize`",
    );
  }

  /** What to wait for before an event that is there already is handed on. */
  takeTurn(): Promise<void> | undefined {
    return this.#driver.takeTurn();
  }

  /** There is room again: goes on if it was an event without a place that made it stop. */
  resume(): void {
    if (this.#held !== undefined) this.start();
  }

  /** Somebody wants an event: reads until nobody does. */
  start(): void {
    if (!this.#running && this.#owner.isWanted()) void this.#run();
  }

  /** Somebody stopped waiting: stops reading if that was the last. */
  relax(): void {
    if (this.#cancel === undefined || this.#owner.isWanted()) return;
    this.#cancel.abort();
    this.#cancel = undefined;
  }

  async #run(): Promise<void> {
    this.#running = true;
    const isUnwanted = () => !this.#owner.isWanted();
    for (;;) {
      this.drain(isUnwanted);
      if (isUnwanted() || this.#held !== undefined) break;
      const { signal } = this.#cancel ??= new AbortController();
      try {
        await this.#driver.readable(signal);
      } catch (error) {
        if (!signal.aborted) this.#owner.onReadError(error);
      }
    }
    this.#running = false;
  }
}
