// SURVEYOR and RESPONDENT on a network that loses and breaks.

import assert from "node:assert/strict";
import { StateError, TimeoutError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import { Device } from "../../../sp/protocol/device.ts";
import { RawRespondentEngine } from "../../../sp/protocol/raw_respondent.ts";
import { RawSurveyorEngine } from "../../../sp/protocol/raw_surveyor.ts";
import { RespondentEngine } from "../../../sp/protocol/respondent.ts";
import { type SurveyorContext, SurveyorEngine } from "../../../sp/protocol/surveyor.ts";
import { test } from "../../support/harness.ts";
import { Server } from "../simulation/actors.ts";
import { type Conditions, FINE, Network } from "../simulation/network.ts";
import { forSeeds, type Random } from "../simulation/random.ts";
import { Simulation } from "../simulation/simulation.ts";

const SURVEY_TIME = 100;
const RECEIVE_BUFFER = 8;

/** Surveys again and again, now and then before the time is over, and checks each answer. */
class Asker {
  surveys = 0;
  answers = 0;
  timeouts = 0;
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #context: SurveyorContext;
  readonly #name: string;
  #endsAt = 0;

  constructor(simulation: Simulation, random: Random, context: SurveyorContext, name: string) {
    this.#simulation = simulation;
    this.#random = random;
    this.#context = context;
    this.#name = name;
    context.onReceivable = (now) => this.#receive(now);
    assert.throws(() => context.tryReceive(0), StateError);
    this.#ask();
  }

  #ask(): void {
    const { now } = this.#simulation;
    if (now > 5_000) return;
    this.#context.trySend(SpMessage.of(`${this.#name} ${++this.surveys}`), now);
    this.#endsAt = now + SURVEY_TIME;
    this.#receive(now);
    if (this.#random.chance(0.2)) this.#simulation.after(this.#random.integer(1, 90), () => this.#ask());
  }

  #receive(now: number): void {
    try {
      for (let answer = this.#context.tryReceive(now); answer; answer = this.#context.tryReceive(now)) {
        assert.equal(answer.text(), `re: ${this.#name} ${this.surveys}`, "an answer to another survey");
        assert.ok(now < this.#endsAt, "an answer after the deadline");
        this.answers++;
      }
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      assert.ok(now >= this.#endsAt, "over before the deadline");
      this.timeouts++;
      this.#simulation.after(this.#random.integer(0, 50), () => this.#ask());
    }
  }
}

function scene(random: Random, conditions: Partial<Conditions>) {
  const simulation = new Simulation();
  const network = new Network(simulation, random, conditions);
  const surveyors = Array.from(
    { length: 2 },
    () => simulation.drive(new SurveyorEngine({ surveyTime: SURVEY_TIME, receiveBuffer: RECEIVE_BUFFER })),
  );
  const respondents = Array.from({ length: 4 }, () => new RespondentEngine({ receiveBuffer: 2 }));
  const askers = surveyors.flatMap((surveyor, index) =>
    [0, 1].map((context) => new Asker(simulation, random, surveyor.openContext(), `asker ${index}/${context}`))
  );
  for (const respondent of respondents) {
    new Server(simulation, respondent.openContext(), () => random.chance(0.1) ? 150 : random.integer(0, 30));
  }
  simulation.always(() => {
    for (const surveyor of surveyors) {
      const { unread, unsent, pipes } = surveyor.stats();
      assert.ok(unread <= 2 * RECEIVE_BUFFER && unsent <= 8 * pipes, "SURVEYOR holds too much");
    }
    for (const respondent of respondents) {
      assert.ok(respondent.stats().unread <= 2 + respondent.stats().pipes, "RESPONDENT holds too much");
    }
  });
  return { simulation, network, surveyors, respondents, askers };
}

const ROUGH: Partial<Conditions> = { latency: 40, loss: 0.05, lifetime: 400, capacity: 3 };
const NETWORKS: readonly [does: string, conditions: Partial<Conditions>][] = [
  ["loses and breaks", ROUGH],
  ["reorders and doubles as well", { ...ROUGH, isReordering: true, duplication: 0.2 }],
];

for (const [does, conditions] of NETWORKS) {
  test(`no answer comes after the deadline of its survey, or to another survey, on a network that ${does}`, () => {
    forSeeds(30, (random) => {
      const stage = scene(random, conditions);
      for (const surveyor of stage.surveyors) {
        for (const respondent of stage.respondents) stage.network.connect(surveyor, respondent);
      }

      stage.simulation.run(6_000);

      for (const { answers, timeouts, surveys } of stage.askers) {
        assert.ok(answers > 0 && timeouts > 0 && surveys >= timeouts);
      }
      assert.ok(stage.surveyors.every((surveyor) => surveyor.stats().dropped.stale > 0));
      assert.ok(stage.surveyors.every((surveyor) => surveyor.deadline === Infinity));
    });
  });
}

test("the same holds behind devices", () => {
  forSeeds(20, (random) => {
    const stage = scene(random, { ...FINE, lifetime: 600 });
    const [front, back] = [new RawRespondentEngine(), new RawSurveyorEngine()];
    new Device(front, back).start(0);
    for (const surveyor of stage.surveyors) stage.network.connect(surveyor, front);
    for (const respondent of stage.respondents) stage.network.connect(back, respondent);

    stage.simulation.run(6_000);

    for (const { answers, timeouts } of stage.askers) assert.ok(answers > 0 && timeouts > 0);
  });
});
