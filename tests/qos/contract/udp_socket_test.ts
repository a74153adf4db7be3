/** What UDP sockets promise beyond other packet sockets. */

import { AddressError, ArgumentError, SystemError } from "@sockeye/sockeye";
import {
  getsockopt,
  getsockoptInt,
  ifNameToIndex,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_LOOP,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_RCVBUF,
  SO_SNDBUF,
  SOL_SOCKET,
} from "@sockeye/sockeye/ffi";
import { type Datagram, type PacketError, UdpSocket } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "../../support/harness.ts";
import { bytes, dualStack4, dualStack6, forEachKind, portOf, SOON, udp4, udp6, withoutIPv6 } from "./kinds.ts";

const inet6 = { skip: withoutIPv6 };
const refused = (argument: string) => (error: unknown) => {
  assert(error instanceof ArgumentError, String(error));
  assert.equal(error.argument, argument);
  return true;
};
const failed = (code: string) => (error: unknown) => {
  assert(error instanceof SystemError, String(error));
  assert.equal(error.code, code);
  return true;
};

test("without an address a socket carries IPv4 and IPv6", async () => {
  await using both = UdpSocket.bind();
  await using four = UdpSocket.bind("127.0.0.1:0");
  await using six = UdpSocket.bind("[::1]:0");

  await both.send(bytes("four"), four.localAddress());
  await both.send(bytes("six"), six.localAddress());

  const { from } = await four.receive(SOON);
  assert.deepEqual(from, { family: "inet", address: "127.0.0.1", port: portOf(both) });
  assert.equal((await six.receive(SOON)).text(), "six");
  await four.send(bytes("back"), from);
  assert.deepEqual((await both.receive(SOON)).from, four.localAddress());
}, inet6);

test("an IPv4 address that is written as an IPv6 one is IPv4, with its options", async () => {
  await using receiver = UdpSocket.bind("127.0.0.1:0", { info: ["ttl", "tos"] });
  const port = portOf(receiver);
  const both = UdpSocket.bind();
  const four = UdpSocket.bind("127.0.0.1:0");
  for (const sender of [both, four]) {
    for (const address of ["::ffff:127.0.0.1", "::FFFF:7f00:1", "0:0:0:0:0:ffff:127.0.0.1"]) {
      await sender.send(bytes("mapped"), { family: "inet6", address, port }, { ttl: 7, tos: 8 });
      await sender.send(bytes("mapped"), `[${address}]:${port}`, { ttl: 7, tos: 8 });
      for (const _ of [1, 2]) {
        const { ttl, tos } = await receiver.receive(SOON);
        assert.deepEqual([ttl, tos], [7, 8]);
      }
    }
    sender.close();
  }
}, inet6);

test("the family decides what a socket carries", async () => {
  using four = UdpSocket.bind(undefined, { family: "inet" });
  using six = UdpSocket.bind(undefined, { family: "inet6" });
  using wildcard = UdpSocket.bind("[::]:0");

  assert.equal(four.localAddress().family, "inet");
  assert.equal(six.localAddress().family, "inet6");
  await assert.rejects(four.send(bytes("x"), "[::1]:53"), refused("to"));
  await assert.rejects(six.send(bytes("x"), "127.0.0.1:53"), refused("to"));
  await assert.rejects(
    four.sendBatch([{ data: bytes("x"), to: "127.0.0.1:53" }, { data: bytes("x"), to: "[::1]:53" }]),
    refused("messages[1].to"),
  );
  await wildcard.send(bytes("x"), `127.0.0.1:${portOf(wildcard)}`);
  assert.throws(() => UdpSocket.bind("127.0.0.1:0", { family: "inet6" }), refused("options.family"));
  assert.throws(() => UdpSocket.bind(undefined, { family: "ipv4" as "inet" }), refused("options.family"));
}, inet6);

