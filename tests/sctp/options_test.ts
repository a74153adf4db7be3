import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError, SystemError } from "../../common/errors.ts";
import { encodeSockaddr } from "../../ffi/sockaddr.ts";
import type { SctpTransportAddress } from "../../sctp/message.ts";
import type { SctpOptionName, SctpOptionParameter, SctpOptionWritten } from "../../sctp/option_map.ts";
import * as k from "../../sctp/kernel/constants.ts";
import {
  addAddresses,
  connectAddresses,
  getLocalAddresses,
  getPeerAddresses,
  peelOff,
  removeAddresses,
  unpackAddresses,
} from "../../sctp/kernel/option/addresses.ts";
import { subscribe } from "../../sctp/kernel/option/events.ts";
import { getAssociationId } from "../../sctp/kernel/option/paths.ts";
import { getAssociationIds, getSupportedFeatures } from "../../sctp/kernel/option/status.ts";
import { readOption, writeOption } from "../../sctp/kernel/option/table.ts";
import { test } from "../support/harness.ts";
import { GOLDEN, unhex } from "./golden.ts";
import { answering, type Call, RecordingSocket, refusing } from "./recording_socket.ts";

const V4: SctpTransportAddress = { family: "inet", address: "192.0.2.1", port: 3868 };
const V6: SctpTransportAddress = { family: "inet6", address: "2001:db8::1", port: 3868 };

/** What the kernel is handed when an option is set. */
function written<Name extends SctpOptionName>(
  name: Name,
  value: SctpOptionWritten<Name>,
  parameter?: SctpOptionParameter,
): Call {
  const socket = new RecordingSocket();
  writeOption(socket, name, value, 7, parameter);
  assert.equal(socket.sets.length, 1);
  return socket.sets[0];
}

function read<Name extends SctpOptionName>(name: Name, answer: Uint8Array, parameter?: SctpOptionParameter) {
  return readOption(answering(answer), name, 7, parameter);
}

test("options are laid out as in C when they are set", () => {
  assert.deepEqual(
    written("initmsg", { numOstreams: 20, maxInstreams: 30, maxAttempts: 3, maxInitTimeout: 4000 }),
    { name: k.SCTP_INITMSG, value: GOLDEN.initmsg },
  );
  assert.deepEqual(written("rtoinfo", { initial: 2000, max: 70_000, min: 500 }), {
    name: k.SCTP_RTOINFO,
    value: GOLDEN.rtoinfo,
  });
  assert.deepEqual(written("assocInfo", { maxRetransmissions: 9, cookieLife: 100_000 }), {
    name: k.SCTP_ASSOCINFO,
    value: GOLDEN.assocparams,
  });
  assert.deepEqual(written("delayedSack", { delay: 120, frequency: 3 }), {
    name: k.SCTP_DELAYED_SACK,
    value: GOLDEN.sackInfo,
  });
  assert.deepEqual(written("maxseg", 1200), { name: k.SCTP_MAXSEG, value: GOLDEN.assocValue });
  assert.deepEqual(written("maxBurst", 1200), { name: k.SCTP_MAX_BURST, value: GOLDEN.assocValue });
  assert.deepEqual(written("context", 1200), { name: k.SCTP_CONTEXT, value: GOLDEN.assocValue });
  assert.deepEqual(written("defaultSendInfo", { streamId: 3, unordered: true, ppid: 46, context: 0x11223344 }), {
    name: k.SCTP_DEFAULT_SNDINFO,
    value: GOLDEN.sndinfo,
  });
  assert.deepEqual(written("defaultPartialReliability", { policy: "ttl", value: 250 }), {
    name: k.SCTP_DEFAULT_PRINFO,
    value: GOLDEN.defaultPrinfo,
  });
});

