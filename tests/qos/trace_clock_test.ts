import assert from "node:assert/strict";
import { alignClocks, monotonicNow, monotonicOf } from "../../qos/trace/clock.ts";
import { test } from "../support/harness.ts";

/** How far the two clocks may seem apart: `Date.now()` has whole milliseconds. */
const TOLERANCE_MS = 2;

function distance(): number {
  return Math.abs(monotonicOf(Date.now() + 0.5)! - monotonicNow());
}

test("a timestamp is found on the monotonic clock, also after the time of day has been stepped", () => {
  const { now } = Date;
  try {
    for (const step of [0, 3_600_000, -86_400_000, 5, 0]) {
      Date.now = () => now() + step;

      alignClocks();

      assert.ok(distance() < TOLERANCE_MS, `after a step by ${step} ms: ${distance()}`);
    }
  } finally {
    Date.now = now;
    alignClocks();
  }
});

test("without a timestamp there is no time", () => {
  assert.equal(monotonicOf(undefined), undefined);
});
