// PUSH and PULL: distribution, backpressure, fairness.

import assert from "node:assert/strict";
import { type ArgumentError, ClosedError, MessageTooLargeError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import { PullEngine } from "../../../sp/protocol/pull.ts";
import { PushEngine } from "../../../sp/protocol/push.ts";
import { test } from "../../support/harness.ts";
import { attach, bytesOf, FakePipe, hex, makeRoom } from "../simulation/fake_pipe.ts";

function push(engine: PushEngine, text: string): boolean {
  return engine.trySend(SpMessage.of(text), 0);
}

function texts(engine: PullEngine): string[] {
  const all: string[] = [];
  for (let message = engine.tryReceive(0); message; message = engine.tryReceive(0)) all.push(message.text());
  return all;
}

test("PUSH sends to its pipes in turn, and leaves out those that are full", () => {
  const engine = new PushEngine();
  const [a, b, c] = attach(engine, 3);
  b.room = 1;

  for (const text of ["1", "2", "3", "4", "5", "6"]) assert.equal(push(engine, text), true);

  assert.deepEqual([a.sent, b.sent, c.sent], [["31", "34", "36"], ["32"], ["33", "35"]]);
});

test("PUSH without room keeps as many messages as its buffer holds, and then the sender waits", () => {
  const engine = new PushEngine({ sendBuffer: 2 });
  let calls = 0;
  engine.onSendable = () => calls++;
  assert.deepEqual([push(engine, "1"), push(engine, "2"), push(engine, "3")], [true, true, false]);
  assert.equal(engine.unsent, 2);

  const pipe = new FakePipe(1);
  pipe.room = 1;
  engine.attach(pipe, 0);

  assert.deepEqual([pipe.sent, calls, engine.unsent], [["31"], 1, 1]);
  makeRoom(engine, pipe, 1);
  assert.deepEqual([pipe.sent, calls, engine.unsent], [["31", "32"], 1, 0]);
});

test("PUSH without a buffer waits for a pipe, as in nng", () => {
  const engine = new PushEngine();
  let calls = 0;
  engine.onSendable = () => calls++;

  assert.equal(push(engine, "1"), false);
  const [pipe] = attach(engine, 1);

  assert.equal(calls, 1);
  assert.equal(push(engine, "1"), true);
  assert.deepEqual(pipe.sent, ["31"]);
});

test("a message that its pipe has not begun to send goes to another pipe, before all others", () => {
  const engine = new PushEngine({ sendBuffer: 1 });
  const [gone, other] = attach(engine, 2, 2);
  for (const text of ["1", "2", "3", "4", "5"]) push(engine, text);
  gone.unsent = [bytesOf(":1"), bytesOf(":3")];

  engine.detach(gone, 0);

  assert.equal(engine.unsent, 3);
  assert.equal(push(engine, "6"), false);
  makeRoom(engine, other, 9);
  assert.deepEqual(other.sent, ["32", "34", "31", "33", "35"]);
});

test("no message overtakes one that waits for the pipe that can take it", () => {
  const engine = new PushEngine({ sendBuffer: 2 });
  const [small, large] = attach(engine, 2);
  small.maxSendSize = 4;
  large.room = 0;

  assert.deepEqual([push(engine, "large enough"), push(engine, "1"), push(engine, "2")], [true, true, false]);
  assert.deepEqual(small.sent, []);
  makeRoom(engine, large, 1);

  assert.deepEqual([small.sent, large.sent], [["31"], [hex(":large enough")]]);
  assert.equal(push(engine, "2"), true);
  assert.deepEqual(small.sent, ["31", "32"]);
});

test("a message is refused that the peer has ceased to take, and one dropped that waits for it", () => {
  const engine = new PushEngine({ sendBuffer: 1 });
  const [pipe] = attach(engine, 1, 1);
  assert.deepEqual([push(engine, "12345678"), push(engine, "12345678")], [true, true]);

  pipe.maxSendSize = 4;

  assert.throws(() => push(engine, "12345678"), MessageTooLargeError);
  makeRoom(engine, pipe, 1);
  assert.deepEqual([engine.unsent, engine.stats().dropped.tooLarge], [0, 1]);
  pipe.maxSendSize = 8;
  assert.equal(push(engine, "12345678"), true);
});

test("what a peer sends to PUSH is dropped", () => {
  const engine = new PushEngine();
  const [pipe] = attach(engine, 1);

  engine.receive(pipe, bytesOf(":x"), 0);

  assert.equal(engine.stats().dropped.unexpected, 1);
  assert.equal(pipe.isClosed, false);
});

test("a header that a message has from elsewhere isn't sent by cooked patterns", () => {
  const engine = new PushEngine();
  const [pipe] = attach(engine, 1);

  engine.trySend(new SpMessage(bytesOf(":x"), bytesOf("80000001")), 0);

  assert.equal(pipe.last, hex(":x"));
});

test("PULL takes from its pipes in turn, and from each in order", () => {
  const engine = new PullEngine();
  const [a, b, c] = attach(engine, 3);
  for (const text of ["a1", "a2", "a3"]) engine.receive(a, bytesOf(`:${text}`), 0);
  engine.receive(b, bytesOf(":b1"), 0);
  engine.receive(c, bytesOf(":c1"), 0);

  assert.deepEqual(texts(engine), ["a1", "b1", "c1", "a2", "a3"]);
});

test("a message says which pipe it came by", () => {
  const engine = new PullEngine();
  const [, b] = attach(engine, 2);

  engine.receive(b, bytesOf(":x"), 0);

  assert.equal(engine.tryReceive(0)?.pipe, b);
});

test("PULL pauses pipes when its buffer is full, and holds one more of each at most", () => {
  const engine = new PullEngine({ receiveBuffer: 2 });
  const [a, b] = attach(engine, 2);
  engine.receive(a, bytesOf(":1"), 0);
  assert.equal(a.isPaused, false);
  engine.receive(a, bytesOf(":2"), 0);
  engine.receive(b, bytesOf(":3"), 0);

  assert.deepEqual([a.isPaused, b.isPaused], [true, true]);
  assert.deepEqual(texts(engine), ["1", "3", "2"]);
  assert.deepEqual([a.isPaused, b.isPaused], [false, false]);
});

test("what was read ahead outlives its pipe, but for what exceeds the buffer", () => {
  const engine = new PullEngine({ receiveBuffer: 2 });
  const [a, b] = attach(engine, 2);
  engine.receive(a, bytesOf(":1"), 0);
  engine.receive(a, bytesOf(":2"), 0);
  engine.receive(b, bytesOf(":3"), 0);

  engine.detach(b, 0);
  engine.detach(a, 0);

  assert.deepEqual(texts(engine), ["1", "2"]);
  assert.equal(engine.stats().dropped.pipeGone, 1);
});

test("peers that come, send and go can't fill PULL beyond its buffer", () => {
  const engine = new PullEngine({ receiveBuffer: 3 });
  for (let id = 1; id <= 1000; id++) {
    const pipe = new FakePipe(id);
    engine.attach(pipe, 0);
    while (!pipe.isPaused) engine.receive(pipe, bytesOf(":x"), 0);
    engine.detach(pipe, 0);
    assert.ok(engine.stats().unread <= 3);
  }
});

test("the receiver is told once for each time that it found nothing", () => {
  const engine = new PullEngine();
  const [pipe] = attach(engine, 1);
  let calls = 0;
  engine.onReceivable = () => calls++;

  engine.receive(pipe, bytesOf(":1"), 0);
  assert.equal(calls, 0);
  texts(engine);
  engine.receive(pipe, bytesOf(":2"), 0);
  engine.receive(pipe, bytesOf(":3"), 0);
  assert.equal(calls, 1);
});

test("the clock reading is passed on to who is told", () => {
  const engine = new PullEngine();
  const [pipe] = attach(engine, 1);
  const readings: number[] = [];
  engine.onReceivable = (now) => readings.push(now);
  engine.tryReceive(0);

  engine.receive(pipe, bytesOf(":1"), 42);

  assert.deepEqual(readings, [42]);
});

test("a closed engine refuses everything, and forgets its pipes", () => {
  const push = new PushEngine({ sendBuffer: 3 });
  const pull = new PullEngine();
  const [pipe] = attach(pull, 1);
  push.trySend(SpMessage.of("x"), 0);
  pull.receive(pipe, bytesOf(":x"), 0);

  push.close();
  pull.close();
  pull.close();

  assert.throws(() => push.trySend(SpMessage.of("y"), 0), ClosedError);
  assert.throws(() => pull.tryReceive(0), ClosedError);
  assert.throws(() => push.attach(new FakePipe(1), 0), ClosedError);
  assert.deepEqual([push.unsent, pull.stats().unread, pull.stats().pipes, pipe.state], [0, 0, 0, undefined]);
});

test("after detach nothing more is taken from a pipe, and nothing is said of it", () => {
  const engine = new PullEngine();
  const [pipe] = attach(engine, 1);
  engine.detach(pipe, 0);

  engine.receive(pipe, bytesOf(":x"), 0);
  engine.writable(pipe, 0);
  engine.detach(pipe, 0);

  assert.equal(engine.tryReceive(0), undefined);
  assert.equal(engine.pipeStats(pipe), undefined);
});

test("engines and pipes count what they carry", () => {
  const engine = new PushEngine();
  const [a, b] = attach(engine, 2);
  for (const text of ["1", "2", "3"]) push(engine, text);

  assert.deepEqual([engine.pipeStats(a)?.sent, engine.pipeStats(b)?.sent], [2, 1]);
  assert.equal(engine.stats().sent, 3);
});

test("buffers out of their range are refused", () => {
  for (const sendBuffer of [-1, 1.5, 8193, NaN]) {
    assert.throws(
      () => new PushEngine({ sendBuffer }),
      (error: ArgumentError) => error.argument === "options.sendBuffer",
    );
  }
});
