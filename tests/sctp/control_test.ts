import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import type { SctpEndpointSendOptions, SctpMessage, SctpTransportAddress } from "../../sctp/message.ts";
import { decodeMessage, encodeSendControl, type SendDefaults } from "../../sctp/kernel/control.ts";
import { test } from "../support/harness.ts";
import { GOLDEN, unhex } from "./golden.ts";

const FROM: SctpTransportAddress = { family: "inet", address: "127.0.0.1", port: 5000 };
const NO_DATA = new Uint8Array(0);

function received(control: Uint8Array): SctpMessage | undefined {
  return decodeMessage(control, NO_DATA, FROM);
}

function isAbout(argument: string) {
  return (error: unknown) => error instanceof ArgumentError && error.argument === argument;
}

test("the send information of a message is laid out as in C", () => {
  const control = encodeSendControl({ streamId: 3, unordered: true, ppid: 46, context: 0x11223344 }, 7);

  assert.deepEqual(control, GOLDEN.controlSndinfo);
});

test("all the control messages of a send are laid out as in C", () => {
  const options: SctpEndpointSendOptions = {
    streamId: 3,
    unordered: true,
    sackImmediately: true,
    ppid: 46,
    context: 0x11223344,
    addressOverride: "192.0.2.1",
    partialReliability: { policy: "retransmissions", value: 3 },
    authKeyId: 9,
    initmsg: { numOstreams: 20, maxInstreams: 30, maxAttempts: 3, maxInitTimeout: 4000 },
  };

  const control = encodeSendControl(options, 7, {}, [
    { family: "inet", address: "192.0.2.2", port: 3868 },
    { family: "inet6", address: "2001:db8::2", port: 3868 },
  ]);

  assert.deepEqual(control, GOLDEN.controlAll);
});

test("a send for more addresses than usual has them all", () => {
  const addresses = Array.from({ length: 200 }, (_, index): SctpTransportAddress => ({
    family: "inet6",
    address: `2001:db8::${(index + 1).toString(16)}`,
    port: 1,
  }));

  const control = encodeSendControl({}, 0, {}, addresses);

  assert.equal(control.length, 32 + 200 * 32);
  assert.equal(control.at(-1), 200);
});

test("what a send leaves out comes from the defaults", () => {
  const defaults: SendDefaults = { sendInfo: { streamId: 3, unordered: true, ppid: 46, context: 0x11223344 } };

  assert.deepEqual(encodeSendControl({}, 7, defaults), GOLDEN.controlSndinfo);
  assert.deepEqual(encodeSendControl({ streamId: 4 }, 7, defaults)[16], 4);
  assert.deepEqual(encodeSendControl({ unordered: false }, 7, defaults)[18], 0);
});

test("a reliable message says so where the default policy is another", () => {
  const defaults: SendDefaults = { partialReliability: { policy: "ttl", value: 250 } };

  const byDefault = encodeSendControl({}, 0, defaults);
  const reliable = encodeSendControl({ partialReliability: null }, 0, defaults);

  assert.deepEqual(byDefault.subarray(48), unhex("10000000fa000000"));
  assert.deepEqual(reliable.subarray(48), unhex("[8]"));
  assert.equal(encodeSendControl({ partialReliability: null }, 0).length, 32);
});

test("each flag of a send has its bit", () => {
  const flagsOf = (options: SctpEndpointSendOptions) => {
    const control = encodeSendControl(options, 0);
    return control[18] | control[19] << 8;
  };

  assert.equal(flagsOf({ unordered: true }), 0x001);
  assert.equal(flagsOf({ addressOverride: "127.0.0.1" }), 0x002);
  assert.equal(flagsOf({ abort: true }), 0x004);
  assert.equal(flagsOf({ sackImmediately: true }), 0x008);
  assert.equal(flagsOf({ sendAll: true }), 0x040);
  assert.equal(flagsOf({ eof: true }), 0x200);
});

test("a send with an argument out of range is refused by the argument's name", () => {
  const refused = (options: SctpEndpointSendOptions, argument: string) =>
    assert.throws(() => encodeSendControl(options, 0), isAbout(argument));

  refused({ streamId: 65536 }, "options.streamId");
  refused({ streamId: -1 }, "options.streamId");
  refused({ streamId: 1.5 }, "options.streamId");
  refused({ ppid: 2 ** 32 }, "options.ppid");
  refused({ context: NaN }, "options.context");
  refused({ authKeyId: 70000 }, "options.authKeyId");
  refused({ partialReliability: { policy: "ttl", value: -1 } }, "options.partialReliability.value");
  refused({ partialReliability: { policy: "toString" as "ttl", value: 1 } }, "options.partialReliability.policy");
  refused({ initmsg: { numOstreams: 0 } }, "options.initmsg.numOstreams");
  refused({ eof: true, abort: true }, "options.eof");
});

test("control messages of one send leave nothing in those of the next", () => {
  encodeSendControl({ authKeyId: 0xffff, partialReliability: { policy: "priority", value: 2 ** 32 - 1 } }, 0x7fffffff);

  assert.deepEqual(
    encodeSendControl({ authKeyId: 1 }, 0).subarray(32),
    unhex("120000000000000084000000060000000100000000000000"),
  );
});

