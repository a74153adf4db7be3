/**
 * SURVEYOR: asks everybody, for a while. Protocol 98; sp-surveyor-01.
 *
 * A survey goes to all connected RESPONDENT sockets, and any number of answers comes back until its deadline. Nothing waits:
 * for a pipe that is busy a bounded number of surveys is kept, and then new ones are dropped for it. In front of a survey is
 * an id, by which answers are known. Answers that come after the deadline, or to a survey that a new one has cancelled, are
 * dropped and counted, and so are those that don't fit the buffer.
 *
 * A context carries one survey at a time. The answers that came in time are given to the user even when the deadline is over
 * by then (nng drops them); after the last of them receiving throws a `TimeoutError`, until the next survey. As in nng, an
 * answer too short for an id closes its pipe.
 *
 * @module
 */

import { StateError, TimeoutError } from "../../common/errors.ts";
import { NO_HEADER, SpMessage } from "../message.ts";
import { ConversingEngine, EngineContext } from "./contexts.ts";
import { ignore, type ProtocolInfo, type Sender } from "./engine.ts";
import { bufferOption, DEFAULT_RECEIVE_BUFFER, durationOption, type SendBufferOption } from "./options.ts";
import { readWord, WORD, writeWord } from "./parts/backtrace.ts";
import { DroppingPipe } from "./parts/dropping_pipe.ts";
import { DroppingQueue } from "./parts/dropping_queue.ts";
import { Ids } from "./parts/ids.ts";
import type { PipeRecord } from "./pattern.ts";
import type { Pipe } from "./pipe.ts";
import { SURVEYOR } from "./protocols.ts";

/** How surveys are made, of a socket or a context. */
export interface SurveyorContextOptions {
  /** How long answers are waited for, in milliseconds; `Infinity` for ever. @default {1000} */
  surveyTime?: number;
  /** How many answers are kept for the user, 1 to 8192. @default {128} */
  receiveBuffer?: number;
}

/** How a SURVEYOR socket behaves. Eight surveys wait for each pipe unless it is said otherwise, as in nng. */
export interface SurveyorOptions extends SurveyorContextOptions, SendBufferOption {
  /** The id of the first survey, for tests. @default {a random one} */
  firstId?: number;
}

/** A conversation on a SURVEYOR socket: a survey, its answers, and so on. */
export class SurveyorContext extends EngineContext<SurveyorEngine> implements Sender {
  onSendable: (now: number) => void = ignore;
  /** The id of the survey, while answers are waited for; otherwise 0. The engine's business, as what follows. */
  id = 0;
  /** When the survey ends. */
  deadline = Infinity;
  readonly #answers: DroppingQueue;
  #surveyTime: number;
  #isOver = false;

  /** Made by {@linkcode SurveyorEngine.openContext}. */
  constructor(engine: SurveyorEngine, surveyTime: number, receiveBuffer: number) {
    super(engine);
    this.#surveyTime = surveyTime;
    this.#answers = new DroppingQueue(receiveBuffer);
  }

  /** How long answers to surveys that are sent from now on are waited for, in milliseconds. */
  get surveyTime(): number {
    return this.#surveyTime;
  }

  set surveyTime(surveyTime: number) {
    this.#surveyTime = durationOption("surveyTime", surveyTime);
  }

  override get unread(): number {
    return this.#answers.length;
  }

  /** Sends a survey to everybody, which cancels the one before; always true. */
  trySend(message: SpMessage, now: number): boolean {
    this.checkOpen("send");
    this.engine.checkSize(WORD + message.body.length);
    this.cancel();
    this.engine.survey(this, message.body, now);
    return true;
  }

