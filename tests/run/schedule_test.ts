import assert from "node:assert/strict";
import { test } from "../support/harness.ts";
import { runAll, type Scheduled } from "../support/run/schedule.ts";

/** Runs work whose end the test decides; tells what has begun. */
function staged(work: Scheduled[], width: number) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const ended = runAll(work, width, ({ name }) => {
    begun.push(name);
    return new Promise<void>((resolve) => ends.set(name, resolve));
  });
  const end = async (name: string) => {
    ends.get(name)!();
    // The schedule takes a few turns of the microtask queue to notice.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, end, ended };
}

test("the first runs alone, the others so many at a time and in order", async () => {
  const { begun, end, ended } = staged([{ name: "a" }, { name: "b" }, { name: "c" }, { name: "d" }], 2);

  assert.deepEqual(begun, ["a"]);
  await end("a");
  assert.deepEqual(begun, ["a", "b", "c"]);
  await end("c");
  assert.deepEqual(begun, ["a", "b", "c", "d"]);
  await end("b");
  await end("d");
  await ended;
});

test("what has to wait for another lets those behind it begin", async () => {
  const work = [{ name: "a" }, { name: "build" }, { name: "use", after: "build" }, { name: "z" }];
  const { begun, end, ended } = staged(work, 2);

  await end("a");
  assert.deepEqual(begun, ["a", "build", "z"]);
  await end("z");
  assert.deepEqual(begun, ["a", "build", "z"]);
  await end("build");
  assert.deepEqual(begun, ["a", "build", "z", "use"]);
  await end("use");
  await ended;
});

test("who waits for somebody that isn't run doesn't wait", async () => {
  const { begun, end, ended } = staged([{ name: "a" }, { name: "use", after: "build" }], 2);

  await end("a");
  assert.deepEqual(begun, ["a", "use"]);
  await end("use");
  await ended;
});

test("nothing to run is done at once", async () => {
  assert.deepEqual(await runAll([], 2, () => Promise.reject(new Error("nothing to run"))), []);
});

test("everybody's result counts, whoever ran at the same time", async () => {
  const work = ["a", "b", "c", "d"].map((name) => ({ name }));

  const results = await runAll(work, 3, async ({ name }) => {
    await new Promise((resolve) => setImmediate(resolve));
    return name;
  });

  assert.deepEqual(results, ["a", "b", "c", "d"]);
});

test("work that waits for itself is an error, not a wait without end", async () => {
  await assert.rejects(
    runAll([{ name: "a" }, { name: "b", after: "c" }, { name: "c", after: "b" }], 2, () => Promise.resolve()),
    /b, c wait for each other/,
  );
});