test("a message of Linux has its metadata and those of the next", () => {
  const control = unhex(
    "200000000000000084000000040000000400010000000066060000000400000" +
      "02c0000000000000084000000030000000300000000000000000000657b01db81000000000000000004000000[4]",
  );

  assert.deepEqual(received(control), {
    type: "message",
    data: NO_DATA,
    streamId: 3,
    ssn: 0,
    ppid: 101,
    tsn: 0x81db017b,
    cumTsn: 0,
    context: 0,
    unordered: false,
    flags: 0,
    associationId: 4,
    from: FROM,
    next: {
      streamId: 4,
      ppid: 102,
      length: 6,
      unordered: true,
      associationId: 4,
      isNotification: false,
      complete: undefined,
    },
  });
});

test("an unordered message of Linux has the cumulative TSN, and what follows its control messages is ignored", () => {
  const message = received(
    unhex("2c0000000000000084000000030000000400000001000000000000667c01db817c01db81000000000400000003000000"),
  );

  assert.equal(message?.unordered, true);
  assert.equal(message?.ppid, 102);
  assert.equal(message?.cumTsn, 0x81db017c);
  assert.equal(message?.next, undefined);
});

test("a notification that comes next is told from a message", () => {
  const control = unhex(
    "2000000000000000840000000400000000000080[4]180000000a000000" +
      "2c000000000000008400000003000000[28]",
  );

  assert.equal(received(control)?.next?.isNotification, true);
});

test("deprecated send-receive information is read where nothing else is there", () => {
  const sndrcv = "30000000000000008400000001000000" + "0300020001000000" + "0000002e44332211" + "00000000" +
    "0b00000007000000" + "05000000";
  const rcvinfo = "2c000000000000008400000003000000" + "0900[24]" + "00000000";

  const message = received(unhex(sndrcv));

  assert.deepEqual(
    [message?.streamId, message?.ssn, message?.unordered, message?.ppid, message?.context, message?.tsn],
    [3, 2, true, 46, 0x11223344, 11],
  );
  assert.deepEqual([message?.cumTsn, message?.associationId], [7, 5]);
  assert.equal(received(unhex(sndrcv + rcvinfo))?.streamId, 9);
  assert.equal(received(unhex(rcvinfo + "00000000" + sndrcv))?.streamId, 9);
});

test("control messages of other protocols are passed over", () => {
  const other = "1400000000000000010000000300000055555555[4]";
  const rcvinfo = "2c000000000000008400000003000000" + "0900[26]";

  assert.equal(received(unhex(other)), undefined);
  assert.equal(received(unhex(other + rcvinfo))?.streamId, 9);
});

test("control messages whose lengths lie give no message, and nothing outside them is read", () => {
  const whole = unhex("2c000000000000008400000003000000" + "[28]");
  const withLength = (low: number, high = 0) => {
    const control = whole.slice();
    new DataView(control.buffer).setUint32(0, low, true);
    new DataView(control.buffer).setUint32(4, high, true);
    return control;
  };

  assert.notEqual(received(whole), undefined);
  assert.equal(received(withLength(0)), undefined);
  assert.equal(received(withLength(15)), undefined);
  assert.equal(received(withLength(43)), undefined);
  assert.equal(received(withLength(45)), undefined);
  assert.equal(received(withLength(0xffffffff)), undefined);
  assert.equal(received(withLength(44, 1)), undefined);
  for (let length = 0; length < whole.length; length++) assert.equal(received(whole.subarray(0, length)), undefined);
});

test("arbitrary control bytes give a message or none, in bounded time", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (control) => {
      const message = received(control);
      assert.ok(message === undefined || message.type === "message");
    }),
    { numRuns: 2000 },
  );
});

test("control bytes with one byte changed are read within their bounds", () => {
  const whole = unhex(
    "2000000000000000840000000400000004000100000000660600000004000000" +
      "2c0000000000000084000000030000000300000000000000000000657b01db81000000000000000004000000[4]",
  );
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, length) => {
      const control = whole.slice(0, length);
      if (at < length) control[at] = value;
      const message = received(control);
      for (const field of Object.values(message ?? {})) assert.ok(!Number.isNaN(field as number));
    }),
    { numRuns: 2000 },
  );
});

test("receive information reads back what was written into it", () => {
  const uint16 = fc.nat(0xffff);
  const uint32 = fc.nat(0xffff_ffff);
  fc.assert(
    fc.property(
      fc.record({
        streamId: uint16,
        ssn: uint16,
        flags: uint16,
        ppid: uint32,
        tsn: uint32,
        cumTsn: uint32,
        context: uint32,
        associationId: fc.nat(0x7fff_ffff),
      }),
      (info) => {
        const control = new Uint8Array(48);
        const view = new DataView(control.buffer);
        view.setUint32(0, 44, true);
        view.setUint32(8, 132, true);
        view.setUint32(12, 3, true);
        view.setUint16(16, info.streamId, true);
        view.setUint16(18, info.ssn, true);
        view.setUint16(20, info.flags, true);
        view.setUint32(24, info.ppid, false);
        view.setUint32(28, info.tsn, true);
        view.setUint32(32, info.cumTsn, true);
        view.setUint32(36, info.context, true);
        view.setInt32(40, info.associationId, true);

        assert.deepEqual(received(control), {
          type: "message",
          data: NO_DATA,
          ...info,
          unordered: (info.flags & 1) === 1,
          from: FROM,
          next: undefined,
        });
      },
    ),
  );
});
