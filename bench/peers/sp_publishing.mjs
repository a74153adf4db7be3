/**
 * What every publisher in JavaScript does, in the same way as c/sp_nng.c: JavaScript, so that Node 20 runs it too.
 *
 * @module
 */

import { say } from "./tally.mjs";

/** Messages of a window. The next one is published when all subscribers have all of the one before the last. */
export const WINDOW = 64;
/** More than can be under way. */
const MAX_WINDOWS = 4;
/** Bytes of a topic; a message that is no longer ends a run. */
export const TOPIC_BYTES = 8;
/** What the URL of those sockets has at its end by which subscribers say that they have everything. */
export const ACKS = ".acks";
/** Takes neighbouring messages to topics that are far apart. */
const STRIDE = 7919;

/** @param {number} number Which topic. */
export function topicOf(number) {
  return String(number).padStart(TOPIC_BYTES, "0");
}

/**
 * The topic of a message.
 *
 * @param {number} message Which message.
 * @param {number} topics How many there are; 0 where subscribers want everything.
 */
export function publishedTopic(message, topics) {
  return topicOf(topics === 0 ? 0 : (message * STRIDE) % topics);
}

/** Knows when all subscribers of a process have all messages of a window. */
export class Windows {
  #subscribers;
  /** How many have a window, by its number. */
  #complete = new Uint32Array(MAX_WINDOWS);

  /** @param {number} subscribers How many there are. */
  constructor(subscribers) {
    this.#subscribers = subscribers;
  }

  /**
   * A subscriber has all messages of a window.
   *
   * @param {number} arrivals Messages that it has by now.
   * @returns Whether it was the last.
   */
  complete(arrivals) {
    const window = (arrivals / WINDOW) % MAX_WINDOWS;
    if (++this.#complete[window] < this.#subscribers) return false;
    this.#complete[window] = 0;
    return true;
  }
}

/**
 * Publishes windows of messages, and tells how many a second, and what each subscriber takes.
 *
 * @param {number} subscribers How many there are.
 * @param {number} ms How long, behind a warm-up of a fifth.
 * @param {number} before The memory in use when there was none.
 * @param {(published: number) => Promise<void>} publishWindow Sends the next, and waits until everybody
 *   has the one before.
 * @param {() => number} memory The memory in use, in bytes.
 */
export async function report(subscribers, ms, before, publishWindow, memory) {
  const begun = performance.now();
  let warm = 0;
  let counted = 0;
  let published = 0;
  let time;
  do {
    await publishWindow(published);
    published += WINDOW;
    time = performance.now();
    if (warm === 0 && time >= begun + ms / 5) {
      warm = time;
      counted = published;
    }
  } while (warm === 0 || time < warm + ms);
  const seconds = (time - warm) / 1000;
  say({ published: published - counted, seconds, memory: (memory() - before) / subscribers });
}
