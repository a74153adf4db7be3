/**
 * Names of addresses, looked up beside a trace.
 *
 * @module
 */

import { Resolver } from "node:dns/promises";

/** How long names are waited for when everything else is said, in milliseconds. */
const PATIENCE_MS = 2000;

/** The look-ups of one trace: each address once, all at a time. */
export class ReverseNames {
  readonly #resolver = new Resolver();
  readonly #asked = new Set<string>();
  readonly #onName: (address: string, name: string | undefined) => void;
  #pending = 0;
  #onIdle: (() => void) | undefined;

  /** @param onName Called with each address and its name; `undefined` where it has none, or nobody can tell. */
  constructor(onName: (address: string, name: string | undefined) => void) {
    this.#onName = onName;
  }

  /** Asks for the name of an address, unless that has been done. */
  ask(address: string): void {
    if (this.#asked.has(address)) return;
    this.#asked.add(address);
    this.#pending++;
    // Most routers have no name, and where no name server answers none has.
    this.#resolver.reverse(address).then(([name]) => name, () => undefined)
      .then((name) => this.#onName(address, name))
      .finally(() => {
        this.#pending--;
        if (this.#pending === 0) this.#onIdle?.();
      });
  }

  /** Waits for the look-ups that are under way, but not for long. */
  settled(signal: AbortSignal | undefined): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const onAbort = () => end(() => reject(signal!.reason));
      const timer = setTimeout(() => end(resolve), PATIENCE_MS);
      this.#onIdle = () => end(resolve);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Gives up what is under way, so that no look-up keeps the program from ending. */
  close(): void {
    this.#resolver.cancel();
  }
}
