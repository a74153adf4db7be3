/** What raw IP sockets promise beyond other packet sockets. */

import { ArgumentError, SystemError } from "@sockeye/sockeye";
import type { InetAddress } from "@sockeye/sockeye/ffi";
import {
  ICMP6_TYPE,
  ICMP_TYPE,
  internetChecksum,
  type RawIpProtocol,
  RawIpSocket,
  type RawIpSocketOptions,
  UdpSocket,
} from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { runtime, test } from "../../support/harness.ts";
import { bytes, loopbackAddress, PROTOCOL, SOON, withoutIPv6, withoutRaw } from "./kinds.ts";

const raw = { skip: withoutRaw };
const raw6 = { skip: withoutRaw ?? withoutIPv6 };
const refused = (argument: string) => (error: unknown) => {
  assert(error instanceof ArgumentError, String(error));
  assert.equal(error.argument, argument);
  return true;
};

/** A header of RFC 791 without options; what the kernel fills in is 0. */
function ipv4Header(source: string, destination: string, protocol: number, ttl: number, tos: number, flags = 0) {
  const header = new Uint8Array(20);
  header.set([0x45, tos, 0, 0, 0, 0, flags, 0, ttl, protocol]);
  header.set(source.split(".").map(Number), 12);
  header.set(destination.split(".").map(Number), 16);
  return header;
}

/** A header of RFC 8200 from ::1 to itself. */
function ipv6Header(payloadBytes: number, protocol: number, hopLimit: number): Uint8Array {
  const header = new Uint8Array(40);
  header.set([0x60, 0, 0, 0, payloadBytes >> 8, payloadBytes, protocol, hopLimit]);
  header[23] = 1;
  header[39] = 1;
  return header;
}

const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** An echo request with a checksum for IPv4. */
function echoRequest(id: number): Uint8Array {
  const request = Uint8Array.of(ICMP_TYPE.ECHO_REQUEST, 0, 0, 0, id >> 8, id, 0, 1);
  const sum = internetChecksum(request);
  request[2] = sum >> 8;
  request[3] = sum;
  return request;
}

