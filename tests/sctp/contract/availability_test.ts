import {
  ArgumentError,
  isSctpAvailable,
  SctpAssociation,
  SctpEndpoint,
  SctpListener,
  type SctpStackName,
  sctpUnavailableReason,
  UnsupportedError,
} from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

const URL = "sctp://127.0.0.1:5000";

/** Every way to open something. */
const openings: ((stack: SctpStackName) => unknown)[] = [
  (stack) => SctpEndpoint.listen(URL, { stack }),
  (stack) => SctpEndpoint.bind(URL, { stack }),
  (stack) => SctpListener.listen(URL, { stack }),
  (stack) => SctpAssociation.connectSync(URL, { stack }),
];

async function failures(stack: SctpStackName): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const open of openings) {
    try {
      open(stack);
    } catch (error) {
      errors.push(error);
    }
  }
  errors.push(await SctpAssociation.connect(URL, { stack }).catch((error) => error));
  return errors;
}

test("without kernel SCTP every opening is the same UnsupportedError, with the remedy", async () => {
  const reason = sctpUnavailableReason("kernel");
  assert(reason instanceof UnsupportedError);
  assert.match(reason.message, /kernel SCTP is not available/);
  assert.match(reason.message, /modprobe sctp/);
  assert.match(reason.message, /linux-modules-extra/);
  assert.match(reason.message, /deno task rig/);
  assert(reason.cause instanceof Error);

  const errors = await failures("kernel");

  assert.equal(errors.length, openings.length + 1);
  for (const error of errors) {
    assert(error instanceof UnsupportedError);
    assert.equal(error.message, reason.message);
  }
  assert.equal(isSctpAvailable(), false);
}, { where: !isSctpAvailable("kernel") });

test("with kernel SCTP there is no reason against it", () => {
  assert.equal(sctpUnavailableReason(), undefined);
  assert.equal(sctpUnavailableReason("kernel"), undefined);
  assert.equal(isSctpAvailable("auto"), true);
}, { where: isSctpAvailable("kernel") });

test("a stack that does not exist is refused, one that does not exist yet is unsupported", async () => {
  const unknown = "pigeon" as SctpStackName;
  assert.throws(() => sctpUnavailableReason(unknown), ArgumentError);
  for (const error of await failures(unknown)) assert(error instanceof ArgumentError);

  assert(sctpUnavailableReason("userspace") instanceof UnsupportedError);
  for (const error of await failures("userspace")) assert(error instanceof UnsupportedError);
});

test("addresses are checked before the stack is needed", async () => {
  assert.throws(() => SctpEndpoint.listen("nonsense"), { name: "AddressError" });
  assert.throws(() => SctpListener.listen("sctp://127.0.0.1:70000"), { name: "AddressError" });
  await assert.rejects(SctpAssociation.connect("sctp://127.0.0.1:x"), { name: "AddressError" });
});
