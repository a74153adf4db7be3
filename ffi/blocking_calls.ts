/**
 * The calls of a message socket that block the thread, for Workers.
 *
 * Where the socket is all that the isolate waits for, the system call itself waits; otherwise the reactor does, so that
 * everybody else is served meanwhile.
 *
 * @module
 */

import { checkTimeout, timeoutError } from "../common/wait.ts";
import { BlockingMode } from "./blocking_mode.ts";
import { MSG_WAITFORONE } from "./constants.ts";
import type { Descriptor } from "./descriptor.ts";
import type { SendOptions } from "./message.ts";
import type { MessageReceiver } from "./message_receiver.ts";
import { type MessageSender, nextRetryMs } from "./message_sender.ts";
import { Reactor, READABLE, WRITABLE } from "./reactor.ts";
import type { ReceiveQueue } from "./receive_queue.ts";
import type { SendQueue } from "./send_queue.ts";

/** What the calls work on. */
export interface BlockingParts {
  readonly descriptor: Descriptor;
  readonly received: ReceiveQueue;
  readonly receiver: MessageReceiver;
  readonly sends: SendQueue;
  readonly sender: MessageSender;
  /** Called when {@linkcode BlockingCalls.wanted} has changed. */
  readonly interestChanged: () => void;
}

/** Calls that wait on this thread. */
export class BlockingCalls {
  /** The events that a call waits for now. */
  wanted = 0;

  readonly #reactor: Reactor = Reactor.current();
  readonly #mode = new BlockingMode();
  readonly #parts: BlockingParts;

  /** @param parts What they work on. */
  constructor(parts: BlockingParts) {
    this.#parts = parts;
  }

  /** Makes the descriptor non-blocking again, for calls that others make. */
  turnOff(fd: number): void {
    this.#mode.turnOff(fd);
  }

  /** As {@linkcode MessageSocket.sendSync}. */
  send(data: Uint8Array, options: SendOptions & { timeout?: number }): void {
    const { sender } = this.#parts;
    checkTimeout(options.timeout);
    const deadline = deadlineAfter(options.timeout);
    let pauseMs = 0;
    while (!sender.trySend(data, options)) {
      // A call that waits itself was interrupted, or is one of a raw socket, which doesn't.
      const mayWait = sender.length === 0 && !this.#reactor.isWaitedFor;
      if (mayWait && this.#sendWaiting(data, options, deadline)) return;
      // Writable and yet full: a unix socket that isn't connected says so, and would make this a busy loop.
      this.#block(pauseMs === 0 ? WRITABLE : 0, deadline, "sendSync", options.timeout, pauseMs || Infinity);
      pauseMs = nextRetryMs(pauseMs);
    }
  }

  /** Takes until something is found. */
  receive<T>(take: () => T | undefined, what: string, timeoutMs: number | undefined): T {
    const { descriptor, received, receiver } = this.#parts;
    checkTimeout(timeoutMs);
    const deadline = deadlineAfter(timeoutMs);
    for (let isFirst = true;; isFirst = false) {
      const isAlone = !this.#reactor.isWaitedFor;
      // Where the call itself can wait, to look first would be one system call too many.
      if (!isFirst || !isAlone || timeoutMs === 0 || receiver.polls || received.length > 0) {
        const found = receiver.spin(take);
        if (found !== undefined) return found;
      }
      if (!isAlone) {
        this.#block(READABLE, deadline, what, timeoutMs);
        continue;
      }
      const leftMs = isFirst ? timeoutMs ?? Infinity : leftUntil(deadline, what, timeoutMs);
      if (leftMs === 0) throw timeoutError(what, 0);
      const { fd } = descriptor;
      this.#mode.waitToReceive(fd, leftMs);
      received.fetch(fd, MSG_WAITFORONE);
    }
  }

  /** Sends with a call that waits itself; false when it didn't, or was interrupted. */
  #sendWaiting(data: Uint8Array, options: SendOptions & { timeout?: number }, deadline: number): boolean {
    const { descriptor: { fd }, sends } = this.#parts;
    this.#mode.waitToSend(fd, leftUntil(deadline, "sendSync", options.timeout));
    return sends.sendNow(fd, data, options, 0) === "sent";
  }

  /** Blocks the thread until something happened or the pause is over, or throws at the deadline. */
  #block(events: number, deadline: number, what: string, timeoutMs: number | undefined, pauseMs = Infinity): void {
    const { descriptor, interestChanged } = this.#parts;
    const waitMs = Math.min(leftUntil(deadline, what, timeoutMs), pauseMs);
    this.wanted = events;
    this.#reactor.blocking(() => {
      try {
        interestChanged();
        this.#reactor.poll(waitMs === Infinity ? -1 : waitMs);
      } finally {
        this.wanted = 0;
        if (!descriptor.isClosed) interestChanged();
      }
    });
  }
}

function deadlineAfter(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
}

/** The time that is left, in milliseconds, or a `TimeoutError`. */
function leftUntil(deadline: number, what: string, timeoutMs: number | undefined): number {
  if (deadline === Infinity) return Infinity;
  const leftMs = deadline - performance.now();
  if (leftMs <= 0) throw timeoutError(what, timeoutMs!);
  return leftMs;
}
