import fc from "fast-check";
import assert from "node:assert/strict";
import { MessageTooLargeError, ProtocolError } from "../../../common/errors.ts";
import {
  encodeHeader,
  HEADER_BYTES,
  isHeader,
  OPCODE,
  readFirst,
  readOpcode,
  readProtocol,
  readSecond,
  readWide,
  REASON,
  writeWideHeader,
} from "../../../sp/transport/datagram/header.ts";
import { MAX_DATAGRAM_BYTES, Packer } from "../../../sp/transport/datagram/packer.ts";
import { Unpacker } from "../../../sp/transport/datagram/unpacker.ts";
import { test } from "../../support/harness.ts";

const PUSH = 80;
const NONE = new Uint8Array(0);

/** All datagrams that are to be sent. */
function drain(packer: Packer): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  while (!packer.isEmpty) {
    datagrams.push(packer.datagram.slice());
    packer.advance();
  }
  return datagrams;
}

/** Packs messages as a connection does that sends when there is no room. */
function pack(messages: readonly Uint8Array[]): Uint8Array[] {
  const packer = new Packer(PUSH);
  const datagrams: Uint8Array[] = [];
  for (const message of messages) {
    if (packer.put(NONE, message)) continue;
    datagrams.push(...drain(packer));
    assert(packer.put(NONE, message));
  }
  return [...datagrams, ...drain(packer)];
}

function unpack(datagrams: readonly Uint8Array[], unpacker = new Unpacker(PUSH, 0)): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (const datagram of datagrams) {
    const space = unpacker.space();
    assert(datagram.length <= space.length, `${datagram.length} bytes where ${space.length} are due`);
    space.set(datagram);
    unpacker.commit(datagram.length);
    for (let message; (message = unpacker.next()) !== undefined;) messages.push(message);
  }
  return messages;
}

function frame(length: number, body: readonly number[], opcode: number = OPCODE.DATA, protocol = PUSH): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  writeWideHeader(bytes, 0, opcode, protocol, length);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

test("headers are the bytes of nng's udp transport", () => {
  assert.deepEqual([...encodeHeader(OPCODE.CREQ, 0x0150, 0xfde8, 5)], [1, 1, 0x50, 0x01, 0xe8, 0xfd, 5, 0]);
  assert.deepEqual([...encodeHeader(OPCODE.DISC, 81, REASON.MESSAGE_SIZE)], [1, 3, 81, 0, 4, 0, 0, 0]);
  assert.deepEqual([...encodeHeader(OPCODE.DATA, 48, 3)], [1, 0, 48, 0, 3, 0, 0, 0]);
});

test("what is written to a header is read from it", () => {
  const number = fc.integer({ min: 0, max: 0xffff });
  fc.assert(fc.property(fc.integer({ min: 0, max: 255 }), number, number, number, (opcode, protocol, first, second) => {
    const bytes = encodeHeader(opcode, protocol, first, second);

    assert(isHeader(bytes));
    assert.deepEqual([readOpcode(bytes), readProtocol(bytes)], [opcode, protocol]);
    assert.deepEqual([readFirst(bytes), readSecond(bytes)], [first, second]);
    assert.equal(readWide(bytes), first + second * 65536);
  }));
});

test("messages of one turn are one datagram, byte for byte", () => {
  const packer = new Packer(PUSH);
  assert(packer.put(Uint8Array.of(0x80, 0, 0, 1), Uint8Array.of(65, 66)));
  assert(packer.put(NONE, NONE));
  assert(packer.put(NONE, Uint8Array.of(67)));

  assert.deepEqual(drain(packer).map((datagram) => [...datagram]), [[
    ...[1, 0, 80, 0, 6, 0, 0, 0, 0x80, 0, 0, 1, 65, 66],
    ...[1, 0, 80, 0, 0, 0, 0, 0],
    ...[1, 0, 80, 0, 1, 0, 0, 0, 67],
  ]]);
});

