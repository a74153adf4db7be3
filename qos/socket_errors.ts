/**
 * The errors that packets of one socket caused, for those who wait for them.
 *
 * It joins the kernel's error queue to the waits of a `MessageSocket`: an operation that fails only because of an error
 * that belongs to an earlier packet is made again, and whoever wants errors is woken. What an entry of the queue means is
 * not its business.
 *
 * @module
 */

import { ClosedError, TimeoutError } from "../common/errors.ts";
import { checkTimeout, timeoutError, WaitList, type WaitOptions } from "../common/wait.ts";
import type { SendOptions as MessageOptions } from "../ffi/message.ts";
import type { MessageSocket } from "../ffi/message_socket.ts";
import type { SocketAddress } from "../ffi/sockaddr.ts";
import type { Datagram } from "./datagram.ts";
import type { ErrorQueue, ErrorQueueStats } from "./error_queue.ts";
import type { PacketError } from "./packet_error.ts";

const NO_ERRORS: ErrorQueueStats = Object.freeze({
  errorsReceived: 0,
  errorsLabelled: 0,
  errorsDropped: 0,
  errorsWaiting: 0,
  packetsRemembered: 0,
  packetsForgotten: 0,
});

/** Looks for a packet, without waiting. */
type Look = () => Datagram | undefined;

/** What a message is sent with, and its label beside, for when it is refused. */
export interface LabelledOptions extends MessageOptions {
  readonly label?: unknown;
}

/** The errors of one socket; without a queue, as on unix sockets, there never are any. */
export class SocketErrors {
  /** The option `onError` of the socket. */
  readonly onError = (errno: number, message?: LabelledOptions): boolean => this.#take(errno, message);

  readonly #queue: ErrorQueue | undefined;
  readonly #arrivals = new WaitList<void>(() => this.#updateWatch());
  /** Those that want a packet or an error, behind the first of them. */
  readonly #line = new WaitList<void>();
  /** Somebody is first in that line. */
  #isReceiving = false;
  #socket: MessageSocket | undefined;

  /** @param queue The kernel's error queue of the socket. */
  constructor(queue?: ErrorQueue) {
    this.#queue = queue;
  }

  /** Says whose errors they are, once the socket is there. */
  attach(socket: MessageSocket): void {
    this.#socket = socket;
  }

