import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { UnsupportedError } from "../../../common/errors.ts";
import {
  AF_INET,
  AF_INET6,
  bind,
  close,
  encodeSockaddr,
  F_GETFL,
  F_SETFL,
  fcntl,
  getsockname,
  getsockopt,
  type InetAddress,
  IPPROTO_SCTP,
  listen,
  O_NONBLOCK,
  setsockopt,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  socket,
} from "../../../ffi/mod.ts";
import {
  addAddresses,
  connectAddresses,
  getLocalAddresses,
  getPeerAddresses,
  peelOff,
} from "../../../sctp/kernel/option/addresses.ts";
import { subscribe } from "../../../sctp/kernel/option/events.ts";
import { getAssociationId } from "../../../sctp/kernel/option/paths.ts";
import type { OptionSocket } from "../../../sctp/kernel/option/socket.ts";
import { getAssociationIds, getSupportedFeatures } from "../../../sctp/kernel/option/status.ts";
import { readOption, writeOption, writeSocketOptions } from "../../../sctp/kernel/option/table.ts";
import { SCTP_EVENT_NAMES } from "../../../sctp/notification.ts";
import type { SctpOptionName, SctpOptionRead, SctpOptionWritten } from "../../../sctp/option_map.ts";
import type { SctpSocketOptions } from "../../../sctp/options.ts";
import { test } from "../../support/harness.ts";

/** Lets every extension be used until disposed of; some are off by default. */
function allExtensions(): Disposable {
  const files = ["intl_enable", "addip_noauth_enable"].map((name) => `/proc/sys/net/sctp/${name}`);
  const before = files.map((file) => readFileSync(file, "utf8"));
  for (const file of files) writeFileSync(file, "1");
  return { [Symbol.dispose]: () => files.forEach((file, index) => writeFileSync(file, before[index])) };
}

const STYLES = { "one-to-many": SOCK_SEQPACKET, "one-to-one": SOCK_STREAM };
const FAMILIES = { IPv4: AF_INET, IPv6: AF_INET6 };

/** Everything on, so that both ends have every extension. */
const ALL_EXTENSIONS: SctpSocketOptions = {
  auth: { supported: true },
  asconf: true,
  reconfigSupported: true,
  partialReliabilitySupported: true,
  ecn: true,
  interleaving: true,
  streamReset: { streams: true, association: true, addStreams: true },
};

class OptionDescriptor implements OptionSocket, Disposable {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  getsockopt(level: number, name: number, value: Uint8Array): number {
    return getsockopt(this.fd, level, name, value);
  }

  setsockopt(level: number, name: number, value: Uint8Array): void {
    setsockopt(this.fd, level, name, value);
  }

  [Symbol.dispose](): void {
    close(this.fd);
  }
}

function open(type: number, family: number = AF_INET): OptionDescriptor {
  return new OptionDescriptor(socket(family, type | SOCK_CLOEXEC, IPPROTO_SCTP));
}

/** On a blocking socket, connecting returns when the association is up. */
function connectAndWait(client: OptionDescriptor, address: InetAddress): void {
  fcntl(client.fd, F_SETFL, fcntl(client.fd, F_GETFL) & ~O_NONBLOCK);
  assert.equal(connectAddresses(client, encodeSockaddr(address)), true);
}

/** Two one-to-many sockets with an association between them, and the server's second address. */
function associated() {
  using _extensions = allExtensions();
  const server = open(SOCK_SEQPACKET);
  const client = open(SOCK_SEQPACKET);
  for (const each of [server, client]) writeSocketOptions(each, ALL_EXTENSIONS);
  bind(server.fd, { family: "inet", address: "127.0.0.1", port: 0 });
  const first = getsockname(server.fd) as InetAddress;
  const second: InetAddress = { family: "inet", address: "127.0.0.2", port: first.port };
  addAddresses(server, encodeSockaddr(second));
  listen(server.fd, 5);
  connectAndWait(client, first);
  return {
    server,
    client,
    first,
    second,
    associationId: getAssociationId(client, first),
    [Symbol.dispose]() {
      server[Symbol.dispose]();
      client[Symbol.dispose]();
    },
  };
}

