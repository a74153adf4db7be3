import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressError, ArgumentError } from "../../common/errors.ts";
import { formatIPv4 } from "../../ffi/ip.ts";
import { internetChecksum, transportChecksum } from "../../qos/checksum.ts";
import type { IcmpExtension } from "../../qos/icmp/extensions.ts";
import {
  decodeIcmpMessage,
  decodePacketStart,
  encodeIcmpMessage,
  type IcmpError,
  type IcmpMessage,
} from "../../qos/icmp/message.ts";
import { icmpName, type IcmpVersion, isIcmpError } from "../../qos/icmp/types.ts";
import { decodeIpHeader, encodeIpv4Header } from "../../qos/ip_header.ts";
import { encodeUdpDatagram } from "../../qos/transport_header.ts";
import { fromHex, readGuarded, toHex } from "../ffi/guarded.ts";
import { test } from "../support/harness.ts";
import * as golden from "./golden_packets.ts";

const ADDRESSES = { source: "2001:db8::1", destination: "2001:db8::9" };
const LABELS: IcmpExtension = {
  kind: "mpls",
  classNumber: 1,
  classType: 1,
  labels: [{ label: 24001, trafficClass: 5, isBottom: true, ttl: 1 }],
};

/** The ICMP message in a packet. */
function icmpOf(packet: Uint8Array): { version: IcmpVersion; bytes: Uint8Array } {
  const { version, headerLength } = decodeIpHeader(packet)!;
  return { version: version === 4 ? "icmp" : "icmp6", bytes: packet.subarray(headerLength) };
}

function decoded(packet: Uint8Array): IcmpMessage {
  const { version, bytes } = icmpOf(packet);
  return readGuarded(bytes, (view) => decodeIcmpMessage(version, view))!;
}

function decodedError(packet: Uint8Array): IcmpError {
  const message = decoded(packet);
  assert(message.kind === "error");
  return message;
}

const versions = fc.constantFrom<IcmpVersion>("icmp", "icmp6");
const errorTypes: Readonly<Record<IcmpVersion, readonly number[]>> = { icmp: [3, 4, 11, 12], icmp6: [1, 2, 3, 4, 100] };

test("errors that Linux sent say what happened to which packet", () => {
  const cases: [Uint8Array, string, Record<string, unknown>][] = [
    [golden.TIME_EXCEEDED4_UDP, "time-exceeded", { destinationPort: 33434, sourcePort: 40092 }],
    [golden.PORT_UNREACHABLE4, "port-unreachable", { destinationPort: 33435, sourcePort: 41731 }],
    [golden.TIME_EXCEEDED4_ECHO, "time-exceeded", { identifier: 11025, sequence: 1 }],
    [golden.TIME_EXCEEDED4_SYN, "time-exceeded", { destinationPort: 81, sequenceNumber: 3663257022 }],
    [golden.FRAGMENTATION_NEEDED4, "fragmentation-needed", { destinationPort: 33435 }],
    [golden.TIME_EXCEEDED6_UDP, "time-exceeded", { destinationPort: 33434, sourcePort: 38872 }],
    [golden.PORT_UNREACHABLE6, "port-unreachable", { destinationPort: 33435, sourcePort: 37101 }],
    [golden.TIME_EXCEEDED6_SYN, "time-exceeded", { destinationPort: 81, sequenceNumber: 1331757450 }],
    [golden.PACKET_TOO_BIG6, "packet-too-big", { destinationPort: 33435 }],
  ];
  for (const [packet, name, start] of cases) {
    const { version, type, code, original, extensions } = decodedError(packet);
    const quoted = readGuarded(original, decodePacketStart)!;

    assert.equal(icmpName(version, type, code), name);
    assert.deepEqual(extensions, []);
    assert.equal(quoted.header.destination, version === "icmp" ? "192.0.2.131" : "2001:db8:2::2");
    for (const [key, value] of Object.entries(start)) assert.equal(quoted[key as keyof typeof quoted], value, name);
  }
});

test("the MTU of a link that is too narrow is reported", () => {
  assert.equal(decodedError(golden.FRAGMENTATION_NEEDED4).mtu, 1300);
  assert.equal(decodedError(golden.PACKET_TOO_BIG6).mtu, 1300);
  assert.equal(decodedError(golden.TIME_EXCEEDED4_UDP).mtu, undefined);
});

