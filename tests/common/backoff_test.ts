// Waits between attempts, whatever chance says.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Backoff } from "../../common/backoff.ts";
import { test } from "../support/harness.ts";

test("waits double up to the longest, and begin again after a success", () => {
  const backoff = new Backoff({ min: 100, max: 1000, jitter: 0 });
  const waits = () => Array.from({ length: 6 }, () => backoff.next());

  assert.deepEqual(waits(), [100, 200, 400, 800, 1000, 1000]);
  backoff.reset();
  assert.deepEqual(waits(), [100, 200, 400, 800, 1000, 1000]);
});

test("without a longest wait all are the first, as in nng", () => {
  const backoff = new Backoff({ min: 100, max: 0, jitter: 0 });

  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [100, 100, 100]);
});

test("chance shortens each wait by no more than its part, and changes none of those that follow", () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const milliseconds = fc.nat(100_000);
  fc.assert(fc.property(milliseconds, milliseconds, chance, fc.array(chance), (min, max, jitter, chances) => {
    const certain = new Backoff({ min, max, jitter: 0 });
    const backoff = new Backoff({ min, max, jitter });
    for (const random of chances) {
      const longest = certain.next();
      const wait = backoff.next(random);
      assert(wait <= longest && wait >= longest * (1 - jitter), `${wait} of ${longest}`);
    }
  }));
});
