// PAIR in both versions and polyamorous, and BUS.

import assert from "node:assert/strict";
import { ArgumentError, NoPeerError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import { BusEngine } from "../../../sp/protocol/bus.ts";
import type { Receiver, Sender } from "../../../sp/protocol/engine.ts";
import { Pair0Engine } from "../../../sp/protocol/pair0.ts";
import { Pair1Engine } from "../../../sp/protocol/pair1.ts";
import { Pair1PolyEngine } from "../../../sp/protocol/pair1_poly.ts";
import { test } from "../../support/harness.ts";
import { attach, bytesOf, FakePipe, hex, makeRoom } from "../simulation/fake_pipe.ts";

function send(sender: Sender, text: string, pipe?: FakePipe): boolean {
  return sender.trySend(SpMessage.of(text, pipe), 0);
}

function texts(receiver: Receiver): string[] {
  const all: string[] = [];
  for (let message = receiver.tryReceive(0); message; message = receiver.tryReceive(0)) all.push(message.text());
  return all;
}

for (
  const { name, create, header } of [
    { name: "PAIR 0", create: (options = {}) => new Pair0Engine(options), header: "" },
    { name: "PAIR 1", create: (options = {}) => new Pair1Engine(options), header: "00000001" },
  ]
) {
  test(`${name}: messages go both ways`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1);

    assert.equal(send(engine, "x"), true);
    engine.receive(pipe, bytesOf(`${header}:y`), 0);

    assert.deepEqual(pipe.sent, [hex(`${header}:x`)]);
    const message = engine.tryReceive(0)!;
    assert.deepEqual([message.text(), message.header.length], ["y", 0]);
  });

  test(`${name}: a second peer is refused while there is one`, () => {
    const engine = create();
    const [first, second] = [new FakePipe(1), new FakePipe(2)];

    assert.deepEqual([engine.attach(first, 0), engine.attach(second, 0)], [true, false]);
    engine.receive(second, bytesOf(`${header}:x`), 0);
    engine.detach(second, 0);
    assert.deepEqual([engine.stats().pipes, engine.stats().refusedPipes, engine.stats().unread], [1, 1, 0]);
    engine.detach(first, 0);
    assert.equal(engine.attach(second, 0), true);
  });

  test(`${name}: what waits to be sent goes to the next peer, and what was read ahead stays`, () => {
    const engine = create({ sendBuffer: 1 });
    const [first] = attach(engine, 1, 0);
    assert.deepEqual([send(engine, "1"), send(engine, "2")], [true, false]);
    engine.receive(first, bytesOf(`${header}:x`), 0);
    let calls = 0;
    engine.onSendable = () => calls++;

    engine.detach(first, 0);
    const [next] = attach(engine, 1);

    assert.deepEqual([next.sent, calls, texts(engine)], [[hex(`${header}:1`)], 1, ["x"]]);
  });

  test(`${name}: a full buffer pauses the peer`, () => {
    const engine = create({ receiveBuffer: 2 });
    const [pipe] = attach(engine, 1);
    engine.receive(pipe, bytesOf(`${header}:1`), 0);
    engine.receive(pipe, bytesOf(`${header}:2`), 0);

    assert.equal(pipe.isPaused, true);
    assert.deepEqual(texts(engine), ["1", "2"]);
    assert.equal(pipe.isPaused, false);
  });
}

test("PAIR 1 drops what has gone too far, and disconnects who breaks the protocol", () => {
  for (
    const { bytes, isClosed, reason } of [
      { bytes: "00000009:x", isClosed: false, reason: "hopLimit" },
      { bytes: "00000000:x", isClosed: false, reason: "malformed" },
      { bytes: "00000100:x", isClosed: true, reason: "malformed" },
      { bytes: "80000001:x", isClosed: true, reason: "malformed" },
      { bytes: "000001", isClosed: true, reason: "malformed" },
    ] as const
  ) {
    const engine = new Pair1Engine();
    const [pipe] = attach(engine, 1);

    engine.receive(pipe, bytesOf(bytes), 0);

    assert.deepEqual([bytes, pipe.isClosed, engine.stats().dropped[reason]], [bytes, isClosed, 1]);
    assert.equal(engine.tryReceive(0), undefined);
  }
});

test("PAIR 1 takes what has as many hops behind it as its limit", () => {
  const engine = new Pair1Engine({ hopLimit: 3 });
  const [pipe] = attach(engine, 1);
  engine.receive(pipe, bytesOf("00000003:x"), 0);
  engine.receive(pipe, bytesOf("00000004:y"), 0);
  assert.deepEqual(texts(engine), ["x"]);
});

