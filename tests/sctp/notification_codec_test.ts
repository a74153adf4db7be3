import assert from "node:assert/strict";
import fc from "fast-check";
import { SCTP_EVENT_NAMES, type SctpNotification } from "../../sctp/notification.ts";
import { decodeNotification, EVENT_TYPES } from "../../sctp/kernel/notification_codec.ts";
import { test } from "../support/harness.ts";
import { unhex } from "./golden.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** One notification of each kind; but for those marked, as Linux 6.1 gave them. */
const SEEN = {
  commUp: unhex("0180000014000000000000000a000a0004000000"),
  commLost: unhex("018000001f0000000100000c0000000004000000000c000b62656361757365"),
  shutdownComplete: unhex("0180000014000000030000000000000008000000"),
  cantStart: unhex("0180000014000000040000000000000000000000"),
  confirmed: unhex("0280000094000000020013887f000002[120]050000000200000003000000"),
  // Made up, with an ERROR chunk's cause "unrecognized chunk type" of chunk type 0xc1.
  remoteError: unhex("0480000014000000000600000300000" + "0c1000004"),
  // Made up, for Linux sends it where the younger one was not asked for.
  sendFailed: unhex(
    "0380010033000000000c0000" + "0100020003000000000000214433221100000000" + "000000000000000005000000" + "05000000" +
      "424242",
  ),
  sendFailedEvent: unhex("0d80010023000000000c00000100030000000021443322110500000005000000424242"),
  shutdown: unhex("058000000c00000008000000"),
  adaptation: unhex("0780000010000000efbeadde04000000"),
  partialDelivery: unhex("0680000018000000000000000a0000000500000000000000"),
  authentication: unhex("0880000014000000000000000100000003000000"),
  senderDry: unhex("098000000c00000003000000"),
  streamReset: unhex("0a800200100000000300000003000400"),
  associationReset: unhex("0b80000014000000030000007a0030a57d01db01"),
  streamChange: unhex("0c800000100000000300000000000200"),
};

test("an association that comes up tells its streams", () => {
  assert.deepEqual(decodeNotification(SEEN.commUp), {
    type: "association",
    associationId: 4,
    state: "comm-up",
    error: 0,
    errorName: "none",
    outboundStreams: 10,
    inboundStreams: 10,
    causes: [],
    features: [],
    info: new Uint8Array(0),
  });
});

test("an association that is aborted tells the peer's reason", () => {
  const lost = decodeNotification(SEEN.commLost);

  assert.ok(lost.type === "association");
  assert.deepEqual([lost.state, lost.error, lost.errorName], ["comm-lost", 12, "user-initiated-abort"]);
  assert.equal(lost.causes.length, 1);
  assert.equal(lost.causes[0].name, "user-initiated-abort");
  assert.equal(text(lost.causes[0].data), "because");
  assert.equal(lost.info.length, 11);
});

test("an association that ends, or never begins, tells so", () => {
  const ended = decodeNotification(SEEN.shutdownComplete);
  const refused = decodeNotification(SEEN.cantStart);

  assert.ok(ended.type === "association" && refused.type === "association");
  assert.deepEqual([ended.state, ended.associationId], ["shutdown-complete", 8]);
  assert.deepEqual([refused.state, refused.associationId], ["cant-start-assoc", 0]);
});

test("a peer's address that is confirmed has its address", () => {
  assert.deepEqual(decodeNotification(SEEN.confirmed), {
    type: "address",
    associationId: 3,
    address: { family: "inet", address: "127.0.0.2", port: 5000 },
    state: "confirmed",
    error: 2,
  });
});

test("a remote error has its cause", () => {
  assert.deepEqual(decodeNotification(SEEN.remoteError), {
    type: "remote-error",
    associationId: 3,
    cause: { code: 6, name: "unrecognized-chunk-type", data: unhex("c1000004") },
  });
});

test("a message that could not be delivered comes back with what it was sent with", () => {
  const expected = {
    type: "send-failed",
    associationId: 5,
    streamId: 1,
    ppid: 33,
    context: 0x11223344,
    flags: 3,
    data: unhex("424242"),
    sent: true,
    error: 12,
    unordered: false,
    sackImmediately: false,
    fragment: "whole",
  };

  assert.deepEqual(decodeNotification(SEEN.sendFailedEvent), expected);
  assert.deepEqual(decodeNotification(SEEN.sendFailed), expected);
});

test("the pieces of a message that could not be delivered are told apart", () => {
  const withFlags = (flags: number) => {
    const bytes = SEEN.sendFailedEvent.slice();
    bytes[14] = flags;
    const notification = decodeNotification(bytes);
    assert.ok(notification.type === "send-failed");
    return [notification.fragment, notification.unordered, notification.sackImmediately];
  };

  assert.deepEqual(withFlags(2), ["first", false, false]);
  assert.deepEqual(withFlags(0), ["middle", false, false]);
  assert.deepEqual(withFlags(5), ["last", true, false]);
  assert.deepEqual(withFlags(11), ["whole", false, true]);
});

