/**
 * A queue that holds up nobody.
 *
 * @module
 */

import type { SpMessage } from "../../message.ts";
import type { PipeRecord } from "../pattern.ts";
import { Fifo } from "./fifo.ts";

/** A bounded queue of messages for the user; what doesn't fit is dropped and counted, and pipes are never paused. */
export class DroppingQueue {
  readonly #queue: Fifo<SpMessage> = new Fifo();
  readonly #limit: number;
  readonly #preferNew: boolean;
  #isWaitedFor = false;

  /**
   * Makes an empty queue.
   *
   * @param limit How many messages fit.
   * @param preferNew Whether the oldest goes for the newest; otherwise the newest is dropped.
   */
  constructor(limit: number, preferNew = false) {
    this.#limit = limit;
    this.#preferNew = preferNew;
  }

  /** How many messages are in it. */
  get length(): number {
    return this.#queue.length;
  }

  /**
   * Puts a message in, or drops one. True if somebody has found the queue empty since the last time that this was true.
   *
   * @param record The pipe that the message came by, for which it is counted.
   */
  put(record: PipeRecord, message: SpMessage): boolean {
    if (this.#queue.length >= this.#limit) {
      record.drop("bufferFull");
      if (!this.#preferNew) return false;
      this.#queue.shift();
    }
    record.countReceived();
    this.#queue.push(message);
    const isWaitedFor = this.#isWaitedFor;
    this.#isWaitedFor = false;
    return isWaitedFor;
  }

  /** Takes the oldest message; `undefined` when there is none. */
  take(): SpMessage | undefined {
    const message = this.#queue.shift();
    if (message === undefined) this.#isWaitedFor = true;
    return message;
  }

  /** Whether somebody has found the queue empty, and was not told of a message yet. Asking makes it false. */
  endWait(): boolean {
    const isWaitedFor = this.#isWaitedFor;
    this.#isWaitedFor = false;
    return isWaitedFor;
  }

  /** Keeps the messages that pass; how many went. */
  retain(passes: (message: SpMessage) => boolean): number {
    return this.#queue.retain(passes);
  }

  /** Forgets all messages. */
  clear(): void {
    this.#queue.clear();
  }
}
