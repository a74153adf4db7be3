/**
 * How the heap grows while messages pass: `our_memory.ts MESSAGES`, over a pair of unix datagram sockets. Run with
 * `--v8-flags=--expose-gc`.
 *
 * @module
 */

import { MessageSocket } from "../../ffi/mod.ts";
import { say } from "./tally.mjs";

const BATCH = 32;
/** Rounds that warm up, before the heap is looked at for the first time. */
const WARM_UPS = 3;
const ROUNDS = 3;
const collect = (globalThis as unknown as { gc: () => void }).gc;

function used(): { heap: number; external: number; resident: number } {
  collect();
  collect();
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { heap: heapUsed, external, resident: rss };
}

async function pass(left: MessageSocket, right: MessageSocket, count: number): Promise<void> {
  const data = new Uint8Array(64);
  const batch = Array.from({ length: BATCH }, () => ({ data }));
  for (let sent = 0; sent < count; sent += BATCH) {
    const sending = left.sendBatch(batch);
    for (let received = 0; received < BATCH;) received += (await right.receiveBatch()).length;
    await sending;
  }
}

const messages = Number(Deno.args[0]);
const [left, right] = MessageSocket.pair();
for (let i = 0; i < WARM_UPS; i++) await pass(left, right, messages);
const before = used();
for (let i = 0; i < ROUNDS; i++) await pass(left, right, messages);
const after = used();
const million = 1e6 / (ROUNDS * messages);
say({
  heap: (after.heap - before.heap) * million,
  external: (after.external - before.external) * million,
  resident: (after.resident - before.resident) * million,
});
left.close();
right.close();