test("options of paths are laid out as in C when they are set", () => {
  const parameters = {
    heartbeatInterval: 12345,
    pathMaxRetransmissions: 4,
    pathMtu: 1400,
    flowLabel: 0xabcde,
    dscp: 46,
  };

  assert.deepEqual(written("peerAddressParameters", parameters, V4), {
    name: k.SCTP_PEER_ADDR_PARAMS,
    value: GOLDEN.paddrparams,
  });
  assert.deepEqual(
    written("peerAddressThresholds", { pathMaxRetransmissions: 5, potentiallyFailed: 2, primarySwitchover: 9 }, V6),
    { name: k.SCTP_PEER_ADDR_THLDS_V2, value: GOLDEN.paddrthldsV2 },
  );
  assert.deepEqual(written("remoteUdpEncapsPort", 9899, V4), {
    name: k.SCTP_REMOTE_UDP_ENCAPS_PORT,
    value: GOLDEN.udpencaps,
  });
  assert.deepEqual(written("plpmtudProbeInterval", 6000), {
    name: k.SCTP_PLPMTUD_PROBE_INTERVAL,
    value: GOLDEN.probeinterval,
  });
  assert.deepEqual(written("primaryAddress", V6), { name: k.SCTP_PRIMARY_ADDR, value: GOLDEN.prim });
  assert.deepEqual(written("peerPrimaryAddress", V4), {
    name: k.SCTP_SET_PEER_PRIMARY_ADDR,
    value: GOLDEN.setpeerprim,
  });
});

test("options of authentication and of streams are laid out as in C when they are set", () => {
  const key = new TextEncoder().encode("secre");

  assert.deepEqual(written("authHmacs", ["sha256", "sha1"]), { name: k.SCTP_HMAC_IDENT, value: GOLDEN.hmacalgo });
  assert.deepEqual(written("authKey", { keyId: 9, key }), { name: k.SCTP_AUTH_KEY, value: GOLDEN.authkey });
  assert.deepEqual(written("activeAuthKey", 9), { name: k.SCTP_AUTH_ACTIVE_KEY, value: GOLDEN.authkeyid });
  assert.deepEqual(written("deactivateAuthKey", 9), { name: k.SCTP_AUTH_DEACTIVATE_KEY, value: GOLDEN.authkeyid });
  assert.deepEqual(written("deleteAuthKey", 9), { name: k.SCTP_AUTH_DELETE_KEY, value: GOLDEN.authkeyid });
  assert.deepEqual(written("authChunk", 0x80), { name: k.SCTP_AUTH_CHUNK, value: Uint8Array.of(0x80) });
  assert.deepEqual(written("resetStreams", { incoming: true, outgoing: true, streamIds: [3, 0x1234] }), {
    name: k.SCTP_RESET_STREAMS,
    value: GOLDEN.resetStreams,
  });
  assert.deepEqual(written("addStreams", { inbound: 1, outbound: 0x0102 }), {
    name: k.SCTP_ADD_STREAMS,
    value: GOLDEN.addStreams,
  });
  assert.deepEqual(written("streamSchedulerValue", 500, 3), {
    name: k.SCTP_STREAM_SCHEDULER_VALUE,
    value: GOLDEN.streamValue,
  });
  assert.deepEqual(written("resetAssociation", true), { name: k.SCTP_RESET_ASSOC, value: unhex("07000000") });
});

