import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  ArgumentError,
  ClosedError,
  controlMessages,
  encodeControlMessages,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_IP,
  MessageSocket,
  MessageTooLargeError,
  MSG_TRUNC,
  setsockopt,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SystemError,
  TimeoutError,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import process from "node:process";
import { test } from "../../support/harness.ts";
import { bytes, fillWithMessages, LOOPBACK, text } from "./sockets.ts";

function boundUdp(): MessageSocket {
  const socket = MessageSocket.open(AF_INET, SOCK_DGRAM);
  socket.bind(LOOPBACK);
  return socket;
}

test("a message arrives whole, once, with its sender's address", async () => {
  await using left = boundUdp();
  await using right = boundUdp();

  await left.send(bytes("ping"), { to: right.localAddress() });

  const { data, address } = await right.receive({ timeout: 30_000 });
  assert.equal(text(data), "ping");
  assert.deepEqual(address, left.localAddress());
  assert.equal(right.tryReceive(), undefined);
});

test("IPv6 datagrams carry their sender's address", async () => {
  await using left = MessageSocket.open(AF_INET6, SOCK_DGRAM);
  await using right = MessageSocket.open(AF_INET6, SOCK_DGRAM);
  left.bind({ family: "inet6", address: "::1", port: 0 });
  right.bind({ family: "inet6", address: "::1", port: 0 });

  await left.send(bytes("six"), { to: right.localAddress() });

  const { data, address } = await right.receive({ timeout: 30_000 });
  assert.equal(text(data), "six");
  assert.deepEqual(address, left.localAddress());
});

test("a reply to a received message reaches its sender", async () => {
  await using left = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  await using right = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  const name = randomUUID();
  left.bind({ family: "unix", abstract: `${name}-left` });
  right.bind({ family: "unix", abstract: `${name}-right` });

  await left.send(bytes("question"), { to: right.localAddress() });
  const question = await right.receive({ timeout: 30_000 });
  await right.send(bytes("answer"), { to: question.address });

  assert.equal(text((await left.receive({ timeout: 30_000 })).data), "answer");
});

test("a received address is frozen and shared between messages of one sender", async () => {
  await using left = boundUdp();
  await using right = boundUdp();
  const to = right.localAddress();

  await left.sendBatch([{ data: bytes("1"), to }, { data: bytes("2"), to }]);

  const first = await right.receive({ timeout: 30_000 });
  const second = await right.receive({ timeout: 30_000 });
  assert(Object.isFrozen(first.address));
  assert.equal(first.address, second.address);
});

test("receivers are served in the order in which they came, each as it wished", async () => {
  const [left, right] = MessageSocket.pair();
  const buffer = new Uint8Array(16);

  const one = right.receive();
  const into = right.receiveInto(buffer);
  const batch = right.receiveBatch();
  await left.sendBatch([{ data: bytes("a") }, { data: bytes("b") }, { data: bytes("c") }, { data: bytes("d") }]);

  assert.equal(text((await one).data), "a");
  assert.equal(text(buffer.subarray(0, (await into).length)), "b");
  assert.deepEqual((await batch).map(({ data }) => text(data)), ["c", "d"]);
  left.close();
  right.close();
});

test("readiness is told without taking the message", async () => {
  const [left, right] = MessageSocket.pair();

  const ready = right.untilReadable({ timeout: 30_000 });
  const first = right.receive({ timeout: 30_000 });
  await left.sendBatch([{ data: bytes("first") }, { data: bytes("second") }]);
  await ready;

  assert.equal(text((await first).data), "first");
  await right.untilReadable();
  right.untilReadableSync();
  assert.equal(text(right.tryReceive()!.data), "second");
  await assert.rejects(right.untilReadable({ timeout: 1 }), TimeoutError);
  assert.throws(() => right.untilReadableSync({ timeout: 1 }), TimeoutError);
  left.close();
  right.close();
  await assert.rejects(right.untilReadable(), ClosedError);
});

