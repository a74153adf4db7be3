// Labels: which packet an error is about, beside a plain list of all packets.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError, type SocketAddress } from "@sockeye/sockeye/ffi";
import { Labels, LOOKED_AT, type Quote, REMEMBERED_BYTES } from "../../qos/labels.ts";
import { test } from "../support/harness.ts";

interface Packet {
  label: unknown;
  address: string;
  port: number;
  data: Uint8Array;
  tag: number;
}

function inet(port: number, address = "192.0.2.1"): SocketAddress {
  return Object.freeze({ family: "inet", address, port });
}

const text = new TextEncoder();

function quote(data: Uint8Array | string, more: Partial<Quote> = {}): Quote {
  return { destination: inet(1), data: typeof data === "string" ? text.encode(data) : data, ...more };
}

/** The definition, word for word. */
function isCandidate(packet: Packet, quote: Quote): boolean {
  const { destination, isPortUnknown, data, isWhole, longerThan = -1, tag = 0 } = quote;
  if (isWhole && packet.data.length > data.length) return false;
  if (destination.family === "unix" || packet.address !== destination.address) return false;
  if (!isPortUnknown && packet.port !== destination.port) return false;
  const remembered = Math.min(packet.data.length, REMEMBERED_BYTES);
  for (let i = 0; i < Math.min(data.length, remembered); i++) if (data[i] !== packet.data[i]) return false;
  if (data.subarray(packet.data.length).some((byte) => byte !== 0)) return false;
  return packet.data.length > longerThan && (tag === 0 || packet.tag === 0 || packet.tag === tag);
}

function expected(packets: Packet[], quote: Quote) {
  const candidates = packets.filter((packet) => isCandidate(packet, quote));
  const labels = [...new Set(candidates.map(({ label }) => label).reverse())].reverse();
  if (labels.length === 1) return { label: labels[0], candidates: [] };
  return { label: undefined, candidates: labels.filter((label) => label !== undefined) };
}

/** Payloads that have much in common, on both sides of the end of what is remembered. */
const payload: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom(0, 0, 0, REMEMBERED_BYTES - 2, REMEMBERED_BYTES),
    fc.array(fc.constantFrom(0, 1), { maxLength: 6 }),
  )
  .map(([common, bytes]) => new Uint8Array([...new Array(common).fill(common % 2), ...bytes]));
const place = fc.record({ address: fc.constantFrom("192.0.2.1", "192.0.2.2"), port: fc.constantFrom(1, 2) });
const packet = fc.record({ place, label: fc.constantFrom("a", "b", "c", undefined), data: payload, tag: fc.nat(2) });
const question = fc.record({
  place,
  data: payload,
  isPortUnknown: fc.boolean(),
  isWhole: fc.boolean(),
  longerThan: fc.option(fc.nat(REMEMBERED_BYTES + 6), { nil: undefined }),
  tag: fc.nat(2),
});

test("labels are those that a plain list of the last packets gives", () => {
  const steps = fc.array(fc.oneof({ arbitrary: packet, weight: 3 }, { arbitrary: question, weight: 2 }), {
    maxLength: 120,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 40 }), (steps, limit) => {
      const labels = new Labels({ limit });
      let packets: Packet[] = [];
      for (const step of steps) {
        if ("label" in step) {
          const { place: { address, port }, label, data, tag } = step;
          labels.register(label, inet(port, address), data, tag);
          packets.push({ address, port, label, data: data.slice(), tag });
          packets = packets.slice(-limit);
          data.fill(7); // the sender may use its memory again
        } else {
          const { place: { address, port }, ...rest } = step;
          const asked = { ...rest, destination: inet(port, address) };
          const { label, candidates } = labels.match(asked);
          assert.deepEqual({ label, candidates }, expected(packets, asked));
        }
        assert.equal(labels.size, packets.length);
      }
    }),
    { numRuns: 2000 },
  );
});

test("bytes that nobody sent find nothing and break nothing", () => {
  const labels = new Labels({ limit: 100 });
  for (let i = 0; i < 100; i++) labels.register(i, inet(1), new Uint8Array(i).fill(i));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer(), (data, longerThan) => {
    const { label, candidates } = labels.match(quote(data, { longerThan }));
    if (label !== undefined) assert.equal(data[0] || label, label);
    for (const candidate of candidates) assert(Number.isInteger(candidate));
  }));
});

test("a packet that was quoted to its end is told from one that goes on", () => {
  const labels = new Labels();
  labels.register("short", inet(1), text.encode("ab"));
  labels.register("long", inet(1), text.encode("abc"));

  assert.equal(labels.match(quote("abc")).label, "long");
  assert.deepEqual(labels.match(quote("ab")).candidates, ["short", "long"]);
  assert.equal(labels.match(quote("ab", { isWhole: true })).label, "short");
});

