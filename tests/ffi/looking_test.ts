/** When the reactor looks again, when it leaves waiting to a thread, and when it offers the processor to others. */

import { deepEqual, equal } from "node:assert/strict";
import { Looking } from "../../ffi/looking.ts";
import { test } from "../support/harness.ts";

/** Processors on which an offer takes as long as it is told. */
function processors({ count = 2, yieldMs = 0 } = {}) {
  let time = 0;
  const self = {
    count,
    yieldMs,
    yields: 0,
    now: () => time,
    yield: () => {
      self.yields++;
      time += self.yieldMs;
    },
  };
  return self;
}

/** Looks in vain until that is left to a thread; returns how often. */
function lookInVain(looking: Looking): number {
  let looks = 0;
  for (; looking.isWorthwhile; looks++) looking.foundNothing();
  looking.waits();
  return looks;
}

/** Lets threads wait until looking is tried again; returns how many. */
function waitForTry(looking: Looking): number {
  let waits = 0;
  for (; !looking.isWorthwhile; waits++) looking.hasWaited();
  return waits;
}

test("looks in vain end in a thread that waits, and in ever rarer tries", () => {
  const looking = new Looking(processors());

  const begin = [];
  for (let i = 0; i < 4; i++) {
    begin.push(lookInVain(looking));
    looking.hasWaited();
  }
  deepEqual(begin, [128, 128, 128, 128]);

  const waits = [1 + waitForTry(looking)];
  for (let i = 0; i < 8; i++) {
    equal(lookInVain(looking), 128);
    waits.push(waitForTry(looking));
  }
  deepEqual(waits, [16, 32, 64, 128, 256, 512, 1024, 1024, 1024]);
});

test("a look that finds something has it look on", () => {
  const looking = new Looking(processors());
  for (let i = 0; i < 4; i++) lookInVain(looking);
  waitForTry(looking);
  looking.foundNothing();
  looking.found();

  const looks = [0, 1, 2, 3].map(() => lookInVain(looking));

  deepEqual(looks, [128, 128, 128, 128]);
  equal(waitForTry(looking), 16);
});

test("where there is one processor, a thread waits every time", () => {
  const looking = new Looking(processors({ count: 1 }));
  for (let i = 0; i < 5000; i++) {
    equal(looking.isWorthwhile, false);
    looking.hasWaited();
  }
});

test("the processor is offered after a few looks in vain", () => {
  const machine = processors();
  const looking = new Looking(machine);

  const offers = [1, 2, 3, 4, 5].map(() => {
    looking.foundNothing();
    return machine.yields;
  });

  deepEqual(offers, [0, 0, 0, 1, 2]);
  looking.found();
  looking.foundNothing();
  equal(machine.yields, 2);
});

test("a peer that answers at the first offer is offered the processor at once, until it moves away", () => {
  const machine = processors();
  const looking = new Looking(machine);

  const gaps = [looksUntil(1), looksUntil(1), looksUntil(3), looksUntil(1)];

  deepEqual(gaps, [4, 1, 3, 4]);

  /** Has something be there after so many offers; returns how many looks that took. */
  function looksUntil(offers: number): number {
    const { yields } = machine;
    let looks = 0;
    for (; machine.yields - yields < offers; looks++) looking.foundNothing();
    looking.found();
    return looks;
  }
});

test("who keeps the processor for long is offered it ever less, until an offer pays again", () => {
  const machine = processors({ yieldMs: 8 });
  const looking = new Looking(machine);

  const gaps = [untilOffer(), untilOffer(), untilOffer(), untilOffer(), untilOffer()];
  machine.yieldMs = 0;
  gaps.push(untilOffer());
  looking.found();
  // Short: the next one follows at once, and pays, too.
  gaps.push(untilOffer());
  looking.found();
  machine.yieldMs = 8;
  gaps.push(untilOffer(), untilOffer());

  // 1,024 looks, twice as many after each that took long, half as many after each that paid.
  deepEqual(gaps.map((gap) => Math.floor(gap / 1024)), [0, 1, 2, 4, 8, 16, 0, 0, 8]);

  /** Looks in vain, waiting as often as need be, until the next offer. */
  function untilOffer(): number {
    const { yields } = machine;
    let looks = 0;
    while (machine.yields === yields) {
      if (!looking.isWorthwhile) {
        looking.waits();
        waitForTry(looking);
      }
      looking.foundNothing();
      looks++;
    }
    return looks;
  }
});
