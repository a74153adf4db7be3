/** Answering by a function, for REP and RESPONDENT. @module */

import { ClosedError, MessageTooLargeError } from "../../common/errors.ts";
import { checkInteger } from "../../ffi/arguments.ts";
import { messageOf, type Sendable, type SpMessage } from "../message.ts";
import type { ReplyContext, ReplyEngine } from "../protocol/reply.ts";
import type { SocketCore } from "../socket/core.ts";
import { concerned, concerning } from "../socket/errors.ts";
import { checkFunction } from "../socket/options.ts";
import { later } from "../socket/steps.ts";

/** Gives the answer to a question; `undefined` gives none. */
export type ServeHandler = (question: SpMessage) => Sendable | undefined | Promise<Sendable | undefined>;

/** How questions are answered. */
export interface ServeOptions {
  /** How many at a time. @default {16} */
  concurrency?: number;
  /** Ends it: questions that are being answered still are. */
  signal?: AbortSignal;
}

/** Answers questions by several contexts, until the socket is closed, the signal fires or the handler throws. */
export function serve(
  engine: ReplyEngine,
  core: SocketCore,
  handler: ServeHandler,
  { concurrency = 16, signal }: ServeOptions,
): Promise<void> {
  concerned(core.label, () => {
    checkFunction("handler", handler);
    checkInteger("options.concurrency", concurrency, 1, 65536);
  });
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const serving = new Serving(engine, core, handler, (error) => {
      release();
      signal?.removeEventListener("abort", end);
      if (error === undefined) resolve();
      else reject(error.reason);
    });
    const end = () => serving.end();
    const release = core.onClose(end);
    signal?.addEventListener("abort", end, { once: true });
    serving.start(concurrency);
  });
}

/** What goes on between the first question and the last answer. */
class Serving {
  readonly engine: ReplyEngine;
  readonly core: SocketCore;
  readonly handler: ServeHandler;
  readonly #answerers: Set<Answerer> = new Set();
  readonly #onEnd: (error: { reason: unknown } | undefined) => void;
  #isEnding = false;

  constructor(
    engine: ReplyEngine,
    core: SocketCore,
    handler: ServeHandler,
    onEnd: (error: { reason: unknown } | undefined) => void,
  ) {
    this.engine = engine;
    this.core = core;
    this.handler = handler;
    this.#onEnd = onEnd;
  }

  /** Whether no further question is taken; a socket that lingers takes none either. */
  get isEnding(): boolean {
    return this.#isEnding || this.core.isClosed;
  }

  start(concurrency: number): void {
    for (let i = 0; i < concurrency; i++) this.#answerers.add(new Answerer(this));
    for (const answerer of this.#answerers) answerer.take();
  }

  /** Ends it, once what is being answered is answered. */
  end(): void {
    this.#isEnding = true;
    for (const answerer of this.#answerers) answerer.endIfIdle();
  }

  /** Ends it with an error: nobody waits for what is still being answered, but it is. */
  fail(reason: unknown): void {
    this.#onEnd({ reason: concerning(reason, this.core.label) });
    this.end();
  }

  ended(answerer: Answerer): void {
    this.#answerers.delete(answerer);
    if (this.#answerers.size === 0) this.#onEnd(undefined);
  }
}

/** Answers one question after the other. */
class Answerer {
  readonly #serving: Serving;
  readonly #context: ReplyContext;
  #question: SpMessage | undefined;
  #answer: SpMessage | undefined;
  #hasEnded = false;
  readonly #ask = (): void => this.#handle();
  readonly #told = (answer: Sendable | undefined): void => this.#reply(answer);
  readonly #failed = (reason: unknown): void => this.#fail(reason);

  constructor(serving: Serving) {
    this.#serving = serving;
    this.#context = serving.engine.openContext();
    this.#context.onReceivable = () => this.take();
    this.#context.onSendable = () => this.#send();
  }

  /** Takes a question, or waits for one. The handler is called a step later: it may do anything, the socket's end included. */
  take(): void {
    const { core, isEnding } = this.#serving;
    if (this.#hasEnded) return;
    if (isEnding) return this.#end();
    this.#question = this.#context.tryReceive(core.now());
    if (this.#question === undefined) return;
    core.answersDue++;
    later(this.#ask);
  }

  endIfIdle(): void {
    if (this.#question === undefined) this.#end();
  }

  #handle(): void {
    try {
      const answer = this.#serving.handler(this.#question!);
      if (isPromised(answer)) answer.then(this.#told, this.#failed);
      else this.#reply(answer);
    } catch (reason) {
      this.#fail(reason);
    }
  }

  #reply(answer: Sendable | undefined): void {
    if (answer === undefined) return this.#next();
    try {
      this.#answer = messageOf(answer);
    } catch (reason) {
      return this.#fail(reason);
    }
    this.#send();
  }

  #send(): void {
    const { core, engine } = this.#serving;
    try {
      if (!this.#context.trySend(this.#answer!, core.now())) return;
    } catch (reason) {
      // A peer that takes but little must not end the serving of all others.
      if (reason instanceof MessageTooLargeError) engine.countDrop("tooLarge", this.#question!.pipe);
      // The socket was closed before the answer was there.
      else if (!(reason instanceof ClosedError)) return this.#fail(reason);
    }
    this.#next();
  }

  #next(): void {
    this.#done();
    this.take();
  }

  #fail(reason: unknown): void {
    this.#done();
    this.#serving.fail(reason);
    this.#end();
  }

  #done(): void {
    this.#question = undefined;
    this.#answer = undefined;
    this.#serving.core.answersDue--;
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#context.close();
    this.#serving.ended(this);
  }
}

function isPromised(answer: ReturnType<ServeHandler>): answer is Promise<Sendable | undefined> {
  return typeof (answer as Partial<Promise<unknown>> | undefined)?.then === "function";
}
