import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import { formatIPv4, formatIPv6 } from "../../ffi/ip.ts";
import { internetChecksum } from "../../qos/checksum.ts";
import {
  decodeIcmpExtensions,
  encodeIcmpExtensions,
  type IcmpExtension,
  type InterfaceExtension,
  type MplsExtension,
  splitQuotedPacket,
} from "../../qos/icmp/extensions.ts";
import { fromHex, readGuarded, toHex } from "../ffi/guarded.ts";
import { test } from "../support/harness.ts";

const STACK: MplsExtension = {
  kind: "mpls",
  classNumber: 1,
  classType: 1,
  labels: [
    { label: 24001, trafficClass: 5, isBottom: false, ttl: 1 },
    { label: 17, trafficClass: 0, isBottom: true, ttl: 254 },
  ],
};

/** Objects as Scapy 2.5 makes them with ICMPExtensionMPLS and ICMPExtensionInterfaceInformation. */
const OBJECTS: [string, IcmpExtension][] = [
  ["000c010105dc1a01000111fe", STACK],
  ["0014020d0000000700010000c00002fe000005dc", {
    kind: "interface",
    classNumber: 2,
    classType: 0x0d,
    role: "incoming",
    ifIndex: 7,
    address: "192.0.2.254",
    mtu: 1500,
  }],
  ["002c028f000000030002000020010db80000000000000000000000fe0c67652d302f302f3100000000002328", {
    kind: "interface",
    classNumber: 2,
    classType: 0x8f,
    role: "outgoing",
    ifIndex: 3,
    address: "2001:db8::fe",
    name: "ge-0/0/1",
    mtu: 9000,
  }],
  ["000c02c400010000c6336401", {
    kind: "interface",
    classNumber: 2,
    classType: 0xc4,
    role: "next-hop",
    address: "198.51.100.1",
  }],
];

const label = fc.record({
  label: fc.nat(0xfffff),
  trafficClass: fc.nat(7),
  isBottom: fc.boolean(),
  ttl: fc.nat(255),
}, { noNullPrototype: true });
const mpls = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels): MplsExtension => ({
  kind: "mpls",
  classNumber: 1,
  classType: 1,
  labels,
}));
const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => formatIPv4(bytes)),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatIPv6(bytes)),
);
const name = fc.string({ maxLength: 15, unit: fc.constantFrom("a", "/", "0", "é", "☃") });
const interfaceInformation = fc.tuple(
  fc.constantFrom<InterfaceExtension["role"]>("incoming", "incoming-sub-ip", "outgoing", "next-hop"),
  fc.record(
    { ifIndex: fc.nat(0xffffffff), address, name, mtu: fc.nat(0xffffffff) },
    { requiredKeys: [], noNullPrototype: true },
  ),
).map(([role, fields]): InterfaceExtension => {
  const roleBits = ["incoming", "incoming-sub-ip", "outgoing", "next-hop"].indexOf(role) << 6;
  const bits = ("ifIndex" in fields ? 8 : 0) | ("address" in fields ? 4 : 0) | ("name" in fields ? 2 : 0) |
    ("mtu" in fields ? 1 : 0);
  return { kind: "interface", classNumber: 2, classType: roleBits | bits, role, ...fields };
});
const unknown = fc.record({
  kind: fc.constant("unknown" as const),
  classNumber: fc.integer({ min: 3, max: 255 }),
  classType: fc.nat(255),
  data: fc.uint8Array({ maxLength: 40 }),
}, { noNullPrototype: true });
const extensions: fc.Arbitrary<IcmpExtension[]> = fc.array(fc.oneof(mpls, interfaceInformation, unknown), {
  maxLength: 5,
});

/** A structure with the right checksum around objects that may be anything. */
function structureOf(objects: string): Uint8Array {
  const bytes = fromHex(`20000000${objects}`);
  const checksum = internetChecksum(bytes);
  bytes.set([checksum >> 8, checksum & 0xff], 2);
  return bytes;
}

test("objects are encoded as Scapy does, and read back", () => {
  for (const [hex, extension] of OBJECTS) {
    const encoded = encodeIcmpExtensions([extension]);

    assert.equal(toHex(encoded.subarray(4)), hex);
    assert.deepEqual(decodeIcmpExtensions(encoded), [extension]);
  }
});

test("decoding inverts encoding", () => {
  fc.assert(fc.property(extensions, (list) => {
    const bytes = encodeIcmpExtensions(list);

    assert.equal(internetChecksum(bytes), 0);
    assert.deepEqual(readGuarded(bytes, decodeIcmpExtensions), list);
  }));
});

test("another version or a wrong checksum is no structure, and a checksum of 0 says that none was computed", () => {
  const good = encodeIcmpExtensions([STACK]);
  const changed = (index: number, value: number) => {
    const bytes = good.slice();
    bytes[index] = value;
    return bytes;
  };
  const unsummed = good.slice().fill(0, 2, 4);

  assert.equal(decodeIcmpExtensions(changed(0, 0x10)), undefined);
  assert.equal(decodeIcmpExtensions(changed(0, 0x30)), undefined);
  assert.equal(decodeIcmpExtensions(changed(9, good[9] ^ 1)), undefined);
  assert.deepEqual(decodeIcmpExtensions(unsummed), [STACK]);
});

test("objects that are shorter than their header or longer than the structure make it none", () => {
  for (const object of ["0000f701", "0003f701", "0005f701", "fffff701", "0004f7", "0004f70100"]) {
    assert.equal(decodeIcmpExtensions(structureOf(object)), undefined, object);
  }
  assert.equal(decodeIcmpExtensions(new Uint8Array(3)), undefined);
  assert.deepEqual(decodeIcmpExtensions(structureOf("")), []);
});

