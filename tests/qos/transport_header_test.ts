import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import { transportChecksum } from "../../qos/checksum.ts";
import { decodeIpHeader } from "../../qos/ip_header.ts";
import {
  decodeTcpHeader,
  decodeUdpHeader,
  encodeTcpSegment,
  encodeUdpDatagram,
  TCP_FLAG,
  type TcpOptions,
} from "../../qos/transport_header.ts";
import { fromHex, readGuarded, toHex } from "../ffi/guarded.ts";
import { test } from "../support/harness.ts";
import * as golden from "./golden_packets.ts";

const port = fc.nat(0xffff);
const uint32 = fc.nat(0xffffffff);

/** Options that fit into 40 bytes. */
const options: fc.Arbitrary<TcpOptions> = fc.record({
  maximumSegmentSize: fc.nat(0xffff),
  windowScale: fc.nat(14),
  sackPermitted: fc.constant(true),
  timestamps: fc.record({ value: uint32, echo: uint32 }, { noNullPrototype: true }),
  others: fc.array(
    fc.record({ kind: fc.constantFrom(5, 19, 30, 34, 253), data: fc.uint8Array({ maxLength: 6 }) }, {
      noNullPrototype: true,
    }),
    { minLength: 1, maxLength: 2 },
  ),
}, { requiredKeys: [], noNullPrototype: true });

const segment = fc.record({
  sourcePort: port,
  destinationPort: port,
  sequenceNumber: uint32,
  acknowledgementNumber: uint32,
  flags: fc.nat(0x1ff),
  window: port,
  urgentPointer: port,
  options,
}, { noNullPrototype: true });

const ADDRESSES = { source: "192.0.2.1", destination: "198.51.100.9" };
const ADDRESSES6 = { source: "2001:db8::1", destination: "2001:db8::9" };

test("a SYN of traceroute is understood, and encoded as the same bytes", () => {
  for (const packet of [golden.SYN4, golden.SYN6]) {
    const { source, destination, headerLength } = decodeIpHeader(packet)!;
    const syn = packet.subarray(headerLength);
    const header = decodeTcpHeader(syn)!;

    assert.equal(header.flags, TCP_FLAG.SYN);
    assert.equal(header.destinationPort, 81);
    assert.equal(header.headerLength, 40);
    assert.deepEqual(
      { ...header.options, timestamps: header.options.timestamps?.echo },
      {
        maximumSegmentSize: packet === golden.SYN4 ? 1460 : 1440,
        sackPermitted: true,
        timestamps: 0,
        windowScale: 2,
      },
    );
    assert.equal(toHex(encodeTcpSegment(header, new Uint8Array(0), { source, destination })), toHex(syn));
  }
  assert.equal(decodeTcpHeader(golden.RST4.subarray(20))?.flags, TCP_FLAG.RST | TCP_FLAG.ACK);
});

test("segments and datagrams are those that Scapy makes", () => {
  // Scapy 2.5: TCP(sport=50000, dport=443, seq=4000000000, flags="SEC", window=65535, options=…)
  const syn = "c35001bbee6b280000000000a0c2ffff691e0000020405b40402080aee6b28000000000001030307";
  const encoded = encodeTcpSegment(
    {
      sourcePort: 50000,
      destinationPort: 443,
      sequenceNumber: 4000000000,
      flags: TCP_FLAG.SYN | TCP_FLAG.ECE | TCP_FLAG.CWR,
      options: {
        maximumSegmentSize: 1460,
        sackPermitted: true,
        timestamps: { value: 4000000000, echo: 0 },
        windowScale: 7,
      },
    },
    new Uint8Array(0),
    ADDRESSES,
  );
  assert.equal(toHex(encoded), syn);

  // Scapy 2.5: IPv6(…)/UDP(sport=50000, dport=33434)/b"hello"
  const hello = new TextEncoder().encode("hello");
  const datagram = encodeUdpDatagram({ sourcePort: 50000, destinationPort: 33434 }, hello, ADDRESSES6);
  assert.equal(toHex(datagram), "c350829a000d1a9b68656c6c6f");
  assert.deepEqual(decodeUdpHeader(datagram), {
    sourcePort: 50000,
    destinationPort: 33434,
    length: 13,
    checksum: 0x1a9b,
  });
});

test("decoding inverts encoding of TCP headers", () => {
  fc.assert(fc.property(segment, fc.uint8Array({ maxLength: 50 }), (header, payload) => {
    const bytes = encodeTcpSegment(header, payload, ADDRESSES6);
    const { headerLength, checksum: _, ...fields } = readGuarded(bytes, decodeTcpHeader)!;

    assert.deepEqual(fields, header);
    assert.deepEqual(bytes.subarray(headerLength), payload);
    assert.equal(transportChecksum(ADDRESSES6.source, ADDRESSES6.destination, 6, bytes), 0);
  }));
});

