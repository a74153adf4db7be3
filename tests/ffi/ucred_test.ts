import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import { decodeUcred, encodeUcred } from "../../ffi/ucred.ts";
import { test } from "../support/harness.ts";
import { fromHex, readGuarded, toHex } from "./guarded.ts";

const id = fc.integer({ min: 0, max: 0xffffffff });
const credentials = fc.record(
  { pid: fc.integer({ min: -0x80000000, max: 0x7fffffff }), uid: id, gid: id },
  { noNullPrototype: true },
);

test("the bytes are those of struct ucred", () => {
  // C: struct ucred {-1, 4294967295u, 65534}, printed in hexadecimal
  assert.equal(toHex(encodeUcred({ pid: -1, uid: 4294967295, gid: 65534 })), "fffffffffffffffffeff0000");
  assert.deepEqual(decodeUcred(fromHex("d2040000e803000064000000")), { pid: 1234, uid: 1000, gid: 100 });
});

test("decoding inverts encoding", () => {
  fc.assert(fc.property(credentials, (given) => {
    assert.deepEqual(decodeUcred(encodeUcred(given)), given);
  }));
});

test("arbitrary bytes decode without reading outside, and too few to nothing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), fc.integer({ min: -2, max: 9 }), (bytes, offset) => {
    const decoded = readGuarded(bytes, (view) => decodeUcred(view, offset));
    assert.equal(decoded !== undefined, offset >= 0 && offset + 12 <= bytes.length);
  }));
});

test("numbers out of range are refused by name", () => {
  const good = { pid: 1, uid: 0, gid: 0 };
  for (const field of ["pid", "uid", "gid"]) {
    for (const wrong of [0.5, NaN, 2 ** 32, -(2 ** 31) - 1]) {
      assert.throws(
        () => encodeUcred({ ...good, [field]: wrong }),
        (error) => error instanceof ArgumentError && error.argument === `credentials.${field}`,
      );
    }
  }
  assert.throws(() => encodeUcred({ ...good, uid: -1 }), ArgumentError);
});
