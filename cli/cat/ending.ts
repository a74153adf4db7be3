/**
 * How `sockeye cat` dies: as any simple program does, so that whoever waits for it sees the same, but with its sockets
 * closed and their files removed.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const SIGPIPE = 13;
/** What a shell makes of a death by signal. */
const SIGNAL_STATUS = 128;
/** More than a signal to oneself takes, in milliseconds. */
const DEATH_MS = 1_000;

type SignalName = keyof typeof SIGNALS;

const NAMES = Object.keys(SIGNALS) as SignalName[];

/** The watch for whatever ends the program from outside. */
export class Ending {
  #isDying = false;
  readonly #cleanUp: () => void;
  readonly #listeners: (readonly [name: SignalName, listener: () => void])[];
  readonly #onOutputError = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    // Runtimes ignore SIGPIPE, so it can't be died of.
    this.#die(() => process.exit(SIGNAL_STATUS + SIGPIPE));
  };

  /**
   * Begins to watch.
   *
   * @param cleanUp Called before the program ends.
   */
  constructor(cleanUp: () => void) {
    this.#cleanUp = cleanUp;
    // To be ignored still, it has to be listened for: the runtime has put a handler of its own in place.
    this.#listeners = NAMES.map((name) => [name, isIgnored(SIGNALS[name]) ? ignore : () => this.#dieOf(name)]);
    for (const [name, listener] of this.#listeners) process.on(name, listener);
    process.stdout.on("error", this.#onOutputError);
  }

  /** Does the work; what fails because the program is ending is not told any more. */
  async during(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#isDying) throw error;
      // The signal is on its way.
      await setTimeout(DEATH_MS);
    } finally {
      this.#stop();
    }
  }

  #dieOf(name: SignalName): void {
    this.#die(() => {
      try {
        // Nobody listens for it any more, so that this time it is deadly.
        process.kill(process.pid, name);
      } catch {
        // Not without the permission to run programs.
        process.exit(SIGNAL_STATUS + SIGNALS[name]);
      }
    });
  }

  #die(blow: () => void): void {
    this.#isDying = true;
    this.#cleanUp();
    this.#stop();
    blow();
  }

  #stop(): void {
    for (const [name, listener] of this.#listeners) process.removeListener(name, listener);
    process.stdout.removeListener("error", this.#onOutputError);
  }
}

function ignore(): void {}

/** Whether whoever started the program had it ignore a signal, as shells do with SIGINT and `&`, and nohup(1) with SIGHUP. */
function isIgnored(number: number): boolean {
  try {
    const [, mask] = /^SigIgn:\s*([\da-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    // The mask has a bit for each of 64 signals; those in question are in the last 8 digits.
    return mask !== undefined && (parseInt(mask.slice(-8), 16) >>> (number - 1) & 1) === 1;
  } catch {
    return false;
  }
}
