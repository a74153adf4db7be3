/** What the codecs promise to those who send packets by themselves, over a message socket or a raw one. */

import {
  AF_INET,
  ArgumentError,
  getsockoptInt,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_DO,
  IPPROTO_IP,
  MessageSocket,
  SOCK_DGRAM,
  SystemError,
} from "@sockeye/sockeye/ffi";
import {
  checkPacketOptions,
  decodeIcmpMessage,
  decodeIpHeader,
  decodePacketInfo,
  decodePacketStart,
  encodeIcmpMessage,
  encodeIpv4Header,
  encodeUdpDatagram,
  icmpName,
  internetChecksum,
  MODE,
  type PacketControl,
  PacketEncoder,
  type PacketInfo,
  packetModes,
  requestPacketInfo,
} from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

const PAYLOAD = new TextEncoder().encode("packet");
const TIMEOUT = { timeout: 30_000 };

test("options encoded for a message go with that message, and its receiver is told of them", async () => {
  using receiver = MessageSocket.open(AF_INET, SOCK_DGRAM);
  using sender = MessageSocket.open(AF_INET, SOCK_DGRAM);
  requestPacketInfo(receiver.fd, "inet", ["ttl", "tos", "destination", "timestamp"]);
  receiver.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const encoder = new PacketEncoder("inet");
  const to = receiver.localAddress();

  for (let ttl = 1; ttl <= 255; ttl += 127) {
    const { control } = encoder.encode({ ttl, dscp: "AF41", ecn: "ECT(0)" }, "inet");
    await sender.send(PAYLOAD, { to, control });
    const message = await receiver.receive(TIMEOUT);
    const info: PacketInfo = {};
    decodePacketInfo(message.control, info);

    assert.deepEqual(message.data, PAYLOAD);
    assert.equal(info.ttl, ttl);
    assert.equal(info.tos, 34 << 2 | 2);
    assert.equal(info.destination, "127.0.0.1");
    assert(info.timestamp! > Date.UTC(2020));
  }
});

test("messages of different modes queued together leave in their own, and the socket is then as it was", async () => {
  const seen: number[] = [];
  let modes: ((fd: number, mode: number) => void) | undefined;
  using receiver = MessageSocket.open(AF_INET, SOCK_DGRAM);
  using sender = MessageSocket.open(AF_INET, SOCK_DGRAM, 0, {
    setMode: (fd, mode) => {
      (modes ??= packetModes(fd, "inet"))(fd, mode);
      seen.push(mode);
      if (mode === MODE.DONT_FRAGMENT) assert.equal(getsockoptInt(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
    },
  });
  const before = getsockoptInt(sender.fd, IPPROTO_IP, IP_MTU_DISCOVER);
  receiver.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const to = receiver.localAddress();
  const encoder = new PacketEncoder("inet");
  const encode = (dontFragment: boolean | "probe" | undefined): PacketControl =>
    encoder.encode({ dontFragment }, "inet");

  const sends = [true, true, false, "probe", undefined, true].map((dontFragment) =>
    sender.send(PAYLOAD, { to, ...encode(dontFragment as boolean | "probe" | undefined) })
  );
  await Promise.all(sends);
  for (const _ of sends) await receiver.receive(TIMEOUT);

  assert.deepEqual(seen.slice(0, 5), [MODE.DONT_FRAGMENT, MODE.FRAGMENT, MODE.PROBE, MODE.DEFAULT, MODE.DONT_FRAGMENT]);
  assert.equal(getsockoptInt(sender.fd, IPPROTO_IP, IP_MTU_DISCOVER), before);
});

test("an ICMP error that is made of a packet tells which packet it was", () => {
  const udp = encodeUdpDatagram({ sourcePort: 50000, destinationPort: 33434 }, PAYLOAD);
  const addresses = { source: "192.0.2.1", destination: "198.51.100.9" };
  const header = encodeIpv4Header({ ...addresses, ttl: 1, protocol: 17, payloadLength: udp.length });
  const original = Uint8Array.of(...header, ...udp);
  const labels = [{ label: 24001, trafficClass: 0, isBottom: true, ttl: 1 }];
  const extensions = [{ kind: "mpls", classNumber: 1, classType: 1, labels } as const];

  const bytes = encodeIcmpMessage({ kind: "error", version: "icmp", type: 11, code: 0, original, extensions });
  const message = decodeIcmpMessage("icmp", bytes);

  assert.equal(internetChecksum(bytes), 0);
  assert(message?.kind === "error");
  assert.equal(icmpName("icmp", message.type, message.code), "time-exceeded");
  assert.deepEqual(message.extensions, extensions);
  assert.equal(decodeIpHeader(message.original)?.ttl, 1);
  assert.equal(decodePacketStart(message.original)?.destinationPort, 33434);
});

test("options that no packet can have are refused by name, before anything is sent", () => {
  for (
    const [name, options] of [
      ["options.ttl", { ttl: 0 }],
      ["options.tos", { tos: 256 }],
      ["options.dscp", { dscp: 64 }],
      ["options.source", { source: "localhost" }],
    ] as const
  ) {
    assert.throws(
      () => checkPacketOptions(options, "inet"),
      (error) => error instanceof ArgumentError && error.argument === name,
    );
  }
  assert.throws(
    () => new PacketEncoder("inet").encode({ interface: "no-such-one" }, "inet"),
    (error) => error instanceof SystemError && error.code === "ENODEV",
  );
});
