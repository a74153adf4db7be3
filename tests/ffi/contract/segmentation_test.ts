/** Datagrams that the kernel cuts out of one message, and coalesces into one: nobody can tell but by the clock. */

import {
  AF_INET,
  AF_INET6,
  encodeControlMessages,
  findControlMessage,
  getsockopt,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_DONTFRAG,
  IPV6_MTU,
  MessageSocket,
  type MessageSocketOptions,
  MessageTooLargeError,
  MSG_CONFIRM,
  MSG_TRUNC,
  type OutgoingMessage,
  setsockopt,
  SO_RCVBUF,
  SOCK_DGRAM,
  type SocketAddress,
  SOL_SOCKET,
  SystemError,
  UDP_GRO,
  UDP_SEGMENT,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

/** Sends without UDP checksums, which the kernel does not cut: asm-generic/socket.h. */
const SO_NO_CHECK = 11;
const RECEIVE_BUFFER = 4 << 20;
const WAIT = { timeout: 30_000 };
const LOOPBACK: Record<number, SocketAddress> = {
  [AF_INET]: { family: "inet", address: "127.0.0.1", port: 0 },
  [AF_INET6]: { family: "inet6", address: "::1", port: 0 },
};

function udp(options: MessageSocketOptions = {}, family = AF_INET): MessageSocket {
  const socket = MessageSocket.open(family, SOCK_DGRAM, 0, options);
  setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  socket.bind(LOOPBACK[family]);
  return socket;
}

/** Why these tests can't run here. */
function kernelLacksIt(): string | false {
  try {
    using socket = udp();
    getsockopt(socket.fd, IPPROTO_UDP, UDP_SEGMENT, new Uint8Array(4));
    getsockopt(socket.fd, IPPROTO_UDP, UDP_GRO, new Uint8Array(4));
    return false;
  } catch (error) {
    return `this kernel has no segmentation offload for UDP: ${error}`;
  }
}

const skip = kernelLacksIt();

/** A message that tells its number in all its bytes. */
function numbered(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 2 === 0 ? number : number >> 8);
}

/** What has arrived, once so many messages are there. */
async function arrivals(socket: MessageSocket, count: number): Promise<Uint8Array[]> {
  const received: Uint8Array[] = [];
  while (received.length < count) for (const { data } of await socket.receiveBatch(WAIT)) received.push(data);
  assert.equal(socket.tryReceive(), undefined, "something arrived twice");
  return received;
}

/** A receiver that sees what the kernel is handed: what was gathered arrives as one message. */
function ungathered(family = AF_INET): MessageSocket {
  const socket = udp({}, family);
  setsockopt(socket.fd, IPPROTO_UDP, UDP_GRO, 1);
  return socket;
}

const closeAll = async (...sockets: MessageSocket[]) => {
  for (const socket of sockets) await socket[Symbol.asyncDispose]();
};

const lengthsOf = (messages: readonly Uint8Array[]) => messages.map(({ length }) => length);
const ttlControl = (ttl: number) =>
  encodeControlMessages([{ level: IPPROTO_IP, type: IP_TTL, data: Uint8Array.of(ttl, 0, 0, 0) }]);

test("messages of equal length leave as one, and a shorter one may end them", async () => {
  const receiver = ungathered();
  const sender = udp({ segmentation: true });
  const to = receiver.localAddress();
  const lengths = [100, 100, 100, 40, 100, 100, 7, 0, 7, 2048, 2048, 2049, 2049];

  await sender.sendBatch(lengths.map((length, i) => ({ data: numbered(i, length), to })));

  assert.deepEqual(lengthsOf(await arrivals(receiver, 7)), [340, 207, 0, 7, 4096, 2049, 2049]);
  assert.equal(sender.stats().messagesSent, lengths.length);
  assert.equal(sender.stats().bytesSent, lengths.reduce((sum, length) => sum + length));
  await closeAll(sender, receiver);
}, { skip });

