import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressError, ArgumentError } from "../../common/errors.ts";
import { formatIPv4, formatIPv6 } from "../../ffi/ip.ts";
import {
  decodeIpHeader,
  decodeIpv4Header,
  decodeIpv6Header,
  encodeIpv4Header,
  encodeIpv6Header,
  ipv6FragmentHeader,
} from "../../qos/ip_header.ts";
import { fromHex, readGuarded, toHex } from "../ffi/guarded.ts";
import { test } from "../support/harness.ts";
import * as golden from "./golden_packets.ts";

const inet = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => formatIPv4(bytes));
const inet6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatIPv6(bytes));
const byte = fc.nat(255);
const fragmentOffset = fc.nat(0x1fff).map((units) => units * 8);

const ipv4Init = fc.record({
  tos: byte,
  ttl: byte,
  protocol: byte,
  source: inet,
  destination: inet,
  id: fc.nat(0xffff),
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffset,
  payloadLength: fc.nat(65475),
  options: fc.nat(10).chain((words) => fc.uint8Array({ minLength: words * 4, maxLength: words * 4 })),
});

/** A header of another kind than a fragment's, as long as its length byte says. */
const extensionHeader = fc.tuple(fc.constantFrom(0, 43, 51, 60, 135, 139, 140), fc.integer({ min: 1, max: 9 }), byte)
  .map(([protocol, length, filler]) => {
    const bytes = new Uint8Array(protocol === 51 ? (length + 2) * 4 : (length + 1) * 8).fill(filler);
    bytes[1] = length;
    return { protocol, bytes };
  });
const fragment = fc.record({ id: fc.nat(0xffffffff), fragmentOffset, moreFragments: fc.boolean() });
const ipv6Init = fc.record({
  tos: byte,
  flowLabel: fc.nat(0xfffff),
  ttl: byte,
  // ESP and what is no extension header, at which the walk ends
  protocol: fc.constantFrom(6, 17, 50, 58, 59, 132, 253),
  source: inet6,
  destination: inet6,
  payloadLength: fc.nat(60000),
  chain: fc.array(extensionHeader, { maxLength: 4 }),
  fragment: fc.option(fragment, { nil: undefined }),
});

test("headers that Linux and traceroute wrote are understood", () => {
  const udp = decodeIpv4Header(golden.UDP4)!;
  assert.deepEqual(
    { ...udp, options: toHex(udp.options), checksum: undefined },
    {
      version: 4,
      tos: 0xb8,
      length: 60,
      headerLength: 20,
      id: 22329,
      dontFragment: false,
      moreFragments: false,
      fragmentOffset: 0,
      ttl: 1,
      protocol: 17,
      checksum: undefined,
      source: "192.0.2.1",
      destination: "192.0.2.131",
      options: "",
    },
  );
  const routed = decodeIpv4Header(golden.SOURCE_ROUTED4)!;
  assert.equal(routed.headerLength, 32);
  assert.equal(toHex(routed.options), "01830b04c0000283c0000283"); // NOP, LSRR 192.0.2.131 192.0.2.131 as tcpdump has it
  assert.equal(decodeIpv4Header(golden.RST4)?.dontFragment, true);

  const first = decodeIpv4Header(golden.FIRST_FRAGMENT4)!;
  const last = decodeIpv4Header(golden.LAST_FRAGMENT4)!;
  assert.deepEqual([first.id, first.fragmentOffset, first.moreFragments, first.length], [64416, 0, true, 1300]);
  assert.deepEqual([last.id, last.fragmentOffset, last.moreFragments, last.length], [64416, 1280, false, 748]);
});

test("IPv6 headers that Linux and traceroute wrote are understood", () => {
  assert.deepEqual(decodeIpv6Header(golden.UDP6), {
    version: 6,
    tos: 0xb8,
    flowLabel: 0xabcde,
    length: 80,
    headerLength: 40,
    ttl: 1,
    protocol: 17,
    source: "2001:db8:1::1",
    destination: "2001:db8:2::2",
    id: undefined,
    fragmentOffset: 0,
    moreFragments: false,
    extensionHeaders: [],
  });
  const first = decodeIpv6Header(golden.FIRST_FRAGMENT6)!;
  const last = decodeIpv6Header(golden.LAST_FRAGMENT6)!;
  assert.deepEqual([first.id, first.fragmentOffset, first.moreFragments], [0x8db87a05, 0, true]);
  assert.deepEqual([last.id, last.fragmentOffset, last.moreFragments], [0x8db87a05, 1248, false]);
  for (const header of [first, last]) assert.deepEqual([header.protocol, header.headerLength], [17, 48]);
});