test("a wait ends with the signal's reason, and loses no message", async () => {
  const [left, right] = MessageSocket.pair();
  const abort = new AbortController();

  const waiting = right.receive({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  await assert.rejects(right.receive({ signal: abort.signal }), { message: "enough" });
  await assert.rejects(right.receive({ timeout: 0 }), { name: "TimeoutError", code: "TIMEOUT" });
  await left.send(bytes("kept"));

  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "kept");
  left.close();
  right.close();
});

test("a message larger than payloadBytes is reported, and the next one is whole", async () => {
  const [left, right] = MessageSocket.pair({ payloadBytes: 8 });

  await left.sendBatch([{ data: bytes("far too large") }, { data: bytes("fits") }]);

  await assert.rejects(right.receive({ timeout: 30_000 }), MessageTooLargeError);
  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "fits");
  assert.equal(right.stats().messagesTruncated, 1);
  left.close();
  right.close();
});

test("receiveInto says when the buffer was too small", async () => {
  const [left, right] = MessageSocket.pair();
  const buffer = new Uint8Array(4);

  await left.send(bytes("too large"));
  const { length, flags } = await right.receiveInto(buffer, { timeout: 30_000 });

  assert.equal(length, 4);
  assert.equal(flags & MSG_TRUNC, MSG_TRUNC);
  assert.equal(text(buffer), "too ");
  left.close();
  right.close();
});

test("control messages travel with their message both ways", async () => {
  await using left = boundUdp();
  await using right = boundUdp();
  setsockopt(right.fd, IPPROTO_IP, IP_RECVTTL, 1);
  const control = encodeControlMessages([
    { level: IPPROTO_IP, type: IP_TTL, data: new Uint8Array(Int32Array.of(7).buffer) },
  ]);

  await left.send(bytes("with TTL 7"), { to: right.localAddress(), control });
  await left.send(bytes("with the default"), { to: right.localAddress() });

  const ttls = [];
  for (let i = 0; i < 2; i++) {
    const message = await right.receive({ timeout: 30_000 });
    for (const { level, type, data } of controlMessages(message.control)) {
      assert.equal(level, IPPROTO_IP);
      assert.equal(type, IP_TTL);
      ttls.push(data[0]);
    }
  }
  assert.equal(ttls[0], 7);
  assert.notEqual(ttls[1], 7);
});

test("an ICMP error surfaces as ECONNREFUSED with its system call", async () => {
  await using nobody = boundUdp();
  const address = nobody.localAddress()!;
  nobody.close();
  await using socket = MessageSocket.open(AF_INET, SOCK_DGRAM);
  socket.connect(address);

  const waiting = socket.receive({ timeout: 30_000 });
  await socket.send(bytes("anybody?"));

  await assert.rejects(waiting, (error: SystemError) => {
    assert(error instanceof SystemError);
    assert.equal(error.code, "ECONNREFUSED");
    assert.equal(error.syscall, "recvmmsg");
    return true;
  });
});

test("wrong arguments are refused by name, before anything happens", async () => {
  const [left, right] = MessageSocket.pair();

  await assert.rejects(left.send("text" as unknown as Uint8Array), { code: "ARGUMENT", argument: "data" });
  await assert.rejects(left.send(bytes("x"), { control: new Uint8Array(300) }), { argument: "control" });
  await assert.rejects(left.sendBatch([{ data: bytes("x") }, { data: 1 as unknown as Uint8Array }]), {
    argument: "messages[1].data",
  });
  await assert.rejects(left.send(bytes("x"), { timeout: -1 }), { argument: "options.timeout" });
  await assert.rejects(left.receive({ timeout: NaN }), { argument: "options.timeout" });
  for (const options of [{ batch: 0 }, { batch: 1025 }, { payloadBytes: 0 }, { busyPoll: -1 }, { sendQueue: 1.5 }]) {
    assert.throws(() => MessageSocket.pair(options), ArgumentError);
  }

  assert.equal(right.tryReceive(), undefined);
  left.close();
  right.close();
});

test("close rejects what is pending and refuses what is new", async () => {
  const [left, right] = MessageSocket.pair();
  fillWithMessages(left, bytes("x"));
  const sending = left.send(bytes("never"));
  const receiving = left.receive();
  const flushing = left.flush();

  left.close();
  left.close();

  await assert.rejects(sending, ClosedError);
  await assert.rejects(receiving, ClosedError);
  await assert.rejects(flushing, ClosedError);
  await assert.rejects(left.send(bytes("x")), ClosedError);
  await assert.rejects(left.sendBatch([{ data: bytes("x") }]), ClosedError);
  await assert.rejects(left.receive(), ClosedError);
  assert.throws(() => left.trySend(bytes("x")), ClosedError);
  assert.throws(() => left.receiveSync(), ClosedError);
  assert.throws(() => left.fd, ClosedError);
  assert(left.isClosed);
  await using _ = right;
});

