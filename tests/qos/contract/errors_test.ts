// ICMP errors: back to the packets that caused them, or to the next operation where nobody wants them.

import { ClosedError, MessageTooLargeError, SystemError, TimeoutError } from "@sockeye/sockeye";
import type { InetAddress } from "@sockeye/sockeye/ffi";
import { PacketError, UdpSocket } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "../../support/harness.ts";

const inet6 = Object.values(networkInterfaces()).flat().some((address) => address?.family === "IPv6");
const withoutIPv6 = inet6 ? undefined : "this machine has no IPv6";

const text = new TextEncoder();
const SECONDS = { timeout: 30_000 };

/** What holds the addresses at which nobody listens, so that nobody else gets them. */
const placeholders: UdpSocket[] = [];

/** An address at which nobody listens: a connected socket takes nothing from strangers, udp(7). */
function nobody(address = "127.0.0.1:0"): InetAddress {
  const socket = UdpSocket.connect(address.replace(/0$/, "9"), { bind: address });
  placeholders.push(socket);
  return socket.localAddress() as InetAddress;
}

async function take(errors: AsyncIterator<PacketError>, count: number): Promise<PacketError[]> {
  const taken: PacketError[] = [];
  while (taken.length < count) {
    const { done, value } = await errors.next();
    assert.equal(done, false);
    taken.push(value);
  }
  return taken;
}

