/** SURVEYOR and RESPONDENT: one question to all, and the answers that come in time. @module */

import { TimeoutError, UnsupportedError } from "../../common/errors.ts";
import type { SpMessage } from "../message.ts";
import type { RawOption } from "../protocol/options.ts";
import type { RawReplyOptions } from "../protocol/raw_reply.ts";
import { RawRespondentEngine } from "../protocol/raw_respondent.ts";
import { RawSurveyorEngine, type RawSurveyorOptions } from "../protocol/raw_surveyor.ts";
import type { ReplyOptions } from "../protocol/reply.ts";
import { RespondentEngine } from "../protocol/respondent.ts";
import { SurveyorEngine, type SurveyorOptions as SurveyorPatternOptions } from "../protocol/surveyor.ts";
import type { SocketCore } from "../socket/core.ts";
import type { SocketOptions } from "../socket/options.ts";
import { SpContext } from "./context.ts";
import { serve, type ServeHandler, type ServeOptions } from "./serve.ts";
import { duplexParts, DuplexSocket, type Sendable } from "./socket.ts";

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
  readonly #engine: SurveyorEngine | RawSurveyorEngine;
  readonly #core: SocketCore;
  readonly #options: SurveyorOptions;

  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: SurveyorOptions = {}) {
    const engine = options.raw ? new RawSurveyorEngine(options) : new SurveyorEngine(options);
    const parts = duplexParts(engine, options, true);
    super(parts);
    this.#engine = engine;
    this.#core = parts.core;
    this.#options = options;
  }

  /**
   * Asks everybody who is connected now. Any number of surveys may be under way.
   *
   * @param data The question.
   * @param options How long answers are waited for.
   * @returns The answers as they come; it ends when the time is over.
   * @throws {ClosedError} When the socket is closed.
   * @throws {MessageTooLargeError} When no respondent takes so large a question.
   * @throws {UnsupportedError} In raw mode.
   */
  async *survey(data: Sendable, options: SurveyOptions = NO_OPTIONS): AsyncIterableIterator<SpMessage> {
    const { timeout, signal } = options;
    const context = this.openContext(timeout === undefined ? NO_OPTIONS : { surveyTime: timeout });
    try {
      await context.send(data, { signal });
      for (;;) yield context.tryReceive() ?? await context.receive({ signal });
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    } finally {
      context.close();
    }
  }

  /**
   * Opens a conversation of its own on this socket: surveys that don't end each other.
   *
   * @param options `surveyTime`: how long answers are waited for, in milliseconds. @default as the socket
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} In raw mode.
   */
  openContext(options: { surveyTime?: number } = NO_OPTIONS): SpContext {
    if (!(this.#engine instanceof SurveyorEngine)) {
      throw new UnsupportedError("a raw surveyor socket has no contexts; leave out the option raw");
    }
    this.#core.checkOpen("openContext");
    return new SpContext(this.#engine.openContext(options), this.#core, NO_OPTIONS);
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
export class Respondent extends DuplexSocket {
  readonly #engine: RespondentEngine | RawRespondentEngine;
  readonly #core: SocketCore;
  readonly #options: RespondentOptions;

  /**
   * Opens a socket.
   *
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   */
  constructor(options: RespondentOptions = {}) {
    const engine = options.raw ? new RawRespondentEngine(options) : new RespondentEngine(options);
    const parts = duplexParts(engine, options);
    super(parts);
    this.#engine = engine;
    this.#core = parts.core;
    this.#options = options;
  }

  /**
   * Answers surveys, until the socket is closed.
   *
   * An answer that is too large for who asked is dropped and counted (`dropped.tooLarge` of the socket and the pipe).
   *
   * @param handler Gives the answer, or a promise of it; `undefined` gives none.
   * @param options How many are answered at a time, and a signal to end it.
   * @returns Resolves at the end; rejects with what the handler throws.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {UnsupportedError} In raw mode.
   */
  serve(handler: ServeHandler, options: ServeOptions = NO_OPTIONS): Promise<void> {
    try {
      return serve(this.#cooked("serve"), this.#core, handler, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Opens a conversation of its own on this socket: it gets one survey at a time, whichever comes next.
   *
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} In raw mode.
   */
  openContext(): SpContext {
    return new SpContext(this.#cooked("openContext").openContext(), this.#core, this.#options);
  }

  #cooked(operation: string): RespondentEngine {
    this.#core.checkOpen(operation);
    if (this.#engine instanceof RespondentEngine) return this.#engine;
    throw new UnsupportedError(`${operation}: a raw respondent socket has no contexts; leave out the option raw`);
  }
}