test("iteration gives every message, and ends when the socket is closed", async () => {
  const [left, right] = MessageSocket.pair();
  await left.sendBatch(["a", "b", "end"].map((word) => ({ data: bytes(word) })));

  const words = [];
  for await (const { data } of right) {
    words.push(text(data));
    if (words.at(-1) === "end") right.close();
  }

  assert.deepEqual(words, ["a", "b", "end"]);
  left.close();
});

test("blocking calls wait for a message, and give up in time", () => {
  const [left, right] = MessageSocket.pair();

  assert.throws(() => right.receiveSync({ timeout: 5 }), TimeoutError);
  left.sendSync(bytes("one"));
  left.sendSync(bytes("two"));
  left.sendSync(bytes("three"));

  assert.equal(text(right.receiveSync().data), "one");
  const buffer = new Uint8Array(8);
  assert.equal(right.receiveIntoSync(buffer).length, 3);
  assert.equal(text(right.receiveBatchSync()[0].data), "three");
  fillWithMessages(left, bytes("x"));
  assert.throws(() => left.sendSync(bytes("x"), { timeout: 5 }), TimeoutError);
  left.close();
  right.close();
});

test("a blocking call serves asynchronous waits on other sockets meanwhile", async () => {
  const [left, right] = MessageSocket.pair();
  const [otherLeft, otherRight] = MessageSocket.pair();
  const waiting = otherRight.receive();
  await otherLeft.send(bytes("for the other"));
  await left.send(bytes("for the blocking one"));

  assert.equal(text(right.receiveSync({ timeout: 30_000 }).data), "for the blocking one");

  assert.equal(text((await waiting).data), "for the other");
  for (const socket of [left, right, otherLeft, otherRight]) socket.close();
});

test("busyPoll finds a message without waiting for a wake-up", async () => {
  const [left, right] = MessageSocket.pair({ busyPoll: 1000 });

  const waiting = right.receive({ timeout: 30_000 });
  await left.send(bytes("soon"));
  assert.equal(text((await waiting).data), "soon");
  await left.send(bytes("there"));

  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "there");
  left.close();
  right.close();
});

test("sequenced packets keep their boundaries", async () => {
  const [left, right] = MessageSocket.pair({}, SOCK_SEQPACKET);

  await left.sendBatch([{ data: bytes("one") }, { data: bytes("two") }]);

  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "one");
  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "two");
  left.close();
  right.close();
});

test("raw IP packets arrive with their header, and need a privilege", async () => {
  const protocol = 253; // RFC 3692: for experiments
  if (process.getuid?.() !== 0) {
    assert.throws(() => MessageSocket.open(AF_INET, SOCK_RAW, protocol), { code: "EPERM", syscall: "socket" });
    return;
  }
  await using sender = MessageSocket.open(AF_INET, SOCK_RAW, protocol);
  await using receiver = MessageSocket.open(AF_INET, SOCK_RAW, protocol);
  receiver.bind(LOOPBACK);

  await sender.send(bytes("raw"), { to: LOOPBACK });

  const { data } = await receiver.receive({ timeout: 30_000 });
  assert.equal(data[0] >> 4, 4);
  assert.equal(data[9], protocol);
  assert.equal(text(data.subarray(20)), "raw");
});

test("sockets that are opened, used and closed leave no descriptor behind", async () => {
  const descriptors = () => readdirSync("/proc/self/fd").length;
  const cycle = async () => {
    const [left, right] = MessageSocket.pair();
    const waiting = right.receive();
    await left.send(bytes("x"));
    await waiting;
    left.close();
    right.close();
  };
  await cycle();
  const before = descriptors();

  for (let i = 0; i < 10_000; i++) await cycle();

  // The runtime opens a handful of its own whenever it likes; a leak would be thousands.
  assert(descriptors() - before < 10);
});
