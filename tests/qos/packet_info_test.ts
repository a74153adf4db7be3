import assert from "node:assert/strict";
import { geteuid, getgid, pid } from "node:process";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import { type ControlMessage, encodeControlMessages } from "../../ffi/cmsg.ts";
import {
  AF_INET,
  AF_INET6,
  IP_PKTINFO,
  IP_TOS,
  IP_TTL,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_FLOWINFO,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  IPV6_V6ONLY,
  SCM_CREDENTIALS,
  SCM_TIMESTAMPNS,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import { MessageSocket } from "../../ffi/message_socket.ts";
import type { SocketAddress } from "../../ffi/sockaddr.ts";
import { close, ifNameToIndex, setsockopt, socket } from "../../ffi/syscalls.ts";
import { encodeTimespec } from "../../ffi/timespec.ts";
import { PacketEncoder, packetModes } from "../../qos/packet_control.ts";
import {
  decodePacketInfo,
  PACKET_INFO_BYTES,
  type PacketInfo,
  packetInfoNames,
  requestPacketInfo,
} from "../../qos/packet_info.ts";
import type { PacketOptions } from "../../qos/packet_options.ts";
import { fromHex, readGuarded } from "../ffi/guarded.ts";
import { test } from "../support/harness.ts";

type Family = "inet" | "inet6";

const LOOPBACK: Readonly<Record<Family, string>> = { inet: "127.0.0.1", inet6: "::1" };
const PAYLOAD = new TextEncoder().encode("packet");

function hasLoopback6(): boolean {
  let fd = -1;
  try {
    fd = socket(AF_INET6, SOCK_DGRAM);
    using probe = MessageSocket.open(AF_INET6, SOCK_DGRAM);
    probe.bind({ family: "inet6", address: "::1", port: 0 });
    return true;
  } catch {
    return false;
  } finally {
    if (fd >= 0) close(fd);
  }
}

const skip6 = hasLoopback6() ? undefined : "there is no IPv6 loopback";

function decoded(control: Uint8Array): PacketInfo {
  const info: PacketInfo = {};
  decodePacketInfo(control, info);
  return info;
}

/** A socket on the loopback that asks for everything; `"dual"` is one of IPv6 that takes IPv4 too. */
function receiver(family: Family | "dual"): MessageSocket {
  const socketFamily = family === "inet" ? "inet" : "inet6";
  const opened = MessageSocket.open(family === "inet" ? AF_INET : AF_INET6, SOCK_DGRAM);
  if (family === "dual") setsockopt(opened.fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  requestPacketInfo(opened.fd, socketFamily, packetInfoNames(socketFamily));
  const address = family === "dual" ? "::" : LOOPBACK[family];
  opened.bind({ family: socketFamily, address, port: 0 });
  return opened;
}

/** Where to send to, that a receiver gets it: IPv4-mapped from a dual-stack socket. */
function destination(at: MessageSocket, family: Family, isMapped: boolean): SocketAddress {
  const { port } = at.localAddress() as { port: number };
  if (!isMapped) return { family, address: LOOPBACK[family], port };
  return { family: "inet6", address: `::ffff:${LOOPBACK.inet}`, port };
}

/** Sends one packet with these options, and tells what the receiver is told of it. */
async function throughKernel(
  from: Family,
  to: Family | "dual",
  packetFamily: Family,
  options: PacketOptions,
): Promise<PacketInfo> {
  const setMode: { (fd: number, mode: number): void } = (fd, mode) => (modes ??= packetModes(fd, from))(fd, mode);
  let modes: ReturnType<typeof packetModes> | undefined;
  using receiving = receiver(to);
  using sending = MessageSocket.open(from === "inet" ? AF_INET : AF_INET6, SOCK_DGRAM, 0, { setMode });
  if (from === "inet6") setsockopt(sending.fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  const encoded = new PacketEncoder(from).encode(options, packetFamily);
  const address = destination(receiving, packetFamily, from === "inet6" && packetFamily === "inet");

  await sending.send(PAYLOAD, { to: address, ...encoded });
  const { data, control } = await receiving.receive({ timeout: 30_000 });

  assert.deepEqual(data, PAYLOAD);
  assert(control.length <= PACKET_INFO_BYTES);
  return decoded(control);
}

const lo = ifNameToIndex("lo");

const SOCKET_NAMES = { inet: "an IPv4", inet6: "an IPv6", dual: "a dual-stack" };

for (
  const [from, to, packetFamily] of [
    ["inet", "inet", "inet"],
    ["inet6", "inet6", "inet6"],
    ["inet6", "dual", "inet6"],
    ["inet", "dual", "inet"],
    ["inet6", "inet", "inet"],
    ["inet6", "dual", "inet"],
  ] as const
) {
  const between = `an ${packetFamily === "inet" ? "IPv4" : "IPv6"} packet from ${SOCKET_NAMES[from]} to ${
    SOCKET_NAMES[to]
  } socket`;
  test(`${between} is what its options say, as the receiver is told`, async () => {
    const cases: PacketOptions[] = [{ ttl: 1 }, { ttl: 255, tos: 0 }, { tos: 0xff }, {
      dscp: "EF",
      ecn: "ECT(1)",
      ttl: 9,
    }];
    for (const options of cases) {
      const info = await throughKernel(from, to, packetFamily, { source: LOOPBACK[packetFamily], ...options });

      // Without one the packet has what net.ipv4.ip_default_ttl says here.
      if (options.ttl !== undefined) assert.equal(info.ttl, options.ttl);
      assert.equal(info.tos, options.tos ?? (options.dscp === undefined ? 0 : 46 << 2 | 1));
      assert.equal(info.destination, LOOPBACK[packetFamily]);
      assert.equal(info.interface, lo);
      assert(info.timestamp! > Date.UTC(2020) && info.timestamp! <= Date.now() + 1000);
    }
  }, { skip: from === "inet" && to === "inet" ? undefined : skip6 });
}

test("a flow label goes with its packet, beside any traffic class, and label 0 stays 0", async () => {
  for (const tos of [undefined, 0, 0xb8, 0xff]) {
    for (const flowLabel of [1, 0xabcde, 0xfffff]) {
      const info = await throughKernel("inet6", "inet6", "inet6", { flowLabel, tos });
      assert.deepEqual([info.flowLabel, info.tos], [flowLabel, tos ?? 0]);
    }
    const unlabelled = await throughKernel("inet6", "inet6", "inet6", { flowLabel: 0, tos });
    assert.deepEqual([unlabelled.flowLabel, unlabelled.tos], [undefined, tos ?? 0]);
  }
}, { skip: skip6 });

test("a packet to a chosen source and destination of the loopback shows both", async () => {
  using receiving = MessageSocket.open(AF_INET, SOCK_DGRAM);
  requestPacketInfo(receiving.fd, "inet", ["destination"]);
  receiving.bind({ family: "inet", address: "0.0.0.0", port: 0 });
  using sending = MessageSocket.open(AF_INET, SOCK_DGRAM);
  const { port } = receiving.localAddress() as { port: number };
  const encoder = new PacketEncoder("inet");

  for (const [source, address] of [["127.0.0.5", "127.0.0.6"], ["127.0.0.7", "127.0.0.8"]]) {
    const { control } = encoder.encode({ source, interface: "lo" }, "inet");
    await sending.send(PAYLOAD, { to: { family: "inet", address, port }, control });
    const message = await receiving.receive({ timeout: 30_000 });

    assert.equal((message.address as { address: string }).address, source);
    assert.deepEqual(decoded(message.control), { destination: address, interface: lo });
  }
});

test("unix sockets tell the sender's credentials and the time", async () => {
  const [left, right] = MessageSocket.pair();
  await using _ = left, __ = right;
  requestPacketInfo(right.fd, "unix", packetInfoNames("unix"));

  await left.send(PAYLOAD);
  const { control } = await right.receive({ timeout: 30_000 });
  const { timestamp, credentials } = decoded(control);

  assert.deepEqual(credentials, { pid, uid: geteuid!(), gid: getgid!() });
  assert(timestamp! > Date.UTC(2020));
});

test("a raw IPv6 socket, which has none of IPv4's options, can be asked for everything", () => {
  const fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  try {
    requestPacketInfo(fd, "inet6", packetInfoNames("inet6"));
  } finally {
    close(fd);
  }
}, { skip: canOpenRaw() ? undefined : "raw sockets need CAP_NET_RAW" });

function canOpenRaw(): boolean {
  try {
    close(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
    return true;
  } catch {
    return false;
  }
}

test("what means nothing on a socket's family is refused before anything is set", () => {
  // A descriptor that is none: any system call would fail otherwise
  for (const [family, name] of [["inet", "flowLabel"], ["inet6", "credentials"], ["unix", "ttl"], ["inet", "mtu"]]) {
    assert.throws(
      () => requestPacketInfo(-1, family as Family, ["timestamp", name as "ttl"], "options.info"),
      (error) => error instanceof ArgumentError && error.argument === "options.info",
    );
  }
});

const message = (level: number, type: number, hex: string): ControlMessage => ({ level, type, data: fromHex(hex) });

test("each control message is read as the kernel writes it", () => {
  // As received on this kernel: see the tests above; here with values that show every byte.
  const control = encodeControlMessages([
    message(IPPROTO_IP, IP_TTL, "fe000000"),
    message(IPPROTO_IP, IP_TOS, "bb"),
    message(IPPROTO_IP, IP_PKTINFO, "04030200" + "7f000001" + "c0000263"),
    message(SOL_SOCKET, SCM_TIMESTAMPNS, "e763016b00000000" + "35ff030900000000"),
    message(SOL_SOCKET, SCM_CREDENTIALS, "d2040000e803000064000000"),
  ]);
  assert.deepEqual(decoded(control), {
    ttl: 254,
    tos: 0xbb,
    interface: 0x20304,
    destination: "192.0.2.99",
    timestamp: 0x6b0163e7 * 1000 + 0x0903ff35 / 1e6,
    credentials: { pid: 1234, uid: 1000, gid: 100 },
  });

  const control6 = encodeControlMessages([
    message(IPPROTO_IPV6, IPV6_HOPLIMIT, "01000000"),
    message(IPPROTO_IPV6, IPV6_TCLASS, "b8000000"),
    message(IPPROTO_IPV6, IPV6_PKTINFO, "20010db8000000000000000000000001" + "07000000"),
    message(IPPROTO_IPV6, IPV6_FLOWINFO, "0b8abcde"),
  ]);
  assert.deepEqual(decoded(control6), {
    ttl: 1,
    tos: 0xb8,
    interface: 7,
    destination: "2001:db8::1",
    flowLabel: 0xabcde,
  });
});

test("an IPv4-mapped destination is shown as IPv4, whatever address came before", () => {
  const pktinfo = (address: string) =>
    decoded(encodeControlMessages([message(IPPROTO_IPV6, IPV6_PKTINFO, address + "01000000")])).destination;

  assert.equal(pktinfo("00000000000000000000ffffc0000201"), "192.0.2.1");
  assert.equal(pktinfo("00000000000000000000000000000000"), "::");
  assert.equal(pktinfo("00000000000000000000000000000001"), "::1");
  assert.equal(pktinfo("00000000000000000000ffffc0000201"), "192.0.2.1");
  assert.equal(pktinfo("00000000000000000000000000000000"), "::");
});

test("a timestamp keeps what a double can hold: a quarter of a microsecond in this century", () => {
  for (const nanoseconds of [0, 1, 250_000, 123_456_789, 999_999_999]) {
    const data = encodeTimespec({ seconds: 4_000_000_000, nanoseconds });
    const { timestamp } = decoded(encodeControlMessages([{ level: SOL_SOCKET, type: SCM_TIMESTAMPNS, data }]));
    assert(Math.abs(timestamp! - 4e12 - nanoseconds / 1e6) <= 0.00025);
  }
});

test("control messages that are none of ours, or not whole, leave everything as it was", () => {
  const info: PacketInfo = { ttl: 7, destination: "192.0.2.1" };
  decodePacketInfo(
    encodeControlMessages([
      message(IPPROTO_IP, IP_TTL, "fe0000"),
      message(IPPROTO_IP, IP_TOS, ""),
      message(IPPROTO_IP, IP_PKTINFO, "0403020000000000c00002"),
      message(IPPROTO_IPV6, IPV6_PKTINFO, "00".repeat(19)),
      message(IPPROTO_IPV6, IPV6_FLOWINFO, "0b8abc"),
      message(IPPROTO_IPV6, IPV6_FLOWINFO, "0b800000"),
      message(SOL_SOCKET, SCM_TIMESTAMPNS, "00".repeat(15)),
      message(SOL_SOCKET, SCM_CREDENTIALS, "00".repeat(11)),
      message(132, 2, "ff000000"),
      message(IPPROTO_IP, 77, "ff000000"),
    ]),
    info,
  );
  assert.deepEqual(info, { ttl: 7, destination: "192.0.2.1" });
});

test("arbitrary bytes are read without looking outside them", () => {
  const kinds = fc.constantFrom<[number, number]>(
    [IPPROTO_IP, IP_TTL],
    [IPPROTO_IP, IP_TOS],
    [IPPROTO_IP, IP_PKTINFO],
    [IPPROTO_IPV6, IPV6_HOPLIMIT],
    [IPPROTO_IPV6, IPV6_PKTINFO],
    [IPPROTO_IPV6, IPV6_FLOWINFO],
    [SOL_SOCKET, SCM_TIMESTAMPNS],
    [SOL_SOCKET, SCM_CREDENTIALS],
  );
  const hostile = fc.tuple(
    fc.array(fc.tuple(kinds, fc.uint8Array({ maxLength: 24 })), { maxLength: 5 }),
    fc.array(fc.tuple(fc.nat(200), fc.oneof(fc.nat(255), fc.constantFrom(0, 15, 16, 0x80, 0xff)))),
    fc.nat(200),
  ).map(([list, changes, end]) => {
    const bytes = encodeControlMessages(list.map(([[level, type], data]) => ({ level, type, data })));
    for (const [index, value] of changes) if (index < bytes.length) bytes[index] = value;
    return bytes.subarray(0, end);
  });
  fc.assert(
    fc.property(fc.oneof(hostile, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      readGuarded(bytes, decoded);
    }),
    { numRuns: 2000 },
  );
});
