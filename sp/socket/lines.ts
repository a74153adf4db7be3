/**
 * Those who wait to send, and those who wait to receive: first come, first served, by promises or with the thread.
 *
 * It joins the polled calls of an engine or a context to waits. It needs to know nothing of patterns and pipes.
 *
 * @module
 */

import { ClosedError } from "../../common/errors.ts";
import { checkTimeout, WaitList, type WaitOptions } from "../../common/wait.ts";
import type { SpMessage } from "../message.ts";
import type { Receiver, Sender } from "../protocol/engine.ts";
import { block, flush } from "./blocking.ts";
import { concerning } from "./errors.ts";

/** What a line needs of the socket that it belongs to. */
export interface LineOwner {
  /** Names the socket: `"req 3"`. */
  readonly label: string;
  /** Throws a `ClosedError` once the socket is closed, also while it lingers. */
  checkOpen(operation: string): void;
  /** The clock of its engine, in milliseconds. */
  now(): number;
  /** A promise to wait for, when the event loop has to have its turn. */
  takeTurn(): Promise<void> | undefined;
  /** The deadline of the engine may have changed. */
  engineMoved(): void;
}

const DONE: Promise<void> = Promise.resolve();
const NO_OPTIONS: WaitOptions = Object.freeze({});

/** The options of a call, with the default timeout of the socket. */
function withTimeout(options: WaitOptions, byDefault: number | undefined): WaitOptions {
  return options.timeout !== undefined || byDefault === undefined ? options : { ...options, timeout: byDefault };
}

/** Sending by one engine or context. */
export class SendLine {
  readonly #sender: Sender;
  readonly #owner: LineOwner;
  readonly #timeout: number | undefined;
  readonly #waiting: WaitList<void, SpMessage>;

  /** @param timeout How long a send waits that says nothing itself, in milliseconds. */
  constructor(sender: Sender, owner: LineOwner, timeout: number | undefined) {
    this.#sender = sender;
    this.#owner = owner;
    this.#timeout = timeout;
    this.#waiting = new WaitList();
    sender.onSendable = () => this.#serve();
  }

  /** How many wait. */
  get length(): number {
    return this.#waiting.size;
  }

  trySend(message: SpMessage): boolean {
    this.#owner.checkOpen("send");
    if (this.#waiting.size > 0) return false;
    try {
      const isTaken = this.#sender.trySend(message, this.#owner.now());
      this.#owner.engineMoved();
      return isTaken;
    } catch (error) {
      throw concerning(error, this.#owner.label);
    }
  }

  send(message: SpMessage, options: WaitOptions = NO_OPTIONS): Promise<void> {
    try {
      checkTimeout(options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      if (this.trySend(message)) return this.#owner.takeTurn() ?? DONE;
      return this.#waiting.wait(`send on ${this.#owner.label}`, withTimeout(options, this.#timeout), message);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  sendSync(message: SpMessage, timeout: number | undefined): void {
    block(() => this.trySend(message) || undefined, `sendSync on ${this.#owner.label}`, timeout ?? this.#timeout);
    flush();
  }

  /** Everybody who waits gets the error. */
  fail(error: unknown): void {
    this.#waiting.rejectAll(error);
  }

  #serve(): void {
    while (this.#waiting.size > 0) {
      try {
        if (!this.#sender.trySend(this.#waiting.nextTag!, this.#owner.now())) break;
        this.#waiting.resolveNext();
      } catch (error) {
        this.#waiting.rejectNext(concerning(error, this.#owner.label));
      }
    }
    this.#owner.engineMoved();
  }
}

/** Receiving from one engine or context. */
export class ReceiveLine {
  readonly #receiver: Receiver;
  readonly #owner: LineOwner;
  readonly #timeout: number | undefined;
  readonly #waiting: WaitList<SpMessage>;
  /** Called when somebody gives up. */
  readonly #onAbandoned: () => void;

  /** @param timeout How long a receive waits that says nothing itself, in milliseconds. */
  constructor(receiver: Receiver, owner: LineOwner, timeout: number | undefined, onAbandoned: () => void = () => {}) {
    this.#receiver = receiver;
    this.#owner = owner;
    this.#timeout = timeout;
    this.#onAbandoned = onAbandoned;
    this.#waiting = new WaitList(onAbandoned);
    receiver.onReceivable = () => this.#serve();
  }

  tryReceive(): SpMessage | undefined {
    this.#owner.checkOpen("receive");
    if (this.#waiting.size > 0) return undefined;
    try {
      const message = this.#receiver.tryReceive(this.#owner.now());
      this.#owner.engineMoved();
      return message;
    } catch (error) {
      throw concerning(error, this.#owner.label);
    }
  }

  receive(options: WaitOptions = NO_OPTIONS): Promise<SpMessage> {
    try {
      checkTimeout(options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      const message = this.tryReceive();
      if (message === undefined) {
        return this.#waiting.wait(`receive on ${this.#owner.label}`, withTimeout(options, this.#timeout), undefined);
      }
      const turn = this.#owner.takeTurn();
      return turn === undefined ? Promise.resolve(message) : turn.then(() => message);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  receiveSync(timeout: number | undefined): SpMessage {
    try {
      return block(() => this.tryReceive(), `receiveSync on ${this.#owner.label}`, timeout ?? this.#timeout);
    } catch (error) {
      this.#onAbandoned();
      throw error;
    }
  }

  /** Message after message, until the socket is closed. */
  iterate(): AsyncIterableIterator<SpMessage> {
    const more = (value: SpMessage): IteratorResult<SpMessage> => ({ done: false, value });
    const end = (error: unknown): IteratorResult<SpMessage> => {
      if (error instanceof ClosedError) return { done: true, value: undefined };
      throw error;
    };
    return {
      next: () => {
        try {
          const message = this.tryReceive();
          if (message === undefined) return this.receive().then(more, end);
          const turn = this.#owner.takeTurn();
          return turn === undefined ? Promise.resolve(more(message)) : turn.then(() => more(message));
        } catch (error) {
          try {
            return Promise.resolve(end(error));
          } catch {
            return Promise.reject(error);
          }
        }
      },
      return: (): Promise<IteratorResult<SpMessage>> => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Everybody who waits gets the error. */
  fail(error: unknown): void {
    this.#waiting.rejectAll(error);
  }

  #serve(): void {
    while (this.#waiting.size > 0) {
      try {
        const message = this.#receiver.tryReceive(this.#owner.now());
        if (message === undefined) break;
        this.#waiting.resolveNext(message);
      } catch (error) {
        this.#waiting.rejectNext(concerning(error, this.#owner.label));
      }
    }
    this.#owner.engineMoved();
  }
}
