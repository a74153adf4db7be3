import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError, UnsupportedError } from "../../common/errors.ts";
import { SctpAddress } from "../../sctp/address.ts";
import { encodeSendControl, type SendDefaults } from "../../sctp/kernel/control.ts";
import { SendRequests } from "../../sctp/kernel/send_requests.ts";
import type { SctpEndpointSendOptions } from "../../sctp/message.ts";

const uint16 = fc.constantFrom(0, 1, 65535);
const uint32 = fc.constantFrom(0, 1, 0xffffffff);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Few values of each, so that sends in a row are often alike. */
const sendOptions: fc.Arbitrary<SctpEndpointSendOptions> = fc.record({
  streamId: optional(uint16),
  ppid: optional(uint32),
  unordered: optional(fc.boolean()),
  context: optional(uint32),
  sackImmediately: optional(fc.boolean()),
  associationId: optional(fc.constantFrom(3, 4)),
  eof: optional(fc.boolean()),
  partialReliability: optional(fc.constantFrom({ policy: "ttl", value: 5 } as const, null)),
  authKeyId: optional(uint16),
});

const defaults: fc.Arbitrary<SendDefaults> = fc.record({
  sendInfo: optional(fc.record({ streamId: uint16, ppid: uint32, unordered: fc.boolean() })),
  partialReliability: optional(fc.constantFrom({ policy: "priority", value: 9 } as const, null)),
});

const noPeer = () => assert.fail("the peer's port is not needed");

Deno.test("whatever was sent before, a send has the control messages of its own options", () => {
  fc.assert(fc.property(defaults, fc.array(sendOptions, { minLength: 2, maxLength: 12 }), (given, sends) => {
    const requests = new SendRequests("one-to-many", given, noPeer);

    for (const options of sends) {
      const { control } = requests.request(options);
      assert.deepEqual(control, encodeSendControl(options, options.associationId ?? 0, given));
    }
  }));
});

Deno.test("sends in a row that say the same share their control messages", () => {
  const requests = new SendRequests("one-to-many", {}, noPeer);

  const first = requests.request({ associationId: 3, streamId: 1, ppid: 2 });
  const second = requests.request({ associationId: 3, streamId: 1, ppid: 2 });
  const other = requests.request({ associationId: 3, streamId: 1, ppid: 3 });

  assert.equal(first.control, second.control);
  assert.notDeepEqual(first.control, other.control);
});

Deno.test("defaults are those of the association, whatever is set for those to come", () => {
  const requests = new SendRequests("one-to-many", { sendInfo: { ppid: 1 } }, noPeer);
  const ppidOf = (associationId: number) => requests.defaultsOf(associationId).sendInfo?.ppid;

  requests.setDefaults({ sendInfo: { ppid: 2 } }, "future", () => [3]);
  assert.deepEqual([ppidOf(3), ppidOf(4), ppidOf(0)], [1, 2, 2]);
  requests.setDefaults({ sendInfo: { ppid: 5 } }, 3, () => [3, 4]);
  assert.deepEqual([ppidOf(3), ppidOf(4)], [5, 2]);
  requests.setDefaults({ sendInfo: { ppid: 6 } }, "current", () => [3, 4]);
  assert.deepEqual([ppidOf(3), ppidOf(4), ppidOf(5)], [6, 6, 2]);
  requests.setDefaults({ sendInfo: { ppid: 7 } }, "all", () => [3]);
  assert.deepEqual([ppidOf(3), ppidOf(9)], [7, 7]);
  requests.forget(3);
  requests.setDefaults({ sendInfo: { ppid: 8 } }, "future", () => []);
  assert.equal(ppidOf(3), 8);
});

Deno.test("a destination is the first address, and the others go along", () => {
  const requests = new SendRequests("one-to-many", {}, noPeer);
  const to = SctpAddress.parse("sctp://10.0.0.1,10.0.0.2:5000");

  const request = requests.request({ to });

  assert.deepEqual(request.to, { family: "inet", address: "10.0.0.1", port: 5000 });
  const further = [{ family: "inet", address: "10.0.0.2", port: 5000 } as const];
  assert.deepEqual(request.control, encodeSendControl({ to }, 0, {}, further));
  assert.equal(requests.request({ to }).to, request.to);
});

Deno.test("more addresses than fit a send are refused with the way out", () => {
  const requests = new SendRequests("one-to-many", {}, noPeer);
  const addresses = Array.from({ length: 40 }, (_, index) => `10.0.0.${index + 1}`);

  assert.throws(() => requests.request({ to: new SctpAddress(addresses, 1) }), (error: unknown) => {
    assert(error instanceof ArgumentError);
    assert.match(error.message, /connect/);
    return true;
  });
});

Deno.test("an address override gets the peer's port, and is unsupported where the kernel would ignore it", () => {
  const requests = new SendRequests("one-to-one", {}, () => 77);
  const peeled = new SendRequests("peeled-off", {}, () => 77);

  assert.deepEqual(requests.request({ addressOverride: "10.0.0.9" }).to, {
    family: "inet",
    address: "10.0.0.9",
    port: 77,
  });
  assert.throws(() => peeled.request({ addressOverride: "10.0.0.9" }), UnsupportedError);
});

Deno.test("signal and timeout go along", () => {
  const requests = new SendRequests("one-to-one", {}, noPeer);
  const { signal } = new AbortController();

  const request = requests.request({ streamId: 1, signal, timeout: 5 });

  assert.equal(request.signal, signal);
  assert.equal(request.timeout, 5);
  assert.equal(requests.request({ streamId: 1 }).timeout, undefined);
});
