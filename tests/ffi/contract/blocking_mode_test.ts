import { F_GETFL, fcntl, MessageSocket, O_NONBLOCK, TimeoutError } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);

test("a blocking receive leaves the descriptor non-blocking for others", () => {
  const [left, right] = MessageSocket.pair();
  assert.throws(() => right.receiveSync({ timeout: 1 }), TimeoutError);

  const flags = fcntl(right.fd, F_GETFL);

  assert.equal(flags & O_NONBLOCK, O_NONBLOCK);
  left.close();
  right.close();
});

test("each blocking call has a timeout of its own", () => {
  const [left, right] = MessageSocket.pair();
  const full = () => {
    while (left.trySend(ONE));
  };

  assert.throws(() => right.receiveSync({ timeout: 1 }), TimeoutError);
  assert.throws(() => right.receiveIntoSync(new Uint8Array(1), { timeout: 2 }), TimeoutError);
  full();
  assert.throws(() => left.sendSync(TWO, { timeout: 1 }), TimeoutError);
  assert.throws(() => left.sendSync(TWO, { timeout: 2, flags: 0x40 }), TimeoutError);

  assert.deepEqual(right.receiveSync().data, ONE);
  left.close();
  right.close();
});

test("what doesn't block finds nothing as before, after a call that did", async () => {
  const [left, right] = MessageSocket.pair();
  assert.throws(() => right.receiveSync({ timeout: 1 }), TimeoutError);

  assert.equal(right.tryReceive(), undefined);
  assert.equal(right.tryReceiveInto(new Uint8Array(1)), undefined);
  const waiting = right.receive({ timeout: 30_000 });
  await left.send(ONE);

  assert.deepEqual((await waiting).data, ONE);
  await using _ = left, __ = right;
});

test("a blocking receive does not hold up what others wait for", async () => {
  const [left, right] = MessageSocket.pair();
  const [asyncLeft, asyncRight] = MessageSocket.pair();
  const waiting = asyncRight.receive({ timeout: 30_000 });
  left.sendSync(ONE);
  asyncLeft.sendSync(TWO);

  assert.deepEqual(right.receiveSync({ timeout: 30_000 }).data, ONE);

  assert.deepEqual((await waiting).data, TWO);
  await using _ = left, __ = right, ___ = asyncLeft, ____ = asyncRight;
});