/** A value for each option that can be set on a new socket, and what is read back. */
const SET_AND_READ: { [Name in SctpOptionName]?: [SctpOptionWritten<Name>, SctpOptionRead<Name>] } = {
  initmsg: [
    { numOstreams: 20, maxInstreams: 30, maxAttempts: 3, maxInitTimeout: 4000 },
    { numOstreams: 20, maxInstreams: 30, maxAttempts: 3, maxInitTimeout: 4000 },
  ],
  nodelay: [true, true],
  rtoinfo: [{ initial: 2000, max: 5000, min: 500 }, { initial: 2000, max: 5000, min: 500 }],
  assocInfo: [
    { maxRetransmissions: 7, cookieLife: 30_000 },
    { maxRetransmissions: 7, cookieLife: 30_000, peerDestinations: 0, peerRwnd: 0, localRwnd: 0 },
  ],
  delayedSack: [{ delay: 100, frequency: 3 }, { delay: 100, frequency: 3 }],
  peerAddressThresholds: [
    { pathMaxRetransmissions: 4, potentiallyFailed: 2, primarySwitchover: 9 },
    { pathMaxRetransmissions: 4, potentiallyFailed: 2, primarySwitchover: 9 },
  ],
  maxseg: [1200, 1200],
  maxBurst: [9, 9],
  // Linux has one level above none.
  fragmentInterleave: [2, 1],
  interleaving: [true, true],
  partialDeliveryPoint: [4000, 4000],
  disableFragments: [true, true],
  v4Mapped: [false, false],
  adaptationIndication: [0xdeadbeef, 0xdeadbeef],
  defaultSendInfo: [
    { streamId: 3, ppid: 46, unordered: true, context: 5, sackImmediately: true },
    { streamId: 3, ppid: 46, unordered: true, context: 5, sackImmediately: false },
  ],
  defaultPartialReliability: [{ policy: "retransmissions", value: 2 }, { policy: "retransmissions", value: 2 }],
  partialReliabilitySupported: [false, false],
  context: [12, 12],
  authSupported: [true, true],
  authHmacs: [["sha256", "sha1"], ["sha256", "sha1"]],
  asconf: [true, true],
  reconfigSupported: [true, true],
  streamReset: [{ streams: true, addStreams: true }, { streams: true, association: false, addStreams: true }],
  streamScheduler: ["round-robin", "round-robin"],
  ecn: [false, false],
  potentiallyFailedExposure: ["expose", "expose"],
  remoteUdpEncapsPort: [9899, 9899],
  plpmtudProbeInterval: [6000, 6000],
  receiveNextInfo: [true, true],
  sendBufferSize: [50_000, 100_000],
  receiveBufferSize: [50_000, 100_000],
};

for (const [style, type] of Object.entries(STYLES)) {
  for (const [family, domain] of Object.entries(FAMILIES)) {
    test(`options of a ${style} socket on ${family} are read as they were set`, () => {
      using _extensions = allExtensions();
      using socket = open(type, domain);
      for (const [name, [value, expected]] of Object.entries(SET_AND_READ) as [SctpOptionName, [never, unknown]][]) {
        writeOption(socket, name, value, 0);
        assert.deepEqual(readOption(socket, name, 0), expected, name);
      }
    });

    test(`path parameters of a ${style} socket on ${family} are read as they were set`, () => {
      using socket = open(type, domain);
      const given = { heartbeatInterval: 12_345, pathMaxRetransmissions: 4, pathMtu: 1400, dscp: 46, flowLabel: 7 };

      writeOption(socket, "delayedSack", { frequency: 1 }, 0);
      writeOption(socket, "peerAddressParameters", given, 0);

      assert.deepEqual(readOption(socket, "peerAddressParameters", 0), {
        ...given,
        heartbeat: true,
        pathMtuDiscovery: false,
        flowLabel: domain === AF_INET6 ? 7 : 0,
        sackDelay: 0,
      });
    });
  }
}

test("each style of socket has an option of its own", () => {
  using many = open(SOCK_SEQPACKET);
  using one = open(SOCK_STREAM);

  writeOption(many, "autoclose", 2500, 0);
  writeOption(one, "reusePort", true, 0);

  assert.equal(readOption(many, "autoclose", 0), 3000);
  assert.equal(readOption(one, "reusePort", 0), true);
  assert.throws(() => writeOption(one, "autoclose", 1000, 0), { code: "EOPNOTSUPP" });
  assert.throws(() => writeOption(many, "reusePort", true, 0), { code: "EOPNOTSUPP" });
});

test("a socket follows the machine's addresses once it is bound to all of them", () => {
  using socket = open(SOCK_SEQPACKET);
  bind(socket.fd, { family: "inet", address: "0.0.0.0", port: 0 });

  writeOption(socket, "autoAsconf", true, 0);

  assert.equal(readOption(socket, "autoAsconf", 0), true);
});

test("authentication is set up on a new socket, and unsupported without", () => {
  using socket = open(SOCK_SEQPACKET);
  using other = open(SOCK_SEQPACKET);
  const keys = [{ keyId: 5, key: Uint8Array.of(1, 2, 3) }];

  writeSocketOptions(socket, { auth: { supported: true, chunks: [0], hmacs: ["sha1"], keys, activeKeyId: 5 } });
  writeSocketOptions(other, { auth: { supported: false } });

  assert.ok(readOption(socket, "localAuthChunks", 0).includes(0));
  assert.equal(readOption(socket, "activeAuthKey", 0), 5);
  assert.throws(() => writeSocketOptions(other, { auth: { chunks: [0] } }), UnsupportedError);
});

