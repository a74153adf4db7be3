/**
 * Users of engines, in simulated time: those who ask, and those who answer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { NoPeerError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import type { ReplyContext } from "../../../sp/protocol/reply.ts";
import type { ReqContext } from "../../../sp/protocol/req.ts";
import type { Random } from "./random.ts";
import type { Simulation } from "./simulation.ts";

/** How a request has ended. */
export type Outcome = "answered" | "cancelled" | "no peer" | "pending";

/** Asks one thing after the other on a context, gives up now and then, and checks what it gets. */
export class Client {
  /** What was asked and taken, and how it ended. */
  readonly outcomes: Outcome[] = [];
  isStopped = false;
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #context: ReqContext;
  readonly #name: string;

  constructor(simulation: Simulation, random: Random, context: ReqContext, name: string) {
    this.#simulation = simulation;
    this.#random = random;
    this.#context = context;
    this.#name = name;
    context.onReceivable = (now) => this.#receive(now);
    context.onSendable = () => this.#ask();
    this.#later();
  }

  #later(): void {
    this.#simulation.after(this.#random.integer(1, 100), () => this.#ask());
  }

  #ask(): void {
    if (this.isStopped) return;
    const isPending = this.outcomes.at(-1) === "pending";
    if (isPending && this.#random.chance(0.5)) {
      this.#context.cancel();
      this.#settle("cancelled");
      this.#later();
      return;
    }
    const text = `${this.#name} ${this.outcomes.length}`;
    if (!this.#context.trySend(SpMessage.of(text), this.#simulation.now)) return;
    if (isPending) this.#settle("cancelled");
    this.outcomes.push("pending");
    this.#receive(this.#simulation.now);
    // Some wait for ever, others lose patience.
    if (this.#random.chance(0.3)) this.#simulation.after(this.#random.integer(1, 500), () => this.#loseHeart(text));
  }

  #loseHeart(text: string): void {
    if (text === `${this.#name} ${this.outcomes.length - 1}` && this.outcomes.at(-1) === "pending") this.#ask();
  }

  #receive(now: number): void {
    try {
      const reply = this.#context.tryReceive(now);
      if (reply === undefined) return;
      assert.equal(reply.text(), `re: ${this.#name} ${this.outcomes.length - 1}`, "a reply to another request");
      this.#settle("answered");
    } catch (error) {
      if (!(error instanceof NoPeerError)) throw error;
      this.#settle("no peer");
    }
    this.#later();
  }

  #settle(outcome: Outcome): void {
    assert.equal(this.outcomes.at(-1), "pending", `${outcome}, but nothing was asked`);
    this.outcomes[this.outcomes.length - 1] = outcome;
  }
}

/** Answers everything after a while, one question at a time. */
export class Server {
  answered = 0;
  readonly #simulation: Simulation;
  readonly #context: ReplyContext;
  readonly #delay: () => number;
  #answer: SpMessage | undefined = undefined;

  constructor(simulation: Simulation, context: ReplyContext, delay: () => number) {
    this.#simulation = simulation;
    this.#context = context;
    this.#delay = delay;
    context.onReceivable = (now) => this.#take(now);
    context.onSendable = (now) => this.#send(now);
    this.#take(0);
  }

  #take(now: number): void {
    if (this.#answer !== undefined) return;
    const question = this.#context.tryReceive(now);
    if (question === undefined) return;
    this.#answer = SpMessage.of(`re: ${question.text()}`);
    this.#simulation.after(this.#delay(), () => this.#send(this.#simulation.now));
  }

  #send(now: number): void {
    if (this.#answer === undefined || !this.#context.trySend(this.#answer, now)) return;
    this.#answer = undefined;
    this.answered++;
    this.#take(now);
  }
}
