import assert from "node:assert/strict";
import fc from "fast-check";
import { Inbox } from "../../sctp/inbox.ts";

/** What can be done to an inbox, with what a plain array says about it. */
type Step = { put: number } | { take: true } | { extractOdd: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 5000 }).map((size) => ({ put: size })) },
  { weight: 5, arbitrary: fc.constant({ take: true } as const) },
  { weight: 1, arbitrary: fc.constant({ extractOdd: true } as const) },
);

function inboxOf(limit = Infinity): Inbox<{ id: number }> {
  return new Inbox(limit, () => {});
}

Deno.test("whatever is put in, taken and extracted, an inbox is a queue", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 900 }), (steps) => {
    const inbox = inboxOf();
    let model: { id: number; size: number }[] = [];
    let id = 0;
    for (const now of steps) {
      if ("put" in now) {
        inbox.put({ id }, now.put);
        model.push({ id: id++, size: now.put });
      } else if ("take" in now) {
        assert.equal(inbox.take()?.id, model.shift()?.id);
      } else {
        const extracted = inbox.extract((item) => item.id % 2 === 1).map(({ item, size }) => ({ id: item.id, size }));
        assert.deepEqual(extracted, model.filter((item) => item.id % 2 === 1));
        model = model.filter((item) => item.id % 2 === 0);
      }
      assert.equal(inbox.length, model.length);
      assert.equal(inbox.bytes, model.reduce((bytes, { size }) => bytes + size + 64, 0));
    }
  }));
});

Deno.test("an inbox has room until its limit is reached, and for one item whatever its size", () => {
  const inbox = inboxOf(200);

  assert.equal(inbox.hasRoom, true);
  inbox.put({ id: 0 }, 100);
  assert.equal(inbox.hasRoom, true);
  inbox.put({ id: 1 }, 1_000_000);
  assert.equal(inbox.hasRoom, false);
  inbox.take();
  inbox.take();
  assert.equal(inbox.hasRoom, true);
});

Deno.test("those who wait get items in their order, and nothing is queued meanwhile", async () => {
  const inbox = inboxOf();
  const waits = [inbox.wait("test", {}), inbox.wait("test", {})];

  inbox.put({ id: 1 }, 0);
  inbox.put({ id: 2 }, 0);
  inbox.put({ id: 3 }, 0);

  assert.deepEqual((await Promise.all(waits)).map(({ id }) => id), [1, 2]);
  assert.equal(inbox.take()?.id, 3);
});

Deno.test("an error stands in the queue for an item", async () => {
  const inbox = inboxOf();
  const error = new Error("lost");
  inbox.put({ id: 1 }, 0);
  inbox.putError(error);
  inbox.put({ id: 2 }, 0);

  assert.equal(inbox.take()?.id, 1);
  assert.throws(() => inbox.take(), error);
  assert.equal(inbox.take()?.id, 2);
  const waiting = inbox.wait("test", {});
  inbox.putError(error);
  await assert.rejects(waiting, error);
});

Deno.test("an ended inbox gives what it has, takes nothing more, and then says why", async () => {
  const inbox = inboxOf();
  const over = new Error("over");
  inbox.put({ id: 1 }, 0);

  inbox.end(over, true);
  inbox.end(new Error("too late"), false);
  inbox.put({ id: 2 }, 0);
  inbox.restore([{ item: { id: 3 }, size: 0 }]);

  assert.equal(inbox.take()?.id, 1);
  assert.equal(inbox.take()?.id, 3);
  assert.equal(inbox.take(), undefined);
  assert.equal(inbox.endError, over);
  assert.equal(inbox.isQuietEnd(over), true);
  await assert.rejects(inbox.wait("test", {}), over);
});

Deno.test("a closed inbox has nothing, and rejects those who wait", async () => {
  const inbox = inboxOf();
  const closed = new Error("closed");
  const waiting = inbox.wait("test", {});
  const rejected = assert.rejects(waiting, closed);

  inbox.close(closed);

  await rejected;
  assert.equal(inbox.length, 0);
  assert.equal(inbox.bytes, 0);
});
