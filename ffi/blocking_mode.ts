/**
 * Letting the system call itself wait: a blocking receive that is alone needs no epoll instance.
 *
 * Descriptors are non-blocking here, and stay so for everybody who asks for their number. Calls with MSG_DONTWAIT don't
 * care.
 *
 * @module
 */

import { F_GETFL, F_SETFL, O_NONBLOCK, SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET } from "./constants.ts";
import { fcntl, setsockopt } from "./syscalls.ts";
import { encodeTimeval } from "./timespec.ts";

/** Whether the calls on one descriptor wait, and how long. */
export class BlockingMode {
  #isOn = false;
  /** The limits that the kernel knows, in milliseconds; none at first, socket(7). */
  #receiveLimitMs = Infinity;
  #sendLimitMs = Infinity;

  /** Lets receiving calls without MSG_DONTWAIT wait, up to a limit in milliseconds or `Infinity`. */
  waitToReceive(fd: number, limitMs: number): void {
    this.#turnOn(fd);
    if (limitMs === this.#receiveLimitMs) return;
    setLimit(fd, SO_RCVTIMEO, limitMs);
    this.#receiveLimitMs = limitMs;
  }

  /** Lets sending calls without MSG_DONTWAIT wait, up to a limit in milliseconds or `Infinity`. */
  waitToSend(fd: number, limitMs: number): void {
    this.#turnOn(fd);
    if (limitMs === this.#sendLimitMs) return;
    setLimit(fd, SO_SNDTIMEO, limitMs);
    this.#sendLimitMs = limitMs;
  }

  /** Makes the descriptor non-blocking again, for calls that others make. */
  turnOff(fd: number): void {
    if (!this.#isOn) return;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    this.#isOn = false;
  }

  #turnOn(fd: number): void {
    if (this.#isOn) return;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    this.#isOn = true;
  }
}

function setLimit(fd: number, option: number, limitMs: number): void {
  // Zero is no limit, socket(7); encoding rounds, and a limit that is there must not vanish.
  setsockopt(fd, SOL_SOCKET, option, encodeTimeval(limitMs === Infinity ? 0 : Math.max(limitMs, 0.001)));
}
