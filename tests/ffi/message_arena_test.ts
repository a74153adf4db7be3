import assert from "node:assert/strict";
import process from "node:process";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import { ControlEncoder, controlMessages } from "../../ffi/cmsg.ts";
import {
  AF_INET,
  AF_UNIX,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_TRUNC,
  SCM_CREDENTIALS,
  SO_PASSCRED,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import { IOVEC_SIZE, IoVector } from "../../ffi/iovec.ts";
import { MessageArena } from "../../ffi/message_arena.ts";
import { MMSGHDR_SIZE, MSGHDR } from "../../ffi/msghdr.ts";
import { decodeSockaddr, encodeSockaddr, encodeSockaddrInto } from "../../ffi/sockaddr.ts";
import { decodeUcred, encodeUcred } from "../../ffi/ucred.ts";
import { test } from "../support/harness.ts";
import { collectGarbage, weakly } from "./garbage.ts";

/** An address above 2^32 whose low half has the top bit set, so that both halves and their signs matter. */
const FAKE_BASE = 0x7f12_9876_5440;
const EXTERNAL_BASE = 0x5555_8000_0000;
/** No arena has this size: theirs are multiples of 64. */
const EXTERNAL_BYTES = 4095;

/** Fields of a slot, read the way the kernel does. */
function readSlot(arena: MessageArena, slot: number) {
  const view = new DataView(arena.buffer);
  const header = slot * MMSGHDR_SIZE;
  const wide = (offset: number) => Number(view.getBigUint64(offset, true));
  const iov = wide(header + MSGHDR.msg_iov);
  const iovecOffset = iov - FAKE_BASE;
  const isInside = iovecOffset >= 0 && iovecOffset < arena.buffer.byteLength;
  return {
    name: wide(header + MSGHDR.msg_name),
    nameLength: view.getUint32(header + MSGHDR.msg_namelen, true),
    iov,
    iovLength: wide(header + MSGHDR.msg_iovlen),
    control: wide(header + MSGHDR.msg_control),
    controlLength: wide(header + MSGHDR.msg_controllen),
    flags: view.getUint32(header + MSGHDR.msg_flags, true),
    base: isInside ? wide(iovecOffset) : undefined,
    length: isInside ? wide(iovecOffset + 8) : undefined,
  };
}

function fakeArena(slots = 3, payloadBytes = 100, nameBytes?: number, controlBytes?: number): MessageArena {
  const addressOf = (buffer: ArrayBuffer) => buffer.byteLength === EXTERNAL_BYTES ? EXTERNAL_BASE : FAKE_BASE;
  return new MessageArena(
    {
      slots,
      payloadBytes,
      ...(nameBytes !== undefined && { nameBytes }),
      ...(controlBytes !== undefined && { controlBytes }),
    },
    addressOf,
  );
}

const kernel = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  sendmmsg: { parameters: ["i32", "u64", "u32", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "u64", "u32", "i32", "u64"], result: "i32" },
  recvmsg: { parameters: ["i32", "u64", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

type Kernel = Deno.DynamicLibrary<typeof kernel>["symbols"];

/** Lends out libc and sockets that are closed afterwards. */
function withKernel(use: (calls: Kernel, open: (fd: number) => number) => void): void {
  const libc = Deno.dlopen("libc.so.6", kernel);
  const open: number[] = [];
  try {
    use(libc.symbols, (fd) => {
      assert(fd >= 0);
      open.push(fd);
      return fd;
    });
  } finally {
    for (const fd of open) libc.symbols.close(fd);
    libc.close();
  }
}

function pairOf(calls: Kernel, open: (fd: number) => number): [number, number] {
  const fds = new Int32Array(2);
  assert.equal(calls.socketpair(AF_UNIX, SOCK_DGRAM, 0, new Uint8Array(fds.buffer)), 0);
  return [open(fds[0]), open(fds[1])];
}

function addressOf(buffer: ArrayBuffer): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

test("every pointer of a new arena points at the slot's own regions, which do not overlap", () => {
  const arena = fakeArena(3, 100, 128, 250);
  const regions: [number, number][] = [[0, 3 * MMSGHDR_SIZE]];
  for (let slot = 0; slot < 3; slot++) {
    const header = readSlot(arena, slot);
    assert.equal(arena.headerAddress(slot), FAKE_BASE + slot * MMSGHDR_SIZE);
    assert.equal(header.name, FAKE_BASE + arena.nameOffset(slot));
    assert.equal(header.control, FAKE_BASE + arena.controlRegion(slot).byteOffset);
    assert.equal(header.control % 8, 0);
    assert.equal(header.base, FAKE_BASE + arena.payloadRegion(slot).byteOffset);
    assert.equal(header.iovLength, 1);
    assert.equal(header.length, 100);
    regions.push(
      [header.iov - FAKE_BASE, IOVEC_SIZE],
      [arena.nameOffset(slot), 128],
      [arena.controlRegion(slot).byteOffset, 256],
      [arena.payloadRegion(slot).byteOffset, 100],
    );
  }

  regions.sort(([a], [b]) => a - b);
  regions.forEach(([start, length], index) => {
    assert(start + length <= (regions[index + 1]?.[0] ?? arena.buffer.byteLength));
  });
});

test("an arena without names and control messages has null pointers there", () => {
  const arena = fakeArena(1, 10, 0, 0);
  arena.prepareReceive();

  const { name, nameLength, control, controlLength } = readSlot(arena, 0);
  assert.deepEqual({ name, nameLength, control, controlLength }, {
    name: 0,
    nameLength: 0,
    control: 0,
    controlLength: 0,
  });
});

test("preparing to receive restores capacities and clears what the kernel wrote, in the given slots only", () => {
  const arena = fakeArena(3);
  new Uint32Array(arena.buffer, 0, 3 * MMSGHDR_SIZE / 4).forEach((_, index, words) => {
    const field = index * 4 % MMSGHDR_SIZE;
    if ([MSGHDR.msg_namelen, MSGHDR.msg_controllen, MSGHDR.msg_flags, 56].includes(field)) words[index] = 7;
  });

  arena.prepareReceive(1, 1);

  for (const slot of [0, 2]) {
    assert.equal(arena.messageFlags(slot), 7);
    assert.equal(arena.messageLength(slot), 7);
    assert.equal(arena.nameLength(slot), 7);
    assert.equal(arena.control(slot).length, 7);
  }
  assert.equal(arena.messageFlags(1), 0);
  assert.equal(arena.messageLength(1), 0);
  assert.equal(arena.nameLength(1), 128);
  assert.equal(arena.control(1).length, 256);
  arena.prepareReceive(0);
  assert.equal(arena.messageFlags(0), 7);
});

test("lengths that exceed the regions are cut", () => {
  const arena = fakeArena(2, 100, 28, 64);
  new DataView(arena.buffer).setUint32(MSGHDR.msg_namelen, 110, true);
  new DataView(arena.buffer).setUint32(MSGHDR.msg_controllen, 0xffffffff, true);
  arena.setMessageLength(0, 5000);

  assert.equal(arena.nameLength(0), 28);
  assert.equal(arena.name(0).length, 28);
  assert.equal(arena.control(0).length, 64);
  assert.equal(arena.payload(0).length, 100);
  assert.equal(arena.messageLength(0), 5000);
});

test("a slot can point at the caller's memory, and back", () => {
  const arena = fakeArena();
  const external = new Uint8Array(new ArrayBuffer(EXTERNAL_BYTES), 128, 1000);

  arena.pointPayload(1, external);
  assert.equal(readSlot(arena, 1).base, EXTERNAL_BASE + 128);
  assert.equal(readSlot(arena, 1).length, 1000);
  arena.prepareReceive();
  arena.setMessageLength(1, 3);
  assert.equal(arena.payload(1).buffer, external.buffer);
  assert.equal(arena.payload(1).byteOffset, 128);

  arena.pointPayload(1, external, 0x1_0000_0001);
  assert.equal(readSlot(arena, 1).base, 0x1_0000_0001);

  arena.setPayload(1, bytes("own"));
  assert.equal(readSlot(arena, 1).base, FAKE_BASE + arena.payloadRegion(1).byteOffset);
  assert.equal(readSlot(arena, 1).length, 3);
  assert.equal(text(arena.payload(1)), "own");

  arena.pointPayload(1, external);
  arena.releasePayload(1);
  assert.equal(readSlot(arena, 1).base, FAKE_BASE + arena.payloadRegion(1).byteOffset);
  assert.equal(readSlot(arena, 1).length, 100);
});

test("an empty payload elsewhere needs no address", () => {
  const arena = new MessageArena({ slots: 1, payloadBytes: 8 }, (buffer) => {
    assert(buffer.byteLength > 0);
    return FAKE_BASE;
  });

  arena.pointPayload(0, new Uint8Array(0));

  assert.equal(readSlot(arena, 0).base, 0);
  assert.equal(readSlot(arena, 0).length, 0);
});

test("a slot can point at a vector, and back to one piece", () => {
  const arena = fakeArena();
  const vector = new IoVector(4, () => EXTERNAL_BASE);
  vector.push(new Uint8Array(3));
  vector.push(new Uint8Array(4));

  arena.pointPayloadVector(0, vector);
  assert.equal(readSlot(arena, 0).iov, EXTERNAL_BASE);
  assert.equal(readSlot(arena, 0).iovLength, 2);
  assert.throws(() => arena.payload(0), ArgumentError);

  arena.pointPayload(0, new Uint8Array(new ArrayBuffer(EXTERNAL_BYTES)));
  assert.equal(readSlot(arena, 0).iovLength, 1);
  assert.equal(readSlot(arena, 0).base, EXTERNAL_BASE);
  assert.equal(readSlot(arena, 0).length, EXTERNAL_BYTES);
});

test("name and control are set and cleared", () => {
  const arena = fakeArena();
  const name = encodeSockaddr({ family: "inet", address: "192.0.2.1", port: 9 });

  arena.prepareSend(2, bytes("x"), name, Uint8Array.of(1, 2, 3));
  assert.deepEqual(arena.name(2), name);
  assert.deepEqual(arena.control(2), Uint8Array.of(1, 2, 3));
  assert.equal(readSlot(arena, 2).nameLength, 16);

  arena.prepareSend(2, bytes("y"));
  assert.equal(readSlot(arena, 2).nameLength, 0);
  assert.equal(readSlot(arena, 2).controlLength, 0);
});

test("what does not fit a slot is refused", () => {
  const arena = fakeArena(1, 10, 16, 24);
  assert.throws(() => arena.setPayload(0, new Uint8Array(11)), /has 11 bytes, a slot takes 10: use pointPayload/);
  assert.throws(() => arena.setName(0, new Uint8Array(17)), /has 17 bytes, a slot takes 16/);
  assert.throws(() => arena.setControl(0, new Uint8Array(25)), /has 25 bytes, a slot takes 24/);
  for (const wrong of [-1, 0.5, NaN, 1000]) {
    assert.throws(() => arena.setPayloadLength(0, wrong), ArgumentError);
    assert.throws(() => arena.setNameLength(0, wrong), ArgumentError);
    assert.throws(() => arena.setControlLength(0, wrong), ArgumentError);
  }
});

test("a slot that is not there is refused by every method, and nothing is written", () => {
  const arena = fakeArena(2);
  const before = arena.bytes.slice();
  for (const slot of [-1, 2, 0.5, NaN, 2 ** 32, Infinity]) {
    const attempts: (() => unknown)[] = [
      () => arena.headerAddress(slot),
      () => arena.prepareReceive(1, slot),
      () => arena.messageLength(slot),
      () => arena.setMessageLength(slot, 1),
      () => arena.messageFlags(slot),
      () => arena.nameLength(slot),
      () => arena.nameOffset(slot),
      () => arena.name(slot),
      () => arena.control(slot),
      () => arena.controlRegion(slot),
      () => arena.payload(slot),
      () => arena.payloadRegion(slot),
      () => arena.prepareSend(slot, bytes("x")),
      () => arena.setPayload(slot, bytes("x")),
      () => arena.setPayloadLength(slot, 1),
      () => arena.pointPayload(slot, new Uint8Array(1)),
      () => arena.pointPayloadVector(slot, new IoVector(1, () => EXTERNAL_BASE)),
      () => arena.releasePayload(slot),
      () => arena.setName(slot, undefined),
      () => arena.setNameLength(slot, 0),
      () => arena.setControl(slot, undefined),
      () => arena.setControlLength(slot, 0),
    ];
    for (const attempt of attempts) {
      assert.throws(attempt, (error) => error instanceof ArgumentError && error.argument === "slot", String(attempt));
    }
  }
  assert.throws(() => arena.prepareReceive(3), ArgumentError);
  assert.throws(() => arena.prepareReceive(-1, 1), ArgumentError);
  assert.deepEqual(arena.bytes, before);
});

test("options out of range are refused by name", () => {
  const good = { slots: 1, payloadBytes: 1 };
  for (const [option, values] of [["slots", [0, 1025, 1.5, NaN]], ["payloadBytes", [-1, 2 ** 31, NaN]]] as const) {
    for (const value of values) {
      assert.throws(
        () => new MessageArena({ ...good, [option]: value }, () => FAKE_BASE),
        (error) => error instanceof ArgumentError && error.argument === `options.${option}`,
      );
    }
  }
  assert.throws(() => new MessageArena({ ...good, nameBytes: -1 }, () => FAKE_BASE), ArgumentError);
  assert.throws(() => new MessageArena({ ...good, controlBytes: 0.5 }, () => FAKE_BASE), ArgumentError);
});

test("the regions of any arena lie apart, inside its buffer", () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(300), fc.nat(140), fc.nat(300));
  fc.assert(fc.property(sizes, ([slots, payloadBytes, nameBytes, controlBytes]) => {
    const arena = fakeArena(slots, payloadBytes, nameBytes, controlBytes);
    const touched = new Uint8Array(arena.buffer.byteLength);
    const touch = (start: number, length: number) => {
      assert(start + length <= touched.length);
      for (let index = start; index < start + length; index++) assert.equal(touched[index]++, 0);
    };
    touch(0, slots * MMSGHDR_SIZE);
    for (let slot = 0; slot < slots; slot++) {
      touch(readSlot(arena, slot).iov - FAKE_BASE, IOVEC_SIZE);
      touch(arena.nameOffset(slot), nameBytes);
      touch(arena.controlRegion(slot).byteOffset, arena.controlBytes);
      touch(arena.payloadRegion(slot).byteOffset, payloadBytes);
    }
  }));
});

test("an arena keeps the memory that it points at alive, and only as long as it does", async () => {
  const arena = fakeArena(4);
  const vector = new IoVector(1, () => EXTERNAL_BASE);
  const kept = weakly(1000, (bytes) => arena.pointPayload(0, bytes));
  const keptByVector = weakly(1000, (bytes) => vector.push(bytes));
  arena.pointPayloadVector(1, vector);
  const replaced = weakly(1000, (bytes) => arena.pointPayload(2, bytes));
  const released = weakly(1000, (bytes) => arena.pointPayload(3, bytes));
  arena.setPayload(2, bytes("own"));
  arena.releasePayload(3);

  await collectGarbage();

  const alive = [kept, keptByVector, replaced, released].map((each) => each.deref() !== undefined);
  assert.deepEqual(alive, [true, true, false, false]);
  assert.equal(arena.slots, 4);
});

test("the kernel sends a batch from one arena and receives it into another", () => {
  withKernel((calls, open) => {
    const [a, b] = pairOf(calls, open);
    const outgoing = new MessageArena({ slots: 4, payloadBytes: 64 }, addressOf);
    const incoming = new MessageArena({ slots: 4, payloadBytes: 16 }, addressOf);
    const elsewhere = bytes("from elsewhere");
    const vector = new IoVector(2, addressOf);
    vector.push(bytes("two "));
    vector.push(bytes("pieces"));
    outgoing.prepareSend(0, bytes("copied"));
    outgoing.setName(1, undefined);
    outgoing.pointPayload(1, elsewhere);
    outgoing.pointPayloadVector(2, vector);
    outgoing.prepareSend(3, bytes("longer than sixteen bytes"));
    for (const slot of [1, 2]) outgoing.setControl(slot, undefined);

    assert.equal(calls.sendmmsg(a, BigInt(outgoing.headerAddress()), 4, 0), 4);
    assert.deepEqual([0, 1, 2, 3].map((slot) => outgoing.messageLength(slot)), [6, 14, 10, 25]);

    incoming.prepareReceive();
    assert.equal(calls.recvmmsg(b, BigInt(incoming.headerAddress()), 4, MSG_DONTWAIT, 0n), 4);
    const received = [0, 1, 2, 3].map((slot) => text(incoming.payload(slot)));
    assert.deepEqual(received, ["copied", "from elsewhere", "two pieces", "longer than sixt"]);
    assert.deepEqual([0, 1, 2, 3].map((slot) => incoming.messageFlags(slot) & MSG_TRUNC), [0, 0, 0, MSG_TRUNC]);
    assert.equal(incoming.nameLength(0), 0);
  });
});

test("the kernel receives into the caller's memory, by recvmsg too", () => {
  withKernel((calls, open) => {
    const [a, b] = pairOf(calls, open);
    const arena = new MessageArena({ slots: 2, payloadBytes: 64 }, addressOf);
    const target = new Uint8Array(32);
    arena.prepareSend(0, bytes("hello"));
    assert.equal(calls.sendmmsg(a, BigInt(arena.headerAddress()), 1, 0), 1);

    arena.pointPayload(1, target);
    arena.prepareReceive(1, 1);
    arena.setMessageLength(1, calls.recvmsg(b, BigInt(arena.headerAddress(1)), MSG_DONTWAIT));

    assert.equal(text(arena.payload(1)), "hello");
    assert.equal(text(target.subarray(0, 5)), "hello");
  });
});

test("the kernel takes and gives addresses", () => {
  withKernel((calls, open) => {
    const loopback = encodeSockaddr({ family: "inet", address: "127.0.0.1", port: 0 });
    const [from, to] = [0, 0].map(() => open(calls.socket(AF_INET, SOCK_DGRAM, 0)));
    const addresses = [from, to].map((fd) => {
      assert.equal(calls.bind(fd, loopback, loopback.length), 0);
      const storage = new Uint8Array(128);
      const length = new Uint8Array(Uint32Array.of(128).buffer);
      assert.equal(calls.getsockname(fd, storage, length), 0);
      return decodeSockaddr(storage, 0, length[0])!;
    });
    const arena = new MessageArena({ slots: 1, payloadBytes: 64 }, addressOf);

    arena.setPayload(0, bytes("ping"));
    arena.setNameLength(0, encodeSockaddrInto(addresses[1], arena.bytes, arena.nameOffset(0)));
    arena.setControlLength(0, 0);
    assert.equal(calls.sendmmsg(from, BigInt(arena.headerAddress()), 1, 0), 1);
    arena.releasePayload(0);
    arena.prepareReceive();
    assert.equal(calls.recvmmsg(to, BigInt(arena.headerAddress()), 1, 0, 0n), 1);

    assert.equal(text(arena.payload(0)), "ping");
    assert.deepEqual(decodeSockaddr(arena.bytes, arena.nameOffset(0), arena.nameLength(0)), addresses[0]);
  });
});

test("the kernel takes and gives control messages, and says when they were cut off", () => {
  withKernel((calls, open) => {
    const [a, b] = pairOf(calls, open);
    const one = new Uint8Array(Int32Array.of(1).buffer);
    assert.equal(calls.setsockopt(b, SOL_SOCKET, SO_PASSCRED, one, 4), 0);
    const credentials = { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() };
    const arena = new MessageArena({ slots: 2, payloadBytes: 8 }, addressOf);
    for (const slot of [0, 1]) {
      const encoder = new ControlEncoder(arena.controlRegion(slot));
      encoder.push(SOL_SOCKET, SCM_CREDENTIALS, encodeUcred(credentials));
      arena.setPayload(slot, bytes("hi"));
      arena.setName(slot, undefined);
      arena.setControlLength(slot, encoder.length);
    }
    assert.equal(calls.sendmmsg(a, BigInt(arena.headerAddress()), 2, 0), 2);

    const tight = new MessageArena({ slots: 1, payloadBytes: 8, controlBytes: 24 }, addressOf);
    arena.prepareReceive();
    tight.prepareReceive();
    assert.equal(calls.recvmmsg(b, BigInt(arena.headerAddress()), 1, MSG_DONTWAIT, 0n), 1);
    assert.equal(calls.recvmmsg(b, BigInt(tight.headerAddress()), 1, MSG_DONTWAIT, 0n), 1);

    const [whole, ...others] = controlMessages(arena.control(0));
    assert.deepEqual([whole.level, whole.type, others.length], [SOL_SOCKET, SCM_CREDENTIALS, 0]);
    assert.deepEqual(decodeUcred(whole.data), credentials);
    assert.equal(tight.messageFlags(0) & MSG_CTRUNC, MSG_CTRUNC);
    assert.deepEqual([...controlMessages(tight.control(0))].map(({ data }) => decodeUcred(data)), [undefined]);
  });
});
