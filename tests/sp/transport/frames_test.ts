import { MessageTooLargeError, ProtocolError } from "@sockeye/sockeye/ffi";
import fc from "fast-check";
import assert from "node:assert/strict";
import {
  decodeGreeting,
  encodeGreeting,
  type FrameFormat,
  GREETING_BYTES,
  IPC_FRAMES,
  readFrameLength,
  TCP_FRAMES,
  writeFrameHeader,
} from "../../../sp/transport/stream/frame_format.ts";
import { FrameReader } from "../../../sp/transport/stream/frame_reader.ts";
import { FrameWriter } from "../../../sp/transport/stream/frame_writer.ts";
import { test } from "../../support/harness.ts";

const NO_HEADER = new Uint8Array(0);
const FORMATS: [string, FrameFormat][] = [["ipc", IPC_FRAMES], ["tcp", TCP_FRAMES]];

/** What a program sent that was started with `--data sockeye`, or `hi`, and dialed a server that recorded it. */
const RECORDED: [string, FrameFormat, protocol: number, body: string, bytes: string][] = [
  ["nngcat 1.5 --push0", IPC_FRAMES, 80, "736f636b657965", "0053500000500000 010000000000000007 736f636b657965"],
  ["nanocat 1.1 --push", IPC_FRAMES, 80, "736f636b657965", "0053500000500000 010000000000000007 736f636b657965"],
  ["nngcat 1.5 --pair1", IPC_FRAMES, 17, "000000016869", "0053500000110000 010000000000000006 000000016869"],
  ["nanocat 1.1 --req", IPC_FRAMES, 48, "a776a7056869", "0053500000300000 010000000000000006 a776a7056869"],
  ["nngcat 1.5 --push0", TCP_FRAMES, 80, "736f636b657965", "0053500000500000 0000000000000007 736f636b657965"],
  ["nanocat 1.1 --push", TCP_FRAMES, 80, "736f636b657965", "0053500000500000 0000000000000007 736f636b657965"],
  ["nngcat 1.5 --pair1", TCP_FRAMES, 17, "000000016869", "0053500000110000 0000000000000006 000000016869"],
  ["nanocat 1.1 --req", TCP_FRAMES, 48, "f93dafe76869", "0053500000300000 0000000000000006 f93dafe76869"],
];

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(" ", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Feeds bytes as they come, in pieces of the given sizes, and gives the messages. */
function readAll(reader: FrameReader, bytes: Uint8Array, sizes: readonly number[] = [bytes.length || 1]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    let piece = bytes.subarray(at, at + sizes[i % sizes.length]);
    at += piece.length;
    while (piece.length > 0) {
      const space = reader.space();
      const part = piece.subarray(0, space.length);
      space.set(part);
      reader.commit(part.length);
      piece = piece.subarray(part.length);
      for (let message; (message = reader.next()) !== undefined;) messages.push(message);
    }
  }
  return messages;
}

/** Writes what a writer has, some bytes at a time, until so many are gone. */
function drain(writer: FrameWriter, step: number, limit = Infinity): Uint8Array {
  const written: number[] = [];
  while (!writer.isEmpty && written.length < limit) {
    const pending = [...writer.gathered, ...(writer.large ?? [])];
    const count = Math.min(step, pending.length, limit - written.length);
    for (const byte of pending.slice(0, count)) written.push(byte);
    writer.advance(count);
  }
  return Uint8Array.from(written);
}

for (const [name, format, protocol, body, bytes] of RECORDED) {
  const carrier = format === IPC_FRAMES ? "ipc" : "tcp";
  const recorded = fromHex(bytes);

  test(`what ${name} sends over ${carrier} is understood`, () => {
    assert.equal(decodeGreeting(recorded), protocol);
    const messages = readAll(new FrameReader(format, 100), recorded.subarray(GREETING_BYTES));
    assert.deepEqual(messages, [fromHex(body)]);
  });

  test(`we send over ${carrier} what ${name} sends, byte by byte`, () => {
    assert.deepEqual(encodeGreeting(protocol), recorded.slice(0, GREETING_BYTES));
    const writer = new FrameWriter(format);
    const message = fromHex(body);
    assert(writer.put(message.subarray(0, 4), message.subarray(4)));
    assert.deepEqual(drain(writer, 1000), recorded.slice(GREETING_BYTES));
  });
}

test("a greeting that isn't one is refused, and the error shows it", () => {
  const greeting = new TextEncoder().encode("GET / HT");
  assert.throws(() => decodeGreeting(greeting), (error) => {
    assert(error instanceof ProtocolError);
    assert.match(error.message, /47 45 54 20 2f 20 48 54/);
    return true;
  });
});

test("a greeting of another version is refused, its reserved bytes are ignored", () => {
  assert.throws(() => decodeGreeting(Uint8Array.of(0, 0x53, 0x50, 1, 0, 80, 0, 0)), /version 1/);
  assert.equal(decodeGreeting(Uint8Array.of(0, 0x53, 0x50, 0, 1, 2, 0xff, 0xff)), 0x102);
});

