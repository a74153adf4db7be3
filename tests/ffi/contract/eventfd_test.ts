import {
  BufferFullError,
  ClosedError,
  Descriptor,
  EventCounter,
  F_DUPFD_CLOEXEC,
  fcntl,
  TimeoutError,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "../../support/harness.ts";

const SOON = { timeout: 30_000 };

/** The value as the kernel shows it, proc(5). */
function valueOf({ fd }: EventCounter): number {
  return parseInt(/eventfd-count:\s*([0-9a-f]+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1], 16);
}

test("what is added is taken at once by the first who waits", async () => {
  await using counter = EventCounter.create();

  const first = counter.wait(SOON);
  const second = counter.wait(SOON);
  counter.add();
  counter.add(41);
  assert.equal(await first, 42);
  counter.add(7);

  assert.equal(await second, 7);
  assert.deepEqual(counter.stats(), { added: 49, taken: 49, waiting: 0 });
});

test("values above 32 bits are carried exactly", async () => {
  await using counter = EventCounter.create({ initial: 5 });

  counter.add(2 ** 40 + 3);
  assert.equal(valueOf(counter), 2 ** 40 + 8);
  assert.equal(await counter.wait(), 2 ** 40 + 8);
  counter.add(Number.MAX_SAFE_INTEGER);

  assert.equal(counter.tryTake(), Number.MAX_SAFE_INTEGER);
  assert.equal(counter.tryTake(), undefined);
});

test("a semaphore gives 1 to each who waits", async () => {
  await using counter = EventCounter.create({ initial: 2, semaphore: true });

  assert.equal(await counter.wait(), 1);
  assert.equal(counter.tryTake(), 1);
  const waiting = [counter.wait(SOON), counter.wait(SOON)];
  counter.add(3);

  assert.deepEqual(await Promise.all(waiting), [1, 1]);
  assert.equal(valueOf(counter), 1);
});

test("a wait that is given up takes nothing", async () => {
  await using counter = EventCounter.create();
  const abort = new AbortController();

  const aborted = counter.wait({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(aborted, { message: "enough" });
  await assert.rejects(counter.wait({ timeout: 5 }), TimeoutError);
  assert.throws(() => counter.waitSync({ timeout: 5 }), TimeoutError);
  counter.add(3);

  assert.equal(counter.waitSync(), 3);
});

test("two handles share one counter, and each closes its own", async () => {
  await using ours = EventCounter.create();
  const theirs = EventCounter.adopt(Descriptor.adopt(fcntl(ours.fd, F_DUPFD_CLOEXEC, 0), "event counter"));

  const waiting = theirs.wait(SOON);
  ours.add(9);
  assert.equal(await waiting, 9);
  theirs.close();
  ours.add(1);

  assert.equal(await ours.wait(), 1);
});

test("a counter that would overflow refuses, and keeps its value", async () => {
  await using counter = EventCounter.create();
  // 2^64 - 2 is the most: 2048 times 2^53 - 1, and a little more.
  for (let i = 0; i < 2048; i++) counter.add(Number.MAX_SAFE_INTEGER);
  counter.add(2046);

  assert.throws(() => counter.add(1), BufferFullError);

  assert.equal(await counter.wait(), 2 ** 64);
  counter.add(1);
});

test("iteration gives every sum, and ends when the counter is closed", async () => {
  const counter = EventCounter.create({ initial: 1 });

  const sums: number[] = [];
  for await (const sum of counter) {
    sums.push(sum);
    if (sums.length < 3) counter.add(sum + 1);
    else counter.close();
  }

  assert.deepEqual(sums, [1, 2, 3]);
});

test("close rejects what is pending and refuses what is new", async () => {
  const counter = EventCounter.create();
  const waiting = counter.wait();

  counter.close();
  counter.close();

  await assert.rejects(waiting, ClosedError);
  await assert.rejects(counter.wait(), ClosedError);
  assert.throws(() => counter.add(), ClosedError);
  assert.throws(() => counter.tryTake(), ClosedError);
  assert.throws(() => counter.waitSync(), ClosedError);
  assert.throws(() => counter.fd, ClosedError);
  await using _ = counter;
});

test("wrong numbers are refused by name", async () => {
  await using counter = EventCounter.create();

  for (const count of [0, -1, 1.5, NaN, 2 ** 53]) {
    assert.throws(() => counter.add(count), { code: "ARGUMENT", argument: "count" });
  }
  for (const initial of [-1, 0.5, 2 ** 32]) {
    assert.throws(() => EventCounter.create({ initial }), { argument: "options.initial" });
  }

  assert.equal(counter.tryTake(), undefined);
});

test("10,000 counters that are made, used and closed leave no descriptor behind", async () => {
  const descriptors = () => readdirSync("/proc/self/fd").length;
  const cycle = async () => {
    const counter = EventCounter.create();
    const waiting = counter.wait();
    counter.add();
    await waiting;
    counter.close();
  };
  await cycle();
  const before = descriptors();

  for (let i = 0; i < 10_000; i++) await cycle();

  assert(descriptors() - before < 10);
});
