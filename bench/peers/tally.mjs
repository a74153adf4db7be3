/**
 * What every program in JavaScript counts, in the same way as c/datagram.c: JavaScript, so that Node 20 runs it too.
 *
 * @module
 */

/** A message of this many bytes ends a run. */
export const END_BYTES = 1;
/** End markers sent over UDP, which may lose some. */
export const UDP_END_MARKERS = 3;
/** How long a sender over UDP waits before the end markers, so that they find room, in milliseconds. */
export const UDP_SETTLE_MS = 100;
/** The receive buffer of UDP sockets where the runtime lets one set it, in bytes. */
export const RECEIVE_BUFFER = 4 << 20;
const MAX_SAMPLES = 4_000_000;

/** Counts delivered messages after a warm-up. */
export class Tally {
  #warmUpMs;
  #begun = 0;
  #warm = 0;
  #last = 0;
  #counted = 0;
  #total = 0;

  /** @param {number} warmUpMs How long messages are not counted after the first. */
  constructor(warmUpMs) {
    this.#warmUpMs = warmUpMs;
  }

  /** @param {number} count Messages that have arrived just now. */
  add(count) {
    if (count === 0) return;
    this.#last = performance.now();
    this.#total += count;
    if (this.#begun === 0) this.#begun = this.#last;
    else if (this.#warm > 0) this.#counted += count;
    else if (this.#last >= this.#begun + this.#warmUpMs) this.#warm = this.#last;
  }

  /** The result, for {@linkcode say}. */
  report() {
    return { received: this.#counted, total: this.#total, seconds: (this.#last - this.#warm) / 1000 };
  }
}

/** Messages between two looks at the clock, where a look at each would count. */
export const PER_LOOK = 32;

/** Counts delivered messages one by one, after a warm-up, and looks at the clock now and then only. */
export class CoarseTally {
  #warmUpMs;
  #begun = 0;
  #warm = 0;
  #uncounted = 0;
  #total = 0;

  /** @param {number} warmUpMs How long messages are not counted after the first. */
  constructor(warmUpMs) {
    this.#warmUpMs = warmUpMs;
  }

  /** A message has arrived just now. */
  count() {
    if (this.#total++ % PER_LOOK !== 0 || this.#warm !== 0) return;
    const time = performance.now();
    if (this.#begun === 0) this.#begun = time;
    if (time < this.#begun + this.#warmUpMs) return;
    this.#warm = time;
    this.#uncounted = this.#total;
  }

  /** The result, for {@linkcode say}, as of now. */
  report() {
    const seconds = (performance.now() - this.#warm) / 1000;
    return { received: this.#total - this.#uncounted, total: this.#total, seconds };
  }
}

/** Takes the time of round trips. */
export class RoundTrips {
  #samples = new Float32Array(MAX_SAMPLES);
  #count = 0;
  #end;
  #before;

  /** @param {number} runMs How long the run takes. */
  constructor(runMs) {
    this.#before = performance.now();
    this.#end = this.#before + runMs;
  }

  /** Whether another round trip is to be made. */
  get isGoingOn() {
    return this.#before < this.#end && this.#count < MAX_SAMPLES;
  }

  /** A round trip is complete, and the next begins. */
  complete() {
    const after = performance.now();
    this.#samples[this.#count++] = (after - this.#before) * 1000;
    this.#before = after;
  }

  /** The result, for {@linkcode say}; the first fifth warms up. */
  report() {
    const kept = this.#samples.slice(Math.floor(this.#count / 5), this.#count).sort();
    return {
      roundTrips: kept.length,
      median: kept[Math.floor(kept.length / 2)],
      p99: kept[Math.floor(kept.length * 99 / 100)],
    };
  }
}

/**
 * Prints one line for the program that measures.
 *
 * @param {object} what The answer.
 */
export function say(what) {
  console.log(JSON.stringify(what));
}

/** @param {number} ms How long to wait. */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