test("what C laid out is read back", () => {
  assert.deepEqual(read("initmsg", GOLDEN.initmsg), {
    numOstreams: 20,
    maxInstreams: 30,
    maxAttempts: 3,
    maxInitTimeout: 4000,
  });
  assert.deepEqual(read("rtoinfo", GOLDEN.rtoinfo), { initial: 2000, max: 70_000, min: 500 });
  assert.deepEqual(read("assocInfo", GOLDEN.assocparams), {
    maxRetransmissions: 9,
    cookieLife: 100_000,
    peerDestinations: 0,
    peerRwnd: 0,
    localRwnd: 0,
  });
  assert.deepEqual(read("peerAddressParameters", GOLDEN.paddrparams, V4), {
    heartbeat: true,
    heartbeatInterval: 12345,
    pathMaxRetransmissions: 4,
    pathMtuDiscovery: false,
    pathMtu: 1400,
    dscp: 46,
    flowLabel: 0xabcde,
    sackDelay: 0,
  });
  assert.deepEqual(read("peerAddressThresholds", GOLDEN.paddrthldsV2, V6), {
    pathMaxRetransmissions: 5,
    potentiallyFailed: 2,
    primarySwitchover: 9,
  });
  assert.deepEqual(read("delayedSack", GOLDEN.sackInfo), { delay: 120, frequency: 3 });
  assert.deepEqual(read("defaultSendInfo", GOLDEN.sndinfo), {
    streamId: 3,
    unordered: true,
    ppid: 46,
    context: 0x11223344,
    sackImmediately: false,
  });
  assert.deepEqual(read("defaultPartialReliability", GOLDEN.defaultPrinfo), { policy: "ttl", value: 250 });
  assert.equal(read("defaultPartialReliability", unhex("07000000[8]")), null);
  assert.deepEqual(read("authHmacs", GOLDEN.hmacalgo), ["sha256", "sha1"]);
  assert.equal(read("activeAuthKey", GOLDEN.authkeyid), 9);
  assert.equal(read("streamSchedulerValue", GOLDEN.streamValue, 3), 500);
  assert.equal(read("remoteUdpEncapsPort", GOLDEN.udpencaps, V4), 9899);
  assert.equal(read("plpmtudProbeInterval", GOLDEN.probeinterval), 6000);
  assert.deepEqual(read("primaryAddress", GOLDEN.prim), V6);
  assert.deepEqual(read("peerAuthChunks", GOLDEN.authchunks), [0xc1, 0x80, 0]);
});

test("the status of an association is read as C laid it out", () => {
  assert.deepEqual(read("status", GOLDEN.status), {
    associationId: 7,
    state: "established",
    rwnd: 106496,
    unackedData: 1,
    pendingData: 2,
    inboundStreams: 10,
    outboundStreams: 20,
    fragmentationPoint: 1452,
    primary: {
      associationId: 7,
      address: V6,
      state: "unconfirmed",
      cwnd: 4380,
      srtt: 11,
      rto: 1000,
      mtu: 1500,
    },
  });
  assert.equal(read("status", unhex("0700000063000000")).state, "unknown");
});

test("statistics have 64 bits", () => {
  const statistics = read("statistics", GOLDEN.assocStats);
  const { associationId, maxRtoAddress, ...counters } = statistics;

  assert.equal(associationId, 7);
  assert.deepEqual(maxRtoAddress, V4);
  assert.deepEqual(Object.values(counters), Array.from({ length: 15 }, (_, index) => (index + 1) * 0x1_0000_0001));
  assert.equal(read("statistics", unhex("0700000000000000[248]")).maxRtoAddress, undefined);
});

test("what PR-SCTP gave up is asked for by association, stream and policy", () => {
  const socket = answering(GOLDEN.prstatus);

  const status = readOption(socket, "partialReliabilityStatus", 7, { streamId: 3, policy: "retransmissions" });
  readOption(socket, "partialReliabilityStatus", 7);

  assert.deepEqual(status, { abandonedUnsent: 5, abandonedSent: 0x1_0000_0006 });
  assert.deepEqual(socket.gets, [
    { name: k.SCTP_PR_STREAM_STATUS, value: unhex("0700000003002000[16]") },
    { name: k.SCTP_PR_ASSOC_STATUS, value: unhex("0700000000008000[16]") },
  ]);
});

test("the addresses of both ends are listed", () => {
  const peers = answering(GOLDEN.getaddrs);
  // Of local addresses Linux tells the length without the struct that stands before them.
  const locals = new RecordingSocket((_name, value) => {
    value.set(GOLDEN.getaddrs);
    return GOLDEN.getaddrs.length - 8;
  });

  assert.deepEqual(getPeerAddresses(peers, 7), [V4, V6]);
  assert.deepEqual(getLocalAddresses(locals, 0), [V4, V6]);
  assert.equal(peers.gets[0].name, k.SCTP_GET_PEER_ADDRS);
  assert.equal(locals.gets[0].name, k.SCTP_GET_LOCAL_ADDRS);
});

