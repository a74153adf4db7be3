/**
 * How long to wait for the answer to a probe, by what other hops have shown: the rule of traceroute(8), option `-w`.
 *
 * A trace would take the whole timeout for each silent hop otherwise. Where the hop itself has answered another probe,
 * an answer to this one is due in a small multiple of that time (HERE); where a farther hop has answered, in a larger
 * multiple of that one's (NEAR), since packets to it passed here, and since routers answer slower than they forward.
 *
 * It need not know who answered, nor what was sent.
 *
 * @module
 */

/** Added to a round-trip time before it is multiplied, in milliseconds, so that very short ones leave room for chance. */
const PRECISION_MS = 1;

/** What the waits are made of. */
export interface WaitSettings {
  /** The longest wait, in milliseconds. */
  timeout: number;
  /** How many times the round-trip time of the same hop is waited for; 0 turns the rule off. */
  here: number;
  /** How many times the round-trip time of a farther hop is waited for; 0 turns the rule off. */
  near: number;
}

/** The waits of one trace. */
export class AdaptiveWait {
  readonly #settings: WaitSettings;
  /** The first round-trip time of each hop that has answered, by TTL. The first, so that a wait doesn't change. */
  readonly #first: number[] = [];

  /** @param settings What the waits are made of. */
  constructor(settings: WaitSettings) {
    this.#settings = settings;
  }

  /** Takes note of a round-trip time, in milliseconds. */
  answered(ttl: number, rtt: number): void {
    this.#first[ttl] ??= rtt;
  }

  /** How long a probe with this TTL is waited for, in milliseconds. */
  of(ttl: number): number {
    const { timeout, here, near } = this.#settings;
    const same = this.#first[ttl];
    if (here > 0 && same !== undefined) return Math.min((same + PRECISION_MS) * here, timeout);
    if (near > 0) {
      for (let farther = ttl + 1; farther < this.#first.length; farther++) {
        const rtt = this.#first[farther];
        if (rtt !== undefined) return Math.min((rtt + PRECISION_MS) * near, timeout);
      }
    }
    return timeout;
  }
}
