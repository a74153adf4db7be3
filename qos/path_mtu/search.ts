/**
 * The search for a path MTU: which size is tried next, and what answers and silence mean.
 *
 * Where routers say that a packet was too large, it follows them: RFC 1191, RFC 8201. Where packets just vanish, it finds the
 * size by trying, as RFC 4821 and RFC 8899 do: first the sizes that are common, then whatever is left between.
 *
 * It knows neither sockets nor clocks. Times are milliseconds of a clock that is never set.
 *
 * @module
 */

import { MIN_MTU, plateauBelow, PLATEAUS } from "../trace/plateaus.ts";
import type { PathMtuStep } from "./result.ts";

/** What the search is made of. */
export interface SearchSettings {
  /** The destination's family. */
  family: "inet" | "inet6";
  /** The size that is taken to arrive if anything does. */
  min: number;
  /** The size that is tried first. */
  max: number;
  /** How often a size is tried. */
  probes: number;
  /** The longest wait for an answer. */
  timeout: number;
}

/** A probe that is to be sent. */
export interface SizeRequest {
  /** Tells it from every other; counts from 0. */
  readonly id: number;
  /** The size of its IP packet, in bytes. */
  readonly size: number;
}

/** What came back for a probe. */
export interface SizeAnswer {
  /** The probes that it may be about. */
  ids: readonly number[];
  /** Whether it has arrived, was too large for a link, or got stuck for another reason. */
  meaning: "arrived" | "too-big" | "unreachable";
  /** Who says so. */
  router: string;
  /** What would fit, as far as the router says. */
  mtu: number | undefined;
  /** When it was said, if that is known. */
  receivedAt: number | undefined;
}

/** Round trips are multiplied, after something is added for larger packets on slow links, in milliseconds. */
const WAIT_ROUND_TRIPS = 3;
const WAIT_EXTRA_MS = 20;

/**
 * Hosts limit how many errors they send (RFC 1812 section 4.3.2.8; Linux: six at once, one a second), and silence may mean
 * just that. So the last try of a size is followed at once by a packet that is known to arrive. Where that is answered, the
 * limit is not to blame. Where it isn't, both are tried again after these times, in milliseconds.
 */
const BACKOFFS_MS = [1000, 2000, 4000];

/** A size that is being tried. */
interface Attempt {
  readonly size: number;
  triesLeft: number;
  /** When the answer to the latest try is overdue; `undefined` while one is to be sent. */
  deadline: number | undefined;
  /** The packet behind the last try: to be sent, on its way by its id, or answered. */
  control: "due" | "answered" | number | undefined;
}

/** A probe that was sent. */
interface Sent {
  readonly size: number;
  readonly sentAt: number;
  isAnswered: boolean;
}

/** One search. */
export class PathMtuSearch {
  readonly #settings: SearchSettings;
  readonly #steps: PathMtuStep[] = [];
  readonly #sent: Sent[] = [];
  #attempts: Attempt[] = [];
  /** The largest size that has arrived; 0 before any has. */
  #low = 0;
  /** Nothing of this size or more is left to try. */
  #high: number;
  /** The smallest size above which somebody said that nothing fits. */
  #limit: number;
  /** The size that somebody said would fit. */
  #named: number;
  /** The sizes that vanished. */
  readonly #lost = new Set<number>();
  #longestRtt: number | undefined;
  #backoffs = 0;
  #resumeAt = -Infinity;
  #isUnreachable = false;
  #isGivenUp = false;

  /** @param settings What the search is made of. */
  constructor(settings: SearchSettings) {
    this.#settings = settings;
    this.#limit = this.#named = settings.max;
    this.#high = settings.max + 1;
    // Both at once: where the large one vanishes, the small one tells how long to wait, and that somebody is there.
    if (settings.min < settings.max) this.#try(settings.min);
    this.#try(settings.max);
  }

  /** Whether there is nothing left to find out. */
  get isDone(): boolean {
    return this.#isUnreachable || this.#isGivenUp || this.#attempts.length === 0;
  }

  /** Whether the destination has answered. */
  get reached(): boolean {
    return this.#low > 0;
  }