test("the payload of a quoted packet is what was sent", () => {
  const sent = golden.UDP4.subarray(28);
  assert.equal(toHex(decodePacketStart(decodedError(golden.TIME_EXCEEDED4_UDP).original)!.payload), toHex(sent));
  assert.equal(toHex(decodePacketStart(golden.SYN4)!.payload), "");
  assert.equal(toHex(decodePacketStart(golden.ECHO_REQUEST6)!.payload), toHex(golden.ECHO_REQUEST6.subarray(48)));
});

test("echo requests and replies of others are understood, and encoded as the same bytes", () => {
  for (const packet of [golden.ECHO_REQUEST4, golden.ECHO_REPLY4, golden.ECHO_REQUEST6, golden.ECHO_REPLY6]) {
    const { source, destination, version } = decodeIpHeader(packet)!;
    const message = decoded(packet);
    const isRequest = packet === golden.ECHO_REQUEST4 || packet === golden.ECHO_REQUEST6;

    assert(message.kind === (isRequest ? "echo-request" : "echo-reply"));
    assert.equal(message.identifier, version === 4 ? 11025 : 11028);
    assert.equal(message.sequence, isRequest ? 1 : 2);
    assert.equal(toHex(encodeIcmpMessage(message, { source, destination })), toHex(icmpOf(packet).bytes));
  }
  // Scapy 2.5: IPv6(src="2001:db8::1", dst="2001:db8::9")/ICMPv6EchoRequest(id=7, seq=6, data=b"ping")
  const data = new TextEncoder().encode("ping");
  const echo = { kind: "echo-request", version: "icmp6", identifier: 7, sequence: 6, data } as const;
  assert.equal(toHex(encodeIcmpMessage(echo, ADDRESSES)), "8000455f0007000670696e67");
});

test("errors of others are encoded as the same bytes", () => {
  const whole = [
    golden.TIME_EXCEEDED4_UDP,
    golden.PORT_UNREACHABLE4,
    golden.TIME_EXCEEDED6_UDP,
    golden.PORT_UNREACHABLE6,
  ];
  for (const packet of whole) {
    const { source, destination } = decodeIpHeader(packet)!;
    assert.equal(toHex(encodeIcmpMessage(decoded(packet), { source, destination })), toHex(icmpOf(packet).bytes));
  }
});

test("redirects and parameter problems, as Scapy makes them, have their gateway and pointer", () => {
  // Scapy 2.5: ICMP(type=5, code=1, gw="192.0.2.2")/IP/UDP; ICMP(type=12, ptr=20)/IP/UDP; ICMPv6ParamProblem(code=1, ptr=40)
  const udp = "4500001c0001000040118e92c0000201c6336409000100020008139d";
  const redirect = decodeIcmpMessage("icmp", fromHex("05012554c0000202" + udp));
  const problem = decodeIcmpMessage("icmp", fromHex("0c00cc5714000000" + udp));
  const filler = Array.from({ length: 48 }, (_, index) => index.toString(16).padStart(2, "0")).join("");
  const problem6 = decodeIcmpMessage("icmp6", fromHex("040175a600000028" + filler));
  assert(redirect?.kind === "error" && problem?.kind === "error" && problem6?.kind === "error");

  assert.equal(redirect.gateway, "192.0.2.2");
  assert.equal(problem.pointer, 20);
  assert.equal(problem6.pointer, 40);
  assert.equal(toHex(encodeIcmpMessage(redirect)), "05012554c0000202" + udp);
  assert.equal(toHex(encodeIcmpMessage(problem)), "0c00cc5714000000" + udp);
  assert.equal(toHex(encodeIcmpMessage(problem6, ADDRESSES)), "040175a600000028" + filler);
});

test("what is neither echo nor error comes as bytes", () => {
  const message = decoded(golden.NEIGHBOR_ADVERTISEMENT6);
  const { source, destination } = decodeIpHeader(golden.NEIGHBOR_ADVERTISEMENT6)!;

  assert(message.kind === "other");
  assert.equal(icmpName("icmp6", message.type, message.code), "neighbor-advertisement");
  assert.equal(
    toHex(encodeIcmpMessage(message, { source, destination })),
    toHex(golden.NEIGHBOR_ADVERTISEMENT6.subarray(40)),
  );
});