test("what is gathered are 64 messages and 65,507 bytes at most", async () => {
  const receiver = ungathered();
  const sender = udp({ segmentation: true });
  sender.connect(receiver.localAddress()!);

  await sender.sendBatch(Array.from({ length: 130 }, (_, i) => ({ data: numbered(i, 10) })));
  const many = lengthsOf(await arrivals(receiver, 3));
  await sender.sendBatch(Array.from({ length: 40 }, (_, i) => ({ data: numbered(i, 2000) })));
  const large = lengthsOf(await arrivals(receiver, 2));

  assert.deepEqual(many, [640, 640, 20]);
  assert.deepEqual(large, [64_000, 16_000]);
  await closeAll(sender, receiver);
}, { skip });

test("sends of one turn of the event loop leave as one, behind the first", async () => {
  const receiver = ungathered();
  const sender = udp({ segmentation: true });
  sender.connect(receiver.localAddress()!);

  await Promise.all(Array.from({ length: 20 }, (_, i) => sender.send(numbered(i, 50))));

  assert.deepEqual(lengthsOf(await arrivals(receiver, 2)), [50, 950]);
  await closeAll(sender, receiver);
}, { skip });

test("unequal control messages, flags, modes and destinations are kept apart, equal bytes are not", async () => {
  const receivers = [ungathered(), ungathered()];
  const [first, second] = receivers.map((receiver) => receiver.localAddress()!);
  const sender = udp({ segmentation: true, setMode: () => {} });
  const data = numbered(1, 10);

  await sender.sendBatch([
    { data, to: first, control: ttlControl(9) },
    { data, to: { ...first }, control: ttlControl(9) },
    { data, to: first, control: ttlControl(8) },
    { data, to: first },
    { data, to: first, flags: MSG_CONFIRM },
    { data, to: first, flags: MSG_CONFIRM },
    { data, to: first, mode: 1 },
    { data, to: first },
    { data, to: second },
    { data, to: first },
  ]);

  assert.deepEqual(lengthsOf(await arrivals(receivers[0], 7)), [20, 10, 10, 20, 10, 10, 10]);
  assert.deepEqual(lengthsOf(await arrivals(receivers[1], 1)), [10]);
  await closeAll(sender, ...receivers);
}, { skip });

test("messages that the caller has the kernel cut are left alone", async () => {
  const receiver = udp();
  const sender = udp({ segmentation: true });
  const control = encodeControlMessages([{ level: IPPROTO_UDP, type: UDP_SEGMENT, data: Uint8Array.of(10, 0) }]);
  const to = receiver.localAddress();

  await sender.sendBatch([{ data: numbered(1, 30), to, control }, { data: numbered(2, 30), to, control }]);

  assert.deepEqual(lengthsOf(await arrivals(receiver, 6)), [10, 10, 10, 10, 10, 10]);
  await closeAll(sender, receiver);
}, { skip });

test("without the option nothing is gathered, and sockets that know no segmentation take it", async () => {
  const receiver = ungathered();
  const sender = udp();
  const [left, right] = MessageSocket.pair({ segmentation: true, coalescing: true });
  const batch = Array.from({ length: 5 }, (_, i) => ({ data: numbered(i, 20) }));

  await sender.sendBatch(batch.map((message) => ({ ...message, to: receiver.localAddress() })));
  await left.sendBatch(batch);

  assert.deepEqual(lengthsOf(await arrivals(receiver, 5)), [20, 20, 20, 20, 20]);
  assert.deepEqual(await arrivals(right, 5), batch.map(({ data }) => data));
  await closeAll(sender, receiver, left, right);
}, { skip });

// Refusals.