test("encoding gives the bytes that Linux, traceroute and Scapy wrote", () => {
  for (const packet of [golden.UDP4, golden.SOURCE_ROUTED4, golden.RST4, golden.ECHO_REPLY4]) {
    const header = decodeIpv4Header(packet)!;
    const encoded = encodeIpv4Header({ ...header, payloadLength: header.length - header.headerLength });
    assert.equal(toHex(encoded), toHex(packet.subarray(0, header.headerLength)));
  }
  for (const packet of [golden.UDP6, golden.FIRST_FRAGMENT6, golden.LAST_FRAGMENT6, golden.NEIGHBOR_ADVERTISEMENT6]) {
    const header = decodeIpv6Header(packet)!;
    const payloadLength = header.length - header.headerLength;
    const encoded = encodeIpv6Header({ ...header, protocol: header.protocol!, payloadLength });
    assert.equal(toHex(encoded), toHex(packet.subarray(0, header.headerLength)));
  }
  // Scapy 2.5: IPv6(tc=0xb8, fl=0xabcde, hlim=3)/IPv6ExtHdrHopByHop(PadN)/IPv6ExtHdrFragment(0x1234, 181, m=1), UDP behind
  const scapy = "6b8abcde0018000320010db800000000000000000000000120010db8000000000000000000000009" +
    "2c00010400000000" + "110005a900001234";
  const extensionHeaders = [
    { protocol: 0, bytes: fromHex("0000010400000000") },
    ipv6FragmentHeader({ id: 0x1234, fragmentOffset: 1448, moreFragments: true }),
  ];
  const init = { tos: 0xb8, flowLabel: 0xabcde, ttl: 3, protocol: 17, payloadLength: 8, extensionHeaders };
  assert.equal(toHex(encodeIpv6Header({ ...init, source: "2001:db8::1", destination: "2001:db8::9" })), scapy);
});

test("decoding inverts encoding of IPv4 headers", () => {
  fc.assert(fc.property(ipv4Init, (init) => {
    const bytes = encodeIpv4Header(init);
    const { payloadLength, ...fields } = init;
    const decoded = readGuarded(bytes, decodeIpHeader);

    assert(decoded?.version === 4);
    const { version: _, length, headerLength, checksum: __, ...rest } = decoded;
    assert.deepEqual(rest, fields);
    assert.equal(headerLength, bytes.length);
    assert.equal(length, bytes.length + payloadLength);
  }));
});

test("decoding inverts encoding of IPv6 headers, and walks the extension headers up to the transport header", () => {
  fc.assert(fc.property(ipv6Init, ({ chain, fragment, ...init }) => {
    const isLater = fragment !== undefined && fragment.fragmentOffset > 0;
    const extensionHeaders = fragment === undefined ? chain : [...chain, ipv6FragmentHeader(fragment)];
    const bytes = encodeIpv6Header({ ...init, extensionHeaders });
    const decoded = readGuarded(bytes, decodeIpHeader);

    assert(decoded?.version === 6);
    const { payloadLength, ...fields } = init;
    const { tos, flowLabel, ttl, protocol, source, destination } = decoded;
    assert.deepEqual({ tos, flowLabel, ttl, protocol, source, destination }, fields);
    assert.equal(decoded.headerLength, bytes.length);
    assert.equal(decoded.length, bytes.length + payloadLength);
    assert.deepEqual(decoded.extensionHeaders.map((one) => one.protocol), extensionHeaders.map((one) => one.protocol));
    assert.equal(decoded.id, fragment?.id);
    assert.equal(decoded.fragmentOffset, isLater ? fragment.fragmentOffset : 0);
    assert.equal(decoded.moreFragments, fragment?.moreFragments ?? false);
    assert.equal(toHex(encodeIpv6Header({ ...init, extensionHeaders: decoded.extensionHeaders })), toHex(bytes));
  }));
});

test("a header of which not all is there is none", () => {
  for (const packet of [golden.SOURCE_ROUTED4, golden.UDP6]) {
    const whole = packet === golden.UDP6 ? 40 : 32;
    for (let length = 0; length <= whole; length++) {
      assert.equal(decodeIpHeader(packet.subarray(0, length)) !== undefined, length === whole);
    }
  }
  assert.equal(decodeIpHeader(Uint8Array.of(0x44, ...golden.UDP4.subarray(1))), undefined);
  assert.equal(decodeIpHeader(Uint8Array.of(0x55, ...golden.UDP4.subarray(1))), undefined);
});

