/**
 * Each message to one of several pipes, in turn.
 *
 * @module
 */

import { SpMessage } from "../../message.ts";
import type { Engine } from "../engine.ts";
import type { PipeRecord } from "../pattern.ts";
import { Fifo } from "./fifo.ts";
import { sendInTurn } from "./in_turn.ts";
import { Ring, type RingNode } from "./ring.ts";

/** A pipe that takes its turn. */
export type ReadyNode = RingNode<PipeRecord>;

/** Who has pipes, and knows how much they can take. */
export interface DistributorOwner extends Pick<Engine, "countDrop"> {
  /** Whether a message of so many bytes can be sent by one of the pipes, or there is none. */
  fits(size: number): boolean;
}

/**
 * Sends each message by the pipe whose turn it is among those that have room, and keeps a bounded number while none has.
 *
 * The buffer is in front of all pipes, so that what is in it goes by whichever pipe has room first. It is empty, or no pipe
 * that can take its first message is ready. A message that none can ever take, since those that could have gone, is dropped
 * and counted.
 */
export class Distributor {
  readonly #ready: Ring<PipeRecord> = new Ring();
  readonly #buffer: Fifo<SpMessage> = new Fifo();
  readonly #limit: number;
  readonly #owner: DistributorOwner;
  #isRefused = false;

  /** @param limit How many messages wait at most. */
  constructor(limit: number, owner: DistributorOwner) {
    this.#limit = limit;
    this.#owner = owner;
  }

  /** How many messages wait for a pipe. */
  get length(): number {
    return this.#buffer.length;
  }

  /** Sends a message or keeps it; false when there is no room. */
  trySend(message: SpMessage): boolean {
    if (this.#buffer.length === 0 && this.#sendNow(message)) return true;
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
    return this.#flush();
  }

  /**
   * A pipe has gone. What it had taken and not begun to send goes before all else, to whoever is ready, or waits. True as in
   * {@linkcode open}: a message that only this pipe could take is refused for good.
   */
  remove(node: ReadyNode, reclaimed: readonly Uint8Array[] = []): boolean {
    this.#ready.remove(node);
    for (let at = reclaimed.length - 1; at >= 0; at--) this.#buffer.unshift(new SpMessage(reclaimed[at]));
    return this.#flush();
  }

  /** Forgets all messages. */
  clear(): void {
    this.#buffer.clear();
    this.#ready.current = undefined;
  }

  /** Sends what waits, as far as pipes have room. True if a message that was refused should be tried again. */
  #flush(): boolean {
    for (let message = this.#buffer.peek(); message !== undefined; message = this.#buffer.peek()) {
      if (!this.#sendNow(message)) {
        if (this.#owner.fits(message.header.length + message.body.length)) break;
        this.#owner.countDrop("tooLarge");
      }
      this.#buffer.shift();
    }
    const isWanted = this.#isRefused && (this.#ready.current !== undefined || this.#buffer.length < this.#limit);
    if (isWanted) this.#isRefused = false;
    return isWanted;
  }

  #sendNow({ header, body }: SpMessage): boolean {
    return sendInTurn(this.#ready, header, body) !== undefined;
  }
}
