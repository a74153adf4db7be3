import fc from "fast-check";
import assert from "node:assert/strict";
import { MessageReassembler } from "../../../sctp/kernel/reassembly.ts";
import type { SctpMessage } from "../../../sctp/message.ts";
import { messageOf, payloadOf, ppidOf } from "../../../sp/transport/sctp/payload.ts";
import { hasConversations, mostIncompleteBytes, streamOf, STREAMS } from "../../../sp/transport/sctp/streams.ts";
import { piece } from "../../sctp/piece.ts";
import { test } from "../../support/harness.ts";

/** The header of a question that came by `hops` devices. */
function headerOf(id: number, hops = 0): Uint8Array {
  const header = new Uint8Array(4 * hops + 4);
  new DataView(header.buffer).setUint32(4 * hops, id);
  return header;
}

const id = fc.nat(0xffffffff);
const length = fc.oneof(fc.nat(2 ** 30), fc.integer({ min: 65_530, max: 65_540 }));

test("sctp: the payload and its identifier tell any message, also one of no bytes", () => {
  fc.assert(fc.property(fc.uint8Array(), (message) => {
    const payload = payloadOf(message);

    assert(payload.length > 0);
    assert.deepEqual(messageOf(ppidOf(message.length), payload), message);
  }));
});

test("sctp: other identifiers, and a stand-in of another length than one, are no messages", () => {
  fc.assert(fc.property(fc.nat(0xffffffff), fc.uint8Array(), (ppid, payload) => {
    const message = messageOf(ppid, payload);
    if (ppid === 0x53500000) assert.equal(message, payload);
    else if (ppid === 0x53500001 && payload.length === 1) assert.equal(message?.length, 0);
    else assert.equal(message, undefined);
  }));
  assert.equal(messageOf(0x53500001, new Uint8Array(2)), undefined);
  assert.equal(messageOf(0x53500001, new Uint8Array(0)), undefined);
});

test("sctp: conversations are those of four patterns", () => {
  const found = Array.from({ length: 256 }, (_, protocol) => protocol).filter(hasConversations);

  assert.deepEqual(found, [48, 49, 98, 99]);
});

test("sctp: a message is on a stream that there is, and what has no id is on stream 0", () => {
  fc.assert(fc.property(id, fc.nat(3), length, fc.integer({ min: 1, max: STREAMS }), (id, hops, length, streams) => {
    const streamId = streamOf(headerOf(id, hops), length, streams);

    assert(streamId < streams);
    assert.equal(streamId === 0, streams === 1);
    assert.equal(streamOf(headerOf(id, hops), length, streams), streamId);
    assert.equal(streamOf(new Uint8Array(3), length, streams), 0);
  }));
});

test("sctp: no small message is on the stream of a large one", () => {
  fc.assert(fc.property(id, id, length, length, (one, other, oneLength, otherLength) => {
    fc.pre(oneLength <= 65_536 && otherLength > 65_536);

    assert(streamOf(headerOf(one), oneLength, STREAMS) >= 8);
    assert(streamOf(headerOf(other), otherLength, STREAMS) <= 7);
  }));
});

test("sctp: conversations that follow each other are on different streams", () => {
  const streams = Array.from({ length: 56 }, (_, index) => streamOf(headerOf(0x80000ffe + index), 100, STREAMS));

  assert.equal(new Set(streams).size, 56);
});

test("sctp: whatever a peer that keeps to the format has under way at once is put together", () => {
  const maxMessageSize = 100_000;
  const message = fc.record({ id, length: fc.integer({ min: 1, max: maxMessageSize }) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 80 }), fc.infiniteStream(fc.nat()), (messages, choices) => {
      // On each stream one message after the other, and of the streams now this one and now that one.
      const queues = new Map<number, number[]>();
      for (const { id, length } of messages) {
        const streamId = streamOf(headerOf(id), length, STREAMS);
        queues.set(streamId, [...queues.get(streamId) ?? [], length]);
      }
      const reassembler = new MessageReassembler({
        maxMessageSize,
        maxIncompleteBytes: mostIncompleteBytes(maxMessageSize),
      });
      const left = [...queues].map(([streamId, lengths]) => ({ streamId, lengths, sent: 0 }));
      let done = 0;
      while (left.length > 0) {
        const queue = left[choices.next().value! % left.length];
        const total = queue.lengths[0];
        const next = Math.min(20_000, total - queue.sent);
        queue.sent += next;
        const isLast = queue.sent === total;
        const whole = reassembler.push(piece("", { data: new Uint8Array(next), streamId: queue.streamId }), isLast);
        assert.equal((whole as SctpMessage | undefined)?.data?.length, isLast ? total : undefined);
        if (!isLast) continue;
        done++;
        queue.lengths.shift();
        queue.sent = 0;
        if (queue.lengths.length === 0) left.splice(left.indexOf(queue), 1);
      }
      assert.equal(done, messages.length);
    }),
    { numRuns: 30 },
  );
});