test("more addresses than there is room for are asked for again, with more room", () => {
  const many = 100;
  const socket = new RecordingSocket((_name, value) => {
    if (value.length < 8 + many * 16) {
      throw new SystemError("getsockopt: no memory", { code: "ENOMEM", errno: 12, syscall: "getsockopt" });
    }
    value[4] = many;
    for (let index = 0; index < many; index++) value.set(encodeSockaddr(V4), 8 + index * 16);
  });

  assert.equal(getPeerAddresses(socket, 7).length, many);
  assert.throws(() => getPeerAddresses(refusing("ENOMEM"), 7), { code: "ENOMEM" });
  assert.throws(() => getPeerAddresses(refusing("EINVAL"), 7), { code: "EINVAL" });
});

test("packed addresses are read as far as they go", () => {
  const packed = GOLDEN.getaddrs.subarray(8);

  assert.deepEqual(unpackAddresses(packed, 1), [V4]);
  assert.deepEqual(unpackAddresses(packed, 9), [V4, V6]);
  assert.deepEqual(unpackAddresses(packed.subarray(0, packed.length - 1), 9), [V4]);
  assert.deepEqual(unpackAddresses(unhex("0100ffff[30]"), 9), []);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (bytes, most) => {
      assert.ok(unpackAddresses(bytes, most).length <= most);
    }),
  );
});

test("binding and connecting hand the packed addresses on", () => {
  const socket = new RecordingSocket();
  const packed = GOLDEN.getaddrs.subarray(8);

  addAddresses(socket, packed);
  removeAddresses(socket, packed);
  const isUp = connectAddresses(socket, packed);

  assert.equal(isUp, true);
  assert.deepEqual(
    socket.sets.map(({ name }) => name),
    [k.SCTP_SOCKOPT_BINDX_ADD, k.SCTP_SOCKOPT_BINDX_REM, k.SCTP_SOCKOPT_CONNECTX],
  );
  assert.equal(connectAddresses(refusing("EINPROGRESS"), packed), false);
  assert.throws(() => connectAddresses(refusing("ECONNREFUSED"), packed), { code: "ECONNREFUSED" });
});

test("an association is peeled off", () => {
  const socket = answering(GOLDEN.peeloffFlags);

  assert.equal(peelOff(socket, 7, 0x80800), 11);
  assert.deepEqual(socket.gets, [
    { name: k.SCTP_SOCKOPT_PEELOFF_FLAGS, value: unhex("070000000000000000080800") },
  ]);
});

test("associations are listed, and found by their peer's address", () => {
  const socket = new RecordingSocket((name, value) => {
    if (name === k.SCTP_GET_ASSOC_NUMBER) return void value.set([2]);
    value.set(GOLDEN.assocIds);
    return GOLDEN.assocIds.length;
  });

  assert.deepEqual(getAssociationIds(socket), [7, 70_000]);
  assert.equal(getAssociationId(answering(GOLDEN.status.subarray(24)), V6), 7);
});

test("associations that come up while they are listed are listed too", () => {
  let asked = 0;
  const socket = new RecordingSocket((name, value) => {
    if (name === k.SCTP_GET_ASSOC_NUMBER) return void value.set([1]);
    if (asked++ === 0) throw new SystemError("getsockopt", { code: "EINVAL", errno: 22, syscall: "getsockopt" });
    value.set(GOLDEN.assocIds);
    return GOLDEN.assocIds.length;
  });

  assert.deepEqual(getAssociationIds(socket), [7, 70_000]);
  assert.throws(() => getAssociationIds(refusing("EOPNOTSUPP")), { code: "EOPNOTSUPP" });
});

test("what the kernel does not know is no common feature", () => {
  const socket = new RecordingSocket((name, value) => {
    if (name === k.SCTP_ECN_SUPPORTED) {
      throw new SystemError("getsockopt", { code: "ENOPROTOOPT", errno: 92, syscall: "getsockopt" });
    }
    value[4] = name === k.SCTP_AUTH_SUPPORTED ? 0 : 1;
  });

  assert.deepEqual(getSupportedFeatures(socket, 7), ["partial-reliability", "asconf", "reconfig", "interleaving"]);
});