test("raw PAIR 1 shows the hop count, and adds one when it sends", () => {
  const engine = new Pair1Engine({ raw: true });
  const [pipe] = attach(engine, 1);
  engine.receive(pipe, bytesOf("00000004:x"), 0);

  const message = engine.tryReceive(0)!;
  engine.trySend(message, 0);

  assert.deepEqual(message.header, bytesOf("00000004"));
  assert.deepEqual(pipe.sent, [hex("00000005:x")]);
});

test("raw PAIR 1 refuses to send what has no hop count, or one that would wrap", () => {
  const engine = new Pair1Engine({ raw: true });
  attach(engine, 1);
  for (const header of ["", "000001", "000000ff", "0000000100000001"]) {
    assert.throws(() => engine.trySend(new SpMessage(new Uint8Array(), bytesOf(header)), 0), ArgumentError);
  }
});

test("polyamorous PAIR sends to the pipe that is named, or to the oldest", () => {
  const engine = new Pair1PolyEngine();
  const [a, b] = attach(engine, 2);

  send(engine, "1");
  send(engine, "2", b);
  engine.receive(b, bytesOf("00000001:x"), 0);
  engine.trySend(engine.tryReceive(0)!, 0);
  engine.detach(a, 0);
  send(engine, "3");

  assert.deepEqual(a.sent, [hex("00000001:1")]);
  assert.deepEqual(b.sent, [hex("00000001:2"), hex("00000001:x"), hex("00000001:3")]);
});

test("polyamorous PAIR refuses to send to a pipe that has gone, or is another's", () => {
  const engine = new Pair1PolyEngine();
  const [gone] = attach(engine, 2);
  engine.detach(gone, 0);
  const [foreign] = attach(new Pair1PolyEngine(), 1);

  assert.throws(() => send(engine, "x", gone), NoPeerError);
  assert.throws(() => send(engine, "x", foreign), NoPeerError);
  assert.equal(engine.stats().dropped.noPeer, 2);
});

test("polyamorous PAIR waits only while there is no peer", () => {
  const engine = new Pair1PolyEngine({ sendBuffer: 1 });
  let calls = 0;
  engine.onSendable = () => calls++;
  assert.equal(send(engine, "0"), false);

  const [slow, other] = attach(engine, 2, 0);
  other.room = 9;
  for (const text of ["1", "2"]) assert.equal(send(engine, text), true);
  send(engine, "3", other);
  makeRoom(engine, slow, 9);

  assert.deepEqual([calls, slow.sent, other.sent], [1, [hex("00000001:1")], [hex("00000001:3")]]);
  assert.equal(engine.pipeStats(slow)?.dropped.bufferFull, 1);
});

test("polyamorous PAIR takes from its peers in turn", () => {
  const engine = new Pair1PolyEngine();
  const [a, b] = attach(engine, 2);
  for (const text of ["a1", "a2"]) engine.receive(a, bytesOf(`00000001:${text}`), 0);
  engine.receive(b, bytesOf("00000001:b1"), 0);
  assert.deepEqual(texts(engine), ["a1", "b1", "a2"]);
});

test("BUS sends to everybody, and gets from everybody", () => {
  const engine = new BusEngine();
  const [a, b] = attach(engine, 2);

  send(engine, "x");
  engine.receive(a, bytesOf(":from a"), 0);
  engine.receive(b, bytesOf(":from b"), 0);

  assert.deepEqual([a.sent, b.sent], [[hex(":x")], [hex(":x")]]);
  assert.deepEqual(texts(engine), ["from a", "from b"]);
});

test("raw BUS sends a message to all but the pipe that it came by", () => {
  const engine = new BusEngine({ raw: true });
  const [a, b, c] = attach(engine, 3);
  engine.receive(b, bytesOf(":x"), 0);

  const message = engine.tryReceive(0)!;
  engine.trySend(message, 0);
  send(engine, "own");

  assert.deepEqual(message.header, bytesOf("00000002"));
  assert.deepEqual([a.sent, b.sent, c.sent], [[hex(":x"), hex(":own")], [hex(":own")], [hex(":x"), hex(":own")]]);
  assert.throws(() => engine.trySend(new SpMessage(new Uint8Array(), new Uint8Array(5)), 0), ArgumentError);
});

test("BUS never waits: a slow peer, or a slow user, loses the newest", () => {
  const engine = new BusEngine({ sendBuffer: 1, receiveBuffer: 1 });
  const [slow] = attach(engine, 1, 0);

  for (const text of ["1", "2"]) assert.equal(send(engine, text), true);
  for (const text of ["3", "4"]) engine.receive(slow, bytesOf(`:${text}`), 0);
  makeRoom(engine, slow, 9);

  assert.deepEqual([slow.sent, texts(engine)], [[hex(":1")], ["3"]]);
  assert.equal(engine.stats().dropped.bufferFull, 2);
});
