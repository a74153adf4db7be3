/**
 * Messages from several pipes, taken in turn.
 *
 * @module
 */

import type { SpMessage } from "../../message.ts";
import type { PipeRecord } from "../pattern.ts";
import { Fifo } from "./fifo.ts";
import { Ring, RingNode } from "./ring.ts";

/** What one pipe has delivered, and nobody asked for yet. */
export class Inlet {
  /** The pipe. */
  readonly record: PipeRecord;
  /** Its messages. */
  readonly queue: Fifo<SpMessage> = new Fifo();
  /** Its turn, while it has messages. */
  readonly node: RingNode<Inlet> = new RingNode<Inlet>(this);
  /** Whether the pipe was told to deliver nothing. */
  isPaused = false;

  /** Makes an empty inlet. */
  constructor(record: PipeRecord) {
    this.record = record;
  }
}

/**
 * Keeps messages by pipe, and gives one of each in turn, so that a busy pipe holds up no other.
 *
 * With as many messages as its limit it is full: then each pipe that delivers is paused. So it holds at most its limit, and
 * one more for each pipe, which is that pipe's turn. A pipe is resumed when its messages have been taken, and all are when
 * the queue is half empty.
 */
export class FairQueue {
  /** How many messages are in it. */
  length = 0;
  readonly #turns: Ring<Inlet> = new Ring();
  readonly #paused: Set<Inlet> = new Set();
  readonly #limit: number;
  #isWaitedFor = false;

  /** @param limit With how many messages it is full. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Puts a message in. True if somebody has found the queue empty since the last time that this was true. */
  put(inlet: Inlet, message: SpMessage): boolean {
    inlet.queue.push(message);
    if (inlet.queue.length === 1) this.#turns.add(inlet.node);
    inlet.record.countReceived();
    if (++this.length >= this.#limit && !inlet.isPaused) this.#pause(inlet);
    const isWaitedFor = this.#isWaitedFor;
    this.#isWaitedFor = false;
    return isWaitedFor;
  }

  /** Takes the message of the pipe whose turn it is; `undefined` when there is none. */
  take(): SpMessage | undefined {
    const node = this.#turns.current;
    if (node === undefined) {
      this.#isWaitedFor = true;
      return undefined;
    }
    const inlet = node.value;
    const message = inlet.queue.shift();
    this.length--;
    if (inlet.queue.length === 0) this.#turns.remove(node);
    else this.#turns.current = node.next;
    if (this.#paused.size > 0) this.#resume(inlet);
    return message;
  }

  /** A pipe has gone. Its messages stay, but for those that exceed the limit. */
  release(inlet: Inlet): void {
    this.#forget(inlet);
    this.#drop(inlet, Math.min(inlet.queue.length, Math.max(0, this.length - this.#limit)));
  }

  /** A pipe has gone, and its messages with it. */
  discard(inlet: Inlet): void {
    this.#forget(inlet);
    this.#drop(inlet, inlet.queue.length);
  }

  /** Forgets all messages. */
  clear(): void {
    this.#turns.current = undefined;
    this.#paused.clear();
    this.length = 0;
  }

  /** The pipe has gone: it is not resumed any more. */
  #forget(inlet: Inlet): void {
    inlet.isPaused = false;
    this.#paused.delete(inlet);
  }

  #drop(inlet: Inlet, count: number): void {
    if (count === 0) return;
    for (let left = count; left > 0; left--) inlet.queue.pop();
    this.length -= count;
    inlet.record.drop("pipeGone", count);
    if (inlet.queue.length === 0) this.#turns.remove(inlet.node);
  }

  #pause(inlet: Inlet): void {
    inlet.isPaused = true;
    this.#paused.add(inlet);
    inlet.record.pipe.pause();
  }

  #resume(taken: Inlet): void {
    if (this.length <= this.#limit >> 1) {
      for (const inlet of this.#paused) this.#resumeOne(inlet);
    } else if (taken.isPaused && taken.queue.length === 0) {
      this.#resumeOne(taken);
    }
  }

  #resumeOne(inlet: Inlet): void {
    inlet.isPaused = false;
    this.#paused.delete(inlet);
    inlet.record.pipe.resume();
  }
}
