import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import {
  ControlEncoder,
  type ControlMessage,
  controlMessages,
  controlSpace,
  encodeControlMessages,
  findControlMessage,
} from "../../ffi/cmsg.ts";
import { IP_TTL, IPPROTO_IP, SCM_CREDENTIALS, SCM_RIGHTS, SOL_SOCKET } from "../../ffi/constants.ts";
import { test } from "../support/harness.ts";
import { assertGuardIntact, fromHex, guarded, readGuarded, toHex } from "./guarded.ts";

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const message = fc.tuple(int32, int32, fc.uint8Array({ maxLength: 70 }))
  .map(([level, type, data]): ControlMessage => ({ level, type, data }));
const messages = fc.array(message, { maxLength: 6 });

/** Bytes that are control messages but for lengths that lie. */
const hostile = fc.tuple(
  messages,
  fc.array(fc.tuple(fc.nat(400), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 15, 16, 17, 0x80, 0xff)))),
  fc.nat(400),
).map(([whole, changes, end]) => {
  const bytes = encodeControlMessages(whole);
  for (const [index, value] of changes) if (index < bytes.length) bytes[index] = value;
  return bytes.subarray(0, end);
});

test("the bytes are those that the CMSG macros write", () => {
  // C: CMSG_FIRSTHDR / CMSG_NXTHDR over three messages, with struct ucred {1234, 1000, 100}; printed in hexadecimal.
  const printed = "140000000000000000000000020000000300000000000000" +
    "1c0000000000000001000000010000000500000006000000 0700000000000000" +
    "1c000000000000000100000002000000d2040000e803000064000000 00000000";
  const expected: ControlMessage[] = [
    { level: IPPROTO_IP, type: IP_TTL, data: fromHex("03000000") },
    { level: SOL_SOCKET, type: SCM_RIGHTS, data: fromHex("050000000600000007000000") },
    { level: SOL_SOCKET, type: SCM_CREDENTIALS, data: fromHex("d2040000e803000064000000") },
  ];

  assert.equal(toHex(encodeControlMessages(expected)), printed.replaceAll(" ", ""));
  assert.deepEqual([...controlMessages(fromHex(printed))], expected);
});

test("the space is that of CMSG_SPACE", () => {
  // C: CMSG_SPACE(n) for n = 0, 1, 4, 8, 9
  assert.deepEqual([0, 1, 4, 8, 9].map(controlSpace), [16, 24, 24, 24, 32]);
});

test("decoding inverts encoding, and finding agrees with iterating", () => {
  fc.assert(fc.property(messages, (list) => {
    const bytes = encodeControlMessages(list);
    assert.deepEqual(readGuarded(bytes, (view) => [...controlMessages(view)]), list);
    for (const { level, type } of list) {
      const first = list.find((other) => other.level === level && other.type === type)!;
      assert.deepEqual(findControlMessage(bytes, level, type), first.data);
    }
  }));
});

test("arbitrary bytes give messages that lie inside them, whatever the lengths claim", () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const found = readGuarded(bytes, (view) =>
        [...controlMessages(view)].map(({ level, type, data }) => {
          assert(data.byteOffset >= view.byteOffset);
          assert(data.byteOffset + data.length <= view.byteOffset + view.length);
          return { level, type, data: data.slice() };
        }));
      assert(found.length <= bytes.length / 16);
      for (const { level, type } of found) {
        const first = found.find((other) => other.level === level && other.type === type)!;
        assert.deepEqual(readGuarded(bytes, (view) => findControlMessage(view, level, type)?.slice()), first.data);
      }
    }),
    { numRuns: 2000 },
  );
});

test("iteration ends at a length that is shorter than the header, longer than the buffer, or overflows", () => {
  const good = encodeControlMessages([{ level: 1, type: 2, data: Uint8Array.of(7) }]);
  const lengths = [
    "0000000000000000",
    "0f00000000000000",
    "1900000000000000",
    "ffffffff00000000",
    "f8ffffff00000000",
    "ffffffffffffffff",
    "1000000001000000",
    "1000000000000080",
  ];
  for (const length of lengths) {
    const bad = good.slice();
    bad.set(fromHex(length));
    const control = Uint8Array.from([...good, ...bad]);

    assert.equal([...controlMessages(control)].length, 1, length);
    assert.equal([...controlMessages(bad)].length, 0, length);
    assert.equal(findControlMessage(bad, 1, 2), undefined, length);
  }
});

test("a last message without its padding is whole", () => {
  const bytes = encodeControlMessages([{ level: 1, type: 2, data: Uint8Array.of(7) }]).subarray(0, 17);

  assert.deepEqual([...controlMessages(bytes)], [{ level: 1, type: 2, data: Uint8Array.of(7) }]);
});

test("data are views on the buffer", () => {
  const control = encodeControlMessages([{ level: 1, type: 2, data: Uint8Array.of(7) }]);
  const [{ data }] = controlMessages(control);

  assert.equal(data.buffer, control.buffer);
});

test("an encoder writes what encodeControlMessages returns, over old bytes too, and nothing around it", () => {
  fc.assert(fc.property(messages, (list) => {
    const expected = encodeControlMessages(list);
    const target = guarded(expected.length, 0xcc);
    const encoder = new ControlEncoder(target);
    for (const { level, type, data } of list) encoder.push(level, type, data);

    assert.equal(encoder.length, expected.length);
    assert.deepEqual(encoder.encoded(), expected);
    assertGuardIntact(target, 0xcc);
  }));
});

test("an encoder that is full refuses, and keeps what it has", () => {
  const target = guarded(47, 0xcc);
  const encoder = new ControlEncoder(target);
  encoder.pushInt32(IPPROTO_IP, IP_TTL, 3);

  assert.throws(
    () => encoder.pushInt32(IPPROTO_IP, IP_TTL, 4),
    (error) => error instanceof ArgumentError && /takes 24 bytes, the target has 23 left/.test(error.message),
  );
  assert.throws(() => encoder.allocate(1, 1, -1), ArgumentError);
  assert.throws(() => encoder.allocate(1, 1, NaN), ArgumentError);

  assert.deepEqual([...controlMessages(encoder.encoded())], [
    { level: IPPROTO_IP, type: IP_TTL, data: Uint8Array.of(3, 0, 0, 0) },
  ]);
  assertGuardIntact(target, 0xcc);
});

test("an encoder starts anew after reset", () => {
  const encoder = new ControlEncoder(new Uint8Array(64));
  encoder.pushInt32(1, 2, -1);
  encoder.reset();
  encoder.pushInt32(3, 4, -2);

  assert.deepEqual([...controlMessages(encoder.encoded())], [
    { level: 3, type: 4, data: Uint8Array.of(0xfe, 0xff, 0xff, 0xff) },
  ]);
});

test("allocated data are zero, and are where the encoder says", () => {
  const target = new Uint8Array(64).fill(0xcc);
  const encoder = new ControlEncoder(target);
  const offset = encoder.allocate(5, 6, 9);
  target[offset + 8] = 1;

  assert.deepEqual([...controlMessages(encoder.encoded())], [
    { level: 5, type: 6, data: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1) },
  ]);
});

test("a level or type that is no 32-bit integer is refused", () => {
  const encoder = new ControlEncoder(new Uint8Array(64));
  for (const wrong of [0.5, NaN, 2 ** 31, 2 ** 32]) {
    assert.throws(() => encoder.pushInt32(wrong, 1, 1), ArgumentError);
    assert.throws(() => encoder.pushInt32(1, wrong, 1), ArgumentError);
  }
  assert.equal(encoder.length, 0);
});