test("decoding inverts encoding of UDP headers, and no checksum with addresses is 0", () => {
  fc.assert(fc.property(port, port, fc.uint8Array({ maxLength: 50 }), (sourcePort, destinationPort, payload) => {
    const bytes = encodeUdpDatagram({ sourcePort, destinationPort }, payload, ADDRESSES);
    const header = readGuarded(bytes, decodeUdpHeader)!;

    assert.deepEqual([header.sourcePort, header.destinationPort], [sourcePort, destinationPort]);
    assert.equal(header.length, bytes.length);
    assert.notEqual(header.checksum, 0);
    assert.equal(transportChecksum(ADDRESSES.source, ADDRESSES.destination, 17, bytes), 0);
  }));
});

test("a UDP checksum that comes out as 0 is sent as 0xffff", () => {
  // The payload makes up for everything else in the sum.
  const probe = encodeUdpDatagram({ sourcePort: 1, destinationPort: 2 }, new Uint8Array(2), ADDRESSES);
  const { checksum } = decodeUdpHeader(probe)!;
  const payload = Uint8Array.of(checksum >> 8, checksum & 0xff);

  const datagram = encodeUdpDatagram({ sourcePort: 1, destinationPort: 2 }, payload, ADDRESSES);

  assert.equal(decodeUdpHeader(datagram)?.checksum, 0xffff);
});

test("without addresses the checksum is 0", () => {
  const ports = { sourcePort: 1, destinationPort: 2 };
  assert.equal(decodeUdpHeader(encodeUdpDatagram(ports, new Uint8Array(3)))?.checksum, 0);
  assert.equal(decodeTcpHeader(encodeTcpSegment({ ...ports, flags: 2 }))?.checksum, 0);
});

test("arbitrary bytes give a header that lies inside them, or none", () => {
  const tcp = fc.tuple(fc.uint8Array({ minLength: 20, maxLength: 70 }), fc.nat(15)).map(([bytes, words]) => {
    bytes[12] = words << 4;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 70 }), tcp), (bytes) => {
      readGuarded(bytes, decodeUdpHeader);
      const header = readGuarded(bytes, decodeTcpHeader);
      if (header === undefined) return;
      assert(header.headerLength <= bytes.length);
      assert((header.options.others?.length ?? 0) <= 20);
    }),
    { numRuns: 2000 },
  );
});

test("options that lie about their length end the list, and those before them stay", () => {
  const head = "c35001bb00000000000000007002ffff00000000" + "01030307"; // of 28 bytes; NOP, window scale 7
  for (const last of ["02000000", "02010000", "02050000", "0202ff00", "00020405", "05ff0000", "01010102"]) {
    assert.deepEqual(decodeTcpHeader(fromHex(`${head}${last}`))?.options.windowScale, 7, last);
  }
});

test("what no header can say is refused, naming the field", () => {
  const ports = { sourcePort: 1, destinationPort: 2 };
  const refused: [string, () => unknown][] = [
    ["header.sourcePort", () => encodeUdpDatagram({ ...ports, sourcePort: 65536 }, new Uint8Array(0))],
    ["header.destinationPort", () => encodeUdpDatagram({ sourcePort: 1 } as typeof ports, new Uint8Array(0))],
    ["payload.length", () => encodeUdpDatagram(ports, new Uint8Array(65528))],
    ["header.flags", () => encodeTcpSegment({ ...ports, flags: 512 })],
    ["header.sequenceNumber", () => encodeTcpSegment({ ...ports, flags: 0, sequenceNumber: 2 ** 32 })],
    ["header.window", () => encodeTcpSegment({ ...ports, flags: 0, window: -1 })],
    ["header.options.windowScale", () => encodeTcpSegment({ ...ports, flags: 0, options: { windowScale: 15 } })],
    [
      "header.options.others[0].kind",
      () => encodeTcpSegment({ ...ports, flags: 0, options: { others: [{ kind: 1, data: new Uint8Array(0) }] } }),
    ],
    [
      "header.options",
      () => encodeTcpSegment({ ...ports, flags: 0, options: { others: [{ kind: 9, data: new Uint8Array(39) }] } }),
    ],
  ];
  for (const [argument, call] of refused) {
    assert.throws(call, (error) => error instanceof ArgumentError && error.argument === argument, argument);
  }
});
