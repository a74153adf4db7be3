/** Waits between attempts that fail. @module */

/** How long is waited between attempts. */
export interface BackoffOptions {
  /** The first wait, in milliseconds. */
  min: number;
  /** The longest wait, to which waits grow by doubling, in milliseconds; 0 keeps them as they are. */
  max: number;
  /** How much of each wait is left to chance, from 0 (none) to 1 (all of it): many that wait then don't come at once. */
  jitter: number;
}

/** The waits of one who tries again and again. */
export class Backoff {
  readonly #options: Readonly<BackoffOptions>;
  #wait: number;

  /** Begins with the first wait. */
  constructor(options: Readonly<BackoffOptions>) {
    this.#options = options;
    this.#wait = options.min;
  }

  /**
   * The wait before the next attempt, in milliseconds.
   *
   * @param random From 0 up to 1.
   */
  next(random: number = Math.random()): number {
    const { min, max, jitter } = this.#options;
    const wait = this.#wait;
    if (max > 0) this.#wait = Math.max(min, Math.min(max, wait * 2));
    return wait * (1 - jitter * random);
  }

  /** An attempt was successful: the next wait is the first again. */
  reset(): void {
    this.#wait = this.#options.min;
  }
}