/** Waits until the kernel has told of so many errors; whoever listens gets them. */
async function untilReported(socket: UdpSocket, count: number): Promise<void> {
  while (socket.stats().errorsReceived < count) {
    // What was sent last reaches loopback's other end before the next turn, or the one after it.
    assert.equal(socket.tryReceive(), undefined);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (
  const [name, local, skip] of [
    ["IPv4", "127.0.0.1:0", undefined],
    ["IPv6", "[::1]:0", withoutIPv6],
    ["a dual-stack socket's IPv4", undefined, withoutIPv6],
  ] as const
) {
  test(`${name}: a labelled packet to a closed port comes back with its label`, async () => {
    const to = nobody(local ?? "127.0.0.1:0");
    await using socket = UdpSocket.bind(local);

    await socket.send(text.encode("knock"), to, { label: { probe: 1 } });
    const [error] = await take(socket.errors(), 1);

    assert(error instanceof PacketError);
    assert.deepEqual(error.label, { probe: 1 });
    assert.deepEqual(error.candidates, []);
    assert.deepEqual([error.kind, error.name, error.errorCode], ["error", "port-unreachable", "ECONNREFUSED"]);
    assert.equal(error.origin, to.address === "::1" ? "icmp6" : "icmp");
    assert.deepEqual([error.router, error.destination], [to.address, { ...to }]);
    assert.deepEqual(error.data, text.encode("knock"));
    assert.equal(error.mtu, undefined);
    assert(error.ttl! >= 1 && error.ttl! <= 255);
    assert(error.timestamp! > Date.UTC(2020, 0));
  }, { skip });
}

test("each of many packets to many closed ports gets its own label", async () => {
  const destinations = Array.from({ length: 20 }, () => nobody());
  await using socket = UdpSocket.bind("127.0.0.1:0");
  const errors = socket.errors();

  const messages = Array.from({ length: 1000 }, (_, label) => ({
    data: text.encode(`probe ${String(label).padStart(6, "0")}`),
    to: destinations[label * 7 % destinations.length],
    label,
  }));
  await socket.sendBatch(messages);
  const reported = await take(errors, messages.length);

  assert.deepEqual(reported.map(({ label }) => label).sort((a, b) => Number(a) - Number(b)), [...messages.keys()]);
  for (const { label, data, destination } of reported) {
    const sent = messages[label as number];
    assert.deepEqual([data, destination], [sent.data, { ...sent.to }]);
  }
  assert.equal(socket.stats().errorsLabelled, messages.length);
});

test("equal packets to one port can't be told apart, and all their labels are told", async () => {
  const to = nobody();
  await using socket = UdpSocket.bind("127.0.0.1:0");
  await socket.sendBatch([1, 2].map((label) => ({ data: text.encode("same"), to, label })));
  await socket.sendBatch([3, 3].map((label) => ({ data: text.encode("one label"), to, label })));

  const reported = await take(socket.errors(), 4);

  assert.deepEqual(reported.map(({ label }) => label), [undefined, undefined, 3, 3]);
  assert.deepEqual(reported.map(({ candidates }) => candidates), [[1, 2], [1, 2], [], []]);
});

test("an error that may be about a packet without a label has none", async () => {
  const to = nobody();
  await using socket = UdpSocket.bind("127.0.0.1:0", { errors: true });
  await socket.send(text.encode("same"), to);
  await socket.send(text.encode("same"), to, { label: "labelled" });
  await socket.send(text.encode("other"), to, { label: "other" });

  const reported = await take(socket.errors(), 3);

  // The first may have come back before the second was sent: it is nobody's then.
  assert.deepEqual(reported.map(({ label }) => label), [undefined, undefined, "other"]);
  assert.deepEqual(reported[1].candidates, ["labelled"]);
});

test("in a batch, an error about a packet in front of the labelled one doesn't get its label", async () => {
  const to = nobody();
  await using socket = UdpSocket.bind("127.0.0.1:0");
  await socket.sendBatch([{ data: text.encode("same"), to }, { data: text.encode("same"), to, label: "labelled" }]);

  const reported = await take(socket.errors(), 2);

  assert.deepEqual(reported.map(({ label }) => label), [undefined, undefined]);
  assert.deepEqual(reported.map(({ candidates }) => candidates), [["labelled"], ["labelled"]]);
});

test("a peer stays the one that was connected to when its address object changes", async () => {
  const to = nobody();
  const address = { ...to };
  await using socket = UdpSocket.bind("127.0.0.1:0");
  socket.connect(address);
  address.port = to.port ^ 1;

  await socket.send(text.encode("knock"), undefined, { label: "knock" });
  const [error] = await take(socket.errors(), 1);

  assert.equal(error.label, "knock");
  assert.deepEqual(socket.remoteAddress(), { ...to });
});

for (const isConnected of [false, true]) {
  const kind = isConnected ? "a connected" : "an unconnected";
  test(`${kind} socket with errors goes on sending and receiving while packets come back`, async () => {
    const to = nobody();
    await using socket = isConnected
      ? UdpSocket.connect(to, { errors: true })
      : UdpSocket.bind("127.0.0.1:0", { errors: true });
    const target = isConnected ? undefined : to;

    for (let i = 0; i < 50; i++) {
      await socket.send(text.encode(`send ${i}`), target, { label: `send ${i}` });
      socket.sendSync(text.encode(`sendSync ${i}`), target, { label: `sendSync ${i}` });
      assert(socket.trySend(text.encode(`trySend ${i}`), target, { label: `trySend ${i}` }));
      assert.equal(socket.tryReceive(), undefined);
    }

    const reported = await take(socket.errors(), 150);
    for (const { label, data } of reported) assert.equal(label, new TextDecoder().decode(data));
    assert.equal(socket.stats().messagesSent, 150);
    await assert.rejects(socket.receive({ timeout: 0 }), TimeoutError);
    assert.throws(() => socket.receiveSync({ timeout: 0 }), TimeoutError);
  });
}

test("where nobody wants errors, the next operation fails", async () => {
  const to = nobody();
  await using socket = UdpSocket.connect(to);

  await socket.send(text.encode("knock"));
  await assert.rejects(socket.receive(SECONDS), (error) => {
    assert(error instanceof SystemError);
    assert.deepEqual([error.code, error.syscall], ["ECONNREFUSED", "recvmmsg"]);
    return true;
  });

  await socket.send(text.encode("knock"), undefined, { label: "wanted" });
  assert.equal((await take(socket.errors(), 1))[0].label, "wanted");
});

test("receive with errors gives what comes first, packet or error", async () => {
  const to = nobody();
  await using peer = UdpSocket.bind("127.0.0.1:0");
  await using socket = UdpSocket.bind("127.0.0.1:0", { errors: true });

  const waiting = socket.receive({ errors: true, ...SECONDS });
  await socket.send(text.encode("knock"), to, { label: 1 });
  const first = await waiting;
  assert(first.kind === "error");
  assert.equal(first.label, 1);

  const again = socket.receive({ errors: true, ...SECONDS });
  await peer.send(text.encode("hello"), socket.localAddress());
  const second = await again;
  assert(second.kind === "datagram");
  assert.deepEqual(second.data, text.encode("hello"));
});

test("receiveSync with errors gives packets and errors", async () => {
  const to = nobody();
  await using peer = UdpSocket.bind("127.0.0.1:0");
  await using socket = UdpSocket.bind("127.0.0.1:0");

  assert.throws(() => socket.receiveSync({ errors: true, timeout: 0 }), TimeoutError);
  socket.sendSync(text.encode("knock"), to, { label: 1 });
  peer.sendSync(text.encode("hello"), socket.localAddress());
  const received = [socket.receiveSync({ errors: true, ...SECONDS }), socket.receiveSync({ errors: true, ...SECONDS })];

  assert.deepEqual(received.map(({ kind }) => kind).sort(), ["datagram", "error"]);
});

test("errors and packets reach those who wait for them, each on their own", async () => {
  const to = nobody();
  await using peer = UdpSocket.bind("127.0.0.1:0");
  await using socket = UdpSocket.bind("127.0.0.1:0");
  const errors = socket.errors();
  const nextError = errors.next();
  const nextPacket = socket.receive(SECONDS);

  await peer.send(text.encode("hello"), socket.localAddress());
  assert.deepEqual((await nextPacket).data, text.encode("hello"));
  const another = socket.receive(SECONDS);
  await socket.send(text.encode("knock"), to, { label: "late" });
  assert.equal((await nextError).value.label, "late");
  await peer.send(text.encode("again"), socket.localAddress());

  assert.deepEqual((await another).data, text.encode("again"));
});

test("tryError gives an error that is there, and never waits", async () => {
  const to = nobody();
  await using socket = UdpSocket.bind("127.0.0.1:0");
  assert.equal(socket.tryError(), undefined);

  await socket.send(text.encode("knock"), to);
  await untilReported(socket, 1);

  const error = socket.tryError();
  assert.deepEqual([error?.name, error?.label], ["port-unreachable", undefined]);
  assert.equal(socket.tryError(), undefined);
});

test("of a flood of errors that nobody takes the first are kept and the rest counted", async () => {
  const to = nobody();
  const count = 5000;
  await using socket = UdpSocket.bind("127.0.0.1:0", { errors: true });

  for (let label = 0; label < count; label++) {
    socket.sendSync(text.encode(`${label}`), to, { label });
    await untilReported(socket, label + 1);
  }

  const { errorsReceived, errorsDropped, errorsWaiting } = socket.stats();
  assert.deepEqual([errorsReceived, errorsWaiting + errorsDropped], [count, count]);
  assert(errorsDropped > 0);
  const kept = await take(socket.errors(), errorsWaiting);
  assert.deepEqual(kept.map(({ label }) => label), [...kept.keys()]);
});

test("a packet that is too large for the path is refused, and told of with its label", async () => {
  const to = nobody("[::1]:0");
  await using socket = UdpSocket.bind("[::1]:0");
  // Loopback takes 65,536 bytes, headers included.
  const tooLarge = { data: new Uint8Array(65507), to, dontFragment: true };
  const { data, ...rest } = tooLarge;
  await assert.rejects(socket.send(data, to, { dontFragment: true, label: "sent" }), MessageTooLargeError);
  assert.throws(() => socket.sendSync(data, to, { dontFragment: true, label: "blocking" }), MessageTooLargeError);
  assert.throws(() => socket.trySend(data, to, { dontFragment: true }), MessageTooLargeError);
  const batch = [{ data: text.encode("small"), ...rest, label: "small" }, { ...tooLarge, label: "in a batch" }];
  await assert.rejects(socket.sendBatch(batch), MessageTooLargeError);

  const errors = await take(socket.errors(), 5);

  const [sent] = errors;
  assert.deepEqual(
    [sent.origin, sent.name, sent.errorCode, sent.mtu, sent.router],
    ["local", "message-too-large", "EMSGSIZE", 65536, undefined],
  );
  // The same bytes to the same place, and yet it is known which of them was refused.
  const refused = errors.filter(({ origin }) => origin === "local");
  assert.deepEqual(refused.map(({ label }) => label), ["sent", "blocking", undefined, "in a batch"]);
  assert.deepEqual(refused.flatMap(({ candidates }) => candidates), []);
  assert.deepEqual(errors.filter(({ origin }) => origin !== "local").map(({ label }) => label), ["small"]);
}, { skip: withoutIPv6 });

test("close ends errors, those that wait and those that have not begun to", async () => {
  const socket = UdpSocket.bind("127.0.0.1:0");
  const waiting = socket.errors();
  const pending = [waiting.next(), socket.errors().next()];
  const idle = socket.errors();
  const receiving = socket.receive({ errors: true });

  await using _ = socket;
  socket.close();

  for (const next of pending) assert.deepEqual(await next, { done: true, value: undefined });
  assert.deepEqual(await idle.next(), { done: true, value: undefined });
  await assert.rejects(receiving, ClosedError);
  assert.throws(() => socket.errors(), ClosedError);
  assert.throws(() => socket.tryError(), ClosedError);
});

test("an iteration over errors ends by its signal, with the reason, and by return", async () => {
  await using socket = UdpSocket.bind("127.0.0.1:0");
  const controller = new AbortController();
  const reason = new Error("enough");
  const next = socket.errors({ signal: controller.signal }).next();

  controller.abort(reason);

  await assert.rejects(next, reason);
  await assert.rejects(socket.errors({ signal: controller.signal }).next(), reason);
  const errors = socket.errors();
  assert.deepEqual(await errors.return!(), { done: true, value: undefined });
  assert.deepEqual(await errors.next(), { done: true, value: undefined });
});

test("two iterations share the errors, and each is given once", async () => {
  const to = nobody();
  await using socket = UdpSocket.bind("127.0.0.1:0");
  const both = [socket.errors(), socket.errors()];
  const waiting = both.map((errors) => errors.next());

  await socket.sendBatch([1, 2].map((label) => ({ data: text.encode(`${label}`), to, label })));

  const labels = (await Promise.all(waiting)).map(({ value }) => value.label);
  assert.deepEqual(labels.sort(), [1, 2]);
});