test("the other notifications have their fields", () => {
  const expected: [keyof typeof SEEN, SctpNotification][] = [
    ["shutdown", { type: "shutdown", associationId: 8 }],
    ["adaptation", { type: "adaptation", associationId: 4, indication: 0xdeadbeef }],
    ["partialDelivery", {
      type: "partial-delivery",
      associationId: 10,
      indication: "aborted",
      streamId: 5,
      sequence: 0,
      unordered: false,
    }],
    ["authentication", {
      type: "authentication",
      associationId: 3,
      indication: "free-key",
      keyId: 0,
      alternateKeyId: 0,
    }],
    ["senderDry", { type: "sender-dry", associationId: 3 }],
    ["streamReset", {
      type: "stream-reset",
      associationId: 3,
      incoming: false,
      outgoing: true,
      denied: false,
      failed: false,
      streamIds: [3, 4],
    }],
    ["associationReset", {
      type: "association-reset",
      associationId: 3,
      denied: false,
      failed: false,
      localTsn: 0x01db017d,
      remoteTsn: 0xa530007a,
    }],
    ["streamChange", {
      type: "stream-change",
      associationId: 3,
      denied: false,
      failed: false,
      inboundStreams: 0,
      outboundStreams: 2,
    }],
  ];

  for (const [name, notification] of expected) assert.deepEqual(decodeNotification(SEEN[name]), notification);
});

test("a refused reconfiguration is told from a failed one", () => {
  const denied = SEEN.streamChange.slice();
  denied[2] = 4;
  const failed = SEEN.streamReset.slice();
  failed[2] = 8 | 1;

  const change = decodeNotification(denied);
  const reset = decodeNotification(failed);

  assert.ok(change.type === "stream-change" && reset.type === "stream-reset");
  assert.deepEqual([change.denied, change.failed], [true, false]);
  assert.deepEqual([reset.denied, reset.failed, reset.incoming, reset.outgoing], [false, true, true, false]);
});

test("every name that one can subscribe to has a kind of its own", () => {
  assert.deepEqual(Object.keys(EVENT_TYPES).sort(), [...SCTP_EVENT_NAMES].sort());
  assert.equal(new Set(Object.values(EVENT_TYPES)).size, SCTP_EVENT_NAMES.length);
  const kinds = new Set(Object.values(SEEN).map((bytes) => decodeNotification(bytes).type));
  assert.deepEqual([...kinds].sort(), [...SCTP_EVENT_NAMES].sort());
});

test("a kind that a later kernel invents keeps its bytes", () => {
  const bytes = unhex("2080070010000000aabbccddeeff0011");

  assert.deepEqual(decodeNotification(bytes), {
    type: "unknown",
    notificationType: 0x8020,
    flags: 7,
    raw: bytes,
  });
});

test("states that a later kernel invents are unknown", () => {
  const association = SEEN.commUp.slice();
  association[8] = 99;
  const address = SEEN.confirmed.slice();
  address[136] = 99;
  const key = SEEN.authentication.slice();
  key[12] = 99;

  const notifications = [association, address, key].map(decodeNotification);

  assert.deepEqual(
    notifications.map((each) => each.type === "association" || each.type === "address" ? each.state : undefined),
    ["unknown", "unknown", undefined],
  );
  assert.ok(notifications[2].type === "authentication" && notifications[2].indication === "unknown");
});

test("an address of no known family is none", () => {
  const bytes = SEEN.confirmed.slice();
  for (const family of [0, 1, 99]) {
    bytes[8] = family;
    const notification = decodeNotification(bytes);
    assert.ok(notification.type === "address");
    assert.equal(notification.address, undefined);
  }
});

test("a notification cut short anywhere is unknown, and keeps its bytes", () => {
  for (const whole of Object.values(SEEN)) {
    for (let length = 0; length < whole.length; length++) {
      const notification = decodeNotification(whole.subarray(0, length));
      assert.ok(notification.type === "unknown");
      assert.equal(notification.raw.length, length);
    }
  }
});

test("a notification that claims fewer bytes than its kind has is unknown", () => {
  for (const whole of Object.values(SEEN)) {
    const bytes = whole.slice();
    for (const claimed of [0, 8, 11]) {
      bytes[4] = claimed;
      assert.equal(decodeNotification(bytes).type, "unknown");
    }
  }
});

test("what follows a notification is not a part of it", () => {
  for (const whole of Object.values(SEEN)) {
    const longer = new Uint8Array(whole.length + 5).fill(0xff);
    longer.set(whole);

    assert.deepEqual(decodeNotification(longer), decodeNotification(whole));
  }
});

test("causes that do not fit end the list of causes", () => {
  const withInfo = (info: Uint8Array) => {
    const bytes = new Uint8Array(20 + info.length);
    bytes.set(SEEN.commUp);
    bytes[4] = bytes.length;
    bytes.set(info, 20);
    const notification = decodeNotification(bytes);
    assert.ok(notification.type === "association");
    return notification.causes.map((cause) => [cause.name, cause.data.length]);
  };

  assert.deepEqual(withInfo(unhex("000d0005aa000000" + "0001000800020000")), [
    ["protocol-violation", 1],
    ["invalid-stream-identifier", 4],
  ]);
  assert.deepEqual(withInfo(unhex("000d0004" + "00010009" + "00020000")), [["protocol-violation", 0]]);
  assert.deepEqual(withInfo(unhex("000d0003")), []);
  assert.deepEqual(withInfo(unhex("000d0000")), []);
  assert.deepEqual(withInfo(unhex("000d")), []);
  assert.deepEqual(withInfo(unhex("7777000400a00004")), [["unknown", 0], ["delete-last-address", 0]]);
});

test("arbitrary bytes are a notification of some type", () => {
  const names: string[] = [...SCTP_EVENT_NAMES, "unknown"];
  const kind = fc.integer({ min: 0x8000, max: 0x800e });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), kind, fc.boolean(), (bytes, type, honest) => {
      if (bytes.length >= 8) {
        bytes[0] = type;
        bytes[1] = type >> 8;
        if (honest) bytes.set([bytes.length, bytes.length >> 8, 0, 0], 4);
      }
      assert.ok(names.includes(decodeNotification(bytes).type));
    }),
    { numRuns: 3000 },
  );
});
