import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { hex, payloadFields, payloadText, printable, readPayload } from "../../cli/payload.ts";
import { UsageError } from "../../cli/usage_error.ts";
import { test } from "../support/harness.ts";

test("text goes out as UTF-8, and comes back as text", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
    deepEqual(payloadFields(readPayload(text, false), false), { data: text });
  }));
});

test("hexadecimal digits are bytes, and come back as digits", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    deepEqual(readPayload(hex(bytes), true), bytes);
    deepEqual(payloadFields(bytes, true), { dataHex: hex(bytes) });
  }));
  deepEqual(readPayload("00:FF 7f", true), Uint8Array.of(0, 255, 127));
});

test("half a byte is not hexadecimal", () => {
  for (const text of ["0", "xy", "0x00", "0 0 0"]) throws(() => readPayload(text, true), UsageError);
});

test("bytes that are no UTF-8 are shown in hexadecimal, and nothing of them is lost", () => {
  deepEqual(payloadFields(Uint8Array.of(0xff, 0x00), false), { dataHex: "ff00" });
  equal(payloadText(Uint8Array.of(0xff, 0x00), false), "ff00");
});

test("a byte order mark is part of the text", () => {
  deepEqual(payloadFields(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), false), { data: "\ufeffa" });
});

test("nothing that a peer sends reaches the terminal as a control character", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    equal(/\p{Cc}/u.test(payloadText(bytes, false)), false);
  }));
  equal(printable('\x1b[2J\u009b1m\n\t"\\\u202e'), '\\u{1b}[2J\\u{9b}1m\\n\\t\\"\\\\\\u{202e}');
});

test("a long message is cut short for people, with its length", () => {
  const text = payloadText(new Uint8Array(100_000).fill(0x61), false);

  equal(text.length < 1_000, true);
  equal(text.endsWith("… (100000 bytes in all)"), true);
});