test("objects of a known class with content that it can't have are passed on as bytes", () => {
  const objects = [
    "0004" + "0101", // an MPLS stack without an entry
    "0006" + "0101" + "05dc", // half an entry
    "0008" + "0102" + "05dc1101", // another type of the MPLS class
    "0006" + "0208" + "0000", // half an index
    "0006" + "0201" + "0000", // half an MTU
    "0006" + "0204" + "0001", // half an address family
    "000c" + "0204" + "00030000c0000201", // an address of no known family
    "0008" + "0204" + "00020000", // an IPv6 address without its bytes
    "0008" + "0202" + "00676530", // a name of length 0
    "0008" + "0202" + "08676530", // a name longer than its object
    "000c" + "0208" + "0000000100000002", // more than the type says
  ];
  for (const object of objects) {
    const [extension] = decodeIcmpExtensions(structureOf(object))!;

    assert(extension.kind === "unknown", object);
    assert.equal(toHex(extension.data), object.slice(8));
    assert.deepEqual(encodeIcmpExtensions([extension]), structureOf(object));
  }
});

test("extensions own their memory", () => {
  const bytes = structureOf("0008f70101020304");
  const [extension] = decodeIcmpExtensions(bytes)!;
  bytes.fill(0);

  assert(extension.kind === "unknown");
  assert.equal(toHex(extension.data), "01020304");
});

test("arbitrary bytes give extensions that take no more room than they have, or none", () => {
  const hostile = fc.tuple(extensions, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }), fc.boolean())
    .map(([list, changes, isSummed]) => {
      const bytes = encodeIcmpExtensions(list);
      for (const [index, value] of changes) if (index < bytes.length) bytes[index] = value;
      bytes[0] = 0x20;
      bytes.fill(0, 2, 4);
      if (isSummed) {
        const checksum = internetChecksum(bytes);
        bytes.set([checksum >> 8, checksum & 0xff], 2);
      }
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), hostile), (bytes) => {
      const found = readGuarded(bytes, decodeIcmpExtensions) ?? [];
      assert(found.length <= bytes.length / 4);
      readGuarded(bytes, (view) => splitQuotedPacket(view));
      for (const offset of [0, 1, 4, bytes.length, bytes.length + 1]) {
        const { original } = readGuarded(bytes, (view) => splitQuotedPacket(view, offset, offset * 40));
        assert(original.length <= bytes.length);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a quoted packet is parted from what is behind it, with and without a length, and headers taken off", () => {
  const structure = encodeIcmpExtensions([STACK]);
  const packet = new Uint8Array(128).fill(0x41);
  const quoted = Uint8Array.of(...packet, ...structure);
  const long = Uint8Array.of(...new Uint8Array(200).fill(0x41), ...structure);

  for (
    const [bytes, length, removed, expected] of [
      [quoted, 128, 0, 128],
      [quoted, 0, 0, 128],
      [quoted.subarray(28), 0, 28, 100],
      [quoted.subarray(28), 100, 28, 100],
      [long, 200, 0, 200],
    ] as const
  ) {
    const { original, extensions } = splitQuotedPacket(bytes, length, removed);
    assert.equal(original.length, expected);
    assert.deepEqual(extensions, [STACK]);
  }
});

test("where there are no sound extensions, all is the packet, or what its length says", () => {
  const packet = new Uint8Array(200).fill(0x41);

  assert.deepEqual(splitQuotedPacket(packet), { original: packet, extensions: [] });
  assert.deepEqual(splitQuotedPacket(packet, 128), { original: packet.subarray(0, 128), extensions: [] });
  assert.deepEqual(splitQuotedPacket(packet, 0, 500), { original: packet, extensions: [] });
  // A 2 and zeros where extensions may begin are no extensions.
  const zeros = new Uint8Array(132);
  zeros[128] = 0x20;
  assert.equal(splitQuotedPacket(zeros).original.length, 132);
});

test("what no extension can say is refused, naming the field", () => {
  const label = { label: 16, trafficClass: 0, isBottom: true, ttl: 1 };
  const inside = (fields: Partial<InterfaceExtension>): IcmpExtension => ({
    kind: "interface",
    classNumber: 2,
    classType: 0,
    role: "incoming",
    ...fields,
  });
  const refused: [string, IcmpExtension][] = [
    ["extensions[0].labels[0].label", { ...STACK, labels: [{ ...label, label: 0x100000 }] }],
    ["extensions[0].labels[1].trafficClass", { ...STACK, labels: [label, { ...label, trafficClass: 8 }] }],
    ["extensions[0].labels[0].ttl", { ...STACK, labels: [{ ...label, ttl: -1 }] }],
    ["extensions[0].role", inside({ role: "both" as "incoming" })],
    ["extensions[0].ifIndex", inside({ ifIndex: 2 ** 32 })],
    ["extensions[0].address", inside({ address: "router" })],
    ["extensions[0].name", inside({ name: "é".repeat(32) })],
    ["extensions[0].name", inside({ name: "a\0b" })],
    ["extensions[0].mtu", inside({ mtu: 1.5 })],
    ["extensions[0].classNumber", { kind: "unknown", classNumber: 256, classType: 0, data: new Uint8Array(0) }],
    ["extensions[0].kind", { kind: "label" } as unknown as IcmpExtension],
  ];
  for (const [argument, extension] of refused) {
    const call = () => encodeIcmpExtensions([extension]);
    assert.throws(call, (error) => error instanceof ArgumentError && error.argument === argument, argument);
  }
});
