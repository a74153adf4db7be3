import assert from "node:assert/strict";
import fc from "fast-check";
import { MessageTooLargeError } from "../../common/errors.ts";
import type { SctpMessage } from "../../sctp/message.ts";
import { MessageReassembler } from "../../sctp/kernel/reassembly.ts";
import { test } from "../support/harness.ts";
import { piece } from "./piece.ts";

function textOf(result: SctpMessage | MessageTooLargeError | undefined): string {
  assert.ok(result !== undefined && !(result instanceof MessageTooLargeError));
  return new TextDecoder().decode(result.data);
}

test("a message in one piece passes as it is", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 5 });
  const whole = piece("hello");

  assert.equal(reassembler.push(whole, true), whole);
  assert.equal(reassembler.incompleteMessages, 0);
});

test("pieces become one message with the metadata of the first", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 100 });
  const next = {
    streamId: 9,
    ppid: 9,
    length: 9,
    unordered: false,
    associationId: 1,
    isNotification: false,
    complete: undefined,
  };

  assert.equal(
    reassembler.push(piece("to", { ppid: 46, tsn: 10, streamId: 3, next: { ...next, ppid: 1 } }), false),
    undefined,
  );
  // With I-DATA, what Linux gives as the PPID of later pieces is their fragment sequence number.
  assert.equal(reassembler.push(piece("get", { ppid: 1, tsn: 11, streamId: 3 }), false), undefined);
  const message = reassembler.push(piece("her", { ppid: 2, tsn: 12, streamId: 3, next }), true);

  assert.equal(textOf(message), "together");
  assert.deepEqual(message, piece("together", { ppid: 46, tsn: 10, streamId: 3, next }));
  assert.equal(reassembler.incompleteBytes, 0);
  assert.equal(reassembler.incompleteMessages, 0);
});

test("pieces of other associations, streams and orders stay apart", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 100 });
  const kinds: Partial<SctpMessage>[] = [
    { associationId: 1, streamId: 0 },
    { associationId: 1, streamId: 0, unordered: true },
    { associationId: 1, streamId: 1 },
    { associationId: 1, streamId: 65535, unordered: true },
    { associationId: 2, streamId: 0 },
    { associationId: 0x7fffffff, streamId: 65535, unordered: true },
  ];

  kinds.forEach((kind, index) => reassembler.push(piece(`${index}-`, kind), false));
  const texts = kinds.map((kind, index) => textOf(reassembler.push(piece(`${index}`, kind), true)));

  assert.deepEqual(texts, ["0-0", "1-1", "2-2", "3-3", "4-4", "5-5"]);
});

test("a whole message passes between the pieces of another", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 100 });

  reassembler.push(piece("be", { streamId: 1 }), false);
  assert.equal(textOf(reassembler.push(piece("whole", { streamId: 2 }), true)), "whole");
  assert.equal(textOf(reassembler.push(piece("fore", { streamId: 1 }), true)), "before");
});

test("the bytes of pieces are the caller's again", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 100 });
  const first = piece("ab");
  const bytes = first.data;

  reassembler.push(first, false);
  bytes.fill(0);

  assert.equal(textOf(reassembler.push(piece("c"), true)), "abc");
});

test("a message in one piece that is too large is an error", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 4 });

  const result = reassembler.push(piece("hello"), true);

  assert.ok(result instanceof MessageTooLargeError);
  assert.match(result.message, /maxMessageSize, 4 bytes/);
  assert.equal(textOf(reassembler.push(piece("fine"), true)), "fine");
});

test("a message in pieces that is too large is one error, and its rest is discarded", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 4 });

  assert.equal(reassembler.push(piece("abc"), false), undefined);
  assert.equal(reassembler.push(piece("o", { streamId: 1 }), false), undefined);
  assert.ok(reassembler.push(piece("de"), false) instanceof MessageTooLargeError);
  assert.equal(reassembler.incompleteBytes, 1);
  assert.equal(reassembler.push(piece("fg"), false), undefined);
  assert.equal(reassembler.push(piece("h"), true), undefined);
  assert.equal(textOf(reassembler.push(piece("k", { streamId: 1 }), true)), "ok");
  assert.equal(textOf(reassembler.push(piece("fine"), true)), "fine");
  assert.equal(reassembler.incompleteMessages, 0);
});

test("a message whose last piece makes it too large is one error, and the next is fine", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 4 });

  reassembler.push(piece("abc"), false);
  assert.ok(reassembler.push(piece("de"), true) instanceof MessageTooLargeError);
  assert.equal(reassembler.incompleteBytes, 0);
  assert.equal(textOf(reassembler.push(piece("fine"), true)), "fine");
});

test("a message of exactly the limit is delivered", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 4 });

  reassembler.push(piece("abc"), false);

  assert.equal(textOf(reassembler.push(piece("d"), true)), "abcd");
});

test("incomplete messages together are bounded", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 10, maxIncompleteBytes: 25 });

  for (const streamId of [1, 2]) assert.equal(reassembler.push(piece("0123456789", { streamId }), false), undefined);
  const refused = reassembler.push(piece("0123456789", { streamId: 3 }), false);

  assert.ok(refused instanceof MessageTooLargeError);
  assert.match(refused.message, /25 bytes/);
  assert.equal(reassembler.incompleteBytes, 20);
  assert.equal(reassembler.push(piece("rest", { streamId: 3 }), true), undefined);
  assert.equal(textOf(reassembler.push(piece("", { streamId: 1 }), true)), "0123456789");
});

