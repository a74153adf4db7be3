import {
  AF_UNIX,
  MessageSocket,
  MessageTooLargeError,
  setsockopt,
  SO_SNDBUF,
  SOCK_DGRAM,
  type SocketAddress,
  SOL_SOCKET,
  TimeoutError,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "../../support/harness.ts";
import { bytes, fillWithMessages, text } from "./sockets.ts";

test("sends of one turn of the event loop arrive in order", async () => {
  const [left, right] = MessageSocket.pair();

  const sends = [];
  for (let i = 0; i < 200; i++) sends.push(left.send(Uint8Array.of(i)));
  const received = [];
  while (received.length < 200) {
    for (const { data } of await right.receiveBatch({ timeout: 30_000 })) received.push(data[0]);
  }
  await Promise.all(sends);

  assert.deepEqual(received, Array.from({ length: 200 }, (_, i) => i));
  assert.equal(left.stats().messagesSent, 200);
  left.close();
  right.close();
});

test("a batch arrives in order, also when the kernel's buffer is smaller", async () => {
  const [left, right] = MessageSocket.pair({ batch: 8 });
  const batch = Array.from({ length: 500 }, (_, i) => ({ data: Uint8Array.of(i & 0xff, i >> 8) }));

  const sent = left.sendBatch(batch);
  for (let i = 0; i < 500; i++) {
    const { data } = await right.receive({ timeout: 30_000 });
    assert.equal(data[0] | data[1] << 8, i);
  }

  await sent;
  await using _ = left, __ = right;
});

test("large messages arrive byte for byte, from where they are", async () => {
  const [left, right] = MessageSocket.pair();
  for (const size of [0, 1, 2047, 2048, 2049, 60 * 1024, 180_000]) {
    const data = Uint8Array.from({ length: size }, (_, i) => i * 7 + (i >> 8));

    await left.send(data);

    assert.deepEqual((await right.receive({ timeout: 30_000 })).data, data);
  }
  left.close();
  right.close();
});

test("trySend refuses when the kernel's buffer is full, and send waits until there is room", async () => {
  const [left, right] = MessageSocket.pair();
  const count = fillWithMessages(left, bytes("x"));
  assert(count > 0);
  assert(left.stats().sendsBlocked > 0);

  const waiting = left.send(bytes("last"));
  assert.equal(left.stats().sendQueueLength, 1);
  for (let i = 0; i < count; i++) assert.equal(text((await right.receive({ timeout: 30_000 })).data), "x");
  await waiting;

  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "last");
  left.close();
  right.close();
});

test("a send to a full peer gets through although an unconnected unix socket always claims to be writable", async () => {
  await using left = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  await using right = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  const to: SocketAddress = { family: "unix", abstract: randomUUID() };
  right.bind(to);
  let count = 0;
  while (left.trySend(bytes("x"), { to })) count++;

  const waiting = left.send(bytes("last"), { to });
  for (let i = 0; i < count; i++) await right.receive({ timeout: 30_000 });
  await waiting;

  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "last");
});

test("the line of waiting sends is bounded", async () => {
  const [left, right] = MessageSocket.pair({ sendQueue: 2 });
  fillWithMessages(left, bytes("x"));

  const waiting = [left.send(bytes("1")), left.send(bytes("2"))];
  await assert.rejects(left.send(bytes("3")), { code: "BUFFER_FULL" });

  left.close();
  right.close();
  for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, "rejected");
});

test("a send that is given up is not sent later", async () => {
  const [left, right] = MessageSocket.pair();
  const count = fillWithMessages(left, bytes("x"));
  const abort = new AbortController();

  const aborted = left.send(bytes("aborted"), { signal: abort.signal });
  const late = left.send(bytes("late"), { timeout: 1 });
  const kept = left.send(bytes("kept"));
  abort.abort(new Error("changed my mind"));
  await assert.rejects(aborted, { message: "changed my mind" });
  await assert.rejects(late, TimeoutError);
  for (let i = 0; i < count; i++) await right.receive({ timeout: 30_000 });
  await kept;

  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "kept");
  left.close();
  right.close();
});

test("flush resolves when everything is in the kernel", async () => {
  const [left, right] = MessageSocket.pair();
  const count = fillWithMessages(left, bytes("x"));
  left.send(bytes("last"));

  const flushed = left.flush();
  for (let i = 0; i <= count; i++) await right.receive({ timeout: 30_000 });
  await flushed;

  assert.equal(left.stats().sendQueueLength, 0);
  left.close();
  right.close();
});

test("a message that the kernel can't take whole is refused before anything is sent", async () => {
  const [left, right] = MessageSocket.pair();
  setsockopt(left.fd, SOL_SOCKET, SO_SNDBUF, 4096);

  await assert.rejects(left.send(new Uint8Array(200_000)), MessageTooLargeError);
  await left.send(bytes("small"));

  assert.equal(text((await right.receive({ timeout: 30_000 })).data), "small");
  left.close();
  right.close();
});

test("a send to a socket that isn't there fails with the address", async () => {
  await using socket = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  const to: SocketAddress = { family: "unix", path: `/tmp/sockeye-${randomUUID()}` };

  await assert.rejects(socket.send(bytes("x"), { to }), { code: "ENOENT", address: to.path });
});
