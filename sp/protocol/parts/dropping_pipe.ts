/**
 * A pipe that holds up nobody.
 *
 * @module
 */

import type { SpMessage } from "../../message.ts";
import type { Pipe } from "../pipe.ts";
import { type Counters, PipeRecord } from "../pattern.ts";
import { Inlet } from "./fair_queue.ts";
import { Fifo } from "./fifo.ts";

/** A pipe with a bounded queue of its own; what doesn't fit is dropped and counted. */
export class DroppingPipe extends PipeRecord {
  readonly #queue: Fifo<SpMessage> = new Fifo();
  readonly #limit: number;
  readonly #preferNew: boolean;
  #isFull = false;

  /**
   * Makes the record of a pipe.
   *
   * @param limit How many messages wait for the pipe at most.
   * @param preferNew Whether the oldest goes for the newest; otherwise the newest is dropped.
   */
  constructor(pipe: Pipe, counters: Counters, limit: number, preferNew = false) {
    super(pipe, counters);
    this.#limit = limit;
    this.#preferNew = preferNew;
  }

  override get unsent(): number {
    return this.#queue.length;
  }

  /** Sends a message, keeps it, or drops one. */
  offer(message: SpMessage): void {
    if (!this.fits(message.header.length + message.body.length)) {
      this.drop("tooLarge");
      return;
    }
    if (!this.#isFull) {
      if (this.send(message.header, message.body)) return;
      this.#isFull = true;
    }
    if (this.#queue.length < this.#limit) {
      this.#queue.push(message);
      return;
    }
    this.drop("bufferFull");
    if (this.#preferNew && this.#limit > 0) {
      this.#queue.shift();
      this.#queue.push(message);
    }
  }

  /** The pipe has gone: what waits for it is dropped and counted. */
  override forget(): void {
    super.forget();
    this.drop("noPeer", this.#queue.length);
    this.#queue.clear();
  }

  override flush(): void {
    this.#isFull = false;
    for (let message = this.#queue.peek(); message !== undefined; message = this.#queue.peek()) {
      if (!this.send(message.header, message.body)) {
        this.#isFull = true;
        return;
      }
      this.#queue.shift();
    }
  }
}

/** Such a pipe that is received from as well. */
export class DroppingDuplexPipe extends DroppingPipe {
  /** What it has delivered, and nobody has received yet. */
  readonly inlet: Inlet = new Inlet(this);

  override get unread(): number {
    return this.inlet.queue.length;
  }
}
