import { MessageTooLargeError, ProtocolError, Reactor, TimeoutError } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import {
  encodeGreeting,
  GREETING_BYTES,
  IPC_FRAMES,
  TCP_FRAMES,
  writeFrameHeader,
} from "../../../sp/transport/stream/frame_format.ts";
import { test } from "../../support/harness.ts";
import {
  type Carrier,
  CARRIERS,
  dial,
  greetedPeer,
  Host,
  joined,
  NO_HEADER,
  PULL,
  PUSH,
  rawPeer,
  readExactly,
  readToEnd,
  Witness,
} from "./stream_support.ts";

function frame({ isIpc }: Carrier, length: number, body = new Uint8Array(0)): Uint8Array {
  const format = isIpc ? IPC_FRAMES : TCP_FRAMES;
  const bytes = new Uint8Array(format.headerBytes + body.length);
  writeFrameHeader(format, bytes, 0, length);
  bytes.set(body, format.headerBytes);
  return bytes;
}

/** Sends until the connection takes no more; gives the number of messages that it took. */
function fill(sender: Witness, message: Uint8Array): number {
  for (let count = 0;; count++) if (!sender.send(message)) return count;
}

for (const carrier of CARRIERS) {
  const { name, transport, isIpc, skip } = carrier;

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

  test(`${name}: both ends know themselves, the other, and on unix sockets its process`, async () => {
    const { host, sender, receiver } = await joined(carrier);

    assert.equal(sender.connection.url, host.url);
    if (isIpc) {
      assert.equal(receiver.connection.url, host.url);
      assert.equal(receiver.connection.credentials?.pid, sender.connection.credentials?.pid);
      assert.notEqual(receiver.connection.credentials, undefined);
    } else {
      assert.deepEqual(receiver.connection.remoteAddress, sender.connection.localAddress);
      assert.deepEqual(sender.connection.remoteAddress, receiver.connection.localAddress);
      assert.equal(sender.connection.credentials, undefined);
    }
    sender.connection.close();
    await receiver.closed;
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

  test(`${name}: listening, dialing and the greeting need no event loop`, () => {
    const host = new Host(transport, carrier.url());
    let sender: Witness | undefined;
    const reactor = Reactor.current();
    const texts: string[] = [];
    transport.dial({ href: "", scheme: host.url.split(":")[0], rest: host.url.replace(/^\w+:\/\//, "") }, PUSH, {
      maxReceiveSize: 0,
      handshakeTimeout: 1000,
      maxPipes: 1,
      noDelay: true,
      keepAlive: true,
    }, {
      connected: (connection) => sender = new Witness(connection),
      failed: (error) => assert.fail(error),
    });
    while (sender === undefined || host.accepted.size === 0) reactor.poll(1000);
    const receiver = new Witness(host.accepted.take()[0]);
    receiver.onMessage = (bytes) => texts.push(new TextDecoder().decode(bytes));

    assert(sender.send("without a promise"));
    while (texts.length === 0) reactor.poll(1000);

    assert.deepEqual(texts, ["without a promise"]);
    sender.connection.close();
    while (!receiver.isClosed) reactor.poll(1000);
    host.close();
  }, { skip });

  test(`${name}: a peer of another pattern is refused, and the error names both`, async () => {
    const host = new Host(transport, carrier.url());

    const dialed = dial(transport, host.url, {}, { protocol: 48, peer: 49, name: "req", peerName: "rep" });

    await assert.rejects(dialed, (error: Error) => {
      assert(error instanceof ProtocolError);
      assert.match(error.message, /pull \(81\), and req \(48\) talks to rep \(49\)|closed the connection before/);
      return true;
    });
    const error = await host.failed.next();
    assert(error instanceof ProtocolError);
    assert.match(error.message, /the peer is req \(48\), and pull \(81\) talks to push \(80\)/);
    host.close();
  }, { skip });

  test(`${name}: garbage instead of a greeting closes that connection, and no other`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    const garbage = [
      "GET / HTTP/1.1\r\n\r\n",
      "\0SP\x01\0P\0\0",
      "\xff\xff\xff\xff\xff\xff\xff\xff",
      "\0SP\0\xff\xff\0\0",
    ];

    for (const text of garbage) {
      const peer = await rawPeer(host.url);
      await peer.write(Uint8Array.from(text, (character) => character.charCodeAt(0)));
      assert(await host.failed.next() instanceof ProtocolError);
      await readToEnd(peer);
      peer.close();
    }

    assert(sender.send("still here"));
    assert.equal(await receiver.text(), "still here");
    sender.connection.close();
    await receiver.closed;
    host.close();
  }, { skip });

  test(`${name}: a peer that greets and sends byte by byte is understood`, async () => {
    const host = new Host(transport, carrier.url());
    const peer = await rawPeer(host.url);
    const bytes = [...encodeGreeting(80), ...frame(carrier, 3, Uint8Array.of(1, 2, 3)), ...frame(carrier, 0)];
    const accepted = host.accepted.next().then((connection) => new Witness(connection));
    for (const byte of bytes) {
      await peer.write(Uint8Array.of(byte));
      await setImmediate();
    }

    const receiver = await accepted;
    assert.deepEqual([...await receiver.messages.next()], [1, 2, 3]);
    assert.equal((await receiver.messages.next()).length, 0);
    peer.close();
    await receiver.closed;
    host.close();
  }, { skip });

  test(`${name}: messages that come in the same segment as the greeting are not lost`, async () => {
    const host = new Host(transport, carrier.url());
    const peer = await rawPeer(host.url);
    await peer.write(Uint8Array.of(...encodeGreeting(80), ...frame(carrier, 2, Uint8Array.of(1, 2))));

    const receiver = await host.witness();
    assert.deepEqual([...await receiver.messages.next()], [1, 2]);
    peer.close();
    await receiver.closed;
    host.close();
  }, { skip });

  test(`${name}: a peer that does not greet is given up in time`, async () => {
    const host = new Host(transport, carrier.url(), { handshakeTimeout: 20 });
    const silent = await rawPeer(host.url);
    const slow = await rawPeer(host.url);
    await slow.write(encodeGreeting(80).subarray(0, 7));

    for (let i = 0; i < 2; i++) assert(await host.failed.next() instanceof TimeoutError);
    assert.equal(await readToEnd(silent), GREETING_BYTES);

    silent.close();
    slow.close();
    host.close();
  }, { skip });

  test(`${name}: a peer that goes before it has greeted is an error of the protocol`, async () => {
    const host = new Host(transport, carrier.url());
    const peer = await rawPeer(host.url);
    await peer.write(encodeGreeting(80).subarray(0, 3));
    await readExactly(peer, GREETING_BYTES);
    peer.close();

    const error = await host.failed.next();

    assert(error instanceof ProtocolError);
    assert.match(error.message, /before it had greeted/);
    host.close();
  }, { skip });

  test(`${name}: an oversized message closes its connection before anything is allocated`, async () => {
    const host = new Host(transport, carrier.url(), { maxReceiveSize: 100 });
    const kept = await greetedPeer(host.url);
    const receiver = await host.witness();
    for (const length of [101, 2 ** 40]) {
      const peer = await greetedPeer(host.url);
      const victim = await host.witness();
      await peer.write(frame(carrier, 100, new Uint8Array(100)));
      await peer.write(frame(carrier, length));

      assert.equal((await victim.messages.next()).length, 100);
      assert(await victim.closed instanceof MessageTooLargeError);
      await readToEnd(peer);
      peer.close();
    }

    await kept.write(frame(carrier, 1, Uint8Array.of(5)));
    assert.deepEqual([...await receiver.messages.next()], [5]);
    kept.close();
    await receiver.closed;
    host.close();
  }, { skip });

  test(`${name}: a length of 2^63 and more is refused, without a limit too`, async () => {
    const host = new Host(transport, carrier.url(), { maxReceiveSize: 0 });
    for (const first of [0x80, 0xff]) {
      const peer = await greetedPeer(host.url);
      const victim = await host.witness();
      const bytes = frame(carrier, 0);
      bytes.fill(first, isIpc ? 1 : 0);
      await peer.write(bytes);

      assert(await victim.closed instanceof MessageTooLargeError);
      peer.close();
    }
    host.close();
  }, { skip });

  test(`${name}: a stream that ends in mid-message is an error, and nothing of it is delivered`, async () => {
    const host = new Host(transport, carrier.url());
    const whole = frame(carrier, 10_000, new Uint8Array(10_000));
    for (const cut of [1, 8, 9, 500, 9_999]) {
      const peer = await greetedPeer(host.url);
      const victim = await host.witness();
      await peer.write(whole.subarray(0, cut));
      peer.close();

      const error = await victim.closed;
      assert(error instanceof ProtocolError, `${cut} bytes: ${error}`);
      assert.equal(victim.messages.size, 0);
    }
    host.close();
  }, { skip });

  test(`${name}: what a peer sent before it closed is delivered first`, async () => {
    const host = new Host(transport, carrier.url());
    const peer = await greetedPeer(host.url);
    for (let i = 0; i < 100; i++) await peer.write(frame(carrier, 1, Uint8Array.of(i)));
    peer.close();

    const receiver = await host.witness();

    assert.equal(await receiver.closed, undefined);
    assert.equal(receiver.messages.size, 100);
    host.close();
  }, { skip });

  test(`${name}: what a peer sent is delivered although writing to it fails already`, async () => {
    const host = new Host(transport, carrier.url());
    const peer = await greetedPeer(host.url);
    const receiver = await host.witness();
    await peer.write(frame(carrier, 1, Uint8Array.of(1)));
    peer.close();

    // The first write may still go, and finds out that nobody is there.
    while (receiver.send("to nobody") && !receiver.isClosed) await setImmediate();

    await receiver.closed;
    assert.equal(receiver.messages.size, 1);
    assert.equal(receiver.send("closed"), false);
    host.close();
  }, { skip });

  test(`${name}: a reset in mid-stream is told`, async () => {
    const host = new Host(transport, carrier.url());
    const peer = await greetedPeer(host.url);
    const receiver = await host.witness();
    assert(receiver.send("never read"));
    await readExactly(peer, 1);
    peer.abort();

    const error = await receiver.closed;

    assert.equal(error?.code, "ECONNRESET");
    assert(error.message.startsWith(receiver.connection.url), "the error names the peer");
    host.close();
  }, { skip });

  test(`${name}: nothing is told after close, and closing again does nothing`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    assert(sender.send("one"));
    assert(sender.send("two"));
    await receiver.messages.next();

    receiver.connection.close();
    receiver.connection.close();
    receiver.connection.pause();
    receiver.connection.resume();

    assert.equal(receiver.connection.send(NO_HEADER, NO_HEADER), false);
    await sender.closed;
    assert(!receiver.isClosed);
    host.close();
    host.close();
  }, { skip });

  test(`${name}: a connection may be closed from within a delivery`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    let count = 0;
    receiver.onMessage = () => {
      count++;
      receiver.connection.close();
    };
    for (let i = 0; i < 10; i++) sender.send("message");

    await sender.closed;
    assert.equal(count, 1);
    host.close();
  }, { skip });

  test(
    `${name}: a listener that has its pipes refuses others, tells it once, and goes on when one leaves`,
    async () => {
      const host = new Host(transport, carrier.url(), { maxPipes: 2 });
      const first = new Witness(await dial(transport, host.url));
      const second = new Witness(await dial(transport, host.url));
      const [one, two] = [await host.witness(), await host.witness()];

      for (let i = 0; i < 3; i++) await assert.rejects(dial(transport, host.url));
      assert.deepEqual(host.failed.take().map((error) => error.code), ["BUFFER_FULL"]);
      first.connection.close();
      await one.closed;
      const third = new Witness(await dial(transport, host.url));
      const three = await host.witness();

      for (const { connection } of [second, third]) connection.close();
      await Promise.all([two.closed, three.closed]);
      host.close();
    },
    { skip },
  );

  test(`${name}: a closed listener leaves its connections alone, and drops those that have not greeted`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    const silent = await rawPeer(host.url);
    await readExactly(silent, GREETING_BYTES);
    host.close();

    await readToEnd(silent);
    assert(sender.send("after"));
    assert.equal(await receiver.text(), "after");
    await assert.rejects(dial(transport, host.url), (error: { code: string }) => {
      return error.code === "ENOENT" || error.code === "ECONNREFUSED";
    });

    silent.close();
    sender.connection.close();
    await receiver.closed;
  }, { skip });

  test(`${name}: an attempt that is cancelled tells nothing`, async () => {
    const host = new Host(transport, carrier.url());
    let told = 0;
    const tell = () => void told++;
    const { scheme, rest } = { scheme: host.url.split(":")[0], rest: host.url.replace(/^\w+:\/\//, "") };
    const options = { maxReceiveSize: 0, handshakeTimeout: 1000, maxPipes: 1, noDelay: true, keepAlive: false };
    const dialing = transport.dial({ href: host.url, scheme, rest }, PUSH, options, { connected: tell, failed: tell });
    dialing.cancel();
    dialing.cancel();

    const sender = new Witness(await dial(transport, host.url));

    assert.equal(told, 0);
    sender.connection.close();
    host.close();
    for (const connection of host.accepted.take()) connection.close();
  }, { skip });

  test(`${name}: an address in use is refused at once`, () => {
    const host = new Host(transport, carrier.url());
    assert.throws(() => new Host(transport, host.url), (error: { code: string }) => error.code === "EADDRINUSE");
    host.close();
  }, { skip });

  test(`${name}: a thousand peers connect at once, and are served`, async () => {
    const count = 1000;
    const host = new Host(transport, carrier.url());
    const dialed = Promise.all(Array.from({ length: count }, () => dial(transport, host.url)));
    const receivers: Witness[] = [];
    for (let i = 0; i < count; i++) receivers.push(await host.witness());
    const senders = (await dialed).map((connection) => new Witness(connection));

    for (const sender of senders) assert(sender.send("hello"));
    for (const receiver of receivers) assert.equal(await receiver.text(), "hello");

    for (const { connection } of senders) connection.close();
    for (const receiver of receivers) assert.equal(await receiver.closed, undefined);
    assert.deepEqual(host.failed.take(), []);
    host.close();
  }, { skip });

  test(`${name}: garbage of any kind behind the greeting ends in an error or in messages`, async () => {
    const host = new Host(transport, carrier.url(), { maxReceiveSize: 1000 });
    let seed = 12345;
    const random = () => (seed = Math.imul(seed, 1664525) + 1013904223 >>> 0) >>> 16;
    for (let i = 0; i < 50; i++) {
      const peer = await greetedPeer(host.url);
      const victim = await host.witness();
      const garbage = Uint8Array.from({ length: random() % 3000 }, (_, at) => at % 9 < 7 && i % 2 ? 0 : random());
      await peer.write(garbage).catch(() => {});
      peer.close();
      await victim.closed;
    }
    host.close();
  }, { skip });
}

test("a peer's pattern is checked by the listener and the dialer alike", async () => {
  const [carrier] = CARRIERS;
  const host = new Host(carrier.transport, carrier.url(), {}, PUSH);
  const receiver = new Witness(await dial(carrier.transport, host.url, {}, PULL));
  const sender = await host.witness();
  assert(sender.send("the other way round"));
  assert.equal(await receiver.text(), "the other way round");
  receiver.connection.close();
  await sender.closed;
  host.close();
});