test("behind a later fragment's header nothing is taken for a header", () => {
  const extensionHeaders = [ipv6FragmentHeader({ id: 1, fragmentOffset: 8, moreFragments: false })];
  const header = encodeIpv6Header({ protocol: 60, source: "::1", destination: "::1", extensionHeaders });

  const decoded = decodeIpv6Header(Uint8Array.of(...header, 17, 0, 0, 0, 0, 0, 0, 0));

  assert.deepEqual([decoded?.protocol, decoded?.headerLength], [60, 48]);
});

test("a packet that is cut off within its extension headers has no protocol", () => {
  const extensionHeaders = [{ protocol: 60, bytes: fromHex("00010104000000000000000000000000") }];
  const bytes = encodeIpv6Header({ protocol: 17, source: "::1", destination: "::1", extensionHeaders });

  assert.equal(decodeIpv6Header(bytes)?.protocol, 17);
  for (let length = 40; length < bytes.length; length++) {
    const decoded = decodeIpv6Header(bytes.subarray(0, length));
    assert.deepEqual([decoded?.protocol, decoded?.headerLength], [undefined, 40]);
  }
});

test("arbitrary bytes give a header that lies inside them, or none", () => {
  const version = fc.constantFrom(0x45, 0x4f, 0x46, 0x60, 0x6f, 0x40);
  const start = fc.tuple(version, fc.uint8Array({ maxLength: 300 })).map(([first, rest]) =>
    Uint8Array.of(first, ...rest)
  );
  const chain = fc.tuple(fc.constantFrom(0, 43, 44, 51, 60, 135), fc.uint8Array({ maxLength: 400 }))
    .map(([next, rest]) => {
      const bytes = Uint8Array.of(
        ...golden.UDP6.subarray(0, 40),
        ...rest.map((value) => value % 4 === 0 ? next : value),
      );
      bytes[6] = next;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), start, chain), (bytes) => {
      const header = readGuarded(bytes, decodeIpHeader);
      if (header === undefined) return;
      assert(header.headerLength <= bytes.length);
      if (header.version === 6) assert(header.extensionHeaders.length <= bytes.length / 8);
    }),
    { numRuns: 2000 },
  );
});

test("what no header can say is refused, naming the field", () => {
  const v4 = { protocol: 17, destination: "192.0.2.1" };
  const v6 = { protocol: 17, source: "::1", destination: "::1" };
  const refused: [string, () => unknown][] = [
    ["header.tos", () => encodeIpv4Header({ ...v4, tos: 256 })],
    ["header.ttl", () => encodeIpv4Header({ ...v4, ttl: -1 })],
    ["header.protocol", () => encodeIpv4Header({ ...v4, protocol: 1.5 })],
    ["header.protocol", () => encodeIpv4Header({ destination: "192.0.2.1" } as typeof v4)],
    ["header.id", () => encodeIpv4Header({ ...v4, id: 65536 })],
    ["header.fragmentOffset", () => encodeIpv4Header({ ...v4, fragmentOffset: 4 })],
    ["header.fragmentOffset", () => encodeIpv4Header({ ...v4, fragmentOffset: 65536 })],
    ["header.payloadLength", () => encodeIpv4Header({ ...v4, payloadLength: 65516 })],
    ["header.options.length", () => encodeIpv4Header({ ...v4, options: new Uint8Array(41) })],
    ["header.flowLabel", () => encodeIpv6Header({ ...v6, flowLabel: 0x100000 })],
    ["header.payloadLength", () => encodeIpv6Header({ ...v6, payloadLength: 65536 })],
    [
      "header.extensionHeaders[0].protocol",
      () => encodeIpv6Header({ ...v6, extensionHeaders: [{ protocol: 17, bytes: new Uint8Array(8) }] }),
    ],
    [
      "header.extensionHeaders[0].bytes",
      () => encodeIpv6Header({ ...v6, extensionHeaders: [{ protocol: 0, bytes: new Uint8Array(16) }] }),
    ],
    ["fragment.id", () => ipv6FragmentHeader({ id: -1, fragmentOffset: 0, moreFragments: false })],
  ];
  for (const [argument, call] of refused) {
    assert.throws(call, (error) => error instanceof ArgumentError && error.argument === argument, argument);
  }
  assert.throws(() => encodeIpv4Header({ ...v4, destination: "localhost" }), AddressError);
  assert.throws(() => encodeIpv6Header({ ...v6, source: "192.0.2.1" }), AddressError);
});
