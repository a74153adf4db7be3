// REP: the way back, hop limit, contexts, floods. RESPONDENT shares all of it.

import assert from "node:assert/strict";
import { ArgumentError, ClosedError, StateError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import type { Sender } from "../../../sp/protocol/engine.ts";
import { RawRepEngine } from "../../../sp/protocol/raw_rep.ts";
import { RepEngine } from "../../../sp/protocol/rep.ts";
import { RespondentEngine } from "../../../sp/protocol/respondent.ts";
import { test } from "../../support/harness.ts";
import { attach, bytesOf, FakePipe, hex, makeRoom } from "../simulation/fake_pipe.ts";

function answer(sender: Sender, text: string): boolean {
  return sender.trySend(SpMessage.of(text), 0);
}

/** A header of so many words. */
function words(count: number): string {
  return "00000005".repeat(count - 1) + "80000001";
}

for (const create of [() => new RepEngine(), () => new RespondentEngine()]) {
  const { name } = create().info;

  test(`${name}: an answer goes back the way that its question came`, () => {
    const engine = create();
    const [a, b] = attach(engine, 2);
    engine.receive(b, bytesOf("0000000780000001:question"), 0);

    const question = engine.tryReceive(0)!;
    answer(engine, "answer");

    assert.deepEqual([question.text(), question.header.length, question.pipe], ["question", 0, b]);
    assert.deepEqual([a.sent, b.sent], [[], [hex("0000000780000001:answer")]]);
  });

  test(`${name}: answering without a question, or twice, is an error`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1);
    assert.throws(() => answer(engine, "x"), StateError);
    engine.receive(pipe, bytesOf("80000001:x"), 0);
    engine.tryReceive(0);
    answer(engine, "y");

    assert.throws(() => answer(engine, "z"), StateError);
  });

  test(`${name}: the next question gives up the one before`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1);
    engine.receive(pipe, bytesOf("80000001:first"), 0);
    engine.receive(pipe, bytesOf("80000002:second"), 0);
    engine.tryReceive(0);
    engine.tryReceive(0);

    answer(engine, "x");

    assert.deepEqual(pipe.sent, [hex("80000002:x")]);
  });

  test(`${name}: an answer that waits is refused once the next question is taken, and is no answer to that`, () => {
    const engine = create();
    const [full, ready] = attach(engine, 2);
    full.room = 0;
    engine.receive(full, bytesOf("80000001:first"), 0);
    engine.tryReceive(0);
    assert.equal(answer(engine, "to first"), false);
    let calls = 0;
    engine.onSendable = () => {
      calls++;
      assert.throws(() => answer(engine, "to first"), StateError);
    };

    engine.receive(ready, bytesOf("80000002:second"), 0);
    assert.equal(engine.tryReceive(0)?.text(), "second");

    assert.equal(calls, 1);
    assert.equal(answer(engine, "to second"), true);
    makeRoom(engine, full, 1);
    assert.deepEqual([full.sent, ready.sent, calls], [[], [hex("80000002:to second")], 1]);
  });

  test(`${name}: contexts answer in any order, each its own question`, () => {
    const engine = create();
    const [a, b] = attach(engine, 2);
    const contexts = [engine.openContext(), engine.openContext()];
    engine.receive(a, bytesOf("80000001:a"), 0);
    engine.receive(b, bytesOf("80000001:b"), 0);
    const questions = contexts.map((context) => context.tryReceive(0)!.text());

    answer(contexts[1], `to ${questions[1]}`);
    answer(contexts[0], `to ${questions[0]}`);

    assert.deepEqual([a.sent, b.sent], [[hex("80000001:to a")], [hex("80000001:to b")]]);
  });

  test(`${name}: contexts that wait are told in their turn, as long as there are questions`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1);
    const told: string[] = [];
    const contexts = ["absent", "first", "second"].map((name) => {
      const context = engine.openContext();
      context.onReceivable = (now) => {
        told.push(name);
        if (name !== "absent") context.tryReceive(now);
      };
      context.tryReceive(0);
      return context;
    });

    engine.receive(pipe, bytesOf("80000001:x"), 0);
    assert.deepEqual(told, ["absent", "first"]);
    engine.receive(pipe, bytesOf("80000002:y"), 0);
    assert.deepEqual(told, ["absent", "first", "second"]);
    assert.equal(contexts.length, 3);
  });

  test(`${name}: an answer to a pipe that has gone is dropped and counted`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1);
    engine.receive(pipe, bytesOf("80000001:x"), 0);
    engine.tryReceive(0);

    engine.detach(pipe, 0);

    assert.equal(answer(engine, "y"), true);
    assert.equal(engine.stats().dropped.noPeer, 1);
    assert.throws(() => answer(engine, "y"), StateError);
  });

  test(`${name}: an answer waits while its pipe is full, and no longer than the pipe lives`, () => {
    for (const isGone of [false, true]) {
      const engine = create();
      const [pipe] = attach(engine, 1, 0);
      engine.receive(pipe, bytesOf("80000001:x"), 0);
      engine.tryReceive(0);
      const results: boolean[] = [];
      engine.onSendable = () => results.push(answer(engine, "y"));

      assert.equal(answer(engine, "y"), false);
      if (isGone) engine.detach(pipe, 0);
      else makeRoom(engine, pipe, 1);

      assert.deepEqual(results, [true]);
      assert.deepEqual(pipe.sent, isGone ? [] : [hex("80000001:y")]);
    }
  });

  test(`${name}: answers that wait for a pipe go first come, first served`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1, 0);
    for (const index of [1, 2, 3]) {
      engine.receive(pipe, bytesOf(`8000000${index}:x`), 0);
      const context = engine.openContext();
      context.tryReceive(0);
      context.onSendable = () => answer(context, "y");
      assert.equal(answer(context, "y"), false);
    }

    pipe.room = 1;
    engine.receive(pipe, bytesOf("80000004:x"), 0);
    engine.tryReceive(0);
    assert.equal(answer(engine, "y"), false, "room that nobody was told of is for the first");
    makeRoom(engine, pipe, 2);
    assert.deepEqual(pipe.sent, [hex("80000001:y"), hex("80000002:y")]);
    makeRoom(engine, pipe, 2);
    assert.deepEqual(pipe.sent.slice(2), [hex("80000003:y")]);
  });

  test(`${name}: a closed context is told of no question`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1);
    const context = engine.openContext();
    context.onReceivable = () => assert.fail("it is closed");
    context.tryReceive(0);

    context.close();
    engine.receive(pipe, bytesOf("80000001:x"), 0);

    assert.equal(engine.tryReceive(0)?.text(), "x");
  });

  test(`${name}: nobody is told of room for an answer that was given up`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1, 0);
    const context = engine.openContext();
    engine.receive(pipe, bytesOf("80000001:x"), 0);
    context.tryReceive(0);
    let calls = 0;
    context.onSendable = () => calls++;
    answer(context, "y");

    context.close();
    makeRoom(engine, pipe, 1);

    assert.equal(calls, 0);
  });

  test(`${name}: a question without an id closes its pipe, one with too many hops is dropped`, () => {
    const engine = create();
    const [short, none, far] = attach(engine, 3);

    engine.receive(short, bytesOf("8000"), 0);
    engine.receive(none, bytesOf("0000000500000005"), 0);
    engine.receive(far, bytesOf(words(9)), 0);
    engine.receive(far, new Uint8Array(1 << 20), 0);
    engine.receive(far, bytesOf(words(8)), 0);

    assert.deepEqual([short.isClosed, none.isClosed, far.isClosed], [true, true, false]);
    const { hopLimit, malformed } = engine.stats().dropped;
    assert.deepEqual([hopLimit, malformed], [2, 2]);
    assert.equal(engine.tryReceive(0)?.text(), "");
  });

  test(`${name}: a flood that nobody reads is paused, and goes with its pipe`, () => {
    const engine = create();
    const pipes = attach(engine, 10);
    for (const pipe of pipes) {
      for (let count = 0; count < 1000 && !pipe.isPaused; count++) engine.receive(pipe, bytesOf("80000001:x"), 0);
    }
    assert.equal(engine.stats().unread, 128 + 9);
    assert.ok(pipes.every(({ isPaused }) => isPaused));

    for (const pipe of pipes) engine.detach(pipe, 0);

    assert.equal(engine.stats().unread, 0);
    assert.equal(engine.stats().dropped.pipeGone, 128 + 9);
  });

  test(`${name}: a closed context answers nothing, and the engine closes its contexts`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1);
    engine.receive(pipe, bytesOf("80000001:x"), 0);
    const [one, two] = [engine.openContext(), engine.openContext()];
    one.tryReceive(0);
    one.close();
    engine.close();

    for (const sender of [one, two, engine]) assert.throws(() => answer(sender, "x"), ClosedError);
    assert.equal(pipe.sent.length, 0);
  });
}