for (const [name, format] of FORMATS) {
  test(`${name}: a length up to 2^53 - 1 is read as it was written`, () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.nat(20), (length, at) => {
      const bytes = new Uint8Array(40).fill(0xaa);
      assert.equal(writeFrameHeader(format, bytes, at, length), at + format.headerBytes);
      assert.equal(readFrameLength(format, bytes, at), length);
    }));
  });

  test(`${name}: messages come out as they went in, however they are cut`, () => {
    const sizes = fc.oneof(fc.nat(100), fc.nat(5000), fc.constantFrom(4087, 4096, 16383, 16384, 65536, 70000));
    const frames = fc.array(fc.record({ header: fc.nat(70), body: sizes }), { minLength: 1, maxLength: 30 });
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(frames, cuts, (frames, cuts) => {
        const writer = new FrameWriter(format);
        const sent: Uint8Array[] = [];
        const stream: number[] = [];
        for (const [i, { header, body }] of frames.entries()) {
          const message = new Uint8Array(header + body).fill(i + 1);
          sent.push(message);
          while (!writer.put(message.subarray(0, header), message.subarray(header))) {
            for (const byte of drain(writer, 50_000)) stream.push(byte);
          }
        }
        for (const byte of drain(writer, 50_000)) stream.push(byte);

        const reader = new FrameReader(format, 0);
        assert.deepEqual(readAll(reader, Uint8Array.from(stream), cuts), sent);
        assert(!reader.hasBytes);
      }),
      { numRuns: 30 },
    );
  });

  test(`${name}: two connections that read in turn do not get each other's bytes`, () => {
    const writer = new FrameWriter(format);
    for (let i = 0; i < 40; i++) writer.put(NO_HEADER, new Uint8Array(i * 7).fill(i));
    const stream = drain(writer, 50_000);
    const readers = [new FrameReader(format, 0), new FrameReader(format, 0)];
    const received: Uint8Array[][] = [[], []];

    for (let at = 0; at < stream.length; at += 13) {
      for (const i of [0, 1]) received[i].push(...readAll(readers[i], stream.subarray(at, at + 13)));
    }

    for (const messages of received) {
      assert.deepEqual(messages.map((message) => message.length), Array.from({ length: 40 }, (_, i) => i * 7));
      for (const [i, message] of messages.entries()) assert(message.every((byte) => byte === i));
    }
  });

  test(`${name}: any bytes are messages or an error, and the reader takes no more memory than they have`, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (bytes, cut) => {
      try {
        const messages = readAll(new FrameReader(format, 1000), bytes, [cut]);
        assert(messages.reduce((sum, message) => sum + message.length, 0) <= bytes.length);
      } catch (error) {
        assert(error instanceof ProtocolError || error instanceof MessageTooLargeError);
      }
    }));
  });

  test(`${name}: a length above the limit is refused before anything is allocated`, () => {
    const bytes = new Uint8Array(9);
    for (const length of [101, 2 ** 32, 2 ** 53 - 1]) {
      writeFrameHeader(format, bytes, 0, length);
      assert.throws(() => readAll(new FrameReader(format, 100), bytes), MessageTooLargeError);
    }
    writeFrameHeader(format, bytes, 0, 100);
    assert.deepEqual(readAll(new FrameReader(format, 100), bytes), []);
  });

  test(`${name}: a length of 2^63 is refused also without a limit`, () => {
    const bytes = new Uint8Array(format.headerBytes);
    writeFrameHeader(format, bytes, 0, 0);
    bytes[format.headerBytes - 8] = 0x80;
    assert.throws(() => readAll(new FrameReader(format, 0), bytes), MessageTooLargeError);
  });

  test(`${name}: without a limit a length of 2^52 allocates a megabyte at most`, () => {
    const bytes = new Uint8Array(format.headerBytes);
    writeFrameHeader(format, bytes, 0, 2 ** 52);
    const reader = new FrameReader(format, 0);
    assert.deepEqual(readAll(reader, bytes), []);
    assert.equal(reader.space().length, 1024 * 1024);
  });

  test(`${name}: of messages that are partly written only the others are given back`, () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 100, 3000, 20_000), { minLength: 1, maxLength: 10 });
    fc.assert(fc.property(sizes, fc.nat(40_000), (sizes, limit) => {
      const writer = new FrameWriter(format);
      const taken: Uint8Array[] = [];
      for (const [i, size] of sizes.entries()) {
        const message = new Uint8Array(4 + size).fill(i + 1);
        if (writer.put(message.subarray(0, 4), message.subarray(4))) taken.push(message);
      }
      const unsent = writer.unsentBytes;
      const written = drain(writer, 777, limit).length;
      assert.equal(writer.unsentBytes, unsent - written);

      let end = 0;
      const untouched = taken.filter((message) => {
        const start = end;
        end += format.headerBytes + message.length;
        return start >= written;
      });
      assert.deepEqual(writer.reclaim(), untouched);
      assert.equal(writer.unsentBytes, 0);
    }));
  });

  test(`${name}: a header of any length goes in front of its body`, () => {
    const writer = new FrameWriter(format);
    const header = new Uint8Array(100_000).fill(1);
    assert(writer.put(header, Uint8Array.of(2)));
    const [message] = readAll(new FrameReader(format, 0), drain(writer, 100_000));
    assert.equal(message.length, 100_001);
    assert.equal(message[100_000], 2);
  });
}

test("a body from 16 KiB on is not copied", () => {
  const writer = new FrameWriter(TCP_FRAMES);
  const body = new Uint8Array(16 * 1024);
  assert(writer.put(NO_HEADER, body));
  assert.equal(writer.large, body);
  assert(!writer.put(NO_HEADER, NO_HEADER), "nothing goes behind it until it is written");
});

test("ipc: a frame that does not begin with 01 is refused", () => {
  const bytes = new Uint8Array(9);
  writeFrameHeader(IPC_FRAMES, bytes, 0, 0);
  bytes[0] = 2;
  assert.throws(() => readAll(new FrameReader(IPC_FRAMES, 0), bytes), ProtocolError);
});
