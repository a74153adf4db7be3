/**
 * Each message to one of several pipes, in turn.
 *
 * @module
 */

import { SpMessage } from "../../message.ts";
import type { PipeRecord } from "../pattern.ts";
import { Fifo } from "./fifo.ts";
import { Ring, type RingNode } from "./ring.ts";

/** A pipe that takes its turn. */
export type ReadyNode = RingNode<PipeRecord>;

/**
 * Sends each message by the pipe whose turn it is among those that have room, and keeps a bounded number while none has.
 *
 * The buffer is in front of all pipes, so that what is in it goes by whichever pipe has room first. It is empty, or no pipe
 * is ready.
 */
export class Distributor {
  readonly #ready: Ring<PipeRecord> = new Ring();
  readonly #buffer: Fifo<SpMessage> = new Fifo();
  readonly #limit: number;
  #isRefused = false;

  /** @param limit How many messages wait at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many messages wait for a pipe. */
  get length(): number {
    return this.#buffer.length;
  }

  /** Sends a message or keeps it; false when there is no room. */
  trySend(message: SpMessage): boolean {
    if (this.#sendNow(message)) return true;
    if (this.#buffer.length < this.#limit) {
      this.#buffer.push(message);
      return true;
    }
    this.#isRefused = true;
    return false;
  }

  /** A pipe has room: it takes what waits, and then its turns. True if a message that was refused would be taken now. */
  open(node: ReadyNode): boolean {
    this.#ready.add(node);
    while (this.#buffer.length > 0 && this.#sendNow(this.#buffer.peek()!)) this.#buffer.shift();
    const isWanted = this.#isRefused && (this.#ready.current !== undefined || this.#buffer.length < this.#limit);
    if (isWanted) this.#isRefused = false;
    return isWanted;
  }

  /** A pipe has gone. What it had taken and not begun to send goes before all else, to whoever is ready, or waits. */
  remove(node: ReadyNode, reclaimed: readonly Uint8Array[] = []): void {
    this.#ready.remove(node);
    for (let at = reclaimed.length - 1; at >= 0; at--) this.#buffer.unshift(new SpMessage(reclaimed[at]));
    while (this.#buffer.length > 0 && this.#sendNow(this.#buffer.peek()!)) this.#buffer.shift();
  }

  /** Forgets all messages. */
  clear(): void {
    this.#buffer.clear();
    this.#ready.current = undefined;
  }

  #sendNow(message: SpMessage): boolean {
    for (;;) {
      const node = this.#ready.current;
      if (node === undefined) return false;
      if (node.value.send(message.header, message.body)) {
        this.#ready.current = node.next;
        return true;
      }
      this.#ready.remove(node);
    }
  }
}
