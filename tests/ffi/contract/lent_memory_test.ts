/** Memory that is transferred or shrunk while a call has it: the call fails, and nobody else's memory is touched. */

import { futexWait, MessageSocket, StreamSocket } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

const CHANGED = { name: "ArgumentError" };

/** Transfers the buffer behind a view; what belongs to the new owner. */
function transferred(view: Uint8Array | Int32Array): Uint8Array {
  const buffer = view.buffer as ArrayBuffer;
  return new Uint8Array(structuredClone(buffer, { transfer: [buffer] }));
}

test("a read into several buffers doesn't write into one that was transferred meanwhile", async () => {
  const [left, right] = StreamSocket.pair();
  const buffers = [new Uint8Array(2), new Uint8Array(100)];
  const read = right.readv(buffers);
  const owned = transferred(buffers[1]);

  await left.write(new Uint8Array(50).fill(7));

  await assert.rejects(read, CHANGED);
  assert.deepEqual(owned, new Uint8Array(100));
  assert.equal(await right.read(new Uint8Array(100)), 50);
  await using _ = left, __ = right;
});

test("a read into a buffer that was transferred meanwhile is no end of the stream", async () => {
  const [left, right] = StreamSocket.pair();
  const buffer = new Uint8Array(100);
  const read = right.read(buffer);
  transferred(buffer);

  await left.write(Uint8Array.of(1, 2));

  await assert.rejects(read, CHANGED);
  assert.equal(await right.read(new Uint8Array(100)), 2);
  await using _ = left, __ = right;
});

test("a message stays where it is when the buffer for it was transferred meanwhile", async () => {
  const [left, right] = MessageSocket.pair();
  const buffer = new Uint8Array(100);
  const received = right.receiveInto(buffer);
  transferred(buffer);

  await left.send(Uint8Array.of(1, 2));

  await assert.rejects(received, CHANGED);
  assert.throws(() => right.tryReceiveInto(buffer), CHANGED);
  assert.equal((await right.receiveInto(new Uint8Array(100))).length, 2);
  await using _ = left, __ = right;
});

test("into an empty buffer a message is discarded", async () => {
  const [left, right] = MessageSocket.pair();

  await left.send(Uint8Array.of(1, 2));

  assert.equal((await right.receiveInto(new Uint8Array(0))).length, 0);
  assert.equal(right.tryReceive(), undefined);
  await using _ = left, __ = right;
});

test("a message whose memory is transferred while it waits is not sent as an empty one", async () => {
  const [left, right] = MessageSocket.pair();
  while (left.trySend(Uint8Array.of(0)));
  const [given, kept] = [new Uint8Array(5000), new Uint8Array(5000)];
  const sends = [left.send(kept), left.send(given), left.send(kept)];
  transferred(given);

  const refused = assert.rejects(sends[1], CHANGED);
  const lengths: number[] = [];
  while (lengths.filter((length) => length > 1).length < 2) lengths.push((await right.receive()).data.length);

  await refused;
  await Promise.all([sends[0], sends[2]]);
  assert(!lengths.includes(0));
  await using _ = left, __ = right;
});

for (const how of ["write", "writev"] as const) {
  test(`what is left of a ${how} is not taken for written when its memory was transferred`, async () => {
    const [left, right] = StreamSocket.pair();
    const bytes = new Uint8Array(4_000_000);
    const written = how === "write" ? left.write(bytes) : left.writev([bytes]);
    transferred(bytes);

    const refused = assert.rejects(written, CHANGED);
    const room = new Uint8Array(4_000_000);
    const settled = refused.then(() => left.close());
    while (await right.read(room) !== null);

    await settled;
    await using _ = left, __ = right;
  });
}

test("a receive into a buffer that shrinks stays inside of it", async () => {
  const [left, right] = MessageSocket.pair();
  const buffer = resizable(1000);
  const view = new Uint8Array(buffer);
  await left.send(new Uint8Array(500).fill(7));
  await right.receiveInto(view);

  buffer.resize(10);
  await left.send(new Uint8Array(500).fill(8));
  assert.equal((await right.receiveInto(view)).length, 10);

  buffer.resize(1000);
  assert.deepEqual(view.subarray(10, 500), new Uint8Array(490));
  await using _ = left, __ = right;
});

test("a wait for a word fails when its memory was transferred, and others go on", async () => {
  const [given, kept] = [new Int32Array(4), new Int32Array(4)];
  const lost = futexWait(given, 0, 0, { timeout: 30_000 });
  const waiting = futexWait(kept, 0, 0, { timeout: 30_000 });
  transferred(given);

  const refused = assert.rejects(lost, CHANGED);
  Atomics.store(kept, 0, 1);
  // The thread that sleeps for all is called back by a new wait.
  assert.equal(await futexWait(kept, 1, 0, { timeout: 1 }).catch(() => "over"), "over");

  await refused;
  assert.equal(await waiting, "ok");
});

/** ES2024, which Node 20 has and its declarations lack. */
function resizable(length: number): ArrayBuffer & { resize(length: number): void } {
  const options = { maxByteLength: length };
  return new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(length, options) as ReturnType<
    typeof resizable
  >;
}
