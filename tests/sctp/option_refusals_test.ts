import assert from "node:assert/strict";
import { ArgumentError, SystemError, UnsupportedError } from "../../common/errors.ts";
import * as k from "../../sctp/kernel/constants.ts";
import { readOption, writeOption, writeSocketOptions } from "../../sctp/kernel/option/table.ts";
import type { SctpOptionName, SctpOptionParameter } from "../../sctp/option_map.ts";
import { test } from "../support/harness.ts";
import { unhex } from "./golden.ts";
import { RecordingSocket, refusing } from "./recording_socket.ts";

test("an argument out of range is refused by its name, and the kernel is not asked", () => {
  const cases: [SctpOptionName, unknown, string, SctpOptionParameter?][] = [
    ["initmsg", { maxAttempts: 0 }, "initmsg.maxAttempts"],
    ["initmsg", { numOstreams: 65536 }, "initmsg.numOstreams"],
    ["rtoinfo", { min: 0 }, "rtoinfo.min"],
    ["rtoinfo", { min: 2000, max: 1000 }, "rtoinfo.min"],
    ["rtoinfo", { initial: 1.5 }, "rtoinfo.initial"],
    ["assocInfo", { maxRetransmissions: 0 }, "assocInfo.maxRetransmissions"],
    ["assocInfo", { cookieLife: -1 }, "assocInfo.cookieLife"],
    ["autoclose", -1, "autoclose"],
    ["autoclose", NaN, "autoclose"],
    ["autoclose", Infinity, "autoclose"],
    ["delayedSack", { delay: 501 }, "delayedSack.delay"],
    ["delayedSack", { frequency: 0 }, "delayedSack.frequency"],
    ["maxseg", 65536, "maxseg"],
    ["maxBurst", -1, "maxBurst"],
    ["fragmentInterleave", 3, "fragmentInterleave"],
    ["partialDeliveryPoint", -1, "partialDeliveryPoint"],
    ["adaptationIndication", 2 ** 32, "adaptationIndication"],
    ["context", -1, "context"],
    ["defaultSendInfo", { ppid: 2 ** 32 }, "defaultSendInfo.ppid"],
    ["defaultPartialReliability", { policy: "never", value: 1 }, "defaultPartialReliability.policy"],
    ["peerAddressParameters", { dscp: 64 }, "peerAddressParameters.dscp"],
    ["peerAddressParameters", { flowLabel: 2 ** 20 }, "peerAddressParameters.flowLabel"],
    ["peerAddressParameters", { pathMtu: 511 }, "peerAddressParameters.pathMtu"],
    ["peerAddressParameters", { pathMtu: 1400, pathMtuDiscovery: true }, "peerAddressParameters.pathMtu"],
    [
      "peerAddressParameters",
      { heartbeat: false, heartbeatInterval: 1 },
      "peerAddressParameters.heartbeatInterval",
    ],
    ["peerAddressParameters", { pathMaxRetransmissions: 0 }, "peerAddressParameters.pathMaxRetransmissions"],
    [
      "peerAddressThresholds",
      { pathMaxRetransmissions: 5, potentiallyFailed: 4, primarySwitchover: 3 },
      "peerAddressThresholds.primarySwitchover",
    ],
    ["peerAddressParameters", {}, "parameter", 3],
    ["heartbeatNow", true, "parameter"],
    ["streamSchedulerValue", 1, "parameter"],
    ["streamSchedulerValue", 1, "streamId", 65536],
    ["streamScheduler", "fastest", "streamScheduler"],
    ["resetStreams", { streamIds: [1] }, "outgoing"],
    ["resetStreams", { outgoing: true, streamIds: [1, 65536] }, "streamIds[1]"],
    ["addStreams", {}, "outbound"],
    ["addStreams", { inbound: 65536 }, "inbound"],
    ["authChunk", 15, "auth.chunks"],
    ["authChunk", 256, "auth.chunks"],
    ["authHmacs", ["sha256"], "auth.hmacs"],
    ["authHmacs", ["sha1", "md5"], "auth.hmacs[1]"],
    ["authKey", { keyId: 65536, key: new Uint8Array(1) }, "keyId"],
    ["authKey", { keyId: 1, key: new Uint8Array(65536) }, "key.length"],
    ["activeAuthKey", -1, "keyId"],
    ["potentiallyFailedExposure", "perhaps", "potentiallyFailedExposure"],
    ["remoteUdpEncapsPort", 65536, "remoteUdpEncapsPort"],
    ["plpmtudProbeInterval", 4999, "plpmtudProbeInterval"],
    ["sendBufferSize", 0, "sendBufferSize"],
    ["status", undefined, "name"],
    ["toString" as "status", undefined, "name"],
  ];
  for (const [name, value, argument, parameter] of cases) {
    const socket = new RecordingSocket();
    assert.throws(
      () => writeOption(socket, name, value as never, 7, parameter),
      (error) => error instanceof ArgumentError && error.argument === argument,
      `${name} ${JSON.stringify(value)}`,
    );
    assert.deepEqual(socket.sets, []);
  }
  assert.throws(() => readOption(new RecordingSocket(), "authKey", 7), ArgumentError);
});