  /**
   * Gives an answer.
   *
   * @throws {TimeoutError} If the survey is over and all answers were given.
   * @throws {StateError} If there was no survey, or it was cancelled.
   */
  tryReceive(now: number): SpMessage | undefined {
    this.checkOpen("receive");
    if (this.#answers.length === 0) {
      if (this.id !== 0 && now >= this.deadline) this.end();
      if (this.#isOver) throw new TimeoutError("receive: the survey is over; send another, or raise `surveyTime`");
      if (this.id === 0) throw new StateError("receive: nothing was asked; send a survey first");
    }
    return this.#answers.take();
  }

  /** Forgets the survey and its answers. */
  cancel(): void {
    this.engine.forget(this);
    this.#answers.clear();
    this.#isOver = false;
  }

  /** An answer has come. */
  deliver(record: PipeRecord, message: SpMessage, now: number): void {
    if (this.#answers.put(record, message)) this.onReceivable(now);
  }

  /** The deadline is over. True if somebody waits, and has to be told. */
  end(): boolean {
    this.engine.forget(this);
    this.#isOver = true;
    return this.#answers.endWait();
  }

  protected override closed(): void {
    this.cancel();
  }
}

/** The SURVEYOR pattern. */
export class SurveyorEngine extends ConversingEngine<DroppingPipe, SurveyorContext> {
  readonly info: ProtocolInfo = SURVEYOR;
  protected readonly main: SurveyorContext;
  readonly #ids: Ids;
  readonly #sendBuffer: number;
  readonly #receiveBuffer: number;
  /** Who waits for answers, by the id of the survey. */
  readonly #surveys: Map<number, SurveyorContext> = new Map();
  /** No survey ends before this. Cancelling doesn't change it: looking too early now and then costs less. */
  #deadline = Infinity;

  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: SurveyorOptions = {}) {
    super();
    this.#ids = new Ids(options.firstId);
    this.#sendBuffer = bufferOption("sendBuffer", options.sendBuffer, 8);
    this.#receiveBuffer = bufferOption("receiveBuffer", options.receiveBuffer, DEFAULT_RECEIVE_BUFFER, 1);
    const surveyTime = durationOption("surveyTime", options.surveyTime ?? 1000);
    this.main = this.add(new SurveyorContext(this, surveyTime, this.#receiveBuffer));
  }

  override get deadline(): number {
    return this.#deadline;
  }

  /** See {@linkcode SurveyorContext.surveyTime}; contexts that are opened later have it too. */
  get surveyTime(): number {
    return this.main.surveyTime;
  }

  set surveyTime(surveyTime: number) {
    this.main.surveyTime = surveyTime;
  }

  /**
   * Opens a context, by default with the options of the socket.
   *
   * @throws {ArgumentError} If an option is out of its range.
   */
  openContext(options: SurveyorContextOptions = {}): SurveyorContext {
    this.checkOpen("openContext");
    const surveyTime = durationOption("surveyTime", options.surveyTime ?? this.surveyTime);
    const receiveBuffer = bufferOption("receiveBuffer", options.receiveBuffer, this.#receiveBuffer, 1);
    return this.add(new SurveyorContext(this, surveyTime, receiveBuffer));
  }

  /** See {@linkcode SurveyorContext.cancel}. */
  cancel(): void {
    this.main.cancel();
  }

  /** Sends the survey of a context to everybody. */
  survey(context: SurveyorContext, body: Uint8Array, now: number): void {
    context.id = this.#ids.take(this.#surveys);
    context.deadline = now + context.surveyTime;
    this.#surveys.set(context.id, context);
    this.#deadline = Math.min(this.#deadline, context.deadline);
    const header = new Uint8Array(WORD);
    writeWord(header, context.id);
    const message = new SpMessage(body, header);
    for (const pipe of this.pipes) pipe.offer(message);
  }

  /** Waits for no more answers for a context. */
  forget(context: SurveyorContext): void {
    if (context.id === 0) return;
    this.#surveys.delete(context.id);
    context.id = 0;
    if (this.#surveys.size === 0) this.#deadline = Infinity;
  }

  receive(pipe: Pipe, bytes: Uint8Array, now: number): void {
    const record = this.recordOf(pipe);
    if (record === undefined) return;
    if (bytes.length < WORD) {
      record.refuse();
      return;
    }
    const context = this.#surveys.get(readWord(bytes));
    if (context === undefined || now >= context.deadline) record.drop("stale");
    else context.deliver(record, new SpMessage(bytes.subarray(WORD), NO_HEADER, pipe), now);
  }

  override expire(now: number): void {
    if (now < this.#deadline) return;
    let deadline = Infinity;
    const waiting: SurveyorContext[] = [];
    for (const context of this.#surveys.values()) {
      if (context.deadline > now) deadline = Math.min(deadline, context.deadline);
      else if (context.end()) waiting.push(context);
    }
    this.#deadline = deadline;
    for (const context of waiting) context.onReceivable(now);
  }

  protected createRecord(pipe: Pipe): DroppingPipe {
    return new DroppingPipe(pipe, this.counters, this.#sendBuffer);
  }
}