test("zeros behind the end of a packet are padding, and are told", () => {
  const labels = new Labels();
  labels.register("probe", inet(1), text.encode("probe"));

  assert.deepEqual(labels.match(quote("probe\0\0\0")), { label: "probe", candidates: [], length: 5 });
  assert.equal(labels.match(quote("probe\0\0x")).label, undefined);
});

test("a packet without a label that looks the same makes a label uncertain", () => {
  const labels = new Labels();
  labels.register("probe", inet(1), text.encode("x"));
  labels.register(undefined, inet(1), text.encode("y"));

  assert.deepEqual(labels.match(quote("")), { label: undefined, candidates: ["probe"], length: 0 });
  assert.equal(labels.match(quote("x")).label, "probe");
  assert.deepEqual(labels.match(quote("y")), { label: undefined, candidates: [], length: 1 });
});

test("many packets of one label are certain, however many look the same", () => {
  const labels = new Labels();
  for (let i = 0; i < LOOKED_AT * 4; i++) labels.register("flow", inet(1), text.encode(`packet ${i}`));
  assert.equal(labels.match(quote("packet")).label, "flow");
  assert.equal(labels.match(quote("packet", { longerThan: 7 })).label, "flow");
  assert.equal(labels.match(quote("packet", { longerThan: 100 })).label, undefined);

  labels.register("other", inet(1), text.encode("packet x"));
  assert.deepEqual(labels.match(quote("packet")).candidates, ["flow", "other"]);
});

test("where more packets look the same than are looked at, none is certain", () => {
  const labels = new Labels();
  for (let i = 0; i < LOOKED_AT * 4; i++) labels.register(i, inet(1), text.encode(`packet ${i}`));

  const { label, candidates } = labels.match(quote("packet"));

  assert.equal(label, undefined);
  assert.equal(candidates.length, LOOKED_AT);
  for (let i = 0; i < LOOKED_AT * 4; i++) assert.equal(labels.match(quote(`packet ${i}`, {})).label ?? i, i);
});

test("an address has one meaning, however it is written", () => {
  const labels = new Labels();
  const data = text.encode("x");
  labels.register("six", { family: "inet6", address: "2001:DB8:0::1", port: 1, scopeId: 3 }, data);
  labels.register("mapped", { family: "inet6", address: "::ffff:c000:209", port: 1 }, data);

  assert.equal(labels.match({ destination: { family: "inet6", address: "2001:db8::1", port: 1 }, data }).label, "six");
  assert.equal(labels.match({ destination: inet(1, "192.0.2.9"), data }).label, "mapped");
  assert.equal(labels.match({ destination: inet(2, "192.0.2.9"), data }).label, undefined);
});

test("bytes that the kernel writes aren't compared", () => {
  const labels = new Labels({ checksumOffset: 2 });
  labels.register("first", inet(0), new Uint8Array([128, 0, 0, 0, 1, 1]));
  labels.register("second", inet(0), new Uint8Array([128, 0, 0, 0, 1, 2]));

  const sent = quote(new Uint8Array([128, 0, 0xab, 0xcd, 1, 2]), { destination: inet(0) });

  assert.equal(labels.match(sent).label, "second");
  assert.deepEqual([...sent.data], [128, 0, 0xab, 0xcd, 1, 2]);
});

test("the oldest packets are forgotten, and with them what they took", () => {
  const labels = new Labels({ limit: 3 });
  for (let i = 0; i < 10; i++) labels.register(i, inet(i), text.encode("x"));

  assert.deepEqual([labels.size, labels.forgotten], [3, 7]);
  assert.equal(labels.match(quote("x", { destination: inet(6) })).label, undefined);
  assert.equal(labels.match(quote("x", { destination: inet(7) })).label, 7);
});

test("an error for each of 60,000 packets to one destination takes no search through them", () => {
  const count = 60_000;
  const labels = new Labels();
  const data = new Uint8Array(64);
  const view = new DataView(data.buffer);
  for (let i = 0; i < count; i++) {
    view.setUint32(8, i);
    labels.register(i, inet(1), data);
  }
  // A search through all of them would be 3.6 billion steps, and outlast the test.
  for (let i = 0; i < count; i++) {
    view.setUint32(8, i);
    assert.equal(labels.match(quote(data)).label, i);
  }
});

test("what has no address and no number is refused", () => {
  assert.throws(() => new Labels().register(1, { family: "unix", path: "/x" }, new Uint8Array(1)), ArgumentError);
  assert.throws(() => new Labels({ limit: 0 }), /options\.limit/);
  assert.equal(new Labels().match(quote("", { destination: { family: "unix", unnamed: true } })).label, undefined);
});
