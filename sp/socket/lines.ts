/**
 * Those who wait to send, and those who wait to receive: first come, first served, by promises or with the thread.
 *
 * It joins the polled calls of an engine or a context to waits. It needs to know nothing of patterns and pipes.
 *
 * @module
 */

import { ClosedError, type TimeoutError } from "../../common/errors.ts";
import { WaitList, type WaitOptions } from "../../common/wait.ts";
import { messageOf, type Sendable, type SpMessage } from "../message.ts";
import type { Receiver, Sender } from "../protocol/engine.ts";
import { block, flush } from "./blocking.ts";
import { concerning } from "./errors.ts";
import { waitTimeout } from "./options.ts";

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
  /** The error of a wait to send or to receive that took too long. */
  timedOut(operation: "send" | "receive", timeoutMs: number): TimeoutError;
}

const DONE: Promise<void> = Promise.resolve();
const NO_OPTIONS: WaitOptions = Object.freeze({});

/** The options of a call, with the default timeout of the socket; `Infinity` lifts that. */
function withTimeout(options: WaitOptions, byDefault: number | undefined): WaitOptions {
  if (options.timeout === Infinity) return { signal: options.signal };
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
    // Who gives up may have held up others, whose messages are small enough for those that have room.
    this.#waiting = new WaitList(() => this.#serve(), (_, timeoutMs) => owner.timedOut("send", timeoutMs));
    sender.onSendable = () => this.#serve();
  }

  trySend(data: Sendable): boolean {
    try {
      return this.#trySend(messageOf(data));
    } catch (error) {
      throw concerning(error, this.#owner.label);
    }
  }

  send(data: Sendable, options: WaitOptions = NO_OPTIONS): Promise<void> {
    try {
      const message = messageOf(data);
      waitTimeout("timeout", options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      if (this.#trySend(message)) return this.#owner.takeTurn() ?? DONE;
      return this.#waiting.wait("send", withTimeout(options, this.#timeout), message);
    } catch (error) {
      return Promise.reject(concerning(error, this.#owner.label));
    }
  }

  sendSync(data: Sendable, timeout: number | undefined): void {
    try {
      const message = messageOf(data);
      const limit = timeout === undefined ? this.#timeout : waitTimeout("timeout", timeout);
      block(() => this.#trySend(message) || undefined, limit, (ms) => this.#owner.timedOut("send", ms));
    } catch (error) {
      throw concerning(error, this.#owner.label);
    }
    flush();
  }

  /** Everybody who waits gets the error. */
  fail(error: unknown): void {
    this.#waiting.rejectAll(error);
  }

  #trySend(message: SpMessage): boolean {
    this.#owner.checkOpen("send");
    if (this.#waiting.size > 0) return false;
    const isTaken = this.#sender.trySend(message, this.#owner.now());
    this.#owner.engineMoved();
    return isTaken;
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
  /** Those who wait, each with the iteration that it belongs to. */
  readonly #waiting: WaitList<SpMessage, Iteration | undefined>;
  /** Called when somebody gives up. */
  readonly #onAbandoned: () => void;

  /** @param timeout How long a receive waits that says nothing itself, in milliseconds. */
  constructor(receiver: Receiver, owner: LineOwner, timeout: number | undefined, onAbandoned: () => void = () => {}) {
    this.#receiver = receiver;
    this.#owner = owner;
    this.#timeout = timeout;
    this.#onAbandoned = onAbandoned;
    this.#waiting = new WaitList(onAbandoned, (_, timeoutMs) => owner.timedOut("receive", timeoutMs));
    receiver.onReceivable = () => this.#serve();
  }

  tryReceive(): SpMessage | undefined {
    try {
      this.#owner.checkOpen("receive");
      if (this.#waiting.size > 0) return undefined;
      const message = this.#receiver.tryReceive(this.#owner.now());
      this.#owner.engineMoved();
      return message;
    } catch (error) {
      throw concerning(error, this.#owner.label);
    }
  }

  receive(options: WaitOptions = NO_OPTIONS): Promise<SpMessage> {
    try {
      waitTimeout("timeout", options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      const message = this.tryReceive();
      if (message === undefined) return this.wait(options, undefined);
      const turn = this.#owner.takeTurn();
      return turn === undefined ? Promise.resolve(message) : turn.then(() => message);
    } catch (error) {
      return Promise.reject(concerning(error, this.#owner.label));
    }
  }

  receiveSync(timeout: number | undefined): SpMessage {
    try {
      const limit = timeout === undefined ? this.#timeout : waitTimeout("timeout", timeout);
      return block(() => this.tryReceive(), limit, (ms) => {
        this.#onAbandoned();
        return this.#owner.timedOut("receive", ms);
      });
    } catch (error) {
      throw concerning(error, this.#owner.label);
    }
  }

  /** Message after message, until the socket is closed. */
  iterate(): AsyncIterableIterator<SpMessage> {
    return new Iteration(this, this.#owner);
  }

  /** Waits for a message, after it was looked whether there is one. */
  wait(options: WaitOptions, iteration: Iteration | undefined): Promise<SpMessage> {
    return this.#waiting.wait("receive", withTimeout(options, this.#timeout), iteration);
  }

  /** Ends the waits of an iteration that was broken off; whoever came behind them gets the next message. */
  abandon(iteration: Iteration): void {
    if (this.#waiting.rejectThose(iteration, BROKEN_OFF) > 0) this.#onAbandoned();
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

/** What ends the waits of an iteration that was broken off. */
const BROKEN_OFF = Symbol();

function more(value: SpMessage): IteratorResult<SpMessage> {
  return { done: false, value };
}

/** The end of an iteration, unless it ends with an error. */
function endOf(error: unknown): IteratorResult<SpMessage> {
  if (error === BROKEN_OFF || error instanceof ClosedError) return { done: true, value: undefined };
  throw error;
}

/** Messages of a line, until the socket is closed or the iteration is broken off. */
class Iteration implements AsyncIterableIterator<SpMessage> {
  readonly #line: ReceiveLine;
  readonly #owner: LineOwner;
  #isOver = false;

  constructor(line: ReceiveLine, owner: LineOwner) {
    this.#line = line;
    this.#owner = owner;
  }

  next(): Promise<IteratorResult<SpMessage>> {
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    try {
      const message = this.#line.tryReceive();
      if (message === undefined) return this.#line.wait(NO_OPTIONS, this).then(more, endOf);
      const turn = this.#owner.takeTurn();
      return turn === undefined ? Promise.resolve(more(message)) : turn.then(() => more(message));
    } catch (error) {
      return Promise.reject(error).catch(endOf);
    }
  }

  /** Ends it. What was asked for ends too; no message is taken that nobody gets. */
  return(): Promise<IteratorResult<SpMessage>> {
    this.#isOver = true;
    this.#line.abandon(this);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