test("an option that the kernel does not know is unsupported, with the remedy", () => {
  assert.throws(() => readOption(refusing("ENOPROTOOPT"), "ecn", 0), (error) => {
    assert.ok(error instanceof UnsupportedError && error.cause instanceof SystemError);
    return /130.*Linux 5\.4/.test(error.message);
  });
  assert.throws(() => writeOption(refusing("ENOPROTOOPT"), "nodelay", true, 0), UnsupportedError);
});

test("what the administrator has switched off is unsupported, with the remedy", () => {
  const refused = (code: string, name: SctpOptionName, value: unknown, remedy: RegExp) =>
    assert.throws(
      () => writeOption(refusing(code), name, value as never, 7),
      (error) => error instanceof UnsupportedError && remedy.test(error.message),
    );

  refused("EPERM", "interleaving", true, /net\.sctp\.intl_enable=1/);
  refused("EACCES", "authKey", { keyId: 1, key: new Uint8Array(1) }, /net\.sctp\.auth_enable=1/);
  refused("ENOPROTOOPT", "resetStreams", { outgoing: true }, /net\.sctp\.reconf_enable=1/);
  refused("EPERM", "addStreams", { outbound: 1 }, /streamReset/);
  refused("EINVAL", "streamScheduler", "fair-capacity", /Linux 6\.4/);
});

test("other refusals of the kernel come as they are", () => {
  for (const name of ["interleaving", "nodelay", "streamScheduler", "authKey", "resetStreams"] as const) {
    const values = { nodelay: true, interleaving: true, streamScheduler: "fcfs", resetStreams: { outgoing: true } };
    const value = name === "authKey" ? { keyId: 1, key: new Uint8Array(1) } : values[name];
    assert.throws(() => writeOption(refusing("EINVAL"), name, value as never, 7), { code: "EINVAL" });
  }
});

test("a new socket's options are set in an order that the kernel takes", () => {
  const socket = new RecordingSocket();

  writeSocketOptions(socket, {
    interleaving: true,
    partialDeliveryPoint: 1000,
    receiveBufferSize: 100_000,
    autoAsconf: true,
    auth: {
      supported: true,
      chunks: [0],
      hmacs: ["sha1"],
      keys: [{ keyId: 5, key: new Uint8Array(2) }],
      activeKeyId: 5,
    },
  });

  assert.deepEqual(
    socket.sets.map(({ name }) => name),
    [
      8, // SO_RCVBUF
      k.SCTP_AUTH_SUPPORTED,
      k.SCTP_HMAC_IDENT,
      k.SCTP_AUTH_CHUNK,
      k.SCTP_AUTH_KEY,
      k.SCTP_AUTH_ACTIVE_KEY,
      k.SCTP_FRAGMENT_INTERLEAVE,
      k.SCTP_INTERLEAVING_SUPPORTED,
      k.SCTP_PARTIAL_DELIVERY_POINT,
    ],
  );
  assert.deepEqual(socket.sets[6].value, unhex("01000000"));
});
