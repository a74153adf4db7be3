import assert from "node:assert/strict";
import fc from "fast-check";
import { receiveArena } from "../../ffi/arenas.ts";
import { type ControlMessage, encodeControlMessages } from "../../ffi/cmsg.ts";
import {
  AF_INET,
  AF_INET6,
  IP_RECVERR,
  IP_RECVERR_RFC4884,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_RECVERR,
  IPV6_RECVERR_RFC4884,
  IPV6_V6ONLY,
  MSG_ERRQUEUE,
  SOCK_DGRAM,
  SOCK_RAW,
} from "../../ffi/constants.ts";
import { ERRNO } from "../../ffi/errno.ts";
import { MessageSocket } from "../../ffi/message_socket.ts";
import { setsockopt } from "../../ffi/syscalls.ts";
import { internetChecksum } from "../../qos/checksum.ts";
import { decodeExtendedError, EXTENDED_ERROR_BYTES, type ExtendedError } from "../../qos/extended_error.ts";
import { type IcmpExtension, splitQuotedPacket } from "../../qos/icmp/extensions.ts";
import { encodeIcmpMessage } from "../../qos/icmp/message.ts";
import { encodeIpv4Header, encodeIpv6Header } from "../../qos/ip_header.ts";
import { encodeUdpDatagram } from "../../qos/transport_header.ts";
import { fromHex, readGuarded } from "../ffi/guarded.ts";
import { test } from "../support/harness.ts";

const skip6 = canOpen(AF_INET6, SOCK_DGRAM, 0, "::1") ? undefined : "there is no IPv6 loopback";

function canOpen(domain: number, type: number, protocol: number, address?: string): boolean {
  try {
    using opened = MessageSocket.open(domain, type, protocol);
    if (address !== undefined) opened.bind({ family: "inet6", address, port: 0 });
    return true;
  } catch {
    return false;
  }
}

