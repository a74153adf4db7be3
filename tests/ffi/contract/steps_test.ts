import { Reactor } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "../../support/harness.ts";

const reactor = Reactor.current();

test("steps are done in the next turn of the event loop, in order", async () => {
  const done: number[] = [];
  reactor.soon(() => done.push(1));
  reactor.soon(() => done.push(2));
  await Promise.resolve();
  assert.deepEqual(done, []);

  await setImmediate();

  assert.deepEqual(done, [1, 2]);
});

test("steps are done before a blocking call waits, and it only looks then", () => {
  let isDone = false;
  reactor.soon(() => isDone = true);

  reactor.poll(-1);

  assert(isDone);
});

test("a step that is asked for by a step waits for the next time", () => {
  const done: string[] = [];
  reactor.soon(() => {
    done.push("first");
    reactor.soon(() => done.push("second"));
  });

  assert.equal(reactor.runSteps(), true);
  assert.deepEqual(done, ["first"]);
  assert.equal(reactor.runSteps(), true);
  assert.deepEqual(done, ["first", "second"]);
  assert.equal(reactor.runSteps(), false);
});

test("a step that throws loses none of those behind it", () => {
  let isDone = false;
  reactor.soon(() => {
    throw new Error("of the step");
  });
  reactor.soon(() => isDone = true);

  assert.throws(() => reactor.runSteps(), /of the step/);
  assert.equal(isDone, false);
  reactor.runSteps();

  assert(isDone);
});