test("options and addresses that can't be are refused by name, and leave nothing open", () => {
  const wrong: [string, Parameters<typeof UdpSocket.bind>[1]][] = [
    ["options.receiveBuffer", { receiveBuffer: 0 }],
    ["options.sendBuffer", { sendBuffer: 1.5 }],
    ["options.batch", { batch: 0 }],
    ["options.busyPoll", { busyPoll: -1 }],
    ["options.sendQueue", { sendQueue: 0 }],
    ["options.payloadBytes", { payloadBytes: 0 }],
    ["options.info", { info: ["credentials"] }],
    ["options.info", { info: ["flowLabel"] }],
    ["options.info", { info: false as unknown as true }],
    ["options.multicast.ttl", { multicast: { ttl: 256 } }],
    ["options.multicast.interface", { multicast: { interface: 0 } }],
    ["options.interface", { interface: -1 }],
    // The kernel takes it for "any interface".
    ["options.interface", { interface: "" }],
  ];
  for (const [argument, options] of wrong) {
    assert.throws(() => UdpSocket.bind("127.0.0.1:0", options), refused(argument));
  }
  assert.throws(() => UdpSocket.bind("127.0.0.1:0", { interface: "no-such-if" }), failed("ENODEV"));
  assert.throws(() => UdpSocket.bind("127.0.0.1:0", { interface: "no-such-if" }), /no-such-if/);
  assert.throws(() => UdpSocket.bind("127.0.0.1:0", { multicast: { interface: "no-such-if" } }), failed("ENODEV"));
  for (const address of ["localhost:0", "127.0.0.1", "127.0.0.1:65536", ":53", "::1:53", "[::1]"]) {
    assert.throws(() => UdpSocket.bind(address), AddressError, address);
  }
  assert.throws(() => UdpSocket.bind("198.51.100.77:0"), failed("EADDRNOTAVAIL"));
  assert.throws(() => UdpSocket.connect("127.0.0.1:0"), refused("to"));
  assert.throws(() => UdpSocket.connect("localhost:53"), /resolve/);
  assert.throws(() => UdpSocket.connect("127.0.0.1:53", { bind: "[::1]:0" }), refused("options.bind"));
  assert.throws(() => UdpSocket.connect("127.0.0.1:53", { family: "inet6" }), refused("options.family"));
});

forEachKind([udp4, udp6], "a port that is taken is refused, unless all who have it share it", async (kind) => {
  for (const option of ["reusePort", "reuseAddress"] as const) {
    await using first = kind.open({ [option]: true } as object);
    const address = kind.text(first);
    await using second = UdpSocket.bind(address, { [option]: true, family: kind.family as "inet" });
    assert.deepEqual(second.localAddress(), first.localAddress());
    assert.throws(() => UdpSocket.bind(address, { family: kind.family as "inet" }), failed("EADDRINUSE"));
  }
});

test("buffers and broadcast are set as asked", () => {
  using plain = UdpSocket.bind("127.0.0.1:0");
  using set = UdpSocket.bind("127.0.0.1:0", { receiveBuffer: 20_000, sendBuffer: 30_000, broadcast: true });

  // The kernel doubles them, for its own bookkeeping: socket(7).
  assert.equal(getsockoptInt(set.fd, SOL_SOCKET, SO_RCVBUF), 40_000);
  assert.equal(getsockoptInt(set.fd, SOL_SOCKET, SO_SNDBUF), 60_000);
  assert.equal(getsockoptInt(set.fd, SOL_SOCKET, SO_BROADCAST), 1);
  assert.equal(getsockoptInt(plain.fd, SOL_SOCKET, SO_BROADCAST), 0);
});

test("broadcast addresses need the option", async () => {
  await using plain = UdpSocket.bind("0.0.0.0:0");
  await using caster = UdpSocket.bind("0.0.0.0:0", { broadcast: true });
  await using receiver = UdpSocket.bind("0.0.0.0:0", { info: ["destination"] });

  await assert.rejects(plain.send(bytes("x"), `127.255.255.255:${portOf(receiver)}`), failed("EACCES"));
  await caster.send(bytes("to all"), `127.255.255.255:${portOf(receiver)}`);

  const datagram = await receiver.receive(SOON);
  assert.equal(datagram.text(), "to all");
  assert.equal(datagram.destination, "127.255.255.255");
});

