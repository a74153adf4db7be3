// PUB and SUB: filtering, slow subscribers.

import assert from "node:assert/strict";
import { ArgumentError, ClosedError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import type { Receiver } from "../../../sp/protocol/engine.ts";
import { PubEngine } from "../../../sp/protocol/pub.ts";
import { RawSubEngine } from "../../../sp/protocol/raw_sub.ts";
import { SubEngine } from "../../../sp/protocol/sub.ts";
import { test } from "../../support/harness.ts";
import { attach, bytesOf, hex, makeRoom } from "../simulation/fake_pipe.ts";

const topic = (text: string) => new TextEncoder().encode(text);

function texts(receiver: Receiver): string[] {
  const all: string[] = [];
  for (let message = receiver.tryReceive(0); message; message = receiver.tryReceive(0)) all.push(message.text());
  return all;
}

function publish(engine: PubEngine, ...all: string[]): void {
  for (const text of all) assert.equal(engine.trySend(SpMessage.of(text), 0), true);
}

test("PUB sends to every pipe, and to none without complaint", () => {
  const engine = new PubEngine();
  publish(engine, "0");
  const pipes = attach(engine, 3);

  publish(engine, "1");

  assert.deepEqual(pipes.map(({ sent }) => sent), [[hex(":1")], [hex(":1")], [hex(":1")]]);
});

test("a slow subscriber loses the oldest messages, and holds up nobody", () => {
  const engine = new PubEngine({ sendBuffer: 2 });
  const [slow, fast] = attach(engine, 2);
  slow.room = 1;

  publish(engine, "1", "2", "3", "4", "5");
  assert.equal(engine.unsent, 2);
  makeRoom(engine, slow, 1);
  makeRoom(engine, slow, Infinity);
  publish(engine, "6");

  assert.deepEqual(slow.sent, ["31", "34", "35", "36"]);
  assert.deepEqual(fast.sent, ["31", "32", "33", "34", "35", "36"]);
  assert.deepEqual([engine.pipeStats(slow)?.sent, engine.pipeStats(slow)?.dropped.bufferFull], [4, 2]);
  assert.equal(engine.stats().dropped.bufferFull, 2);
});

test("a slow subscriber loses the newest messages, if they are not preferred", () => {
  const engine = new PubEngine({ sendBuffer: 2, preferNew: false });
  const [slow] = attach(engine, 1, 1);

  publish(engine, "1", "2", "3", "4", "5");
  makeRoom(engine, slow, Infinity);

  assert.deepEqual(slow.sent, ["31", "32", "33"]);
});

test("no message overtakes those that wait for the pipe, even if it has room by now", () => {
  const engine = new PubEngine();
  const [pipe] = attach(engine, 1, 1);
  publish(engine, "1", "2");

  pipe.room = 9;
  publish(engine, "3");
  makeRoom(engine, pipe, 1);
  pipe.room = 9;
  publish(engine, "4");
  engine.writable(pipe, 0);

  assert.deepEqual(pipe.sent, ["31", "32", "33", "34"]);
});

test("what waits for a pipe goes with it, and is counted", () => {
  const engine = new PubEngine();
  const [pipe] = attach(engine, 1, 0);
  publish(engine, "1", "2");

  engine.detach(pipe, 0);

  assert.deepEqual([engine.unsent, engine.stats().dropped.noPeer], [0, 2]);
});

test("a subscriber that sends is disconnected, as in nng", () => {
  const engine = new PubEngine();
  const [pipe] = attach(engine, 1);

  engine.receive(pipe, bytesOf(":x"), 0);

  assert.equal(pipe.isClosed, true);
});

test("SUB gets what begins with one of its topics, and nothing without one", () => {
  const engine = new SubEngine();
  const [pipe] = attach(engine, 1);
  const come = (text: string) => engine.receive(pipe, topic(text), 0);

  come("a");
  engine.subscribe(topic("ab"));
  engine.subscribe(topic("c"));
  for (const text of ["a", "ab", "abc", "b", "c1"]) come(text);

  assert.deepEqual(texts(engine), ["ab", "abc", "c1"]);
  assert.equal(engine.stats().filtered, 3);
});

test("the empty topic is everything", () => {
  const engine = new SubEngine();
  const [pipe] = attach(engine, 1);
  engine.subscribe(topic(""));

  engine.receive(pipe, topic(""), 0);
  engine.receive(pipe, topic("x"), 0);

  assert.deepEqual(texts(engine), ["", "x"]);
});

test("whoever subscribed twice unsubscribes twice", () => {
  const engine = new SubEngine();
  const [pipe] = attach(engine, 1);
  engine.subscribe(topic("a"));
  engine.subscribe(topic("a"));

  assert.equal(engine.unsubscribe(topic("a")), true);
  engine.receive(pipe, topic("a1"), 0);
  assert.deepEqual(texts(engine), ["a1"]);
  assert.equal(engine.unsubscribe(topic("a")), true);
  assert.equal(engine.unsubscribe(topic("a")), false);
  engine.receive(pipe, topic("a2"), 0);
  assert.deepEqual(texts(engine), []);
});

test("what waits goes with its subscription, unless another wants it", () => {
  const engine = new SubEngine();
  const [pipe] = attach(engine, 1);
  engine.subscribe(topic("a"));
  engine.subscribe(topic("ab"));
  for (const text of ["a1", "ab1", "a2"]) engine.receive(pipe, topic(text), 0);

  engine.unsubscribe(topic("a"));

  assert.deepEqual(texts(engine), ["ab1"]);
  assert.equal(engine.stats().dropped.unsubscribed, 2);
});

test("a full queue drops the oldest message or the newest, and never pauses a pipe", () => {
  for (const preferNew of [true, false]) {
    const engine = new SubEngine({ receiveBuffer: 2, preferNew });
    const [pipe] = attach(engine, 1);
    engine.subscribe(topic(""));

    for (const text of ["1", "2", "3", "4"]) engine.receive(pipe, topic(text), 0);

    assert.equal(pipe.isPaused, false);
    assert.equal(engine.stats().dropped.bufferFull, 2);
    assert.deepEqual(texts(engine), preferNew ? ["3", "4"] : ["1", "2"]);
  }
});

test("each context gets what it wants, in bytes of its own", () => {
  const engine = new SubEngine();
  const [pipe] = attach(engine, 1);
  const other = engine.openContext({ receiveBuffer: 1 });
  engine.subscribe(topic("a"));
  other.subscribe(topic(""));

  engine.receive(pipe, topic("a1"), 0);
  const first = engine.tryReceive(0)!;
  first.body.fill(0);
  assert.equal(other.tryReceive(0)?.text(), "a1");
  engine.receive(pipe, topic("b"), 0);
  engine.receive(pipe, topic("c"), 0);

  assert.deepEqual([texts(engine), texts(other)], [[], ["c"]]);
});

test("a closed context gets nothing, and costs nothing", () => {
  const engine = new SubEngine();
  const [pipe] = attach(engine, 1);
  const context = engine.openContext();
  context.subscribe(topic(""));
  engine.receive(pipe, topic("1"), 0);

  context.close();
  engine.receive(pipe, topic("2"), 0);

  assert.throws(() => context.tryReceive(0), ClosedError);
  assert.throws(() => context.subscribe(topic("")), ClosedError);
  assert.equal(engine.stats().unread, 0);
});

test("a subscriber needs a buffer", () => {
  assert.throws(() => new SubEngine({ receiveBuffer: 0 }), ArgumentError);
});

test("raw SUB gets everything, and drops the newest when it is full", () => {
  const engine = new RawSubEngine({ receiveBuffer: 2 });
  const [pipe] = attach(engine, 1);

  for (const text of ["1", "2", "3"]) engine.receive(pipe, topic(text), 0);

  assert.deepEqual(texts(engine), ["1", "2"]);
});
