// REQ: ids, sending again, cancelling, contexts.

import assert from "node:assert/strict";
import { ArgumentError, ClosedError, MessageTooLargeError, NoPeerError, StateError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import type { Sender } from "../../../sp/protocol/engine.ts";
import { RawReqEngine } from "../../../sp/protocol/raw_req.ts";
import { ReqEngine, type ReqOptions } from "../../../sp/protocol/req.ts";
import { test } from "../../support/harness.ts";
import { attach, bytesOf, FakePipe, hex, makeRoom } from "../simulation/fake_pipe.ts";

function req(options: ReqOptions = {}): ReqEngine {
  return new ReqEngine({ firstId: 1, ...options });
}

function ask(sender: Sender, text: string, now = 0): boolean {
  return sender.trySend(SpMessage.of(text), now);
}

test("a request has an id in front, and its reply comes without it", () => {
  const engine = req();
  const [pipe] = attach(engine, 1);

  assert.equal(ask(engine, "a"), true);
  assert.equal(engine.tryReceive(0), undefined);
  engine.receive(pipe, bytesOf("80000001:b"), 0);

  assert.deepEqual(pipe.sent, [hex("80000001:a")]);
  const reply = engine.tryReceive(0)!;
  assert.deepEqual([reply.text(), reply.header.length, reply.pipe], ["b", 0, pipe]);
});

test("requests go to the pipes in turn, and each has an id of its own", () => {
  const engine = req();
  const [a, b] = attach(engine, 2);

  for (const text of ["a", "b", "c"]) ask(engine.openContext(), text);

  assert.deepEqual(a.sent, [hex("80000001:a"), hex("80000003:c")]);
  assert.deepEqual(b.sent, [hex("80000002:b")]);
});

test("receiving before anything was asked is an error", () => {
  const engine = req();
  attach(engine, 1);
  assert.throws(() => engine.tryReceive(0), StateError);

  ask(engine, "a");
  engine.cancel();

  assert.throws(() => engine.tryReceive(0), StateError);
});

test("a request waits for a pipe that has room, first come first served", () => {
  const engine = req();
  const contexts = [engine.openContext(), engine.openContext()];
  const told: number[] = [];
  contexts.forEach((context, index) => context.onSendable = () => told.push(index));
  assert.deepEqual(contexts.map((context) => ask(context, "x")), [false, false]);

  const pipe = new FakePipe(1);
  pipe.room = 1;
  contexts[0].onSendable = () => {
    told.push(0);
    ask(contexts[0], "x");
    assert.equal(ask(contexts[0], "y"), false);
  };
  engine.attach(pipe, 0);
  assert.deepEqual(told, [0]);
  contexts[0].onSendable = () => told.push(0);
  makeRoom(engine, pipe, 1);

  assert.deepEqual(told, [0, 1, 0]);
});

test("a request that is too large for the pipe with room is tried once, and waits for another", () => {
  const engine = req();
  const [small, large] = attach(engine, 2, 0);
  small.maxSendSize = 8;
  const context = engine.openContext();
  let tries = 0;
  context.onSendable = () => {
    tries++;
    ask(context, "too large for one");
  };
  assert.equal(ask(context, "too large for one"), false);

  makeRoom(engine, small, 1);
  assert.deepEqual([tries, small.sent], [1, []]);
  makeRoom(engine, large, 1);

  assert.deepEqual([tries, small.sent.length, large.sent.length], [2, 0, 1]);
});

test("a request that the only peer has ceased to take is refused, and one that is to go there again fails", () => {
  const engine = req();
  const [gone, left] = attach(engine, 2);
  ask(engine, "12345678");

  left.maxSendSize = 8;
  engine.detach(gone, 0);

  assert.throws(() => engine.tryReceive(0), MessageTooLargeError);
  left.maxSendSize = 12;
  assert.equal(ask(engine, "12345678"), true);
  left.maxSendSize = 8;
  assert.throws(() => ask(engine, "12345678"), MessageTooLargeError);
});

test("a request that was asked while others fail is not one of them", () => {
  const engine = req({ resendTime: Infinity });
  const [gone, left] = attach(engine, 2);
  const contexts = [engine.openContext(), engine.openContext()];
  left.room = 0;
  ask(contexts[0], "a");
  ask(contexts[1], "b");
  makeRoom(engine, left, 1);
  contexts[0].tryReceive(0);
  contexts[0].onReceivable = () => assert.equal(ask(contexts[1], "c"), true);

  engine.detach(gone, 0);
  engine.receive(left, bytesOf(`${left.last.slice(0, 8)}:to c`), 0);

  assert.throws(() => contexts[0].tryReceive(0), NoPeerError);
  assert.equal(contexts[1].tryReceive(0)?.text(), "to c");
});

test("late, duplicate, foreign and malformed replies are dropped and counted", () => {
  const engine = req();
  const [a, b] = attach(engine, 2);
  ask(engine, "a");
  ask(engine, "b");

  engine.receive(a, bytesOf("80000001:late"), 0);
  engine.receive(a, bytesOf("80000002:foreign"), 0);
  engine.receive(b, bytesOf("00000002:no id"), 0);
  engine.receive(b, bytesOf("80000002:good"), 0);
  engine.receive(b, bytesOf("80000002:again"), 0);
  engine.receive(b, bytesOf("800000"), 0);

  assert.equal(engine.tryReceive(0)?.text(), "good");
  const { stale, foreign, malformed } = engine.stats().dropped;
  assert.deepEqual({ stale, foreign, malformed }, { stale: 3, foreign: 1, malformed: 1 });
  assert.deepEqual([a.isClosed, b.isClosed], [false, true]);
});

test("a new request cancels the old one, and a reply that nobody took", () => {
  const engine = req();
  const [pipe] = attach(engine, 1);
  ask(engine, "a");
  engine.receive(pipe, bytesOf("80000001:to a"), 0);

  ask(engine, "b");
  engine.receive(pipe, bytesOf("80000001:to a"), 0);

  assert.equal(engine.tryReceive(0), undefined);
  engine.receive(pipe, bytesOf("80000002:to b"), 0);
  assert.equal(engine.tryReceive(0)?.text(), "to b");
});

test("a request that has to wait cancels nothing yet", () => {
  const engine = req();
  const [pipe] = attach(engine, 1, 1);
  ask(engine, "a");

  assert.equal(ask(engine, "b"), false);
  engine.receive(pipe, bytesOf("80000001:to a"), 0);

  assert.equal(engine.tryReceive(0)?.text(), "to a");
});

test("a request without a reply is sent again when its time is over", () => {
  const engine = req({ resendTime: 100 });
  const [a, b] = attach(engine, 2);
  ask(engine, "x", 1000);
  assert.equal(engine.deadline, 1100);

  engine.expire(1099);
  assert.equal(b.sent.length, 0);
  engine.expire(1100);

  assert.deepEqual([a.sent, b.sent], [[hex("80000001:x")], [hex("80000001:x")]]);
  assert.deepEqual([engine.deadline, engine.stats().resent], [1200, 1]);
});

test("either of the pipes that carried a request may answer it", () => {
  const engine = req({ resendTime: 100 });
  const [a] = attach(engine, 2);
  ask(engine, "x");
  engine.expire(100);

  engine.receive(a, bytesOf("80000001:late but good"), 150);

  assert.equal(engine.tryReceive(150)?.text(), "late but good");
  assert.equal(engine.deadline, Infinity);
});

test("by default a request is sent again after a minute", () => {
  const engine = req();
  attach(engine, 1);
  ask(engine, "x", 5);
  assert.equal(engine.deadline, 60_005);
});

test("a request goes elsewhere at once when its pipe goes", () => {
  const engine = req();
  const [a, b] = attach(engine, 2);
  ask(engine, "x");

  engine.detach(a, 0);

  assert.deepEqual(b.sent, [hex("80000001:x")]);
});

test("the time for a reply begins again when a request goes elsewhere", () => {
  const engine = req({ resendTime: 100 });
  const [a] = attach(engine, 2);
  ask(engine, "x", 0);

  engine.detach(a, 60);
  engine.expire(100);

  assert.deepEqual([engine.stats().resent, engine.deadline], [1, 160]);
});

test("a request is sent again once for each pipe that goes, and remembers no pipe that has gone", () => {
  const engine = req();
  let [carrier, ready] = attach(engine, 2);
  const context = engine.openContext();
  ask(context, "x");
  for (let count = 0; count < 10; count++) {
    engine.detach(carrier, 0);
    const [next] = attach(engine, 1);
    engine.writable(ready, 0);
    engine.writable(next, 0);

    assert.deepEqual([ready.sent, next.sent], [[hex("80000001:x")], []]);
    [carrier, ready] = [ready, next];
  }
  engine.expire(60_000);
  engine.detach(carrier, 0);

  assert.deepEqual([context.request?.earlier?.size, engine.stats().resent], [0, 12]);
});

test("requests wait for a new pipe when the last one goes, and have precedence then", () => {
  const engine = req();
  const [gone] = attach(engine, 1);
  const contexts = [engine.openContext(), engine.openContext()];
  ask(contexts[0], "x");
  ask(contexts[1], "y");
  engine.onSendable = (now) => ask(engine, "new", now);

  engine.detach(gone, 0);
  assert.equal(engine.unsent, 2);
  assert.equal(ask(engine, "new"), false);
  const [pipe] = attach(engine, 1);

  assert.deepEqual(pipe.sent.map((sent) => sent.slice(8)), [hex(":x"), hex(":y"), hex(":new")]);
});

test("a cancelled request is not sent again", () => {
  const engine = req({ resendTime: 100 });
  const [pipe] = attach(engine, 1);
  ask(engine, "x");

  engine.cancel();
  engine.expire(100);
  engine.detach(pipe, 0);

  assert.equal(attach(engine, 1)[0].sent.length, 0);
});

test("without a time to send it again, a request fails when its pipe goes", () => {
  const engine = req({ resendTime: Infinity });
  const [a, b] = attach(engine, 2);
  let calls = 0;
  engine.onReceivable = () => calls++;
  ask(engine, "x");
  engine.tryReceive(0);

  engine.detach(a, 0);

  assert.equal(calls, 1);
  assert.throws(() => engine.tryReceive(0), NoPeerError);
  assert.throws(() => engine.tryReceive(0), StateError);
  assert.equal(b.sent.length, 0);
});

test("each context gets the reply to its own request", () => {
  const engine = req();
  const [pipe] = attach(engine, 1);
  const contexts = Array.from({ length: 3 }, () => engine.openContext());
  contexts.forEach((context, index) => ask(context, `${index}`));

  for (const id of ["80000003:2", "80000001:0", "80000002:1"]) engine.receive(pipe, bytesOf(id), 0);

  assert.deepEqual(contexts.map((context) => context.tryReceive(0)?.text()), ["0", "1", "2"]);
});

test("a closed context forgets its request, and the engine closes its contexts", () => {
  const engine = req();
  const [pipe] = attach(engine, 1);
  const [one, two] = [engine.openContext(), engine.openContext()];
  ask(one, "1");
  one.close();
  engine.receive(pipe, bytesOf("80000001:x"), 0);
  assert.equal(engine.stats().dropped.stale, 1);

  engine.close();

  for (const context of [one, two, engine]) assert.throws(() => ask(context, "x"), ClosedError);
  assert.throws(() => engine.openContext(), ClosedError);
});

test("contexts have a time of their own", () => {
  const engine = req({ resendTime: 100 });
  attach(engine, 1);
  const context = engine.openContext({ resendTime: 10 });
  ask(engine, "x");
  ask(context, "y");

  engine.expire(10);
  assert.deepEqual([engine.stats().resent, engine.deadline], [1, 20]);
  assert.throws(() => engine.openContext({ resendTime: 0 }), ArgumentError);
  assert.throws(() => context.resendTime = NaN, ArgumentError);
});

test("raw REQ sends headers as they are, and takes replies apart", () => {
  const engine = new RawReqEngine();
  const [a, b] = attach(engine, 2);

  engine.trySend(new SpMessage(bytesOf(":x"), bytesOf("0000000780000001")), 0);
  engine.trySend(SpMessage.of(bytesOf("80000002:y")), 0);
  engine.receive(a, bytesOf("0000000780000001:to x"), 0);

  assert.deepEqual([a.sent, b.sent], [[hex("0000000780000001:x")], [hex("80000002:y")]]);
  const reply = engine.tryReceive(0)!;
  assert.deepEqual([reply.header, reply.text()], [bytesOf("0000000780000001"), "to x"]);
});

test("raw REQ closes the pipe of a reply without an id, or with a way back beyond measure", () => {
  for (const reply of [new Uint8Array(3), new Uint8Array(12), new Uint8Array(1 << 20)]) {
    const engine = new RawReqEngine();
    const [pipe] = attach(engine, 1);

    engine.receive(pipe, reply, 0);

    assert.equal(pipe.isClosed, true);
    assert.equal(engine.tryReceive(0), undefined);
  }
});