test("a socket can be bound to an interface, by name or index", async () => {
  await using loopback = UdpSocket.bind("0.0.0.0:0", { interface: "lo", info: ["destination"] });
  await using byIndex = UdpSocket.bind("0.0.0.0:0", { interface: 1 });
  await byIndex.send(bytes("within"), `127.0.0.1:${portOf(loopback)}`);

  const datagram = await loopback.receive(SOON);

  assert.equal(datagram.interface, 1);
  const name = new Uint8Array(16);
  const length = getsockopt(byIndex.fd, SOL_SOCKET, SO_BINDTODEVICE, name);
  assert.equal(new TextDecoder().decode(name.subarray(0, length)), "lo\0");
});

test("a connected socket is bound where it was asked to be, and has a peer", async () => {
  await using server = UdpSocket.bind("127.0.0.1:0");
  await using client = UdpSocket.connect(server.localAddress(), { bind: "127.0.0.2:0" });

  assert.deepEqual(client.remoteAddress(), server.localAddress());
  assert.equal((client.localAddress() as { address: string }).address, "127.0.0.2");
  await client.sendBatch([{ data: bytes("a"), ttl: 9 }, { data: bytes("b") }]);
  assert.deepEqual((await server.receive(SOON)).from, client.localAddress());
  client.connect("127.0.0.1:9");
  assert.deepEqual(client.remoteAddress(), { family: "inet", address: "127.0.0.1", port: 9 });
});

test("a dual-stack socket can be connected to either family, one after the other", async () => {
  await using four = UdpSocket.bind("127.0.0.1:0", { info: ["ttl"] });
  await using six = UdpSocket.bind("[::1]:0", { info: ["ttl"] });
  await using both = UdpSocket.bind();
  for (const peer of [four, six, four]) {
    both.connect(peer.localAddress());
    assert.deepEqual(both.remoteAddress(), peer.localAddress());
    await both.send(bytes("x"), undefined, { ttl: 5 });
    assert.equal((await peer.receive(SOON)).ttl, 5);
    both.disconnect();
  }
}, inet6);

forEachKind([udp4, udp6, dualStack4, dualStack6], "everything that can be asked for is told", async (kind) => {
  await using receiver = kind.open({ info: true });
  await using sender = kind.open();
  const isSix = kind.family === "inet6";
  const flowLabel = isSix ? { flowLabel: 0xabcde } : {};

  await sender.send(bytes("x"), kind.text(receiver), { ttl: 33, dscp: "AF41", ecn: "CE", ...flowLabel });

  const { ttl, tos, dscp, ecn, destination, interface: index, ...rest } = await receiver.receive(SOON);
  assert.deepEqual([ttl, tos, dscp, ecn], [33, 34 << 2 | 3, 34, 3]);
  assert.deepEqual([destination, index], [isSix ? "::1" : "127.0.0.1", 1]);
  assert(rest.timestamp! > 0);
  assert.equal(rest.flowLabel, isSix ? 0xabcde : undefined);
});

test("a packet leaves from the source that it names", async () => {
  await using receiver = UdpSocket.bind("127.0.0.1:0", { info: ["destination"] });
  await using sender = UdpSocket.bind("0.0.0.0:0");
  const to = receiver.localAddress();

  await sender.sendBatch([
    { data: bytes("a"), to, source: "127.0.0.5" },
    { data: bytes("b"), to, source: "127.0.0.6", interface: "lo" },
    { data: bytes("c"), to },
  ]);

  const sources = [];
  for (const _ of [1, 2, 3]) sources.push(((await receiver.receive(SOON)).from as { address: string }).address);
  assert.deepEqual(sources, ["127.0.0.5", "127.0.0.6", "127.0.0.1"]);
});

/** An interface for IPv6 groups, and its link-local address: loopback has no route to any. */
const link =
  Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).filter(({ address, internal }) => !internal && address.startsWith("fe80:"))
      .map(({ address }) => ({ name, address }))
  )[0];