test("messages that have to be fragmented are sent one by one, and smaller ones together again", async () => {
  const receiver = ungathered(AF_INET6);
  const sender = udp({ segmentation: true }, AF_INET6);
  setsockopt(sender.fd, IPPROTO_IPV6, IPV6_MTU, 1280);
  const to = receiver.localAddress();
  const lengths = [...Array(5).fill(1232), ...Array(5).fill(1233), 100, ...Array(3).fill(1300)];

  await sender.sendBatch(lengths.map((length, i) => ({ data: numbered(i, length), to })));
  const first = lengthsOf(await arrivals(receiver, 10));
  await sender.sendBatch(lengths.map((length, i) => ({ data: numbered(i, length), to })));
  const second = lengthsOf(await arrivals(receiver, 10));

  assert.deepEqual(first, [5 * 1232, ...Array(5).fill(1233), 100, ...Array(3).fill(1300)]);
  assert.deepEqual(second, first);
  assert.equal(sender.stats().messagesSent, 2 * lengths.length);
  await closeAll(sender, receiver);
}, { skip });

test("a message that must not be fragmented is refused as without, and the option stays in use", async () => {
  const outcomes = [];
  for (const segmentation of [false, true]) {
    const receiver = ungathered(AF_INET6);
    const sender = udp({ segmentation }, AF_INET6);
    setsockopt(sender.fd, IPPROTO_IPV6, IPV6_MTU, 1280);
    setsockopt(sender.fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    const to = receiver.localAddress();
    const large = { data: numbered(1, 1300), to };

    await assert.rejects(sender.sendBatch([{ data: numbered(1, 9), to }, large, large]), MessageTooLargeError);
    const turn = await Promise.allSettled(
      [9, 9, 1300, 1300, 9].map((length) => sender.send(numbered(1, length), { to })),
    );
    const arrived = lengthsOf(await arrivals(receiver, 4));
    outcomes.push([turn.map(({ status }) => status), arrived, sender.stats().messagesSent]);

    await sender.sendBatch([large.data, large.data].map(() => ({ data: numbered(1, 1200), to })));
    assert.deepEqual(lengthsOf(await arrivals(receiver, segmentation ? 1 : 2)), segmentation ? [2400] : [1200, 1200]);
    await closeAll(sender, receiver);
  }

  assert.deepEqual(outcomes[1], outcomes[0]);
  assert.deepEqual(outcomes[1], [["fulfilled", "fulfilled", "rejected", "rejected", "fulfilled"], [9, 9, 9, 9], 4]);
}, { skip });

test("where the kernel cuts nothing everything is sent one by one", async () => {
  const receiver = ungathered();
  const sender = udp({ segmentation: true });
  setsockopt(sender.fd, SOL_SOCKET, SO_NO_CHECK, 1);
  sender.connect(receiver.localAddress()!);
  const batch = Array.from({ length: 40 }, (_, i) => ({ data: numbered(i, 300) }));

  await sender.sendBatch(batch);
  await Promise.all(batch.map(({ data }) => sender.send(data)));

  const received = await arrivals(receiver, 80);
  assert.deepEqual(received, [...batch, ...batch].map(({ data }) => data));
  assert.equal(sender.stats().messagesSent, 80);
  await closeAll(sender, receiver);
}, { skip });

test("a refused destination leaves what is in front sent, what is behind not, and the option in use", async () => {
  const receiver = ungathered();
  const sender = udp({ segmentation: true });
  const to = receiver.localAddress()!;
  const nowhere: SocketAddress = { family: "inet", address: "127.0.0.1", port: 0 };
  const message = (at: SocketAddress): OutgoingMessage => ({ data: numbered(1, 10), to: at });

  await assert.rejects(
    sender.sendBatch([to, to, to, nowhere, nowhere, to].map(message)),
    (error) => error instanceof SystemError && error.code === "EINVAL",
  );
  const sentBefore = sender.stats().messagesSent;
  const settled = await Promise.allSettled(
    [to, nowhere, nowhere, to, to].map((at) => sender.send(numbered(1, 10), { to: at })),
  );
  await sender.sendBatch([to, to, to, to].map(message));

  assert.equal(sentBefore, 3);
  assert.deepEqual(settled.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  assert.deepEqual(lengthsOf(await arrivals(receiver, 4)), [30, 10, 20, 40]);
  await closeAll(sender, receiver);
}, { skip });

test("an error of an earlier send is reported once, and costs the one message that it costs without", async () => {
  const outcomes = [];
  for (const segmentation of [false, true]) {
    const gone = udp();
    const to = gone.localAddress()!;
    gone.close();
    const sender = udp({ segmentation });
    sender.connect(to);

    await sender.send(numbered(0, 10));
    const batch = await Promise.allSettled([sender.sendBatch([1, 2, 3].map((i) => ({ data: numbered(i, 10) })))]);
    outcomes.push([batch.map((one) => one.status === "rejected" && one.reason.code), sender.stats().messagesSent]);
    await closeAll(sender);
  }

  assert.deepEqual(outcomes, [[["ECONNREFUSED"], 1], [["ECONNREFUSED"], 1]]);
}, { skip });

// Receiving.

test("coalesced datagrams are received one by one, with all that the kernel tells of them", async () => {
  const receiver = udp({ coalescing: true });
  setsockopt(receiver.fd, IPPROTO_IP, IP_RECVTTL, 1);
  const sender = udp({ segmentation: true });
  const to = receiver.localAddress();

  await sender.sendBatch(
    [80, 80, 80, 9].map((length, i) => ({ data: numbered(i, length), to, control: ttlControl(33) })),
  );

  for (const [i, length] of [80, 80, 80, 9].entries()) {
    const message = await receiver.receive(WAIT);
    assert.deepEqual(message.data, numbered(i, length));
    assert.deepEqual(message.address, sender.localAddress());
    assert.equal(findControlMessage(message.control, IPPROTO_IP, IP_TTL)?.[0], 33);
    assert.deepEqual([...message.controlMessages()].map(({ type }) => type), [IP_TTL]);
  }
  assert.equal(receiver.tryReceive(), undefined);
  assert.deepEqual([receiver.stats().messagesReceived, receiver.stats().bytesReceived], [4, 249]);
  await closeAll(sender, receiver);
}, { skip });

test("a batch of coalesced datagrams is no larger than the option says", async () => {
  const receiver = udp({ coalescing: true, batch: 8 });
  const sender = udp({ segmentation: true });
  sender.connect(receiver.localAddress()!);
  await sender.sendBatch(Array.from({ length: 20 }, (_, i) => ({ data: numbered(i, 10) })));

  const sizes = [];
  for (let left = 20; left > 0; left -= sizes.at(-1)!) sizes.push((await receiver.receiveBatch(WAIT)).length);

  assert.deepEqual(sizes, [8, 8, 4]);
  await closeAll(sender, receiver);
}, { skip });

test("receiveInto takes one coalesced datagram at a time", async () => {
  const receiver = udp({ coalescing: true });
  const sender = udp({ segmentation: true });
  sender.connect(receiver.localAddress()!);
  await sender.sendBatch([60, 60, 60].map((length, i) => ({ data: numbered(i, length) })));
  const roomy = new Uint8Array(100);
  const narrow = new Uint8Array(10);

  const first = await receiver.receiveInto(roomy, WAIT);
  const second = await receiver.receiveInto(narrow, WAIT);
  const third = receiver.tryReceiveInto(roomy)!;

  assert.deepEqual([first.length, first.flags, first.address], [60, 0, sender.localAddress()]);
  assert.deepEqual([second.length, second.flags], [10, MSG_TRUNC]);
  assert.deepEqual(narrow, numbered(1, 60).subarray(0, 10));
  assert.deepEqual(roomy.subarray(0, third.length), numbered(2, 60));
  await closeAll(sender, receiver);
}, { skip });

test("payloadBytes bounds one datagram, not what it was coalesced with", async () => {
  const receiver = udp({ coalescing: true, payloadBytes: 50 });
  const sender = udp({ segmentation: true });
  sender.connect(receiver.localAddress()!);
  await sender.sendBatch([60, 60, 50].map((length, i) => ({ data: numbered(i, length) })));

  await assert.rejects(receiver.receive(WAIT), MessageTooLargeError);
  const [cut, whole] = await receiver.receiveBatch(WAIT);

  assert.deepEqual([cut.isTruncated, cut.data], [true, numbered(1, 60).subarray(0, 50)]);
  assert.deepEqual([whole.isTruncated, whole.data], [false, numbered(2, 50)]);
  assert.equal(receiver.stats().messagesTruncated, 2);
  await closeAll(sender, receiver);
}, { skip });

test("coalescing needs no room for control messages from the caller", async () => {
  const receiver = udp({ coalescing: true, controlBytes: 0 });
  const sender = udp({ segmentation: true, controlBytes: 0 });
  sender.connect(receiver.localAddress()!);

  await sender.sendBatch(Array.from({ length: 3 }, (_, i) => ({ data: numbered(i, 10) })));

  assert.deepEqual(await arrivals(receiver, 3), [0, 1, 2].map((i) => numbered(i, 10)));
  await closeAll(sender, receiver);
}, { skip });

// Whatever is sent.

/** Numbers from 0 to `below`, the same ones for the same seed: mulberry32. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const SEEDS = 24;
const ROUNDS = 6;
const LENGTHS = [0, 1, 9, 9, 9, 200, 200, 2048, 2049, 3000];
const TTLS = [undefined, 5, 5, 77];

for (const coalescing of [false, true]) {
  const how = coalescing ? "coalesced" : "plain";
  test(`every message arrives once, whole, in order and as it was sent, ${how}, for batches at random`, async () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = generator(seed);
      const pick = <T>(choices: readonly T[]): T => choices[random(choices.length)];
      const receivers = Array.from({ length: 3 }, () => udp({ coalescing, batch: 1 + random(40) }));
      for (const receiver of receivers) setsockopt(receiver.fd, IPPROTO_IP, IP_RECVTTL, 1);
      const setMode = (fd: number, mode: number) => setsockopt(fd, IPPROTO_IP, IP_TTL, mode === 0 ? 64 : mode);
      const sender = udp({ segmentation: true, batch: 1 + random(40), setMode });
      // Not every machine begins with this one: net.ipv4.ip_default_ttl of ip-sysctl.
      setMode(sender.fd, 0);

      for (let round = 0; round < ROUNDS; round++) {
        const expected: { number: number; length: number; ttl: number }[][] = receivers.map(() => []);
        let length = 0;
        let at = 0;
        let ttl: number | undefined;
        let mode: number | undefined;
        const batch = Array.from({ length: random(60) }, (_, number): OutgoingMessage => {
          if (random(4) === 0) length = pick(LENGTHS);
          if (random(8) === 0) at = random(receivers.length);
          if (random(8) === 0) ttl = pick(TTLS);
          if (random(12) === 0) mode = pick([undefined, 0, 11]);
          expected[at].push({ number, length, ttl: ttl ?? (mode || 64) });
          return {
            data: numbered(number, length),
            to: receivers[at].localAddress(),
            control: ttl === undefined ? undefined : ttlControl(ttl),
            mode,
          };
        });
        if (random(2) === 0) await sender.sendBatch(batch);
        else await Promise.all(batch.map(({ data, ...options }) => sender.send(data, options)));

        for (const [i, receiver] of receivers.entries()) {
          for (const { number, length, ttl } of expected[i]) {
            const message = await receiver.receive(WAIT);
            const told = `seed ${seed}, round ${round}, message ${number}`;
            assert.deepEqual(message.data, numbered(number, length), told);
            assert.equal(findControlMessage(message.control, IPPROTO_IP, IP_TTL)?.[0], ttl, told);
          }
          assert.equal(receiver.tryReceive(), undefined, `seed ${seed}, round ${round}: one too many`);
        }
      }
      await closeAll(sender, ...receivers);
    }
  }, { skip });
}
