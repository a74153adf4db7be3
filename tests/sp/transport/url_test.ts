import assert from "node:assert/strict";
import { ArgumentError } from "../../../common/errors.ts";
import { parseSpUrl } from "../../../sp/transport/url.ts";
import { test } from "../../support/harness.ts";

test("a URL object in place of a URL is refused, and the error says what to give", () => {
  assert.throws(
    () => parseSpUrl(new URL("tcp://127.0.0.1:5000") as unknown as string),
    (error) => error instanceof ArgumentError && /^url: .*got object; .*href/.test(error.message),
  );
});
