/** REQ and REP: questions and answers. @module */

import type { WaitOptions } from "../../common/wait.ts";
import type { Sendable, SpMessage } from "../message.ts";
import { RawReqEngine, type RawReqOptions } from "../protocol/raw_req.ts";
import type { RawReplyOptions } from "../protocol/raw_reply.ts";
import { RawRepEngine } from "../protocol/raw_rep.ts";
import { RepEngine } from "../protocol/rep.ts";
import type { ReplyOptions } from "../protocol/reply.ts";
import {
  type ReqContext,
  type ReqContextOptions,
  ReqEngine,
  type ReqOptions as ReqPatternOptions,
} from "../protocol/req.ts";
import type { RawOption } from "../protocol/options.ts";
import type { SocketCore } from "../socket/core.ts";
import { concerned } from "../socket/errors.ts";
import { type SocketOptions, waitTimeout } from "../socket/options.ts";
import { AnsweringSocket } from "./answering.ts";
import { SpContext } from "./context.ts";
import { DuplexSocket } from "./duplex.ts";
import { cooked, coreOf, type SyncOptions } from "./socket.ts";

/** How a {@linkcode Req} socket is set up. */
export interface ReqOptions extends Omit<ReqPatternOptions, "firstId">, RawReqOptions, RawOption, SocketOptions {}

const NO_OPTIONS = Object.freeze({});

/** A conversation, from both sides. */
interface Talk {
  readonly context: SpContext;
  readonly inner: ReqContext;
}

/**
 * REQ: asks, and gets the answer. A request that is not answered in time, or whose connection is lost, is sent again.
 *
 * `request` asks any number of questions at a time. `send` and `receive` are one conversation, in which a new request cancels
 * the one before.
 *
 * @example
 * ```ts
 * import { Rep, Req } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using rep = new Rep();
 * await rep.listen("inproc://double");
 * rep.serve((request) => String(2 * Number(request.text())));
 *
 * await using req = new Req();
 * await req.dial("inproc://double");
 * const answers = await Promise.all(["1", "2", "3"].map((data) => req.request(data, { timeout: 1000 })));
 * assert.deepEqual(answers.map((answer) => answer.text()), ["2", "4", "6"]);
 * ```
 */
export class Req extends DuplexSocket {
  readonly #core: SocketCore;
  readonly #options: ReqOptions;
  readonly #receiveTimeout: number | undefined;
  /** Contexts between requests, each with its engine's side. */
  readonly #idle: Talk[] = [];

  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: ReqOptions = {}) {
    const engine = options.raw ? new RawReqEngine(options) : new ReqEngine(options);
    const onAbandoned = engine instanceof ReqEngine ? () => engine.cancel() : undefined;
    super(engine, options, { usesClock: true, onAbandoned });
    this.#core = coreOf(this);
    this.#options = options;
    this.#receiveTimeout = waitTimeout("receiveTimeout", options.receiveTimeout);
  }

  /**
   * Asks, and gives the answer. Any number of requests may be under way.
   *
   * @param data The question; bytes must not change until there is the answer.
   * @param options How long to wait for the answer.
   * @throws {ArgumentError} When it is nothing that can be sent, or the timeout is none.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {MessageTooLargeError} When no peer takes so large a question; with none connected it waits.
   * @throws {NoPeerError} When `resendTime` is `Infinity`, and the connection that carried the request is lost.
   * @throws {TimeoutError} When there is no answer in time.
   * @throws {UnsupportedError} In raw mode.
   */
  async request(data: Sendable, options: WaitOptions = NO_OPTIONS): Promise<SpMessage> {
    const { signal, timeout = this.#receiveTimeout } = options;
    concerned(this.#core.label, () => waitTimeout("timeout", timeout));
    if (signal?.aborted) throw signal.reason;
    const talk = this.#take();
    let isIdle = false;
    try {
      const deadline = deadlineOf(timeout);
      await talk.context.send(data, { signal, timeout });
      const answer = await talk.context.receive({ signal, timeout: timeLeft(deadline) });
      isIdle = true;
      return answer;
    } finally {
      this.#giveBack(talk, isIdle);
    }
  }

  /**
   * Asks, and blocks the thread until there is the answer. For Workers.
   *
   * @param data The question.
   * @param options The longest wait.
   * @throws {UnsupportedError} Where there is no libc to wait with.
   * @throws As {@linkcode Req.request}.
   */
  requestSync(data: Sendable, options: SyncOptions = NO_OPTIONS): SpMessage {
    const { timeout = this.#receiveTimeout } = options;
    const talk = this.#take();
    let isIdle = false;
    try {
      const deadline = deadlineOf(timeout);
      talk.context.sendSync(data, { timeout });
      const answer = talk.context.receiveSync({ timeout: timeLeft(deadline) });
      isIdle = true;
      return answer;
    } finally {
      this.#giveBack(talk, isIdle);
    }
  }

  /**
   * Opens a conversation of its own on this socket.
   *
   * @param options How requests are made; what is left out is as in the socket.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} In raw mode.
   */
  openContext(options: ReqContextOptions = NO_OPTIONS): SpContext {
    return this.#open(options).context;
  }

  #take(): Talk {
    this.#core.checkOpen("request");
    return this.#idle.pop() ?? this.#open(NO_OPTIONS);
  }

  #giveBack(talk: Talk, isIdle: boolean): void {
    if (!isIdle) talk.inner.cancel();
    if (!talk.context.isClosed) this.#idle.push(talk);
  }

  #open(options: ReqContextOptions): Talk {
    const engine = cooked(this.#core, ReqEngine, "openContext");
    const inner = concerned(this.#core.label, () => engine.openContext(options));
    const context = new SpContext(inner, this.#core, this.#options, () => inner.cancel());
    return { context, inner };
  }
}

/** When a wait is over. */
function deadlineOf(timeout: number | undefined): number {
  return timeout === undefined ? Infinity : performance.now() + timeout;
}

/** How much of a wait is left, in milliseconds. */
function timeLeft(deadline: number): number {
  return deadline === Infinity ? Infinity : Math.max(0, deadline - performance.now());
}

/** How a {@linkcode Rep} socket is set up. */
export interface RepOptions extends ReplyOptions, RawReplyOptions, RawOption, SocketOptions {}

/**
 * REP: gets questions, and answers each before it gets the next; with contexts, or `serve`, several at a time.
 *
 * @example One after the other
 * ```ts
 * import { Rep, Req } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using rep = new Rep();
 * await rep.listen("inproc://echo");
 * await using req = new Req();
 * await req.dial("inproc://echo");
 *
 * await req.send("hello");
 * const question = await rep.receive();
 * await rep.send(question.body);
 * assert.equal((await req.receive()).text(), "hello");
 * ```
 */
export class Rep extends AnsweringSocket {
  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: RepOptions = {}) {
    super(options.raw ? new RawRepEngine(options) : new RepEngine(options), options);
  }
}