test("every notification can be subscribed to", () => {
  using socket = open(SOCK_SEQPACKET);

  for (const name of SCTP_EVENT_NAMES) {
    subscribe(socket, 0, name, true);
    subscribe(socket, 0, name, false);
  }
});

test("what both ends of an association have is read from either", () => {
  using pair = associated();
  const { client, server, associationId, first, second } = pair;

  const status = readOption(client, "status", associationId);
  const statistics = readOption(client, "statistics", associationId);

  assert.deepEqual(getAssociationIds(client), [associationId]);
  assert.equal(getAssociationIds(server).length, 1);
  assert.deepEqual(getPeerAddresses(client, associationId), [first, second]);
  assert.deepEqual(getLocalAddresses(server, 0), [first, second]);
  assert.deepEqual(getSupportedFeatures(client, associationId), [
    "partial-reliability",
    "auth",
    "asconf",
    "reconfig",
    "interleaving",
    "ecn",
  ]);
  assert.deepEqual([status.state, status.primary.address], ["established", first]);
  assert.ok(statistics.packetsSent >= 2 && statistics.controlChunksSent >= 2);
  assert.equal(readOption(client, "assocInfo", associationId).peerDestinations, 2);
  assert.deepEqual(readOption(client, "partialReliabilityStatus", associationId), {
    abandonedUnsent: 0,
    abandonedSent: 0,
  });
  assert.ok(readOption(client, "peerAuthChunks", associationId).includes(0xc1));
  assert.throws(() => readOption(client, "status", 9999), { code: "EINVAL" });
});

test("the paths of an association have parameters of their own", () => {
  using pair = associated();
  const { client, server, associationId, first, second } = pair;

  writeOption(client, "primaryAddress", second, associationId);
  writeOption(client, "peerAddressParameters", { heartbeat: false, dscp: 46 }, associationId, second);
  writeOption(client, "peerAddressThresholds", { potentiallyFailed: 1 }, associationId, second);
  writeOption(client, "plpmtudProbeInterval", 7000, associationId, second);
  writeOption(client, "heartbeatNow", true, associationId, second);
  writeOption(server, "peerPrimaryAddress", second, getAssociationIds(server)[0]);

  const ofSecond = readOption(client, "peerAddressParameters", associationId, second);
  const ofFirst = readOption(client, "peerAddressParameters", associationId, first);
  assert.deepEqual(readOption(client, "primaryAddress", associationId), second);
  assert.deepEqual([ofSecond.heartbeat, ofSecond.dscp], [false, 46]);
  assert.deepEqual([ofFirst.heartbeat, ofFirst.dscp], [true, 0]);
  assert.equal(readOption(client, "peerAddressThresholds", associationId, second).potentiallyFailed, 1);
  assert.notEqual(readOption(client, "peerAddressThresholds", associationId, first).potentiallyFailed, 1);
  assert.equal(readOption(client, "plpmtudProbeInterval", associationId, second), 7000);
  assert.deepEqual(readOption(client, "pathInfo", associationId, second).address, second);
});

test("keys, streams and schedulers of an association change while it is up", () => {
  using pair = associated();
  const { client, associationId } = pair;

  writeOption(client, "authKey", { keyId: 1, key: new Uint8Array(16) }, associationId);
  writeOption(client, "activeAuthKey", 1, associationId);
  writeOption(client, "deactivateAuthKey", 0, associationId);
  writeOption(client, "deleteAuthKey", 0, associationId);
  writeOption(client, "streamScheduler", "priority", associationId);
  writeOption(client, "streamSchedulerValue", 5, associationId, 3);
  writeOption(client, "resetStreams", { outgoing: true, streamIds: [1] }, associationId);

  assert.equal(readOption(client, "activeAuthKey", associationId), 1);
  assert.equal(readOption(client, "streamScheduler", associationId), "priority");
  assert.equal(readOption(client, "streamSchedulerValue", associationId, 3), 5);
});

test("streams are not reset where it is not enabled on both ends", () => {
  using server = open(SOCK_SEQPACKET);
  using client = open(SOCK_SEQPACKET);
  bind(server.fd, { family: "inet", address: "127.0.0.1", port: 0 });
  listen(server.fd, 5);
  const address = getsockname(server.fd) as InetAddress;
  connectAndWait(client, address);
  const associationId = getAssociationId(client, address);

  assert.throws(() => writeOption(client, "resetStreams", { outgoing: true }, associationId), UnsupportedError);
  assert.throws(() => writeOption(client, "addStreams", { outbound: 1 }, associationId), UnsupportedError);
  assert.throws(() => writeOption(client, "resetAssociation", true, associationId), UnsupportedError);
});

test("an association that is peeled off leaves its socket", () => {
  using pair = associated();
  const { client, associationId, first } = pair;

  using peeled = new OptionDescriptor(peelOff(client, associationId, SOCK_NONBLOCK | SOCK_CLOEXEC));

  assert.deepEqual(getAssociationIds(client), []);
  assert.deepEqual(readOption(peeled, "status", 0).primary.address, first);
});