test("on IPv4 the header is cut off, and tells what the packet was sent with", async () => {
  const receiver = RawIpSocket.open({ protocol: PROTOCOL, bind: loopbackAddress(), info: true });
  const sender = RawIpSocket.open({ protocol: PROTOCOL, bind: loopbackAddress() });
  const to = receiver.localAddress();
  const dontFragments = [true, false, "probe", undefined] as const;

  await sender.sendBatch(
    dontFragments.map((dontFragment) => ({ data: bytes("x"), to, ttl: 9, tos: 0x1c, dontFragment })),
  );

  for (const dontFragment of dontFragments) {
    const { data, header, ttl, tos, destination } = await receiver.receive(SOON);
    assert.deepEqual(data, bytes("x"));
    assert.equal(header!.length, 20);
    assert.deepEqual([header![0], header![1], header![8], header![9]], [0x45, 0x1c, 9, PROTOCOL]);
    // RFC 791 section 3.1. Left out, the socket does as the system is set up.
    if (dontFragment !== undefined) assert.equal((header![6] & 0x40) !== 0, dontFragment !== false);
    assert.deepEqual([ttl, tos, destination], [9, 0x1c, (to as InetAddress).address]);
  }
  await sender[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
}, raw);

test("DF, TTL and TOS of each UDP datagram are its own, seen from below", async () => {
  const address = loopbackAddress();
  const below = RawIpSocket.open({ protocol: "udp", bind: address, receiveBuffer: 4_000_000 });
  const receiver = UdpSocket.bind(`${address}:0`);
  const senders = [UdpSocket.bind("127.0.0.1:0"), UdpSocket.bind("127.0.0.1:0"), UdpSocket.bind()];
  const to = receiver.localAddress();
  const choices = [true, false, "probe"] as const;
  const packets = Array.from({ length: 300 }, (_, index) => {
    const dontFragment = choices[index * 7 % 3];
    const [ttl, tos] = [1 + index % 255, index * 5 % 256];
    return { data: Uint8Array.of(dontFragment === false ? 0 : 0x40, ttl, tos), to, ttl, tos, dontFragment };
  });

  const sends = packets.map(({ data, to, ...options }, index) =>
    index % 3 === 0
      ? senders[index % 2].send(data, to, options)
      : index % 3 === 1
      ? Promise.resolve(senders[2].sendSync(data, to, options))
      : senders[index % 2].sendBatch([packets[index]])
  );
  await Promise.all(sends);

  const UDP_HEADER = 8;
  for (let count = 0; count < packets.length; count++) {
    const { data, header } = await below.receive(SOON);
    const [flags, ttl, tos] = data.subarray(UDP_HEADER);
    assert.deepEqual([header![6] & 0x40, header![8], header![1]], [flags, ttl, tos]);
  }
  for (const socket of [below, receiver, ...senders]) await socket[Symbol.asyncDispose]();
}, raw6);

test("an IPv4 header of one's own goes out as it was written", async () => {
  const [source, destination] = [loopbackAddress(), loopbackAddress()];
  const receiver = RawIpSocket.open({ protocol: PROTOCOL, bind: destination });
  for (const protocol of [PROTOCOL, 255]) {
    const sender = RawIpSocket.open({ protocol, ownHeader: true });
    const header = ipv4Header(source, destination, PROTOCOL, 17, 0x2c, 0x40);
    await sender.send(joined(header, bytes("own")), destination);
    await sender.send(joined(ipv4Header("0.0.0.0", destination, PROTOCOL, 18, 0), bytes("filled in")), destination);

    const first = await receiver.receive(SOON);
    assert.equal(first.text(), "own");
    assert.deepEqual(first.from, { family: "inet", address: source, port: 0 });
    assert.deepEqual([first.header![1], first.header![6], first.header![8]], [0x2c, 0x40, 17]);
    assert.equal(internetChecksum(first.header!), 0, "the kernel has written the checksum");
    const second = await receiver.receive(SOON);
    assert.equal(second.text(), "filled in");
    assert.match((second.from as InetAddress).address, /^127/, "the kernel has written the source");
    await sender[Symbol.asyncDispose]();
  }
  await receiver[Symbol.asyncDispose]();
}, raw);

test("an IPv6 header of one's own goes out as it was written", async () => {
  await using receiver = RawIpSocket.open({ protocol: PROTOCOL, bind: "::1", info: ["ttl"] });
  for (const protocol of [PROTOCOL, 255]) {
    await using sender = RawIpSocket.open({ protocol, family: "inet6", ownHeader: true });
    const data = bytes("own header");
    await sender.send(joined(ipv6Header(data.length, PROTOCOL, 23), data), "::1");

    const datagram = await receiver.receive(SOON);
    assert.deepEqual([datagram.text(), datagram.ttl, datagram.header], ["own header", 23, undefined]);
  }
}, raw6);

test("options that belong into a header of one's own are refused by name", async () => {
  await using socket = RawIpSocket.open({ protocol: PROTOCOL, ownHeader: true });
  const options = { ttl: 1, tos: 1, dscp: 1, ecn: 1, dontFragment: true, source: "127.0.0.1" };
  for (const [name, value] of Object.entries(options)) {
    await assert.rejects(socket.send(new Uint8Array(40), "127.0.0.1", { [name]: value }), refused(`options.${name}`));
  }
  assert.equal(socket.stats().messagesSent, 0);
}, raw);

test("the kernel writes and checks the checksum where it is told to, on IPv6", async () => {
  const protocol = PROTOCOL + 1;
  await using plain = RawIpSocket.open({ protocol, bind: "::1" });
  await using checked = RawIpSocket.open({ protocol, bind: "::1", checksumOffset: 4 });
  const data = Uint8Array.of(1, 2, 3, 4, 0, 0, 7, 8);

  await checked.send(data, "::1", { label: "checked" });
  const seen = (await plain.receive(SOON)).data;
  assert.notDeepEqual([...seen.subarray(4, 6)], [0, 0]);
  assert.deepEqual([...seen.subarray(0, 4), ...seen.subarray(6)], [1, 2, 3, 4, 7, 8]);
  await plain.send(data, "::1");
  await checked.send(data, "::1");
  assert.deepEqual((await checked.receive(SOON)).data, seen);
  assert.deepEqual((await checked.receive(SOON)).data, seen, "the one with the wrong checksum was dropped");
}, raw6);

test("a ping over IPv4 is answered, and the filter keeps the request out", async () => {
  const address = loopbackAddress();
  await using socket = RawIpSocket.open({ protocol: "icmp", icmpTypes: [ICMP_TYPE.ECHO_REPLY], bind: address });

  await socket.send(echoRequest(0x1234), address, { ttl: 1 });

  // Other programs may ping meanwhile, though hardly from this address.
  const { data, from } = await socket.receive(SOON);
  assert.equal(data[0], ICMP_TYPE.ECHO_REPLY);
  assert.deepEqual([data[4], data[5]], [0x12, 0x34]);
  assert.deepEqual(from, { family: "inet", address, port: 0 });
  assert.equal(socket.tryReceive(), undefined);
}, raw);

test("a ping over IPv6 is answered, with the checksum by the kernel", async () => {
  await using socket = RawIpSocket.open({ protocol: "icmp6", icmpTypes: [ICMP6_TYPE.ECHO_REPLY] });
  const id = process.pid & 0xffff;

  await socket.send(Uint8Array.of(ICMP6_TYPE.ECHO_REQUEST, 0, 0, 0, id >> 8, id, 0, 1), "::1", { ttl: 1 });

  for (;;) {
    const { data, from } = await socket.receive(SOON);
    assert.equal(data[0], ICMP6_TYPE.ECHO_REPLY);
    if ((data[4] << 8 | data[5]) !== id) continue; // another program's
    assert.deepEqual(from, { family: "inet6", address: "::1", port: 0 });
    break;
  }
}, raw6);

test("the error that a labelled packet causes comes back with its label", async () => {
  const sender = RawIpSocket.open({ protocol: PROTOCOL + 2, bind: loopbackAddress() });
  const to = loopbackAddress();
  // Nobody knows the protocol: RFC 1122 section 3.2.2.1. The kernel answers so many in a second, icmp(7).
  const waiting = sender.receive({ errors: true, ...SOON });
  const timer = setInterval(() => void sender.send(bytes("who is there"), to, { label: "unknown" }), 50);
  await sender.send(bytes("who is there"), to, { label: "unknown" });

  const error = await waiting;
  clearInterval(timer);

  assert(error.kind === "error");
  assert.deepEqual([error.name, error.label, error.router], ["protocol-unreachable", "unknown", to]);
  await sender[Symbol.asyncDispose]();
}, raw);

test("a raw socket hears a group that it joined", async () => {
  await using member = RawIpSocket.open({ protocol: PROTOCOL, info: ["destination"] });
  await using sender = RawIpSocket.open({ protocol: PROTOCOL, bind: "127.0.0.1", multicast: { interface: "lo" } });
  member.joinGroup("224.0.0.250", { interface: "lo" });

  await sender.send(bytes("to all"), "224.0.0.250");

  let datagram = await member.receive(SOON);
  while (datagram.destination !== "224.0.0.250") datagram = await member.receive(SOON);
  assert.equal(datagram.text(), "to all");
  member.leaveGroup("224.0.0.250", { interface: "lo" });
}, raw);

test("options that mean nothing for the protocol or the family are refused by name", () => {
  const wrong: [string, RawIpSocketOptions][] = [
    ["options.protocol", undefined as unknown as RawIpSocketOptions],
    ["options.protocol", { protocol: 0 }],
    ["options.protocol", { protocol: 256 }],
    ["options.protocol", { protocol: "sctp" as RawIpProtocol }],
    ["options.protocol", { protocol: "icmp6", family: "inet" }],
    ["options.protocol", { protocol: "icmp", bind: "::1" }],
    ["options.family", { protocol: 253, family: "ipv4" as "inet" }],
    ["options.bind", { protocol: 253, family: "inet6", bind: "127.0.0.1" }],
    ["options.checksumOffset", { protocol: 253, checksumOffset: 2 }],
    ["options.checksumOffset", { protocol: 253, family: "inet6", checksumOffset: 3 }],
    ["options.checksumOffset", { protocol: 253, family: "inet6", checksumOffset: -2 }],
    ["options.checksumOffset", { protocol: "icmp6", checksumOffset: 2 }],
    ["options.icmpTypes", { protocol: 253, icmpTypes: [0] }],
    ["options.icmpTypes", { protocol: 1, family: "inet6", icmpTypes: [0] }],
    ["options.icmpTypes", { protocol: "icmp", icmpTypes: 8 as unknown as number[] }],
    ["options.icmpTypes[1]", { protocol: "icmp", icmpTypes: [0, 256] }],
    ["options.info", { protocol: 253, info: ["flowLabel"] }],
  ];
  for (const [argument, options] of wrong) assert.throws(() => RawIpSocket.open(options), refused(argument));
  assert.throws(() => RawIpSocket.open({ protocol: 253, bind: "localhost" }), { code: "ADDRESS" });
});

const MODULE = {
  deno: ["run", "-A", "--no-check", "--quiet", "-"],
  node: ["--input-type=module", "-"],
  bun: ["run", "-"],
};
const isRoot = process.getuid?.() === 0;
/** A user of that number may not even read the runtime, so root stays root, less the one capability: setpriv(1). */
const unprivileged = isRoot ? ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"] : ["env"];
const cannotDrop = isRoot && spawnSync("setpriv", ["--version"]).status !== 0 && "setpriv(1) is not installed";

test("without the privilege the error names CAP_NET_RAW and what to do", async () => {
  const source = `
    import { RawIpSocket } from "@sockeye/sockeye/qos";
    try {
      RawIpSocket.open({ protocol: "icmp" });
    } catch (error) {
      console.log(JSON.stringify([error.name, error.code, error.syscall, error.message]));
    }`;
  const [command, ...first] = unprivileged;
  const child = spawn(command, [...first, process.execPath, ...MODULE[runtime]], {
    stdio: ["pipe", "pipe", "inherit"],
    // The package is found from here, whether this is its source or a project that has it installed.
    cwd: import.meta.dirname,
  });
  const ended = once(child, "close");
  child.stdin.end(source);
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  await ended;

  const [name, code, syscall, message] = JSON.parse(output);
  assert.deepEqual([name, code, syscall], ["SystemError", "EPERM", "socket"]);
  assert.match(message, /CAP_NET_RAW.*root.*setcap/);
}, { skip: cannotDrop || !isRoot && !withoutRaw && "this user has the privilege" });

test("with the privilege, errors other than its lack are the kernel's own", () => {
  assert.throws(() => RawIpSocket.open({ protocol: PROTOCOL, bind: "198.51.100.77" }), (error) => {
    assert(error instanceof SystemError);
    return error.code === "EADDRNOTAVAIL";
  });
}, raw);
