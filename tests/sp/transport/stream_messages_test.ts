/** Messages over streams: whole, in order, and with backpressure. */

import { Reactor } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "../../support/harness.ts";
import { CARRIERS, fill, frame, greetedPeer, Host, joined, readToEnd, Witness } from "./stream_support.ts";

for (const carrier of CARRIERS) {
  const { name, transport, skip } = carrier;

  test(`${name}: messages go both ways, in order, and empty ones too`, async () => {
    const { host, sender, receiver } = await joined(carrier);

    for (const text of ["one", "", "three"]) assert(sender.send(text));
    assert(receiver.send("back"));

    assert.equal(await receiver.text(), "one");
    assert.equal(await receiver.text(), "");
    assert.equal(await receiver.text(), "three");
    assert.equal(await sender.text(), "back");
    sender.connection.close();
    assert.equal(await receiver.closed, undefined);
    host.close();
  }, { skip });

  test(`${name}: header and body are one message, and the header may be used again at once`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    const header = Uint8Array.of(1, 2);

    for (let i = 0; i < 3; i++) {
      header[0] = i;
      assert(sender.connection.send(header, Uint8Array.of(9)));
    }

    for (let i = 0; i < 3; i++) assert.deepEqual([...await receiver.messages.next()], [i, 2, 9]);
    sender.connection.close();
    await receiver.closed;
    host.close();
  }, { skip });

  test(`${name}: messages of all sizes arrive as they were sent`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    const sizes = [1, 100, 4095, 4096, 4097, 16_383, 16_384, 65_527, 65_536, 300_000, 1_048_576, 5];

    for (const [i, size] of sizes.entries()) {
      const message = new Uint8Array(size).fill(i + 1);
      while (!sender.send(message)) await sender.writable.next();
    }

    for (const [i, size] of sizes.entries()) {
      const message = await receiver.messages.next();
      assert.equal(message.length, size);
      assert(message.every((byte) => byte === i + 1));
    }
    sender.connection.close();
    assert.equal(await receiver.closed, undefined);
    host.close();
  }, { skip });

  test(`${name}: a hundred thousand messages arrive, each once and in order`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    const count = 100_000;
    let next = 0;
    let isOrdered = true;
    const done = new Promise<void>((resolve) => {
      receiver.onMessage = (bytes) => {
        isOrdered &&= new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === next++;
        if (next === count) resolve();
      };
    });

    for (let i = 0; i < count; i++) {
      const message = new Uint8Array(4 + i % 90);
      new DataView(message.buffer).setUint32(0, i);
      while (!sender.send(message)) await sender.writable.next();
    }

    await done;
    assert(isOrdered);
    sender.connection.close();
    await receiver.closed;
    host.close();
  }, { skip });

  test(`${name}: what was received stays as it is while more comes`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    const kept: Uint8Array[] = [];
    for (let i = 0; i < 5000; i++) {
      while (!sender.send(new Uint8Array(200).fill(i))) await sender.writable.next();
    }
    for (let i = 0; i < 5000; i++) kept.push(await receiver.messages.next());

    for (const [i, message] of kept.entries()) assert(message.every((byte) => byte === (i & 0xff)));
    sender.connection.close();
    await receiver.closed;
    host.close();
  }, { skip });

  test(`${name}: nothing is delivered before the start, nor while paused`, async () => {
    const host = new Host(transport, carrier.url());
    const peer = await greetedPeer(host.url);
    await peer.writev([frame(carrier, 1, Uint8Array.of(1)), frame(carrier, 1, Uint8Array.of(2))]);
    const connection = await host.accepted.next();
    await setImmediate();
    const receiver = new Witness(connection);
    const received: number[] = [];
    receiver.onMessage = ([value]) => {
      received.push(value);
      connection.pause();
    };
    assert.deepEqual(received, []);

    while (received.length === 0) await setImmediate();
    for (let i = 0; i < 10; i++) await setImmediate();
    assert.deepEqual(received, [1]);
    connection.resume();
    assert.deepEqual(received, [1], "in a later step");
    while (received.length === 1) await setImmediate();
    assert.deepEqual(received, [1, 2]);

    peer.close();
    connection.close();
    host.close();
  }, { skip });

  test(`${name}: a send that finds no room takes nothing, and is told when there is some`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    receiver.connection.pause();
    const message = new Uint8Array(1000).fill(7);

    let taken = fill(sender, message);
    await setImmediate();
    taken += fill(sender, message);
    const { unsentBytes } = sender.connection;
    assert(unsentBytes > 0 && unsentBytes <= 128 * 1024, `${unsentBytes} bytes wait`);
    receiver.connection.resume();
    await sender.writable.next();
    assert(sender.send("last"));

    for (let i = 0; i < taken; i++) assert.equal((await receiver.messages.next()).length, 1000);
    assert.equal(await receiver.text(), "last");
    assert.equal(sender.connection.unsentBytes, 0);
    sender.connection.close();
    await receiver.closed;
    host.close();
  }, { skip });

  test(
    `${name}: messages of which the kernel has nothing are given back, and the others arrive whole or not at all`,
    async () => {
      const host = new Host(transport, carrier.url());
      const peer = await greetedPeer(host.url);
      const sender = new Witness(await host.accepted.next());
      const size = 1000;
      let taken = 0;
      for (; sender.send(new Uint8Array(size).fill(taken)); taken++);

      const { unsentBytes } = sender.connection;
      sender.connection.close();
      const reclaimed = sender.connection.reclaim();

      assert(reclaimed.length > 0 && reclaimed.length * size <= unsentBytes);
      for (const [i, message] of reclaimed.entries()) {
        assert.equal(message.length, size);
        assert.equal(message[0], (taken - reclaimed.length + i) & 0xff);
      }
      const whole = Math.floor(await readToEnd(peer) / frame(carrier, size, new Uint8Array(size)).length);
      assert(whole + reclaimed.length === taken || whole + 1 + reclaimed.length === taken);
      peer.close();
      host.close();
    },
    { skip },
  );

  test(`${name}: what one turn sends leaves together, also without an event loop`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    let count = 0;
    receiver.onMessage = () => count++;

    for (let i = 0; i < 100; i++) assert(sender.send("message"));
    const deadline = performance.now() + 10_000;
    while (count < 100 && performance.now() < deadline) Reactor.current().poll(1000);

    assert.equal(count, 100);
    sender.connection.close();
    await receiver.closed;
    host.close();
  }, { skip });
}