test("the hop limit can be chosen, from 1 to 15", () => {
  const engine = new RepEngine({ hopLimit: 15 });
  const [pipe] = attach(engine, 1);
  engine.receive(pipe, bytesOf(words(15)), 0);
  engine.receive(pipe, bytesOf(words(16)), 0);

  assert.equal(engine.stats().unread, 1);
  for (const hopLimit of [0, 16, 1.5]) assert.throws(() => new RepEngine({ hopLimit }), ArgumentError);
});

test("raw REP puts the pipe in front of the way back, and sends an answer there", () => {
  const engine = new RawRepEngine();
  const [a, b] = attach(engine, 2);
  engine.receive(b, bytesOf("0000000780000001:x"), 0);

  const request = engine.tryReceive(0)!;
  engine.trySend(new SpMessage(bytesOf(":y"), request.header), 0);

  assert.deepEqual([request.header, request.text()], [bytesOf("000000020000000780000001"), "x"]);
  assert.deepEqual([a.sent, b.sent], [[], [hex("0000000780000001:y")]]);
});

test("raw REP never waits: what is for nobody, or doesn't fit, is dropped and counted", () => {
  const engine = new RawRepEngine({ sendBuffer: 2 });
  const [slow, other] = attach(engine, 2);
  slow.room = 0;
  const reply = (header: string, text: string) =>
    engine.trySend(new SpMessage(bytesOf(`:${text}`), bytesOf(header)), 0);

  for (const text of ["1", "2", "3"]) assert.equal(reply("0000000180000001", text), true);
  reply("0000000280000001", "4");
  reply("0000000980000001", "5");
  makeRoom(engine, slow, 9);

  assert.deepEqual(slow.sent, [hex("80000001:1"), hex("80000001:2")]);
  assert.deepEqual(other.sent, [hex("80000001:4")]);
  const { bufferFull, noPeer } = engine.stats().dropped;
  assert.deepEqual([bufferFull, noPeer], [1, 1]);
});

test("raw REP refuses to send what says no pipe", () => {
  const engine = new RawRepEngine();
  assert.throws(() => engine.trySend(SpMessage.of("x"), 0), ArgumentError);
});

test("raw REP drops what has too many hops, and closes the pipe of what has no id", () => {
  const engine = new RawRepEngine({ hopLimit: 2 });
  const [far, bad] = attach(engine, 2);

  engine.receive(far, bytesOf(words(3)), 0);
  engine.receive(bad, new Uint8Array(4), 0);

  assert.deepEqual([far.isClosed, bad.isClosed], [false, true]);
  assert.equal(engine.tryReceive(0), undefined);
});

test("a pipe that comes back with the same id doesn't get the answers of the one before", () => {
  const engine = new RepEngine();
  const [old] = attach(engine, 1);
  engine.receive(old, bytesOf("80000001:x"), 0);
  engine.tryReceive(0);
  engine.detach(old, 0);
  const again = new FakePipe(old.id);
  engine.attach(again, 0);

  answer(engine, "y");

  assert.equal(again.sent.length, 0);
});
