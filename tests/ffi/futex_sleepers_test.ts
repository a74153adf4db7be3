/** Futex waits where the kernel can't sleep on several words, and where it refuses to. */

import assert from "node:assert/strict";
import { ClosedError } from "../../common/errors.ts";
import { type Sleeper, SleeperGroup, SLEEPERS_PER_THREAD } from "../../ffi/futex_sleepers.ts";
import { test } from "../support/harness.ts";

/** The outcome of a wait, once nothing of it is left. */
async function outcome(group: SleeperGroup, sleeper: Sleeper, signal?: AbortSignal): Promise<string> {
  try {
    return await sleeper.line.wait("wait", { signal, timeout: 30_000 }, undefined);
  } finally {
    await group.remove(sleeper);
  }
}

for (const [way, canSleep] of [["sleeping", true], ["looking", false]] as const) {
  test(`a change is seen by ${way}`, async () => {
    const group = new SleeperGroup(canSleep);
    const words = new Int32Array(4);
    const waits = [0, 1, 2].map((index) => outcome(group, group.add(words, index, 0)));

    Atomics.store(words, 1, 1);
    assert.equal(await waits[1], "ok");
    Atomics.store(words, 0, 1);
    Atomics.store(words, 2, 1);
    // A sleeping thread is called back by a new wait; that one finds its word changed.
    assert.equal(await outcome(group, group.add(words, 2, 0)), "ok");

    assert.deepEqual(await Promise.all(waits), ["ok", "ok", "ok"]);
  });

  test(`a wait that is given up or fails leaves nothing behind (${way})`, async () => {
    const group = new SleeperGroup(canSleep);
    const words = new Int32Array(4);
    const abort = new AbortController();
    const given = outcome(group, group.add(words, 0, 0), abort.signal);
    const failing = outcome(group, group.add(words, 1, 0));

    abort.abort(new Error("enough"));
    await assert.rejects(given, { message: "enough" });
    group.fail(words.buffer, new ClosedError("gone"));

    await assert.rejects(failing, ClosedError);
  });
}

test("one thread sleeps on 127 words", () => {
  const group = new SleeperGroup(false);
  const words = new Int32Array(SLEEPERS_PER_THREAD);
  const sleepers = Array.from(words, (_, index) => group.add(words, index, 0));

  assert.equal(SLEEPERS_PER_THREAD, 127);
  assert(!group.hasRoom);
  return Promise.all(sleepers.map((sleeper) => group.remove(sleeper))).then(() => assert(group.hasRoom));
});

test("what the kernel refuses is an error with its number, not a wait without end", async () => {
  const group = new SleeperGroup(true);
  // futex(2): the word must be aligned to four bytes, which no Int32Array can help but be.
  const words = new Int32Array(4);
  const misled = group.add(words, 0, 0);
  Object.assign(misled, { address: misled.address + 1 });

  const waits = [misled, group.add(words, 1, 0)].map((sleeper) => outcome(group, sleeper));

  for (const wait of waits) await assert.rejects(wait, { code: "EINVAL", syscall: "futex_waitv" });
});
