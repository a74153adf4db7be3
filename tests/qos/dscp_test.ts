import assert from "node:assert/strict";
import { ArgumentError } from "../../common/errors.ts";
import { DSCP, dscpName, ECN, ecnName, parseDscp, parseEcn } from "../../qos/dscp.ts";
import { test } from "../support/harness.ts";

test("code points are those of the RFCs that define them", () => {
  // RFC 2474 section 4.2.2: class selectors are the three upper bits; RFC 2597 section 6: AFxy is 8x + 2y
  for (let one = 0; one < 8; one++) assert.equal(DSCP[`CS${one as 0}`], one * 8);
  for (const x of [1, 2, 3, 4] as const) {
    for (const y of [1, 2, 3] as const) assert.equal(DSCP[`AF${x}${y}`], 8 * x + 2 * y);
  }
  assert.deepEqual([DSCP.EF, DSCP.VA, DSCP.LE], [0b101110, 0b101100, 0b000001]);
  assert.deepEqual([ECN["Not-ECT"], ECN["ECT(1)"], ECN["ECT(0)"], ECN.CE], [0b00, 0b01, 0b10, 0b11]);
  assert.equal(Object.keys(DSCP).length, 23);
});

test("names and numbers are read back, in upper and lower case", () => {
  for (const [name, value] of Object.entries(DSCP)) {
    assert.equal(dscpName(value), name);
    for (const text of [name, name.toLowerCase(), String(value), `0x${value.toString(16)}`]) {
      assert.equal(parseDscp(text), value, text);
    }
  }
  for (const [name, value] of Object.entries(ECN)) {
    assert.equal(ecnName(value), name);
    const plain = name.replace(/[()-]/g, "");
    for (const text of [name, name.toLowerCase(), name.toUpperCase(), plain, String(value)]) {
      assert.equal(parseEcn(text), value, text);
    }
  }
  assert.equal(dscpName(2), undefined);
  assert.equal(dscpName(-1), undefined);
  assert.equal(ecnName(4), undefined);
  assert.equal(ecnName(0.5), undefined);
});

test("what is neither name nor number is refused, saying what there is", () => {
  for (const text of ["", "64", "-1", "0x40", "1e1", "EFX", "AF44", "constructor", " 1", "٣", "1.0"]) {
    assert.throws(
      () => parseDscp(text),
      (error) => error instanceof ArgumentError && /CS0…CS7/.test(error.message),
      text,
    );
  }
  for (const text of ["", "4", "ECT", "ECT(2)", "ect(", "length", "not"]) {
    assert.throws(
      () => parseEcn(text),
      (error) => error instanceof ArgumentError && /Not-ECT/.test(error.message),
      text,
    );
  }
});