function canOpenRaw(): boolean {
  return canOpen(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

const recverr = (hex: string): ControlMessage => ({ level: IPPROTO_IP, type: IP_RECVERR, data: fromHex(hex) });
const recverr6 = (hex: string): ControlMessage => ({ level: IPPROTO_IPV6, type: IPV6_RECVERR, data: fromHex(hex) });

test("an entry of the error queue is read as the kernel writes it", () => {
  const offender = "02000000c00002070000000000000000";
  assert.deepEqual(
    decodeExtendedError(encodeControlMessages([recverr("5a000000" + "02030400" + "14050000" + "64000100" + offender)])),
    {
      errno: ERRNO.EMSGSIZE,
      origin: "icmp",
      originNumber: 2,
      type: 3,
      code: 4,
      info: 1300,
      data: 0,
      extensionsOffset: 100,
      areExtensionsInvalid: true,
      offender: { family: "inet", address: "192.0.2.7", port: 0 },
    },
  );
});

test("of an error of this machine, the data are no extensions", () => {
  const none = "00".repeat(16);
  const error = decodeExtendedError(
    encodeControlMessages([recverr("5a000000" + "01000000" + "dc050000" + "64000100" + none)]),
  );

  assert.equal(error?.origin, "local");
  assert.equal(error.data, 0x10064);
  assert.equal(error.extensionsOffset, 0);
  assert.equal(error.areExtensionsInvalid, false);
  assert.equal(error.offender, undefined);
});

test("what is queued besides errors, such as the timestamp of a packet sent, is no error of ICMP", () => {
  const stamped = decodeExtendedError(
    encodeControlMessages([recverr("2a000000" + "04000000" + "00000000" + "07000000")]),
  );

  assert.deepEqual([stamped?.origin, stamped?.originNumber, stamped?.data], ["other", 4, 7]);
});

test("an IPv4 router seen on a dual-stack socket is shown as IPv4", () => {
  const offender = "0a000000" + "00000000" + "00000000000000000000ffffc0000207" + "00000000";
  const error = decodeExtendedError(
    encodeControlMessages([recverr6("71000000" + "020b0000" + "00000000" + "00000000" + offender)]),
  );

  assert.deepEqual(error?.offender, { family: "inet", address: "192.0.2.7", port: 0 });
});

test("control messages without an error, or with half of one, have none", () => {
  assert.equal(decodeExtendedError(new Uint8Array(0)), undefined);
  assert.equal(decodeExtendedError(encodeControlMessages([recverr("5a000000" + "02030400" + "14050000")])), undefined);
  const half = decodeExtendedError(
    encodeControlMessages([recverr("5a000000" + "02030400" + "14050000" + "00000000" + "0200")]),
  );
  assert.equal(half?.offender, undefined);
  assert.equal(
    decodeExtendedError(encodeControlMessages([{ level: IPPROTO_IP, type: 2, data: new Uint8Array(32) }])),
    undefined,
  );
});

test("arbitrary bytes give an error or none, without looking outside them", () => {
  const cut = fc.tuple(fc.uint8Array({ maxLength: 60 }), fc.boolean(), fc.nat(80)).map(([data, isInet6, end]) => {
    const [level, type] = isInet6 ? [IPPROTO_IPV6, IPV6_RECVERR] : [IPPROTO_IP, IP_RECVERR];
    return encodeControlMessages([{ level, type, data }]).subarray(0, end);
  });
  fc.assert(
    fc.property(fc.oneof(cut, fc.uint8Array({ maxLength: 80 })), (bytes) => {
      readGuarded(bytes, decodeExtendedError);
    }),
    { numRuns: 2000 },
  );
});

type Family = "inet" | "inet6";

/** A socket that keeps every error, with what the kernel knows of extensions. */
function errorKeeper(family: Family): MessageSocket {
  const opened = MessageSocket.open(family === "inet" ? AF_INET : AF_INET6, SOCK_DGRAM);
  setsockopt(opened.fd, IPPROTO_IP, IP_RECVERR, 1);
  setsockopt(opened.fd, IPPROTO_IP, IP_RECVERR_RFC4884, 1);
  if (family === "inet6") {
    setsockopt(opened.fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    setsockopt(opened.fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    setsockopt(opened.fd, IPPROTO_IPV6, IPV6_RECVERR_RFC4884, 1);
  }
  return opened;
}

/** The first entry of the error queue. On the loopback it is there when the send that causes it returns. */
function queued(from: MessageSocket): { error: ExtendedError; payload: Uint8Array } {
  const receiving = receiveArena(1, 512, EXTENDED_ERROR_BYTES);
  assert.equal(receiving.receive(from.fd, MSG_ERRQUEUE), 1, "the error queue is empty");
  const payload = receiving.copyPayload(0, 0, receiving.payloadLength(0), false);
  return { error: decodeExtendedError(receiving.arena.control(0))!, payload };
}

for (
  const [family, address, origin, offender] of [
    ["inet", "127.0.0.1", "icmp", "127.0.0.1"],
    ["inet6", "::1", "icmp6", "::1"],
    ["inet6", "::ffff:127.0.0.1", "icmp", "127.0.0.1"],
  ] as const
) {
  test(`the kernel's entry for a port of ${address} where nobody listens is understood`, async () => {
    using sending = errorKeeper(family);
    // Connected to itself, it has the port, and hears nobody else.
    using deaf = MessageSocket.open(family === "inet" ? AF_INET : AF_INET6, SOCK_DGRAM);
    if (family === "inet6") setsockopt(deaf.fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    deaf.bind({ family, address, port: 0 });
    deaf.connect(deaf.localAddress()!);

    await sending.send(new Uint8Array(300), { to: deaf.localAddress()! });
    const { error, payload } = queued(sending);

    assert.deepEqual([error.errno, error.origin], [ERRNO.ECONNREFUSED, origin]);
    assert.deepEqual([error.type, error.code], origin === "icmp" ? [3, 3] : [1, 4]);
    assert.equal(error.offender?.address, offender);
    assert.equal(error.extensionsOffset, 0);
    assert.equal(payload.length, 300);
  }, { skip: family === "inet" ? undefined : skip6 });
}

const LABELS: IcmpExtension = {
  kind: "mpls",
  classNumber: 1,
  classType: 1,
  labels: [{ label: 24001, trafficClass: 5, isBottom: true, ttl: 1 }],
};

/** What a router on the loopback says of a packet that the socket seems to have sent, with a label stack behind it. */
function timeExceeded(family: Family, sourcePort: number, payload: Uint8Array): Uint8Array {
  const udp = encodeUdpDatagram({ sourcePort, destinationPort: 33434 }, payload);
  const fields = { ttl: 1, protocol: IPPROTO_UDP, payloadLength: udp.length };
  const loopback = family === "inet" ? "127.0.0.1" : "::1";
  const addresses = { source: loopback, destination: loopback };
  const header = family === "inet"
    ? encodeIpv4Header({ ...fields, ...addresses })
    : encodeIpv6Header({ ...fields, ...addresses });
  const original = Uint8Array.of(...header, ...udp);
  const [version, type] = family === "inet" ? ["icmp" as const, 11] : ["icmp6" as const, 3];
  return encodeIcmpMessage({ kind: "error", version, type, code: 0, original, extensions: [LABELS] });
}

for (const family of ["inet", "inet6"] as const) {
  const skip = canOpenRaw() ? family === "inet" ? undefined : skip6 : "raw sockets need CAP_NET_RAW";
  const loopback = family === "inet" ? "127.0.0.1" : "::1";
  const headers = (family === "inet" ? 20 : 40) + 8;

  test(`the kernel says where the extensions of an ICMP error begin, on ${family}`, async () => {
    using socket = errorKeeper(family);
    socket.bind({ family, address: loopback, port: 0 });
    using router = family === "inet"
      ? MessageSocket.open(AF_INET, SOCK_RAW, IPPROTO_ICMP)
      : MessageSocket.open(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    const { port } = socket.localAddress() as { port: number };
    const message = timeExceeded(family, port, new Uint8Array(20).fill(0x41));
    const broken = message.slice();
    broken[broken.length - 1] ^= 1;
    if (family === "inet") {
      broken.fill(0, 2, 4);
      const checksum = internetChecksum(broken);
      broken.set([checksum >> 8, checksum & 0xff], 2);
    }

    await router.send(message, { to: { family, address: loopback, port: 0 } });
    const sound = queued(socket);
    await router.send(broken, { to: { family, address: loopback, port: 0 } });
    const unsound = queued(socket);

    assert.equal(sound.error.extensionsOffset, 128 - headers);
    assert.equal(sound.error.areExtensionsInvalid, false);
    const { original, extensions } = splitQuotedPacket(sound.payload, sound.error.extensionsOffset, headers);
    assert.deepEqual(extensions, [LABELS]);
    assert.deepEqual(original.subarray(0, 20), new Uint8Array(20).fill(0x41));
    assert.equal(unsound.error.areExtensionsInvalid, true);
    assert.deepEqual(splitQuotedPacket(unsound.payload, unsound.error.extensionsOffset, headers).extensions, []);
  }, { skip });
}
