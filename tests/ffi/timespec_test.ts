import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import {
  decodeTimespec,
  decodeTimeval,
  encodeTimespec,
  encodeTimespecInto,
  encodeTimeval,
  encodeTimevalInto,
  type Timespec,
  timespecToMilliseconds,
} from "../../ffi/timespec.ts";
import { test } from "../support/harness.ts";
import { assertGuardIntact, fromHex, guarded, readGuarded, toHex } from "./guarded.ts";

const time = fc.record(
  { seconds: fc.maxSafeInteger(), nanoseconds: fc.nat(999_999_999) },
  { noNullPrototype: true },
);

test("the bytes are those of the C structs", () => {
  // C: struct timespec {1700000000, 123456789}, {-2, 500000000}, {5000000000, 999999999}; struct timeval {1, 250000}
  const timespecs: [number | Timespec, string][] = [
    [{ seconds: 1_700_000_000, nanoseconds: 123_456_789 }, "00f153650000000015cd5b0700000000"],
    [-1500, "feffffffffffffff0065cd1d00000000"],
    [{ seconds: 5_000_000_000, nanoseconds: 999_999_999 }, "00f2052a01000000ffc99a3b00000000"],
  ];
  for (const [given, hex] of timespecs) assert.equal(toHex(encodeTimespec(given)), hex);
  assert.equal(toHex(encodeTimeval(1250)), "010000000000000090d0030000000000");

  assert.deepEqual(decodeTimespec(fromHex(timespecs[1][1])), { seconds: -2, nanoseconds: 500_000_000 });
  assert.deepEqual(decodeTimespec(fromHex(timespecs[2][1])), { seconds: 5_000_000_000, nanoseconds: 999_999_999 });
  assert.deepEqual(decodeTimeval(fromHex("010000000000000090d0030000000000")), {
    seconds: 1,
    nanoseconds: 250_000_000,
  });
});

test("decoding a timespec inverts encoding, to the nanosecond", () => {
  fc.assert(fc.property(time, (given) => {
    assert.deepEqual(decodeTimespec(encodeTimespec(given)), given);
  }));
});

test("decoding a timeval inverts encoding, to the microsecond", () => {
  fc.assert(fc.property(time, (given) => {
    assert.deepEqual(decodeTimeval(encodeTimeval(given)), {
      seconds: given.seconds,
      nanoseconds: given.nanoseconds - given.nanoseconds % 1000,
    });
  }));
});

test("milliseconds are kept to within half a unit, and the fraction stays in range", () => {
  const milliseconds = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  fc.assert(fc.property(milliseconds, (given) => {
    const asTimespec = decodeTimespec(encodeTimespec(given))!;
    const asTimeval = decodeTimeval(encodeTimeval(given))!;

    assert(asTimespec.nanoseconds >= 0 && asTimespec.nanoseconds < 1e9);
    assert(asTimeval.nanoseconds >= 0 && asTimeval.nanoseconds < 1e9);
    assert(Math.abs(timespecToMilliseconds(asTimespec) - given) <= 1e-6 + Math.abs(given) * 1e-15);
    assert(Math.abs(timespecToMilliseconds(asTimeval) - given) <= 1e-3 + Math.abs(given) * 1e-15);
  }));
});

test("whole milliseconds come back exactly", () => {
  fc.assert(fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (given) => {
    assert.equal(timespecToMilliseconds(decodeTimespec(encodeTimespec(given))!), given);
    assert.equal(timespecToMilliseconds(decodeTimeval(encodeTimeval(given))!), given);
  }));
});

test("a fraction that rounds to a whole second is carried", () => {
  assert.deepEqual(decodeTimeval(encodeTimeval(1999.9999)), { seconds: 2, nanoseconds: 0 });
  assert.deepEqual(decodeTimespec(encodeTimespec(999.9999999)), { seconds: 1, nanoseconds: 0 });
});

test("a very short timeout does not become the zero that means something else", () => {
  assert.deepEqual(decodeTimeval(encodeTimeval(0.0001)), { seconds: 0, nanoseconds: 1000 });
  assert.deepEqual(decodeTimespec(encodeTimespec(Number.MIN_VALUE)), { seconds: 0, nanoseconds: 1 });
  assert.deepEqual(decodeTimeval(encodeTimeval(0)), { seconds: 0, nanoseconds: 0 });
});

test("times that the struct can't hold are refused by name", () => {
  for (const wrong of [NaN, Infinity, -Infinity, 1e20]) {
    assert.throws(() => encodeTimespec(wrong), (error) => error instanceof ArgumentError && error.argument === "time");
  }
  for (const wrong of [-1, 1e9, 0.5, NaN]) {
    assert.throws(
      () => encodeTimespec({ seconds: 0, nanoseconds: wrong }),
      (error) => error instanceof ArgumentError && error.argument === "time.nanoseconds",
    );
  }
  assert.throws(
    () => encodeTimeval({ seconds: 0.5, nanoseconds: 0 }),
    (error) => error instanceof ArgumentError && error.argument === "time.seconds",
  );
});

test("encoding into memory writes 16 bytes and no others", () => {
  for (const encodeInto of [encodeTimespecInto, encodeTimevalInto]) {
    const target = guarded(16, 0xd7);
    assert.equal(encodeInto(-1500, target), 16);
    assertGuardIntact(target, 0xd7);
    assert.throws(() => encodeInto(1, target, 1), ArgumentError);
    assert.throws(() => encodeInto(1, target, -1), ArgumentError);
    assertGuardIntact(target, 0xd7);
  }
});

test("arbitrary bytes decode without reading outside, and too few to nothing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), fc.integer({ min: -2, max: 6 }), (bytes, offset) => {
    const decoded = readGuarded(bytes, (view) => [decodeTimespec(view, offset), decodeTimeval(view, offset)]);
    const fits = offset >= 0 && offset + 16 <= bytes.length;
    for (const each of decoded) {
      assert.equal(each !== undefined, fits);
      if (each !== undefined) assert(Number.isFinite(timespecToMilliseconds(each)));
    }
  }));
});
