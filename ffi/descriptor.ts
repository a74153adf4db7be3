/**
 * Ownership of a descriptor: closed exactly once, whatever happens.
 *
 * @module
 */

import { ClosedError } from "../common/errors.ts";
import { close } from "./syscalls.ts";

let hasWarned = false;

const abandoned = new FinalizationRegistry<{ fd: number; label: string }>(({ fd, label }) => {
  close(fd);
  if (hasWarned) return;
  hasWarned = true;
  console.warn(
    `Sockeye: a ${label} was garbage-collected while it was open, and has been closed; ` +
      "close it, or declare it with `using`. Further ones are closed in silence.",
  );
});

/**
 * A descriptor with one owner.
 *
 * `close` closes it once and does nothing afterwards. One that is garbage-collected open is closed then, with a warning
 * for the first.
 *
 * @example
 * ```ts
 * import { AF_INET, Descriptor, SOCK_DGRAM, socket } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const descriptor = Descriptor.adopt(socket(AF_INET, SOCK_DGRAM), "UDP socket");
 * descriptor.close();
 * descriptor.close();
 * assert(descriptor.isClosed);
 * ```
 */
export class Descriptor implements Disposable {
  /** What it is, for messages: `"UDP socket"`. */
  readonly label: string;
  #fd: number;

  private constructor(fd: number, label: string) {
    this.#fd = fd;
    this.label = label;
  }

  /**
   * Takes ownership of an open descriptor.
   *
   * @param fd The descriptor; nobody else may close it from now on.
   * @param label What it is, for messages.
   */
  static adopt(fd: number, label: string): Descriptor {
    const descriptor = new Descriptor(fd, label);
    abandoned.register(descriptor, { fd, label }, descriptor);
    return descriptor;
  }

  /**
   * The number, as system calls want it.
   *
   * @throws {ClosedError} When it is closed or was given away.
   */
  get fd(): number {
    if (this.#fd === -1) throw new ClosedError(`the ${this.label} is closed; open a new one`);
    return this.#fd;
  }

  /** True once it is closed or was given away. */
  get isClosed(): boolean {
    return this.#fd === -1;
  }

  /**
   * Gives the number away: the caller closes it from now on.
   *
   * @throws {ClosedError} When it is closed or was given away.
   */
  release(): number {
    const fd = this.fd;
    this.#fd = -1;
    abandoned.unregister(this);
    return fd;
  }

  /**
   * Closes the descriptor; does nothing if that has happened.
   *
   * @throws {SystemError} As in close(2); the descriptor is closed all the same.
   */
  close(): void {
    if (this.#fd !== -1) close(this.release());
  }

  /** The same as {@linkcode Descriptor.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
