// SpMessage: views, text, JSON.

import assert from "node:assert/strict";
import { NO_HEADER, SpMessage } from "../../sp/message.ts";
import { test } from "../support/harness.ts";

test("a message is made of text or of bytes, which are not copied", () => {
  const bytes = Uint8Array.of(0xe2, 0x82, 0xac);

  assert.equal(SpMessage.of(bytes).body, bytes);
  assert.deepEqual(SpMessage.of("€").body, bytes);
  assert.deepEqual([SpMessage.of(bytes).header, SpMessage.of(bytes).pipe], [NO_HEADER, undefined]);
});

test("a body is read as text, whatever its bytes, and as JSON if it is some", () => {
  assert.equal(new SpMessage(Uint8Array.of(0x61, 0xff)).text(), "a\ufffd");
  assert.equal(new SpMessage(new Uint8Array()).text(), "");
  assert.deepEqual(SpMessage.of("[1]").json(), [1]);
  assert.throws(() => SpMessage.of("[1").json(), SyntaxError);
});

test("header and body may be views of one buffer", () => {
  const wire = Uint8Array.of(0x80, 0, 0, 1, 0x61);

  const message = new SpMessage(wire.subarray(4), wire.subarray(0, 4));

  assert.equal(message.header.buffer, message.body.buffer);
  assert.equal(message.text(), "a");
});