test("notifications are subscribed to by name", () => {
  const socket = new RecordingSocket();

  subscribe(socket, k.SCTP_ALL_ASSOC, "stream-change", true);
  subscribe(socket, k.SCTP_FUTURE_ASSOC, "send-failed", false);

  assert.deepEqual(socket.sets, [
    { name: k.SCTP_EVENT, value: GOLDEN.event },
    { name: k.SCTP_EVENT, value: unhex("000000000d800000") },
  ]);
  assert.throws(() => subscribe(socket, 0, "data" as "shutdown", true), ArgumentError);
});

test("what is left out of an option is left as it is", () => {
  assert.deepEqual(written("initmsg", {}).value, new Uint8Array(8));
  assert.deepEqual(written("rtoinfo", { max: 70_000 }).value, unhex("07000000000000007011010000000000"));
  assert.deepEqual(written("delayedSack", { frequency: 1 }).value, unhex("070000000000000001000000"));
  assert.deepEqual(written("peerAddressParameters", {}).value, unhex("07000000[152]"));
});

test("thresholds that are left out are first read", () => {
  const socket = answering(GOLDEN.paddrthldsV2);

  writeOption(socket, "peerAddressThresholds", { potentiallyFailed: 3 }, 7, V6);

  const expected = GOLDEN.paddrthldsV2.slice();
  expected[138] = 3;
  assert.deepEqual(socket.sets, [{ name: k.SCTP_PEER_ADDR_THLDS_V2, value: expected }]);
});

test("path parameters have the flags that make the kernel heed them", () => {
  const flagsOf = (given: SctpOptionWritten<"peerAddressParameters">) => {
    const { value } = written("peerAddressParameters", given);
    return value[146] | value[147] << 8;
  };

  assert.equal(flagsOf({ heartbeat: true }), k.SPP_HB_ENABLE);
  assert.equal(flagsOf({ heartbeat: false }), k.SPP_HB_DISABLE);
  assert.equal(flagsOf({ heartbeatInterval: 0 }), k.SPP_HB_ENABLE | k.SPP_HB_TIME_IS_ZERO);
  assert.equal(flagsOf({ pathMtuDiscovery: true }), k.SPP_PMTUD_ENABLE);
  assert.equal(flagsOf({ pathMtuDiscovery: false }), k.SPP_PMTUD_DISABLE);
  assert.equal(flagsOf({ pathMtu: 1400, pathMtuDiscovery: false }), k.SPP_PMTUD_DISABLE);
  assert.equal(flagsOf({ dscp: 0, flowLabel: 0 }), k.SPP_DSCP | k.SPP_IPV6_FLOWLABEL);
  const { name, value } = written("heartbeatNow", true, V4);
  assert.deepEqual([name, value[146]], [k.SCTP_PEER_ADDR_PARAMS, k.SPP_HB_DEMAND]);
});

test("an idle time is rounded up to the kernel's seconds", () => {
  const seconds = (ms: number) => new DataView(written("autoclose", ms).value.buffer).getInt32(0, true);

  assert.deepEqual([0, 1, 1000, 1001, 2500].map(seconds), [0, 1, 1, 2, 3]);
  assert.equal(read("autoclose", unhex("03000000")), 3000);
});

test("whatever the kernel answers is read without an exception", () => {
  const readable: [SctpOptionName, SctpOptionParameter?][] = [
    ["status"],
    ["statistics"],
    ["pathInfo", V4],
    ["peerAddressParameters"],
    ["peerAddressThresholds"],
    ["peerAuthChunks"],
    ["authHmacs"],
    ["primaryAddress"],
    ["defaultPartialReliability"],
    ["potentiallyFailedExposure"],
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const [name, parameter] of readable) read(name, bytes, parameter);
      getPeerAddresses(answering(bytes), 7);
    }),
  );
});