test("a partial delivery that is aborted drops the message, and no other", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 100 });
  reassembler.push(piece("lost", { streamId: 5 }), false);
  reassembler.push(piece("ke", { streamId: 5, unordered: true }), false);
  reassembler.push(piece("al", { streamId: 5, associationId: 2 }), false);

  reassembler.abort(1, 5, false);

  assert.equal(textOf(reassembler.push(piece("new", { streamId: 5 }), true)), "new");
  assert.equal(textOf(reassembler.push(piece("pt", { streamId: 5, unordered: true }), true)), "kept");
  assert.equal(textOf(reassembler.push(piece("so", { streamId: 5, associationId: 2 }), true)), "also");
});

test("an abort that does not tell the stream drops the association's message", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 100 });
  reassembler.push(piece("lost", { streamId: 5, unordered: true }), false);
  reassembler.push(piece("ke", { streamId: 5, associationId: 2 }), false);

  reassembler.abort(1, 0, false);

  assert.equal(textOf(reassembler.push(piece("new", { streamId: 5, unordered: true }), true)), "new");
  assert.equal(textOf(reassembler.push(piece("pt", { streamId: 5, associationId: 2 }), true)), "kept");
});

test("an association that ends leaves nothing behind", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 100 });
  for (const streamId of [0, 1, 65535]) {
    for (const unordered of [false, true]) reassembler.push(piece("lost", { streamId, unordered }), false);
  }
  reassembler.push(piece("ke", { associationId: 2 }), false);
  reassembler.push(piece("ke", { associationId: 0 }), false);

  reassembler.forget(1);

  assert.equal(reassembler.incompleteMessages, 2);
  assert.equal(reassembler.incompleteBytes, 4);
  assert.equal(textOf(reassembler.push(piece("pt", { associationId: 2 }), true)), "kept");
  reassembler.clear();
  assert.equal(reassembler.incompleteBytes, 0);
});

test("the pieces of an association that is peeled off go on where its socket is", () => {
  const shared = new MessageReassembler({ maxMessageSize: 100 });
  const own = new MessageReassembler({ maxMessageSize: 100 });
  shared.push(piece("peeled"), false);
  shared.push(piece("ke", { associationId: 2 }), false);

  shared.move(1, own);

  assert.equal(textOf(own.push(piece(" off"), true)), "peeled off");
  assert.equal(own.incompleteBytes, 0);
  assert.equal(shared.incompleteBytes, 2);
});

test("a notification in pieces is put together", () => {
  const reassembler = new MessageReassembler({ maxMessageSize: 1 });
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);

  assert.equal(reassembler.pushNotification(bytes, true), bytes);
  assert.equal(reassembler.pushNotification(bytes.subarray(0, 2), false), undefined);
  assert.equal(reassembler.pushNotification(bytes.subarray(2, 4), false), undefined);
  assert.deepEqual(reassembler.pushNotification(bytes.subarray(4), true), bytes);
  assert.equal(reassembler.pushNotification(bytes, true), bytes);
});

test("messages come out as they went in, however they are cut and mixed", () => {
  const message = fc.record({
    associationId: fc.integer({ min: 1, max: 2 }),
    streamId: fc.nat(2),
    unordered: fc.boolean(),
    data: fc.uint8Array({ maxLength: 60 }),
    cuts: fc.array(fc.nat(60), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (messages, choices) => {
      const limit = 40;
      const queues = new Map<string, { pieces: [SctpMessage, boolean][]; whole: Uint8Array }[]>();
      for (const { data, cuts, ...metadata } of messages) {
        const bounds = [0, ...cuts.filter((cut) => cut < data.length).sort((a, b) => a - b), data.length];
        const pieces = bounds.slice(1).map((end, index): [SctpMessage, boolean] => [
          { ...piece("", metadata), data: data.slice(bounds[index], end) },
          index === bounds.length - 2,
        ]);
        const key = JSON.stringify(metadata);
        queues.set(key, [...queues.get(key) ?? [], { pieces, whole: data }]);
      }
      const reassembler = new MessageReassembler({ maxMessageSize: limit, maxIncompleteBytes: 1_000 });
      const left = [...queues.values()];
      while (left.length > 0) {
        const queue = left[choices.next().value! % left.length];
        const { pieces, whole } = queue[0];
        const [next, isLast] = pieces.shift()!;
        const result = reassembler.push(next, isLast);
        if (isLast) {
          queue.shift();
          if (queue.length === 0) left.splice(left.indexOf(queue), 1);
          if (whole.length <= limit) {
            assert.ok(result !== undefined && !(result instanceof MessageTooLargeError));
            assert.deepEqual(result.data, whole);
          }
        } else assert.ok(result === undefined || result instanceof MessageTooLargeError);
      }
      assert.equal(reassembler.incompleteBytes, 0);
      assert.equal(reassembler.incompleteMessages, 0);
    }),
    { numRuns: 500 },
  );
});
