import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "../support/harness.ts";
import { encodeFrame, encodeJob, type Frame, FrameReader, frameTypes, GREETING } from "../support/rig/frames.ts";

const encoder = new TextEncoder();

function frame(): fc.Arbitrary<Frame> {
  const type = fc.constantFrom(...Object.values(frameTypes));
  return fc.tuple(type, fc.uint8Array({ maxLength: 300 })).map(([type, payload]) => ({ type, payload }));
}

/** The bytes in pieces of the lengths given, and the rest. */
function* pieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  let start = 0;
  for (const length of lengths) yield bytes.subarray(start, start += length);
  yield bytes.subarray(start);
}

test("frames come out as they went in, however the bytes are cut", () => {
  const chatter = fc.string({ maxLength: 100 }).filter((text) => !text.includes(GREETING));
  fc.assert(
    fc.property(chatter, fc.array(frame()), fc.array(fc.nat(40)), (before, sent, lengths) => {
      const greeting = encoder.encode(before + GREETING);
      const bytes = Buffer.concat([greeting, ...sent.map(({ type, payload }) => encodeFrame(type, payload))]);
      const reader = new FrameReader();

      const received = [...pieces(bytes, lengths)].flatMap((piece) =>
        reader.push(piece).map(({ type, payload }) => ({ type, payload: Uint8Array.from(payload) }))
      );

      assert.deepEqual(received, sent);
    }),
  );
});

test("nothing is a frame before the greeting", () => {
  const reader = new FrameReader();

  const frames = reader.push(encodeFrame(frameTypes.output, encoder.encode("Core dump limits")));

  assert.deepEqual(frames, []);
  assert.equal(reader.greeted, false);
});

test("a job is its strings, each list after its length", () => {
  const job = encodeJob({ argv: ["echo", "a b"], environment: { HOME: "/root" }, cwd: "/", hostName: "here" });

  assert.equal(new TextDecoder().decode(job), "/\0here\0\0" + "2\0echo\0a b\0" + "1\0HOME=/root\0");
});

test("an argument with a NUL is refused", () => {
  assert.throws(() => encodeJob({ argv: ["a\0b"], environment: {}, cwd: "/", hostName: "here" }), TypeError);
});