test("extensions are found behind the length that the message states, in 32-bit words or on IPv6 in 64-bit words", () => {
  for (
    const [version, type, originalLength, quotedLength] of [
      ["icmp", 11, 28, 128],
      ["icmp", 3, 129, 132],
      ["icmp", 12, 1020, 1020],
      ["icmp6", 3, 129, 136],
      ["icmp6", 1, 2040, 2040],
    ] as const
  ) {
    const original = new Uint8Array(originalLength).fill(0x45);
    const message: IcmpError = { kind: "error", version, type, code: 0, original, extensions: [LABELS] };
    const bytes = encodeIcmpMessage(message, ADDRESSES);
    const back = decodeIcmpMessage(version, bytes);

    assert.equal(bytes[version === "icmp" ? 5 : 4] * (version === "icmp" ? 4 : 8), quotedLength);
    assert.equal(bytes.length, 8 + quotedLength + 12);
    assert(back?.kind === "error");
    assert.equal(back.original.length, quotedLength);
    assert.deepEqual(back.extensions, [LABELS]);
  }
});

test("extensions are also found at byte 128 of a message that states no length, and not elsewhere", () => {
  const original = new Uint8Array(28).fill(0x45);
  const message: IcmpError = { kind: "error", version: "icmp", type: 11, code: 0, original, extensions: [LABELS] };
  const bytes = encodeIcmpMessage(message);
  bytes[5] = 0;
  const shifted = Uint8Array.of(...bytes.subarray(0, 8 + 64), ...bytes.subarray(8 + 60));

  const old = decodeIcmpMessage("icmp", bytes);
  const none = decodeIcmpMessage("icmp", shifted);

  assert(old?.kind === "error" && none?.kind === "error");
  assert.deepEqual(old.extensions, [LABELS]);
  assert.deepEqual(none.extensions, []);
  assert.equal(none.original.length, shifted.length - 8);
});

test("a length attribute that can't be right is ignored", () => {
  const original = new Uint8Array(28).fill(0x45);
  const message: IcmpError = { kind: "error", version: "icmp", type: 11, code: 0, original, extensions: [LABELS] };
  const bytes = encodeIcmpMessage(message);
  for (const length of [1, 31, 255]) {
    bytes[5] = length;
    const decoded = decodeIcmpMessage("icmp", bytes);

    assert(decoded?.kind === "error");
    assert.deepEqual(decoded.extensions, [LABELS]);
    assert.equal(decoded.original.length, 128);
  }
});

test("decoding inverts encoding", () => {
  const echo = fc.record({
    kind: fc.constantFrom<"echo-request" | "echo-reply">("echo-request", "echo-reply"),
    version: versions,
    identifier: fc.nat(0xffff),
    sequence: fc.nat(0xffff),
    data: fc.uint8Array({ maxLength: 100 }),
  }, { noNullPrototype: true });
  const plainError = versions.chain((version) =>
    fc.record({
      kind: fc.constant("error" as const),
      version: fc.constant(version),
      type: fc.constantFrom(...errorTypes[version]),
      code: fc.constantFrom(0, 1, 77),
      // Shorter than where extensions are looked for
      original: fc.uint8Array({ maxLength: 128 }),
      extensions: fc.constant([]),
    }, { noNullPrototype: true })
  );
  const redirect = fc.tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.nat(3)).map(([gateway, code]) => ({
    kind: "error" as const,
    version: "icmp" as const,
    type: 5,
    code,
    original: new Uint8Array(28),
    extensions: [],
    gateway: formatIPv4(gateway),
  }));
  const other = fc.record({
    kind: fc.constant("other" as const),
    version: versions,
    type: fc.constantFrom(133, 134, 143, 200),
    code: fc.nat(255),
    body: fc.uint8Array({ minLength: 4, maxLength: 60 }),
  }, { noNullPrototype: true });

  fc.assert(fc.property(fc.oneof(echo, plainError, redirect, other), (message: IcmpMessage) => {
    const bytes = encodeIcmpMessage(message, ADDRESSES);
    const back = readGuarded(bytes, (view) => decodeIcmpMessage(message.version, view))!;
    const { mtu: _, pointer: __, ...rest } = back as IcmpError;

    assert.deepEqual(rest, message);
    const checksum = message.version === "icmp"
      ? internetChecksum(bytes)
      : transportChecksum(ADDRESSES.source, ADDRESSES.destination, 58, bytes);
    assert.equal(checksum, 0);
  }));
});

test("arbitrary bytes give a message that lies inside them, or none", () => {
  const error = fc.tuple(fc.constantFrom(1, 3, 11, 12), fc.uint8Array({ minLength: 8, maxLength: 300 })).map(
    ([type, bytes]) => {
      bytes[0] = type;
      return bytes;
    },
  );
  fc.assert(
    fc.property(versions, fc.oneof(fc.uint8Array({ maxLength: 40 }), error), (version, bytes) => {
      const message = readGuarded(bytes, (view) => decodeIcmpMessage(version, view));
      assert.equal(message === undefined, bytes.length < 8);
      if (message?.kind === "error") readGuarded(message.original, decodePacketStart);
    }),
    { numRuns: 2000 },
  );
});

