/** Peers over streams that violate the format, or vanish. */

import { MessageTooLargeError, ProtocolError } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "../../support/harness.ts";
import { CARRIERS, frame, greetedPeer, Host, readExactly, readToEnd } from "./stream_support.ts";

for (const carrier of CARRIERS) {
  const { name, transport, isIpc, skip } = carrier;

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