  /** The largest size that arrived; before any did, the largest that nobody has objected to. */
  get mtu(): number {
    return this.#low > 0 ? this.#low : this.#limit;
  }

  /** The smallest size that vanished without a word although smaller ones arrive. */
  get blackHoleAt(): number | undefined {
    return this.#lost.size > 0 ? Math.min(...this.#lost) : undefined;
  }

  /** What was tried, and what came of it. */
  get steps(): readonly PathMtuStep[] {
    return this.#steps;
  }

  /** The probe that should leave now, if any. Asked again before {@linkcode PathMtuSearch.sent}, it is the same one. */
  next(now: number): SizeRequest | undefined {
    if (this.isDone) return undefined;
    const id = this.#sent.length;
    if (this.#attempts.some(({ control }) => control === "due")) return { id, size: this.#low };
    const attempt = now < this.#resumeAt ? undefined : this.#attempts.find(({ deadline }) => deadline === undefined);
    return attempt && { id, size: attempt.size };
  }

  /** The probe has been handed over; `now` is the clock right before. */
  sent({ id, size }: SizeRequest, now: number): void {
    this.#sent.push({ size, sentAt: now, isAnswered: false });
    const controlled = this.#attempts.find(({ control }) => control === "due");
    if (controlled !== undefined) {
      controlled.control = id;
      return;
    }
    const attempt = this.#attempts.find((each) => each.size === size && each.deadline === undefined)!;
    attempt.triesLeft--;
    attempt.deadline = now + this.#wait();
    attempt.control = attempt.triesLeft === 0 && this.#low > 0 ? "due" : undefined;
  }

  /**
   * The local link doesn't carry a packet of that size.
   *
   * @returns Whether something smaller is left to try.
   */
  refused({ size }: SizeRequest, mtu: number | undefined): boolean {
    return this.#tooBig(size, mtu, undefined);
  }

  /** Something was said about a probe. */
  answer(answer: SizeAnswer, now: number): void {
    const id = this.#likeliest(answer);
    if (id === undefined || this.isDone) return;
    const { size, sentAt } = this.#sent[id];
    this.#sent[id].isAnswered = true;
    const { router, receivedAt } = answer;
    switch (answer.meaning) {
      case "arrived": {
        const isPlausible = receivedAt !== undefined && receivedAt >= sentAt && receivedAt <= now;
        this.#noteRoundTrip((isPlausible ? receivedAt : now) - sentAt, sentAt);
        for (const attempt of this.#attempts) if (attempt.control === id) attempt.control = "answered";
        this.#arrived(size, (isPlausible ? receivedAt : now) - sentAt);
        break;
      }
      case "too-big":
        this.#tooBig(size, answer.mtu, router);
        break;
      case "unreachable":
        this.#steps.push({ size, outcome: "unreachable", router });
        // Where others of this path have arrived, one that gets stuck is a passing trouble.
        this.#isUnreachable = this.#low === 0;
    }
  }

  /** Takes silence for what it is. Whatever has arrived should be told before. */
  expire(now: number): void {
    for (const attempt of this.#attempts.slice()) {
      if (attempt.deadline === undefined || now < attempt.deadline) continue;
      attempt.deadline = undefined;
      if (attempt.triesLeft === 0) this.#silent(attempt, now);
    }
  }

  /** When to look again if nothing arrives; `undefined` when all is said. */
  wakeAt(): number | undefined {
    if (this.isDone) return undefined;
    return Math.min(...this.#attempts.map(({ deadline }) => deadline ?? this.#resumeAt));
  }

  /** Where it isn't said which one it is about: the smallest arrives most easily, and the largest is too large first. */
  #likeliest({ ids, meaning }: SizeAnswer): number | undefined {
    const open = ids.filter((id) => this.#sent[id]?.isAnswered === false);
    const sizeOf = (id: number) => meaning === "arrived" ? this.#sent[id].size : -this.#sent[id].size;
    return open.sort((left, right) => sizeOf(left) - sizeOf(right))[0];
  }

  #try(size: number): void {
    this.#attempts.push({ size, triesLeft: this.#settings.probes, deadline: undefined, control: undefined });
  }

  #wait(): number {
    const { timeout } = this.#settings;
    if (this.#longestRtt === undefined) return timeout;
    return Math.min(timeout, (this.#longestRtt + WAIT_EXTRA_MS) * WAIT_ROUND_TRIPS);
  }

  #noteRoundTrip(rtt: number, sentAt: number): void {
    const isFirst = this.#longestRtt === undefined;
    this.#longestRtt = Math.max(this.#longestRtt ?? 0, rtt);
    if (!isFirst) return;
    // What waits for as long as can be needn't any more.
    for (const attempt of this.#attempts) {
      if (attempt.deadline !== undefined) attempt.deadline = sentAt + this.#wait();
    }
  }

  #arrived(size: number, rtt: number): void {
    if (size <= this.#low) return;
    this.#low = size;
    this.#steps.push({ size, outcome: "arrived", rtt });
    this.#backoffs = 0;
    // Late is not lost.
    for (const lost of this.#lost) if (lost <= size) this.#lost.delete(lost);
    if (this.#high <= size) this.#high = Math.min(this.#limit + 1, ...this.#lost);
    this.#attempts = this.#attempts.filter((each) => each.size > size);
    this.#goOn();
  }

  #tooBig(size: number, mtu: number | undefined, router: string | undefined): boolean {
    if (size >= this.#high || size <= this.#low) return true;
    const least = MIN_MTU[this.#settings.family];
    this.#steps.push(
      router === undefined ? { size, outcome: "refused", mtu } : { size, outcome: "too-big", router, mtu },
    );
    const isCredible = mtu !== undefined && mtu > this.#low && mtu < size;
    // Without a figure all that is known is that this size is too large.
    this.#limit = Math.min(this.#limit, isCredible ? Math.max(mtu, least) : size - 1);
    this.#named = isCredible ? this.#limit : plateauBelow(size, this.#settings.family);
    this.#high = this.#limit + 1;
    this.#attempts = this.#attempts.filter((each) => each.size <= this.#limit);
    const next = Math.max(this.#named, this.#settings.min);
    this.#isGivenUp = this.#low === 0 && next >= size;
    if (this.#low > 0) this.#goOn();
    else if (!this.#isGivenUp && !this.#attempts.some((each) => each.size >= next)) this.#try(next);
    return !this.#isGivenUp;
  }

  /** All tries of a size went unanswered. */
  #silent(attempt: Attempt, now: number): void {
    if (this.#low > 0 && attempt.control !== "answered") return this.#backOff(attempt, now);
    this.#attempts = this.#attempts.filter((each) => each !== attempt);
    this.#steps.push({ size: attempt.size, outcome: "lost" });
    if (this.#low === 0) return;
    this.#backoffs = 0;
    this.#lost.add(attempt.size);
    this.#high = Math.min(this.#high, attempt.size);
    this.#goOn();
  }

  /** Not even what has arrived before is answered, or it hasn't been asked. */
  #backOff(attempt: Attempt, now: number): void {
    attempt.triesLeft = 1;
    if (attempt.control === undefined) return;
    this.#resumeAt = now + BACKOFFS_MS[this.#backoffs];
    this.#isGivenUp = this.#backoffs++ === BACKOFFS_MS.length;
  }

  /** Begins with the next size, unless one is being tried. */
  #goOn(): void {
    if (this.#low === 0 || this.#attempts.length > 0) return;
    if (this.#high - this.#low > 1) this.#try(this.#candidate());
  }

  /** A size between what arrives and what doesn't. */
  #candidate(): number {
    const [low, high] = [this.#low, this.#high];
    if (this.#named > low && this.#named < high) return this.#named;
    const common = PLATEAUS.filter((size) => size > low && size < high);
    if (common.length > 0) return common[common.length >> 1];
    // Having arrived at a common size, it is likely to be that.
    const isExactlyCommon = PLATEAUS.includes(low);
    return isExactlyCommon ? low + 1 : low + high >> 1;
  }
}
