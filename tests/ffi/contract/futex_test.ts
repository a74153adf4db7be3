import {
  ArgumentError,
  ClosedError,
  futexWait,
  futexWaitSync,
  futexWake,
  SharedMemory,
  TimeoutError,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "../../support/harness.ts";

const SOON = { timeout: 30_000 };

/** Runs a test with words that other processes could see. */
function withWords(use: (words: Int32Array, memory: SharedMemory) => Promise<void> | void): () => Promise<void> {
  return async () => {
    using memory = SharedMemory.create(4096);
    await use(new Int32Array(memory.buffer), memory);
  };
}

/** Wakes a word until so many waits have ended: a wake-up before they sleep finds nobody. */
async function wakeUntil(words: Int32Array, index: number, count: number): Promise<void> {
  for (let woken = 0; woken < count; woken += futexWake(words, index, count - woken)) await setImmediate();
}

test(
  "a wait ends when the word changes and somebody wakes it",
  withWords(async (words) => {
    const waiting = futexWait(words, 3, 0, SOON);

    Atomics.store(words, 3, 7);
    futexWake(words, 3);

    assert.equal(await waiting, "ok");
  }),
);

test(
  "a word that has another value is not waited for",
  withWords(async (words) => {
    words[0] = -1;

    assert.equal(await futexWait(words, 0, 0), "not-equal");
    assert.equal(futexWaitSync(words, 0, 0), "not-equal");
    assert.equal(await futexWait(words, 1, 1), "not-equal");
    await assert.rejects(futexWait(words, 0, -1, { timeout: 5 }), TimeoutError);
    assert.throws(() => futexWaitSync(words, 0, -1, { timeout: 5 }), TimeoutError);
  }),
);

test(
  "a wake-up ends the wait also when the word is unchanged",
  withWords(async (words) => {
    const waiting = futexWait(words, 0, 0, SOON);

    await wakeUntil(words, 0, 1);

    assert.equal(await waiting, "ok");
  }),
);

test(
  "a wake-up ends the waits on its own word alone",
  withWords(async (words) => {
    const waits = Array.from({ length: 5 }, () => futexWait(words, 0, 0, SOON));
    const other = futexWait(words, 1, 0, SOON);
    let otherEnded = false;
    other.then(() => otherEnded = true);

    await wakeUntil(words, 0, 1);
    Atomics.store(words, 0, 1);
    futexWake(words, 0, 5);

    assert.deepEqual(await Promise.all(waits), Array(5).fill("ok"));
    assert(!otherEnded);
    Atomics.store(words, 1, 1);
    futexWake(words, 1);
    assert.equal(await other, "ok");
  }),
);

test(
  "140 waits on as many words end, each with its own word",
  withWords(async (words) => {
    const order: number[] = [];
    const waits = Array.from({ length: 140 }, (_, i) => futexWait(words, i, 0, SOON).then(() => order.push(i)));

    for (let i = 139; i >= 0; i--) {
      Atomics.store(words, i, 1);
      futexWake(words, i);
      while (order.length < 140 - i) await setImmediate();
    }

    await Promise.all(waits);
    assert.deepEqual(order, Array.from({ length: 140 }, (_, i) => 139 - i));
  }),
);

test(
  "a wait that is given up ends, and leaves the others alone",
  withWords(async (words) => {
    const abort = new AbortController();
    const reason = new Error("enough");
    const aborted = futexWait(words, 0, 0, { signal: abort.signal });
    const late = futexWait(words, 0, 0, { timeout: 5 });
    const kept = futexWait(words, 0, 0, SOON);

    abort.abort(reason);
    await assert.rejects(aborted, (error) => error === reason);
    await assert.rejects(late, TimeoutError);
    await assert.rejects(futexWait(words, 0, 0, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
    await wakeUntil(words, 0, 1);

    assert.equal(await kept, "ok");
  }),
);

test(
  "a wake-up that hits a wait which is being given up goes to another",
  withWords(async (words) => {
    for (let round = 0; round < 100; round++) {
      const abort = new AbortController();
      const aborted = assert.rejects(futexWait(words, 0, 0, { signal: abort.signal }), { name: "AbortError" });
      const kept = futexWait(words, 0, 0, SOON);
      await setImmediate();

      abort.abort();
      await wakeUntil(words, 0, 1);

      await aborted;
      assert.equal(await kept, "ok");
    }
  }),
);

test("closing the memory ends waits on its words, and refuses new ones", async () => {
  const memory = SharedMemory.create(4096);
  const other = SharedMemory.create(4096);
  const words = new Int32Array(memory.buffer);
  const otherWords = new Int32Array(other.buffer);
  const waiting = futexWait(words, 0, 0);
  const kept = futexWait(otherWords, 0, 0, SOON);

  memory.close();

  await assert.rejects(waiting, ClosedError);
  await assert.rejects(futexWait(words, 0, 0), ClosedError);
  assert.throws(() => futexWaitSync(words, 0, 0), ClosedError);
  assert.throws(() => futexWake(words, 0), ClosedError);
  Atomics.store(otherWords, 0, 1);
  futexWake(otherWords, 0);
  assert.equal(await kept, "ok");
  other.close();
});

test("any memory will do, shared or not", async () => {
  for (const buffer of [new ArrayBuffer(64), new SharedArrayBuffer(64)]) {
    const words = new Int32Array(buffer, 16);
    const waiting = futexWait(words, 2, 0, SOON);

    Atomics.store(words, 2, 1);
    futexWake(words, 2);

    assert.equal(await waiting, "ok");
  }
});

test(
  "wrong arguments are refused by name",
  withWords(async (words) => {
    await assert.rejects(futexWait(words, 1024, 0), { code: "ARGUMENT", argument: "index" });
    await assert.rejects(futexWait(words, 0, 2 ** 31), { argument: "expected" });
    await assert.rejects(futexWait(words, 0, 0, { timeout: -1 }), { argument: "options.timeout" });
    await assert.rejects(futexWait([0] as unknown as Int32Array, 0, 0), { argument: "words" });
    assert.throws(() => futexWake(words, -1), ArgumentError);
    assert.throws(() => futexWake(words, 0, -1), { argument: "count" });
    assert.throws(() => futexWaitSync(words, 0.5, 0), ArgumentError);
  }),
);
