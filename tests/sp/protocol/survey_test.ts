// SURVEYOR: answers until the deadline, and no longer.

import assert from "node:assert/strict";
import { ArgumentError, ClosedError, StateError, TimeoutError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import type { Sender } from "../../../sp/protocol/engine.ts";
import { RawRespondentEngine } from "../../../sp/protocol/raw_respondent.ts";
import { RawSurveyorEngine } from "../../../sp/protocol/raw_surveyor.ts";
import { SurveyorEngine, type SurveyorOptions } from "../../../sp/protocol/surveyor.ts";
import { test } from "../../support/harness.ts";
import { attach, bytesOf, hex, makeRoom } from "../simulation/fake_pipe.ts";

function surveyor(options: SurveyorOptions = {}): SurveyorEngine {
  return new SurveyorEngine({ firstId: 1, ...options });
}

function ask(sender: Sender, text: string, now = 0): boolean {
  return sender.trySend(SpMessage.of(text), now);
}

test("a survey goes to everybody, and the answers come without its id", () => {
  const engine = surveyor();
  const [a, b] = attach(engine, 2);

  assert.equal(ask(engine, "who?"), true);
  engine.receive(a, bytesOf("80000001:a"), 1);
  engine.receive(b, bytesOf("80000001:b"), 2);

  assert.deepEqual([a.sent, b.sent], [[hex("80000001:who?")], [hex("80000001:who?")]]);
  const answers = [engine.tryReceive(3)!, engine.tryReceive(3)!];
  assert.deepEqual(answers.map((answer) => [answer.text(), answer.pipe]), [["a", a], ["b", b]]);
  assert.equal(engine.tryReceive(3), undefined);
});

test("by default a survey takes a second", () => {
  const engine = surveyor();
  ask(engine, "x", 5);
  assert.equal(engine.deadline, 1005);
});

test("at the deadline the receiver is told, and after it receiving is a timeout, until the next survey", () => {
  const engine = surveyor({ surveyTime: 100 });
  let calls = 0;
  engine.onReceivable = () => calls++;
  ask(engine, "x");
  engine.tryReceive(99);

  engine.expire(100);

  assert.deepEqual([calls, engine.deadline], [1, Infinity]);
  assert.throws(() => engine.tryReceive(100), TimeoutError);
  assert.throws(() => engine.tryReceive(101), TimeoutError);
  ask(engine, "y", 200);
  assert.equal(engine.tryReceive(200), undefined);
});

test("the deadline holds even before anybody calls expire", () => {
  const engine = surveyor({ surveyTime: 100 });
  const [pipe] = attach(engine, 1);
  ask(engine, "x");

  engine.receive(pipe, bytesOf("80000001:late"), 100);

  assert.equal(engine.stats().dropped.stale, 1);
  assert.throws(() => engine.tryReceive(100), TimeoutError);
});

test("an answer that came in time is given even after the deadline", () => {
  const engine = surveyor({ surveyTime: 100 });
  const [pipe] = attach(engine, 1);
  ask(engine, "x");
  engine.receive(pipe, bytesOf("80000001:good"), 99);

  engine.expire(100);

  assert.equal(engine.tryReceive(150)?.text(), "good");
  assert.throws(() => engine.tryReceive(150), TimeoutError);
});

test("a new survey cancels the old one, with the answers that nobody took", () => {
  const engine = surveyor();
  const [pipe] = attach(engine, 1);
  ask(engine, "x");
  engine.receive(pipe, bytesOf("80000001:to x"), 0);

  ask(engine, "y");
  engine.receive(pipe, bytesOf("80000001:to x"), 0);
  engine.receive(pipe, bytesOf("80000002:to y"), 0);

  assert.equal(engine.tryReceive(0)?.text(), "to y");
  assert.equal(engine.tryReceive(0), undefined);
});

test("receiving without a survey is an error, also after it was cancelled", () => {
  const engine = surveyor();
  assert.throws(() => engine.tryReceive(0), StateError);
  ask(engine, "x");
  engine.cancel();
  assert.throws(() => engine.tryReceive(0), StateError);
  assert.equal(engine.deadline, Infinity);
});

test("contexts have surveys, deadlines and answers of their own", () => {
  const engine = surveyor({ surveyTime: 100 });
  const [pipe] = attach(engine, 1);
  const short = engine.openContext({ surveyTime: 10 });
  ask(engine, "long");
  ask(short, "short");
  assert.equal(engine.deadline, 10);

  engine.expire(10);
  engine.receive(pipe, bytesOf("80000001:to long"), 20);
  engine.receive(pipe, bytesOf("80000002:to short"), 20);

  assert.equal(engine.deadline, 100);
  assert.equal(engine.tryReceive(20)?.text(), "to long");
  assert.throws(() => short.tryReceive(20), TimeoutError);
});

test("answers that don't fit are dropped and counted, and pipes are never paused", () => {
  const engine = surveyor({ receiveBuffer: 2 });
  const [pipe] = attach(engine, 1);
  ask(engine, "x");

  for (const text of ["1", "2", "3"]) engine.receive(pipe, bytesOf(`80000001:${text}`), 0);

  assert.deepEqual([engine.tryReceive(0)?.text(), engine.tryReceive(0)?.text()], ["1", "2"]);
  assert.deepEqual([engine.stats().dropped.bufferFull, pipe.isPaused], [1, false]);
});

test("surveys wait for a slow pipe up to a bound, and hold up nobody", () => {
  const engine = surveyor({ sendBuffer: 1 });
  const [slow, fast] = attach(engine, 2);
  slow.room = 0;

  for (const text of ["1", "2", "3"]) ask(engine.openContext(), text);
  makeRoom(engine, slow, 9);

  assert.deepEqual(slow.sent, [hex("80000001:1")]);
  assert.equal(fast.sent.length, 3);
  assert.equal(engine.stats().dropped.bufferFull, 2);
});

test("an answer without an id closes its pipe", () => {
  const engine = surveyor();
  const [pipe] = attach(engine, 1);
  engine.receive(pipe, new Uint8Array(3), 0);
  assert.equal(pipe.isClosed, true);
});

test("a closed context forgets its survey, and the engine closes its contexts", () => {
  const engine = surveyor();
  const [one, two] = [engine.openContext(), engine.openContext()];
  ask(one, "x");
  one.close();
  assert.equal(engine.deadline, Infinity);

  engine.close();

  for (const context of [one, two, engine]) assert.throws(() => ask(context, "x"), ClosedError);
});

test("times and buffers out of their range are refused", () => {
  assert.throws(() => surveyor({ surveyTime: -1 }), ArgumentError);
  assert.throws(() => surveyor({ receiveBuffer: 0 }), ArgumentError);
  assert.throws(() => surveyor().surveyTime = 0, ArgumentError);
});

test("raw SURVEYOR sends headers as they are to everybody, and takes answers apart", () => {
  const engine = new RawSurveyorEngine();
  const [a, b] = attach(engine, 2);

  engine.trySend(new SpMessage(bytesOf(":x"), bytesOf("0000000780000001")), 0);
  engine.receive(b, bytesOf("0000000780000001:y"), 0);
  engine.receive(a, bytesOf("00000007"), 0);

  assert.deepEqual([a.sent, b.sent], [[hex("0000000780000001:x")], [hex("0000000780000001:x")]]);
  const answer = engine.tryReceive(0)!;
  assert.deepEqual([answer.header, answer.text()], [bytesOf("0000000780000001"), "y"]);
  assert.equal(a.isClosed, true);
});

test("raw RESPONDENT puts the pipe in front of the way back, and sends an answer there", () => {
  const engine = new RawRespondentEngine();
  const [pipe] = attach(engine, 1);
  engine.receive(pipe, bytesOf("80000001:x"), 0);

  const survey = engine.tryReceive(0)!;
  engine.trySend(new SpMessage(bytesOf(":y"), survey.header), 0);

  assert.deepEqual(survey.header, bytesOf("0000000180000001"));
  assert.deepEqual(pipe.sent, [hex("80000001:y")]);
});
