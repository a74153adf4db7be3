/** That packet sockets leave nothing behind: no descriptor, no memory, no file. */

import type { PacketSocket } from "@sockeye/sockeye/qos";
import { RawIpSocket, UdpSocket, UnixDatagramSocket } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { test } from "../../support/harness.ts";
import { bytes, dualStack6, folder, forEachKind, type Kind, kinds, SOON, udp4, unixAutobound } from "./kinds.ts";

const collectGarbage = garbageCollector();

function garbageCollector(): () => void {
  const { Bun: bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (bun !== undefined) return () => bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

const openDescriptors = () => readdirSync("/proc/self/fd").length;

/** How often a socket is opened, used and closed. */
const LIVES = 10_000;

/** The growth of the heap over the second half of the cycles, when all that is allocated once is there. */
async function heapGrowth(cycles: number, cycle: () => Promise<void>): Promise<number> {
  for (let count = 0; count < cycles / 2; count++) await cycle();
  const before = await settledHeap();
  for (let count = 0; count < cycles / 2; count++) await cycle();
  return await settledHeap() - before;
}

/** The heap when all garbage is collected, finalizers and what they free included. */
async function settledHeap(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}

/** One life of a socket, with all that it can do: options, labels, errors, waits that are given up. */
async function live(kind: Kind, sender: PacketSocket): Promise<void> {
  const socket = kind.open({ info: true });
  const to = kind.text(socket);
  const isIp = kind.family !== "unix";
  await sender.send(bytes("x"), to, isIp ? { ttl: 3, dontFragment: true } : {});
  await socket.receive(SOON);
  await socket.send(bytes("label"), to, { label: "one" });
  const received = await socket.receive({ errors: true });
  assert.equal(received.kind, "datagram");
  const errors = socket.errors().next();
  const waits = [socket.receive(), socket.receive({ errors: true })];
  socket.close();
  for (const wait of waits) await wait.catch(() => {});
  await errors;
}

const lived = kinds.filter((kind) => kind !== dualStack6 && kind !== unixAutobound);

forEachKind(lived, "lives from open to close leave no descriptor and no memory behind", async (kind) => {
  const sender = kind.open();
  // Raw sockets on one address hear each other; what is not received must not pile up.
  const drained = async () => {
    await live(kind, sender);
    while (kind.hearsItself && sender.tryReceiveBatch() !== undefined);
  };
  await drained();
  const before = openDescriptors();

  const growth = await heapGrowth(LIVES, drained);

  // The runtime opens some of its own at its leisure; a leak would be thousands.
  assert(openDescriptors() <= before + 8, `${openDescriptors()} descriptors, ${before} before`);
  assert(growth < LIVES * 100, `${growth} bytes for ${LIVES / 2} lives`);
  await sender[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(folder), []);
}, { timeoutMs: 240_000 });

test("attempts that fail leave no descriptor behind", () => {
  const before = openDescriptors();

  for (let count = 0; count < 50; count++) {
    assert.throws(() => UdpSocket.bind("198.51.100.77:0"));
    assert.throws(() => UdpSocket.bind("127.0.0.1:0", { batch: 0 }));
    assert.throws(() => UdpSocket.bind("127.0.0.1:0", { multicast: { interface: "no-such-if" } }));
    assert.throws(() => UdpSocket.connect("127.0.0.1:9", { bind: "198.51.100.77:0" }));
    assert.throws(() => UnixDatagramSocket.bind(folder));
    assert.throws(() => UnixDatagramSocket.bind(`@${count}`, { sendQueue: 0 }));
    assert.throws(() => UnixDatagramSocket.connect(`@nobody-${count}`));
    assert.throws(() => RawIpSocket.open({ protocol: 253, bind: "198.51.100.77" }));
  }

  assert.equal(openDescriptors(), before);
});

forEachKind(kinds, "a socket that is collected while it is open closes its descriptor", async (kind) => {
  const before = openDescriptors();
  (() => {
    for (let count = 0; count < 20; count++) {
      const socket = kind.open();
      socket.trySend(bytes("x"), kind.text(socket), { label: count });
    }
  })();
  assert(openDescriptors() >= before + 20);

  for (let turns = 0; openDescriptors() > before; turns++) {
    assert(turns < 1_000, `${openDescriptors() - before} descriptors are open`);
    await new Promise<void>((resolve) => setImmediate(resolve));
    collectGarbage();
  }
});

test("packets of ever new options and destinations take no memory that stays", async () => {
  const socket = udp4.open();
  let number = 0;
  const cycle = async () => {
    const to = `127.0.${number >> 8 & 255}.${number & 255}:${1024 + number % 60_000}`;
    await socket.send(bytes("x"), to, { ttl: 1 + number % 255, tos: number % 251, dontFragment: number % 2 === 0 })
      .catch(() => {});
    number++;
  };

  const growth = await heapGrowth(60_000, cycle);

  assert(growth < 2_000_000, `${growth} bytes`);
  await socket[Symbol.asyncDispose]();
});
