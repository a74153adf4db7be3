import { AddressError, UnsupportedError } from "@sockeye/sockeye";
import { isSctpAvailable } from "@sockeye/sockeye/sctp";
import { Rep, Req } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { SOON } from "../contract/carriers.ts";

test("sctp: without kernel SCTP both listening and dialing say how to get it", async () => {
  const req = new Req();
  for (const call of [() => req.listen("sctp://127.0.0.1:0"), () => req.dial("sctp://127.0.0.1:5000", SOON)]) {
    await assert.rejects(call, (error: Error) => error instanceof UnsupportedError && /modprobe/.test(error.message));
  }
  await req.close();
}, { where: !isSctpAvailable() });

test("sctp: a hundred conversations of all sizes, the empty one included, get their answers", async () => {
  const rep = new Rep();
  const { url } = await rep.listen("sctp://127.0.0.1:0");
  const serving = rep.serve(({ body }) => body, { concurrency: 100 });
  const req = new Req();
  await req.dial(url, SOON);
  const sizes = Array.from({ length: 100 }, (_, index) => index * 997);

  const answers = await Promise.all(sizes.map((size) => req.request(new Uint8Array(size).fill(size), SOON)));

  assert.deepEqual(answers.map(({ body }) => body.length), sizes);
  assert(answers.every(({ body }, index) => body.every((byte) => byte === (sizes[index] & 0xff))));
  await req.close();
  await rep.close();
  await serving;
}, { where: isSctpAvailable() });

test("sctp: what is no address and port is refused", async () => {
  const req = new Req();
  for (const url of ["sctp://", "sctp://127.0.0.1", "sctp://127.0.0.1:70000", "sctp://127.0.0.1:0"]) {
    await assert.rejects(req.dial(url), AddressError);
  }
  await req.close();
});