  /** Makes errors come here from now on, instead of failing the next operation. */
  enable(): void {
    if (this.#queue === undefined || this.#queue.isEnabled) return;
    this.#queue.enable();
    this.#socket!.stopSegmentation();
  }

  /** Whether errors come here. */
  get areEnabled(): boolean {
    return this.#queue !== undefined && this.#queue.isEnabled;
  }

  /** Remembers a packet that is about to be sent. */
  register(label: unknown, destination: SocketAddress, data: Uint8Array): void {
    this.enable();
    this.#queue?.register(label, destination, data);
  }

  /** An error that is there, or `undefined`. */
  tryTake(): PacketError | undefined {
    this.#requireOpen();
    this.enable();
    if (this.#queue === undefined) return undefined;
    const known = this.#queue.take();
    if (known !== undefined) return known;
    this.#take(0);
    return this.#queue.take();
  }

  /** Error after error, until the socket is closed. */
  iterate({ signal }: { signal?: AbortSignal }): AsyncIterableIterator<PacketError> {
    this.#requireOpen();
    this.enable();
    let isDone = false;
    const next = async (): Promise<IteratorResult<PacketError>> => {
      try {
        while (!isDone && !this.#isClosed) {
          signal?.throwIfAborted();
          const value = this.#queue?.take();
          if (value !== undefined) return { done: false, value };
          await this.#arrival("errors", { signal });
        }
      } catch (error) {
        if (!(error instanceof ClosedError)) throw error;
      }
      return { done: true, value: undefined };
    };
    return {
      next,
      return: () => {
        isDone = true;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** A packet or an error, whichever comes first. */
  async receive(what: string, options: WaitOptions, look: Look): Promise<Datagram | PacketError> {
    const { signal, timeout } = options;
    checkTimeout(timeout);
    signal?.throwIfAborted();
    this.enable();
    const deadline = deadlineAfter(timeout);
    if (this.#isReceiving) {
      await inTime(what, timeout, () => this.#line.wait(what, { signal, timeout: leftUntil(deadline) }, undefined));
    }
    this.#isReceiving = true;
    try {
      for (;;) {
        const found = this.#look(look);
        if (found !== undefined) return found;
        await inTime(what, timeout, () => this.#untilEither(what, signal, leftUntil(deadline)));
      }
    } finally {
      // Whoever is next is first from now on, also before it goes on.
      this.#isReceiving = this.#line.resolveNext();
    }
  }

  /** The same as {@linkcode SocketErrors.receive}, blocking the thread. */
  receiveSync(what: string, { timeout }: { timeout?: number }, look: Look): Datagram | PacketError {
    checkTimeout(timeout);
    this.enable();
    const deadline = deadlineAfter(timeout);
    for (;;) {
      const found = this.#look(look);
      if (found !== undefined) return found;
      try {
        this.#socket!.untilReadableSync({ timeout: leftUntil(deadline), errors: true });
      } catch (error) {
        throw error instanceof TimeoutError ? timeoutError(what, timeout!) : error;
      }
    }
  }

  /** Counters since the socket was opened. */
  stats(): ErrorQueueStats {
    return this.#queue?.stats() ?? NO_ERRORS;
  }

  /** Ends every wait. */
  close(reason: ClosedError): void {
    this.#arrivals.rejectAll(reason);
    this.#line.rejectAll(reason);
  }

  get #isClosed(): boolean {
    return this.#socket!.isClosed;
  }

  #requireOpen(): void {
    // The getter tells what is closed.
    if (this.#isClosed) void this.#socket!.fd;
  }

  /** Looks at what came first: errors that were taken from the kernel before are older than anything that is there now. */
  #look(look: Look): Datagram | PacketError | undefined {
    return this.#queue?.take() ?? look() ?? this.#queue?.take();
  }

  /** Reads the kernel's queue; true when that explains the error. */
  #take(errno: number, message?: LabelledOptions): boolean {
    const queue = this.#queue;
    if (queue === undefined || !queue.isEnabled) return false;
    const before = queue.length + queue.dropped;
    const fromElsewhere = queue.drain(errno, message);
    const hasNew = queue.length + queue.dropped > before;
    if (hasNew) {
      // All of them: who is woken and gets a packet instead must not leave an error to somebody who sleeps.
      this.#arrivals.resolveAll();
      this.#updateWatch();
    }
    // What this machine reports itself is the failed call's own error; whoever waits for nothing but errors wants it too.
    return errno === 0 ? hasNew : fromElsewhere > 0;
  }

  #arrival(what: string, options: WaitOptions): Promise<void> {
    const waiting = this.#arrivals.wait(what, options, undefined);
    this.#updateWatch();
    return waiting;
  }

  /** Errors are looked for also while nobody sends or receives, as long as somebody wants them. */
  #updateWatch(): void {
    if (this.#queue !== undefined) this.#socket!.watchErrors(this.#arrivals.size > 0 && !this.#isClosed);
  }

  async #untilEither(what: string, signal: AbortSignal | undefined, timeout: number | undefined): Promise<void> {
    const over = new AbortController();
    const options = {
      signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]),
      timeout,
    };
    const waits = [this.#socket!.untilReadable(options), this.#arrival(what, { signal: over.signal })];
    try {
      await Promise.race(waits);
    } finally {
      over.abort();
      // The one that lost ends by that.
      for (const wait of waits) wait.catch(() => {});
    }
  }
}

function deadlineAfter(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
}

/** The time that is left, in milliseconds; `undefined` where there is no end to it. */
function leftUntil(deadline: number): number | undefined {
  return deadline === Infinity ? undefined : Math.max(0, deadline - performance.now());
}

/** A wait that is part of a longer one tells the whole time when it takes too long. */
async function inTime(what: string, timeoutMs: number | undefined, wait: () => Promise<void>): Promise<void> {
  try {
    await wait();
  } catch (error) {
    throw error instanceof TimeoutError ? timeoutError(what, timeoutMs!) : error;
  }
}