/** Members on one interface, who sends to them, and who else might. */
const groups = [
  { name: "IPv4", group: "239.255.77.1", any: "0.0.0.0:0", on: "lo", source: "127.0.0.1", stranger: "127.0.0.2" },
  {
    name: "IPv6",
    // Of the scope that never leaves the node: RFC 4291 section 2.7.
    group: "ff11::7701",
    any: "[::]:0",
    on: link?.name ?? "",
    source: link?.address ?? "",
    stranger: undefined,
    // Loopback takes no part in groups of IPv6.
    where: link !== undefined,
  },
  {
    name: "IPv4 on a dual-stack socket",
    group: "239.255.77.2",
    any: "[::]:0",
    on: "lo",
    source: "127.0.0.1",
    stranger: "127.0.0.2",
    skip: withoutIPv6,
  },
];

for (const { name, group, any, on, source, stranger, skip, where } of groups) {
  const isSix = group.includes(":");
  const text = isSix ? `[${group}]` : group;
  const senderOf = (address: string) =>
    UdpSocket.bind(isSix ? `[${address}%${on}]:0` : `${address}:0`, { multicast: { interface: on } });

  test(`${name}: members of a group hear it, until they leave it`, async () => {
    await using member = UdpSocket.bind(any, { reuseAddress: true });
    const port = portOf(member);
    await using other = UdpSocket.bind(any.replace(/0$/, String(port)), { reuseAddress: true });
    await using sender = senderOf(source);
    const to = `${text}:${port}`;
    const index = ifNameToIndex(on);

    member.joinGroup(group, { interface: on });
    assert.throws(() => member.joinGroup(group, { interface: on }), failed("EADDRINUSE"));
    await sender.send(bytes("joined"), to);
    assert.equal((await member.receive(SOON)).text(), "joined");
    member.leaveGroup(group, { interface: index });
    await sender.send(bytes("left"), to);
    member.joinGroup(group, { interface: index });
    await sender.send(bytes("joined again"), to);

    assert.equal((await member.receive(SOON)).text(), "joined again");
    assert.equal(other.tryReceive(), undefined, "what others joined is not heard");
    member.leaveGroup(group, { interface: on });
    assert.throws(() => member.leaveGroup(group, { interface: on }), failed("EADDRNOTAVAIL"));
  }, { skip, where });

  test(`${name}: a group is joined for single sources`, async () => {
    await using member = UdpSocket.bind(any);
    const to = `${text}:${portOf(member)}`;
    const missing = isSix ? "2001:db8::77" : "192.0.2.77";
    await using sender = senderOf(source);

    member.joinGroup(group, { interface: on, source: missing });
    await sender.send(bytes("not wanted"), to);
    member.joinGroup(group, { interface: on, source });
    await sender.send(bytes("wanted"), to);
    assert.equal((await member.receive(SOON)).text(), "wanted");
    if (stranger !== undefined) {
      await using other = senderOf(stranger);
      await other.send(bytes("from a stranger"), to);
      await sender.send(bytes("wanted too"), to);
      assert.equal((await member.receive(SOON)).text(), "wanted too");
    }
    member.leaveGroup(group, { interface: on, source });
    member.leaveGroup(group, { interface: on, source: missing });
    assert.throws(() => member.leaveGroup(group, { interface: on, source }), SystemError);
  }, { skip, where });
}

test("groups that can't be joined are refused by name", () => {
  using four = UdpSocket.bind("0.0.0.0:0");
  assert.throws(() => four.joinGroup("127.0.0.1"), refused("group"));
  assert.throws(() => four.joinGroup("ff02::1"), refused("group"));
  assert.throws(() => four.joinGroup("all-hosts"), AddressError);
  assert.throws(() => four.joinGroup("239.0.0.1", { source: "::1" }), refused("options.source"));
  assert.throws(() => four.joinGroup("239.0.0.1", { interface: 0 }), refused("options.interface"));
  assert.throws(() => four.joinGroup("239.0.0.1", { interface: "no-such-if" }), failed("ENODEV"));
});

