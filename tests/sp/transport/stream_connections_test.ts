/** Connections over streams: how they come about, and how they end. */

import { ProtocolError, Reactor, TimeoutError } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { PULL, PUSH } from "../../../sp/protocol/protocols.ts";
import { encodeGreeting, GREETING_BYTES } from "../../../sp/transport/stream/frame_format.ts";
import { test } from "../../support/harness.ts";
import { mostDescriptors } from "../../support/leaks.ts";
import { NONE } from "./parties.ts";
import { CARRIERS, dial, frame, Host, joined, rawPeer, readExactly, readToEnd, Witness } from "./stream_support.ts";

for (const carrier of CARRIERS) {
  const { name, transport, isIpc, skip } = carrier;

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

  test(`${name}: peers that greet too slowly lose the places that they took from others`, async () => {
    const host = new Host(transport, carrier.url(), { maxPipes: 3, handshakeTimeout: 100 });
    const slow = [];
    for (let i = 0; i < 3; i++) {
      const peer = await rawPeer(host.url);
      await peer.write(encodeGreeting(80).subarray(0, i));
      await readExactly(peer, GREETING_BYTES);
      slow.push(peer);
    }
    await assert.rejects(dial(transport, host.url));
    assert.equal((await host.failed.next()).code, "BUFFER_FULL");

    for (let i = 0; i < 3; i++) assert(await host.failed.next() instanceof TimeoutError);
    const sender = new Witness(await dial(transport, host.url));
    const receiver = await host.witness();
    assert(sender.send("at last"));
    assert.equal(await receiver.text(), "at last");

    for (const peer of slow) peer.close();
    sender.connection.close();
    await receiver.closed;
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

  test(`${name}: many peers connect at once, and are served`, async () => {
    // Each takes a descriptor at either end.
    const count = Math.min(1000, Math.floor(mostDescriptors() / 4));
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

  test(`${name}: nothing is told after close, and closing again does nothing`, async () => {
    const { host, sender, receiver } = await joined(carrier);
    assert(sender.send("one"));
    assert(sender.send("two"));
    await receiver.messages.next();

    receiver.connection.close();
    receiver.connection.close();
    receiver.connection.pause();
    receiver.connection.resume();

    assert.equal(receiver.connection.send(NONE, NONE), false);
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