test("a quoted packet is understood as far as it goes", () => {
  const udp = encodeUdpDatagram({ sourcePort: 1, destinationPort: 2 }, new Uint8Array(8));
  const ip = encodeIpv4Header({ protocol: 17, destination: "192.0.2.1", payloadLength: udp.length });
  const packet = Uint8Array.of(...ip, ...udp);
  for (let length = 0; length <= packet.length; length++) {
    const start = readGuarded(packet.subarray(0, length), decodePacketStart);

    assert.equal(start !== undefined, length >= 20);
    assert.equal(start?.destinationPort, length >= 28 ? 2 : undefined);
    assert.equal(start?.payload.length ?? 0, length >= 28 ? length - 28 : Math.max(0, length - 20));
  }
});

test("of a quoted packet of another protocol, what is behind the IP header is the payload", () => {
  const other = encodeIpv4Header({ protocol: 47, destination: "192.0.2.1", payloadLength: 12 });
  const advertisement = decodePacketStart(golden.NEIGHBOR_ADVERTISEMENT6)!;

  assert.equal(decodePacketStart(Uint8Array.of(...other, ...new Uint8Array(12)))?.payload.length, 12);
  assert.equal(advertisement.identifier, undefined);
  assert.equal(advertisement.payload.length, 32);
});

test("a later fragment has no ports, whatever its payload looks like", () => {
  const start = decodePacketStart(golden.LAST_FRAGMENT6)!;

  assert.equal(start.sourcePort, undefined);
  assert.equal(start.payload.length, golden.LAST_FRAGMENT6.length - 48);
  assert.equal(decodePacketStart(golden.LAST_FRAGMENT4)?.destinationPort, undefined);
  assert.equal(decodePacketStart(golden.FIRST_FRAGMENT6)?.destinationPort, 33999);
});

test("what no message can say is refused, naming the field", () => {
  const echo = { kind: "echo-request", version: "icmp", identifier: 1, sequence: 1, data: new Uint8Array(0) } as const;
  const error: IcmpError = {
    kind: "error",
    version: "icmp",
    type: 3,
    code: 4,
    original: new Uint8Array(28),
    extensions: [],
  };
  const refused: [string, IcmpMessage][] = [
    ["message.kind", { kind: "ping" } as unknown as IcmpMessage],
    ["message.identifier", { ...echo, identifier: 65536 }],
    ["message.sequence", { ...echo, sequence: -1 }],
    ["message.type", { ...error, type: 8 }],
    ["message.code", { ...error, code: 256 }],
    ["message.mtu", { ...error, mtu: 65536 }],
    ["message.mtu", { ...error, code: 3, mtu: 1300 }],
    ["message.pointer", { ...error, pointer: 3 }],
    ["message.pointer", { ...error, type: 12, pointer: 256 }],
    ["message.gateway", { ...error, type: 5, gateway: "router" }],
    ["message.extensions", { ...error, version: "icmp6", type: 2, extensions: [LABELS] }],
    ["message.original.length", { ...error, original: new Uint8Array(1021), extensions: [LABELS] }],
    ["message.body", { kind: "other", version: "icmp", type: 9, code: 0, body: new Uint8Array(3) }],
  ];
  for (const [argument, message] of refused) {
    const call = () => encodeIcmpMessage(message);
    assert.throws(call, (thrown) => thrown instanceof ArgumentError && thrown.argument === argument, argument);
  }
  const echo6 = { ...echo, version: "icmp6" } as const;
  assert.throws(() => encodeIcmpMessage(echo6, { source: "::1", destination: "localhost" }), AddressError);
});

test("every type and code has a name, and errors are told from the rest", () => {
  for (const version of ["icmp", "icmp6"] as const) {
    for (let type = 0; type < 256; type++) {
      for (const code of [0, 1, 15, 16, 255]) assert.match(icmpName(version, type, code), /^[a-z0-9]+(-[a-z0-9]+)*$/);
    }
  }
  assert.equal(icmpName("icmp", 3, 200), "destination-unreachable-200");
  assert.equal(icmpName("icmp6", 77, 3), "icmp6-77-3");
  assert.deepEqual(
    Array.from({ length: 256 }, (_, type) => type).filter((type) => isIcmpError("icmp", type)),
    [3, 4, 5, 11, 12],
  );
  assert(isIcmpError("icmp6", 1) && isIcmpError("icmp6", 127) && !isIcmpError("icmp6", 128));
});