test("packets to groups have the time to live that the socket is given, or their own", async () => {
  await using member = UdpSocket.bind("0.0.0.0:0", { info: ["ttl"] });
  member.joinGroup("239.255.77.3", { interface: "lo" });
  const to = `239.255.77.3:${portOf(member)}`;
  await using sender = UdpSocket.bind("127.0.0.1:0", { multicast: { interface: "lo", ttl: 9 } });

  await sender.sendBatch([{ data: bytes("a"), to }, { data: bytes("b"), to, ttl: 3 }]);

  assert.equal((await member.receive(SOON)).ttl, 9);
  assert.equal((await member.receive(SOON)).ttl, 3);
});

test("multicast options of both families are set on a dual-stack socket", () => {
  using both = UdpSocket.bind(undefined, { multicast: { ttl: 17, loop: false, interface: 1 } });
  assert.equal(getsockoptInt(both.fd, IPPROTO_IP, IP_MULTICAST_TTL), 17);
  assert.equal(getsockoptInt(both.fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 17);
  assert.equal(getsockoptInt(both.fd, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
  assert.equal(getsockoptInt(both.fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
}, inet6);

for (const offload of [true, false]) {
  const how = offload ? "with" : "without";
  test(`${how} segmentation and coalescing a batch of equal sizes arrives packet by packet`, async () => {
    const options = { segmentation: offload, coalescing: offload, receiveBuffer: 4_000_000 };
    await using sender = UdpSocket.bind("127.0.0.1:0", options);
    await using receiver = UdpSocket.bind("127.0.0.1:0", { ...options, info: ["ttl", "tos"] });
    const to = receiver.localAddress();
    const messages = Array.from({ length: 100 }, (_, index) => ({
      data: new Uint8Array(500).fill(index),
      to,
      ttl: 1 + (index >> 4),
    }));

    await sender.sendBatch(messages);

    for (const { data, ttl } of messages) {
      const datagram = await receiver.receive(SOON);
      assert.deepEqual(datagram.data, data);
      assert.deepEqual([datagram.ttl, datagram.tos], [ttl, 0]);
    }
    assert.equal(receiver.tryReceive(), undefined);
  });
}

test("destinations as text are found again without end, and those of others with them", async () => {
  await using receiver = UdpSocket.bind("127.0.0.1:0");
  await using sender = UdpSocket.bind("0.0.0.0:0");
  const port = portOf(receiver);
  // More than are remembered.
  for (let index = 0; index < 5_000; index++) sender.trySend(bytes("x"), `127.1.${index >> 8}.${index & 255}:${port}`);

  await sender.send(bytes("still"), `127.0.0.1:${port}`);

  assert.equal((await receiver.receive(SOON)).text(), "still");
});

test("a mutable address that is changed after a send leads elsewhere from then on", async () => {
  await using first = UdpSocket.bind("127.0.0.1:0");
  await using second = UdpSocket.bind("127.0.0.1:0");
  await using sender = UdpSocket.bind("127.0.0.1:0");
  const to = { family: "inet" as const, address: "127.0.0.1", port: portOf(first) };

  const sends = [sender.send(bytes("1"), to), sender.send(bytes("1"), to)];
  to.port = portOf(second);
  sends.push(sender.send(bytes("2"), to));
  await Promise.all(sends);

  assert.equal((await first.receive(SOON)).text(), "1");
  assert.equal((await first.receive(SOON)).text(), "1");
  assert.equal((await second.receive(SOON)).text(), "2");
});

/** Knocks at a closed port until the error is back: the kernel sends no more than so many in a second, icmp(7). */
async function knock(socket: UdpSocket, to: string, next: () => Promise<Datagram | PacketError>) {
  const answer = next();
  const timer = setInterval(() => void socket.send(bytes("knock"), to, { label: "knock" }), 50);
  try {
    await socket.send(bytes("knock"), to, { label: "knock" });
    return await answer;
  } finally {
    clearInterval(timer);
  }
}

test("receive with errors is woken by an error that comes while it waits", async () => {
  // Reserved, and below what the kernel gives away: nobody is there.
  const to = "127.0.0.1:1";
  await using socket = UdpSocket.bind("127.0.0.1:0");

  const answer = await knock(socket, to, () => socket.receive({ errors: true, ...SOON }));

  assert(answer.kind === "error");
  assert.equal(answer.label, "knock");
  assert.equal(answer.router, "127.0.0.1");
});
