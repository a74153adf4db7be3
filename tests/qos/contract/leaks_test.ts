/** That packet sockets leave nothing behind: no descriptor, no memory, no file. */

import type { PacketSocket } from "@sockeye/sockeye/qos";
import { RawIpSocket, UdpSocket, UnixDatagramSocket } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { collectGarbage, heapGrowth, openSockets } from "../../support/leaks.ts";
import { test } from "../../support/harness.ts";
import { bytes, dualStack6, folder, forEachKind, type Kind, kinds, SOON, udp4, unixAutobound } from "./kinds.ts";

/** How often a socket is opened, used and closed. */
const LIVES = 10_000;

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
  const before = openSockets();

  const growth = await heapGrowth(LIVES, LIVES * 100, drained);

  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
  assert(growth < LIVES * 100, `${growth} bytes for ${LIVES / 2} lives`);
  await sender[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(folder), []);
}, { timeoutMs: 240_000 });

test("attempts that fail leave no descriptor behind", () => {
  const before = openSockets();

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

  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
});

forEachKind(kinds, "a socket that is collected while it is open closes its descriptor", async (kind) => {
  const before = openSockets();
  (() => {
    for (let count = 0; count < 20; count++) {
      const socket = kind.open();
      socket.trySend(bytes("x"), kind.text(socket), { label: count });
    }
  })();
  assert(openSockets() >= before + 20);

  for (let turns = 0; openSockets() > before; turns++) {
    assert(turns < 1_000, `${openSockets() - before} sockets are open`);
    await new Promise<void>((resolve) => setImmediate(resolve));
    collectGarbage();
  }
});

test("packets of ever new options and destinations take no memory that stays", async () => {
  const socket = udp4.open();
  let number = 0;
  const cycle = async () => {
    // Below the ports that the kernel gives away, ip(7), at which nobody else waits for packets.
    const to = `127.0.${number >> 8 & 255}.${number & 255}:${1024 + number % 30_000}`;
    await socket.send(bytes("x"), to, { ttl: 1 + number % 255, tos: number % 251, dontFragment: number % 2 === 0 })
      .catch(() => {});
    number++;
  };

  const growth = await heapGrowth(60_000, 2_000_000, cycle);

  assert(growth < 2_000_000, `${growth} bytes`);
  await socket[Symbol.asyncDispose]();
});
