import { AF_INET, MessageSocket, SOCK_DGRAM } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { clearImmediate, setImmediate } from "node:timers";
import { test } from "../../support/harness.ts";

/** Operations after which the event loop must have had a turn; without one, the test would never end. */
const MANY = 10_000;

/** Repeats an operation that never has to wait, and says whether anything else ran meanwhile. */
async function leavesTurns(operation: () => Promise<unknown>): Promise<boolean> {
  let hasRun = false;
  const pending = setImmediate(() => hasRun = true);
  for (let i = 0; i < MANY && !hasRun; i++) await operation();
  clearImmediate(pending);
  return hasRun;
}

test("sends that never wait leave the event loop its turns", async () => {
  await using socket = MessageSocket.open(AF_INET, SOCK_DGRAM);
  socket.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const to = socket.localAddress();
  const data = new Uint8Array(1);

  assert(await leavesTurns(() => socket.send(data, { to })));
  assert(await leavesTurns(() => socket.sendBatch([{ data, to }])));
});

test("receives that never wait leave the event loop its turns", async () => {
  const [left, right] = MessageSocket.pair();
  const data = new Uint8Array(1);
  const afterSend = (receive: () => Promise<unknown>) => () => {
    left.trySend(data);
    return receive();
  };

  assert(await leavesTurns(afterSend(() => right.receive())));
  assert(await leavesTurns(afterSend(() => right.receiveBatch())));
  assert(await leavesTurns(afterSend(() => right.receiveInto(data))));
  left.trySend(data);
  assert(await leavesTurns(() => right.untilReadable()));
  await using _ = left, __ = right;
});
