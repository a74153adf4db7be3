/** SURVEYOR and RESPONDENT: one question to all, and the answers that come in time. @module */

import { TimeoutError } from "../../common/errors.ts";
import type { Sendable, SpMessage } from "../message.ts";
import type { RawOption } from "../protocol/options.ts";
import type { RawReplyOptions } from "../protocol/raw_reply.ts";
import { RawRespondentEngine } from "../protocol/raw_respondent.ts";
import { RawSurveyorEngine, type RawSurveyorOptions } from "../protocol/raw_surveyor.ts";
import type { ReplyOptions } from "../protocol/reply.ts";
import { RespondentEngine } from "../protocol/respondent.ts";
import {
  type SurveyorContextOptions,
  SurveyorEngine,
  type SurveyorOptions as SurveyorPatternOptions,
} from "../protocol/surveyor.ts";
import { concerned } from "../socket/errors.ts";
import type { SocketOptions } from "../socket/options.ts";
import { AnsweringSocket } from "./answering.ts";
import { SpContext } from "./context.ts";
import { DuplexSocket } from "./duplex.ts";
import { cooked, coreOf } from "./socket.ts";

/** How a {@linkcode Surveyor} socket is set up. */
export interface SurveyorOptions extends SurveyorPatternOptions, RawSurveyorOptions, RawOption, SocketOptions {}

/** How a survey is made. */
export interface SurveyOptions {
  /** How long answers are waited for, in milliseconds. @default the socket's `surveyTime`, 1000 */
  timeout?: number;
  /** Ends the survey: its iterator rejects with the signal's reason. */
  signal?: AbortSignal;
}

const NO_OPTIONS = Object.freeze({});

/**
 * SURVEYOR: asks all connected RESPONDENT sockets, and gets the answers that come in time.
 *
 * @example
 * ```ts
 * import { Respondent, Surveyor } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using surveyor = new Surveyor();
 * await surveyor.listen("inproc://who");
 * const respondents = ["ann", "bob"].map((name) => {
 *   const respondent = new Respondent();
 *   respondent.serve(() => name);
 *   return respondent;
 * });
 * for (const respondent of respondents) await respondent.dial("inproc://who");
 *
 * const names = [];
 * for await (const answer of surveyor.survey("who is there?", { timeout: 1000 })) {
 *   if (names.push(answer.text()) === 2) break;
 * }
 * assert.deepEqual(names.sort(), ["ann", "bob"]);
 * for (const respondent of respondents) await respondent.close();
 * ```
 */
export class Surveyor extends DuplexSocket {
  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: SurveyorOptions = {}) {
    const engine = options.raw ? new RawSurveyorEngine(options) : new SurveyorEngine(options);
    super(engine, options, { usesClock: true });
  }

  /**
   * Asks everybody who is connected when the first answer is asked for. Any number of surveys may be under way.
   *
   * @param data The question.
   * @param options How long answers are waited for.
   * @returns The answers as they come; it ends when the time is over.
   * @throws {ArgumentError} When it is nothing that can be sent, or the timeout is none; as all these, when the first answer is
   * asked for.
   * @throws {ClosedError} When the socket is closed.
   * @throws {MessageTooLargeError} When no respondent takes so large a question.
   * @throws {UnsupportedError} In raw mode.
   */
  survey(data: Sendable, options: SurveyOptions = NO_OPTIONS): AsyncIterableIterator<SpMessage> {
    return new Survey(this, data, options);
  }

  /**
   * Opens a conversation of its own on this socket: surveys that don't end each other.
   *
   * @param options How surveys are made; what is left out is as in the socket.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} In raw mode.
   */
  openContext(options: SurveyorContextOptions = NO_OPTIONS): SpContext {
    const core = coreOf(this);
    const engine = cooked(core, SurveyorEngine, "openContext");
    return new SpContext(concerned(core.label, () => engine.openContext(options)), core, NO_OPTIONS);
  }
}

/** A survey and its answers. */
class Survey implements AsyncIterableIterator<SpMessage> {
  readonly #surveyor: Surveyor;
  readonly #data: Sendable;
  readonly #options: SurveyOptions;
  #context: SpContext | undefined;
  #sent: Promise<void> | undefined;
  #isOver = false;

  constructor(surveyor: Surveyor, data: Sendable, options: SurveyOptions) {
    this.#surveyor = surveyor;
    this.#data = data;
    this.#options = options;
  }

  async next(): Promise<IteratorResult<SpMessage>> {
    try {
      if (!this.#isOver) return { done: false, value: await this.#answer() };
    } catch (error) {
      const isEnd = this.#isOver || error instanceof TimeoutError;
      this.#end();
      if (!isEnd) throw error;
    }
    return { done: true, value: undefined };
  }

  /** Ends it, and waits for no more answers. */
  return(): Promise<IteratorResult<SpMessage>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #answer(): Promise<SpMessage> {
    const { signal, timeout } = this.#options;
    if (signal?.aborted) throw signal.reason;
    this.#context ??= this.#surveyor.openContext(timeout === undefined ? NO_OPTIONS : { surveyTime: timeout });
    await (this.#sent ??= this.#context.send(this.#data, { signal }));
    return this.#context.tryReceive() ?? await this.#context.receive({ signal });
  }

  #end(): void {
    this.#isOver = true;
    this.#context?.close();
  }
}

/** How a {@linkcode Respondent} socket is set up. */
export interface RespondentOptions extends ReplyOptions, RawReplyOptions, RawOption, SocketOptions {}

/**
 * RESPONDENT: gets surveys, and answers those that it wants to.
 *
 * @example
 * ```ts
 * import { Respondent, Surveyor } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using respondent = new Respondent();
 * await respondent.listen("inproc://survey");
 * await using surveyor = new Surveyor();
 * await surveyor.dial("inproc://survey");
 *
 * await surveyor.send("ready?");
 * assert.equal((await respondent.receive()).text(), "ready?");
 * await respondent.send("yes");
 * assert.equal((await surveyor.receive()).text(), "yes");
 * ```
 */
export class Respondent extends AnsweringSocket {
  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: RespondentOptions = {}) {
    super(options.raw ? new RawRespondentEngine(options) : new RespondentEngine(options), options);
  }
}
