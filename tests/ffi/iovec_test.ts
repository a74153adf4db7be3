import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import { AF_UNIX, SOCK_STREAM } from "../../ffi/constants.ts";
import { IoVector } from "../../ffi/iovec.ts";
import { test } from "../support/harness.ts";
import { collectGarbage, weakly } from "./garbage.ts";

const FAKE_BASE = 0x7f12_9876_5440;

/** A vector whose array of iovecs can be looked at, over pieces with addresses of our choosing. */
function observed(capacity: number) {
  const buffers: ArrayBuffer[] = [];
  const vector = new IoVector(capacity, (buffer) => {
    buffers.push(buffer);
    return FAKE_BASE;
  });
  const view = new DataView(buffers[0]);
  const pieces = () => {
    const first = vector.address - FAKE_BASE;
    return Array.from({ length: vector.count }, (_, index) => ({
      address: Number(view.getBigUint64(first + index * 16, true)),
      length: Number(view.getBigUint64(first + index * 16 + 8, true)),
    }));
  };
  return { vector, pieces };
}

test("each piece is written as its address and length", () => {
  const { vector, pieces } = observed(3);
  vector.push(new Uint8Array(5), 0x7fff_ffff_ffff);
  vector.push(new Uint8Array(0), 0x8000_0000);
  vector.push(new Uint8Array(new ArrayBuffer(100), 10, 20));

  assert.deepEqual(pieces(), [
    { address: 0x7fff_ffff_ffff, length: 5 },
    { address: 0x8000_0000, length: 0 },
    { address: FAKE_BASE + 10, length: 20 },
  ]);
  assert.equal(vector.byteLength, 25);
  assert(vector.isFull);
});

test("after advancing, exactly the bytes that were not taken are left", () => {
  const lengths = fc.array(fc.nat(20), { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(lengths, fc.array(fc.nat(30)), (sizes, steps) => {
    const { vector, pieces } = observed(sizes.length);
    const left: number[] = [];
    sizes.forEach((size, index) => {
      const address = 0xffff_fff0 + index * 0x1_0000_0000;
      vector.push(new Uint8Array(size), address);
      for (let byte = 0; byte < size; byte++) left.push(address + byte);
    });

    for (const step of steps) {
      const taken = Math.min(step, left.length);
      vector.advance(taken);
      left.splice(0, taken);

      const described = pieces().flatMap(({ address, length }) => Array.from({ length }, (_, byte) => address + byte));
      assert.deepEqual(described, left);
      assert.equal(vector.byteLength, left.length);
    }
  }));
});

test("advancing beyond the end is refused and changes nothing", () => {
  const { vector, pieces } = observed(2);
  vector.push(new Uint8Array(5), 1000);
  for (const wrong of [6, -1, 0.5, NaN]) assert.throws(() => vector.advance(wrong), ArgumentError);

  assert.deepEqual(pieces(), [{ address: 1000, length: 5 }]);
});

test("a full vector refuses another piece until it is reset", () => {
  const { vector, pieces } = observed(1);
  vector.push(new Uint8Array(5), 1000);
  assert.throws(() => vector.push(new Uint8Array(1), 2000), ArgumentError);
  vector.advance(5);
  assert.equal(vector.count, 0);
  assert(vector.isFull);

  vector.reset();
  assert.equal(vector.address, FAKE_BASE);
  vector.push(new Uint8Array(1), 2000);
  assert.deepEqual(pieces(), [{ address: 2000, length: 1 }]);
});

test("a capacity out of range is refused", () => {
  for (const wrong of [0, 1025, 1.5, NaN]) {
    assert.throws(() => new IoVector(wrong, () => FAKE_BASE), ArgumentError);
  }
});

test("a vector keeps its memory alive until it has gone past it, or is reset", async () => {
  const vector = new IoVector(3, () => FAKE_BASE);
  const passed = weakly(1000, (bytes) => vector.push(bytes));
  const left = weakly(1000, (bytes) => vector.push(bytes));
  vector.advance(1500);
  const other = new IoVector(1, () => FAKE_BASE);
  const reset = weakly(1000, (bytes) => other.push(bytes));
  other.reset();

  await collectGarbage();

  assert.deepEqual([passed, left, reset].map((each) => each.deref() !== undefined), [false, true, false]);
  assert.equal(vector.byteLength, 500);
  assert.equal(other.count, 0);
});

test("the kernel writes from and reads into scattered memory", () => {
  const libc = Deno.dlopen("libc.so.6", {
    socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
    readv: { parameters: ["i32", "u64", "i32"], result: "isize" },
    writev: { parameters: ["i32", "u64", "i32"], result: "isize" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const fds = new Int32Array(2);
  try {
    assert.equal(libc.symbols.socketpair(AF_UNIX, SOCK_STREAM, 0, new Uint8Array(fds.buffer)), 0);
    const addressOf = (buffer: ArrayBuffer) => Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
    const outgoing = new IoVector(3, addressOf);
    for (const word of ["scat", "", "tered"]) outgoing.push(new TextEncoder().encode(word));
    const targets = [new Uint8Array(3), new Uint8Array(new ArrayBuffer(20), 10, 6)];
    const incoming = new IoVector(2, addressOf);
    for (const target of targets) incoming.push(target);

    assert.equal(Number(libc.symbols.writev(fds[0], BigInt(outgoing.address), outgoing.count)), 9);
    assert.equal(Number(libc.symbols.readv(fds[1], BigInt(incoming.address), incoming.count)), 9);

    assert.deepEqual(targets.map((target) => new TextDecoder().decode(target)), ["sca", "ttered"]);
  } finally {
    for (const fd of fds) libc.symbols.close(fd);
    libc.close();
  }
});