test("a large message follows its header in datagrams of its own", () => {
  const packer = new Packer(PUSH);
  const body = new Uint8Array(2 * MAX_DATAGRAM_BYTES + 1).map((_, i) => i);
  assert(packer.put(NONE, Uint8Array.of(1)));
  assert(packer.put(Uint8Array.of(9), body));
  assert(packer.isFull);
  assert.equal(packer.put(NONE, NONE), false);
  assert.equal(packer.unsentBytes, 9 + 9 + body.length);

  const datagrams = drain(packer);

  assert.deepEqual(datagrams.map(({ length }) => length), [18, MAX_DATAGRAM_BYTES, MAX_DATAGRAM_BYTES, 1]);
  assert.deepEqual([...datagrams[0].subarray(9)], [1, 0, 80, 0, 2, 0, 2, 0, 9]);
  assert.deepEqual(unpack(datagrams).map(({ length }) => length), [1, body.length + 1]);
});

test("unpacking inverts packing", () => {
  const size = fc.oneof(fc.nat(300), fc.nat(40_000), fc.nat(300_000));
  fc.assert(
    fc.property(fc.array(size, { maxLength: 12 }), (sizes) => {
      const messages = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));

      const datagrams = pack(messages);

      assert(datagrams.every(({ length }) => length > 0 && length <= MAX_DATAGRAM_BYTES));
      assert.deepEqual(unpack(datagrams), messages);
    }),
    { numRuns: 60 },
  );
});

test("what the kernel has nothing of is reclaimed, and nothing else", () => {
  const packer = new Packer(PUSH);
  const large = new Uint8Array(100_000).fill(3);
  packer.put(Uint8Array.of(1), Uint8Array.of(2));
  packer.put(NONE, large);
  assert.deepEqual(packer.reclaim(), [Uint8Array.of(1, 2), large]);
  assert(packer.isEmpty);
  assert.equal(packer.unsentBytes, 0);

  packer.put(NONE, large);
  packer.advance();
  assert.deepEqual(packer.reclaim(), []);
});

test("a length beyond the limit is refused before anything is allocated", () => {
  assert.throws(() => unpack([frame(1025, [])], new Unpacker(PUSH, 1024)), MessageTooLargeError);
  assert.deepEqual(unpack([frame(1024, new Array(1024).fill(1))], new Unpacker(PUSH, 1024)).length, 1);
});

test("a length that lies makes nobody allocate what it says", () => {
  const unpacker = new Unpacker(PUSH, 0);

  assert.deepEqual(unpack([frame(0xffffffff, [1, 2, 3])], unpacker), []);

  assert(unpacker.isMidMessage);
  assert(unpacker.space().buffer.byteLength <= 1024 * 1024);
});

test("what is no message is a broken protocol", () => {
  const broken: Record<string, Uint8Array> = {
    "another version": Uint8Array.of(2, 0, 80, 0, 0, 0, 0, 0),
    "another opcode": frame(0, [], 7),
    "a request": frame(0, [], OPCODE.CREQ),
    "half a header": Uint8Array.of(1, 0, 80),
    "bytes behind a frame": frame(1, [1, 1]),
    "another protocol": frame(0, [], OPCODE.DATA, 48),
  };
  for (const [name, datagram] of Object.entries(broken)) {
    assert.throws(() => unpack([datagram]), ProtocolError, name);
  }
  assert.throws(() => unpack([frame(REASON.NO_BUFFERS, [], OPCODE.DISC)]), /no room for another connection/);
});

test("any bytes are messages or an error, and never more room than there is", () => {
  const datagram = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 64 }),
    fc.tuple(fc.nat(200), fc.array(fc.nat(255), { maxLength: 60 })).map(([length, body]) => frame(length, body)),
  );
  fc.assert(fc.property(fc.array(datagram, { maxLength: 20 }), (datagrams) => {
    const unpacker = new Unpacker(PUSH, 150);
    try {
      for (const bytes of datagrams) {
        const space = unpacker.space();
        const length = Math.min(bytes.length, space.length);
        space.set(bytes.subarray(0, length));
        unpacker.commit(length);
        for (let message; (message = unpacker.next()) !== undefined;) assert(message.length <= 150);
      }
    } catch (error) {
      assert(error instanceof ProtocolError || error instanceof MessageTooLargeError, String(error));
    }
  }));
});
