/** What UDP, unix datagram and raw IP sockets promise alike. */

import { ArgumentError, ClosedError, MessageTooLargeError, SockeyeError, TimeoutError } from "@sockeye/sockeye";
import { Datagram, type PacketSocket, type SendOptions } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { bytes, forEachKind, ipKinds, type Kind, kinds, SOON, unixPath } from "./kinds.ts";

/** Two sockets of a kind, the second with options. */
function two(kind: Kind, options = {}) {
  const sender = kind.open();
  const receiver = kind.open(options);
  return {
    sender,
    receiver,
    to: kind.text(receiver),
    async [Symbol.asyncDispose]() {
      await sender[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

const named = (argument: string) => (error: unknown) => {
  assert(error instanceof ArgumentError, String(error));
  assert.equal(error.argument, argument);
  return true;
};

const answersItself = kinds.filter(({ hearsItself }) => !hearsItself);

forEachKind(kinds, "a packet arrives whole, once, with its sender's address", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;

  await sender.send(bytes("hello"), to);

  const datagram = await receiver.receive(SOON);
  assert(datagram instanceof Datagram);
  assert.equal(datagram.kind, "datagram");
  assert.equal(datagram.text(), "hello");
  assert.equal(datagram.isTruncated, false);
  if (kind.family === "unix" || kind.name.includes("raw")) assert.deepEqual(datagram.from, sender.localAddress());
  assert.equal(datagram.from?.family, kind.family);
  assert.equal(receiver.tryReceive(), undefined);
});

forEachKind(answersItself, "a reply to a packet's sender arrives", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;
  await sender.send(bytes("question"), to);

  const { from } = await receiver.receive(SOON);
  await receiver.send(bytes("answer"), from);

  assert.equal((await sender.receive(SOON)).text(), "answer");
});

forEachKind(kinds, "a destination may be text, an object, or a socket's own address", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;
  await sender.send(bytes("as text"), to);
  const { family, ...rest } = receiver.localAddress();
  const local = kind.name.startsWith("dual") ? to : { family, ...rest } as ReturnType<PacketSocket["localAddress"]>;
  await sender.send(bytes("as an object"), local);
  await sender.send(bytes("again"), to);

  const texts = [];
  for (let count = 0; count < 3; count++) texts.push((await receiver.receive(SOON)).text());
  assert.deepEqual(texts, ["as text", "as an object", "again"]);
});

forEachKind(kinds, "sends of one turn and a batch arrive in order", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;

  const sends = Array.from({ length: 20 }, (_, index) => sender.send(Uint8Array.of(index), to));
  const batch = Array.from({ length: 20 }, (_, index) => ({ data: Uint8Array.of(20 + index), to }));
  const sent = Promise.all([...sends, sender.sendBatch(batch)]).then(() => sender.flush(SOON));

  // A unix socket takes few datagrams ahead of its reader: unix(7).
  const numbers: number[] = [];
  while (numbers.length < 40) numbers.push(...(await receiver.receiveBatch(SOON)).map(({ data }) => data[0]));
  await sent;
  assert.deepEqual(numbers, [...Array(40).keys()]);
});

forEachKind(kinds, "sends and receives that block the thread, or don't wait at all", (kind) => {
  const sender = kind.open();
  const receiver = kind.open();
  const to = kind.text(receiver);
  const buffer = new Uint8Array(16);

  assert.equal(receiver.tryReceive(), undefined);
  assert.equal(receiver.tryReceiveBatch(), undefined);
  assert.equal(receiver.tryReceiveInto(buffer), undefined);
  assert.throws(() => receiver.receiveSync({ timeout: 0 }), TimeoutError);
  assert.throws(() => receiver.receiveSync({ timeout: 0, errors: true }), TimeoutError);
  sender.sendSync(bytes("one"), to, SOON);
  assert.equal(receiver.receiveSync(SOON).text(), "one");
  assert(sender.trySend(bytes("two"), to));
  receiver.untilReadableSync(SOON);
  assert.equal(receiver.tryReceive()!.text(), "two");
  sender.sendSync(bytes("three"), to);
  assert.deepEqual(receiver.receiveBatchSync(SOON).map((datagram) => datagram.text()), ["three"]);
  sender.sendSync(bytes("four"), to);
  assert.equal(receiver.receiveIntoSync(buffer, SOON).length, 4);
  sender.sendSync(bytes("five"), to);
  const received = receiver.receiveSync({ errors: true, ...SOON });
  assert(received.kind === "datagram");
  assert.equal(received.text(), "five");

  sender.close();
  receiver.close();
});

forEachKind(kinds, "receiveInto fills the caller's buffer, and says when it was too small", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;
  const buffer = new Uint8Array(4);

  await sender.send(bytes("fits"), to);
  const whole = await receiver.receiveInto(buffer, SOON);
  await sender.send(bytes("too large"), to);
  await receiver.untilReadable(SOON);
  const cut = receiver.tryReceiveInto(buffer)!;

  assert.deepEqual([whole.length, whole.isTruncated], [4, false]);
  assert.equal(whole.from?.family, kind.family);
  assert.deepEqual([cut.length, cut.isTruncated], [4, true]);
  assert.deepEqual(buffer, bytes("too "));
});

forEachKind(kinds, "a packet larger than payloadBytes is reported, and the next one is whole", async (kind) => {
  const header = kind.name === "raw IPv4" ? 20 : 0;
  await using pair = two(kind, { payloadBytes: header + 8 });
  const { sender, receiver, to } = pair;

  await sender.sendBatch(["far too large", "fits", "too large again"].map((text) => ({ data: bytes(text), to })));

  await assert.rejects(receiver.receive(SOON), MessageTooLargeError);
  assert.equal((await receiver.receive(SOON)).text(), "fits");
  const [last] = await receiver.receiveBatch(SOON);
  assert.equal(last.isTruncated, true);
  assert.equal(last.text(), "too larg");
  assert.equal(receiver.stats().messagesTruncated, 2);
});

forEachKind(kinds, "a wait ends in time or with the signal's reason, and loses no packet", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;
  for (const errors of [false, true]) {
    const options = errors ? { errors } as { errors: true } : {};
    const abort = new AbortController();
    const waiting = receiver.receive({ ...options, signal: abort.signal });
    abort.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
    await assert.rejects(receiver.receive({ ...options, signal: abort.signal }), { message: "enough" });
    await assert.rejects(receiver.receive({ ...options, timeout: 1 }), {
      name: "TimeoutError",
      code: "TIMEOUT",
      message: /receive: .* within 1 ms/,
    });
    await assert.rejects(receiver.receive({ ...options, timeout: -1 }), named("options.timeout"));
    assert.throws(() => receiver.receiveSync({ ...options, timeout: 1 }), /receiveSync: .* within 1 ms/);
  }
  await assert.rejects(receiver.untilReadable({ timeout: 1 }), TimeoutError);

  await sender.send(bytes("kept"), to);
  assert.equal((await receiver.receive(SOON)).text(), "kept");
});

forEachKind(kinds, "receive with errors gives a packet that comes while it waits", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;

  const waiting = [1, 2, 3].map(() => receiver.receive({ errors: true, ...SOON }));
  const plain = receiver.receive(SOON);
  for (const word of ["a", "b", "c", "d"]) await sender.send(bytes(word), to);

  const received = await Promise.all([...waiting, plain]);
  assert.deepEqual(received.map((datagram) => datagram.kind === "datagram" && datagram.text()).sort(), [
    "a",
    "b",
    "c",
    "d",
  ]);
  assert.equal(receiver.tryError(), undefined);
});

forEachKind(kinds, "those that wait for packets or errors are served in the order in which they came", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;
  const abort = new AbortController();
  const waiting = [0, 1, 2, 3, 4, 5].map((index) =>
    receiver.receive({ errors: true, ...SOON, signal: index === 2 ? abort.signal : undefined })
  );
  const givenUp = assert.rejects(waiting.splice(2, 1)[0], { message: "enough" });

  abort.abort(new Error("enough"));
  await givenUp;
  for (let index = 0; index < 5; index++) await sender.send(Uint8Array.of(index), to);

  const received = await Promise.all(waiting);
  assert.deepEqual(received.map(({ data }) => data[0]), [0, 1, 2, 3, 4]);
  await assert.rejects(receiver.receive({ errors: true, timeout: 1 }), TimeoutError);
});

forEachKind(kinds, "iteration gives every packet, and ends when the socket is closed", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;
  await sender.sendBatch(["a", "b", "end"].map((word) => ({ data: bytes(word), to })));

  const words = [];
  for await (const datagram of receiver) {
    words.push(datagram.text());
    if (words.at(-1) === "end") receiver.close();
  }

  assert.deepEqual(words, ["a", "b", "end"]);
});

forEachKind(kinds, "close rejects what is pending, refuses what is new, and may be called again", async (kind) => {
  await using pair = two(kind);
  const { receiver, to } = pair;
  const pending = [
    receiver.receive(),
    receiver.receive({ errors: true }),
    receiver.receiveBatch(),
    receiver.receiveInto(new Uint8Array(8)),
    receiver.untilReadable(),
  ];
  const outcomes = Promise.allSettled(pending);
  const errors = receiver.errors();
  const noError = errors.next();

  receiver.close();
  receiver.close();

  for (const outcome of await outcomes) {
    assert(outcome.status === "rejected");
    assert(outcome.reason instanceof ClosedError, String(outcome.reason));
  }
  assert.deepEqual(await noError, { done: true, value: undefined });
  assert(receiver.isClosed);
  await assert.rejects(receiver.send(bytes("x"), to), ClosedError);
  await assert.rejects(receiver.send(bytes("x"), to, { label: 1 }), ClosedError);
  await assert.rejects(receiver.send(bytes("x")), ClosedError);
  await assert.rejects(receiver.sendBatch([{ data: bytes("x"), to }]), ClosedError);
  await assert.rejects(receiver.receive(), ClosedError);
  await assert.rejects(receiver.receive({ errors: true }), ClosedError);
  for (
    const call of [
      () => receiver.fd,
      () => receiver.localAddress(),
      () => receiver.trySend(bytes("x"), to),
      () => receiver.sendSync(bytes("x"), to),
      () => receiver.tryReceive(),
      () => receiver.receiveSync(),
      () => receiver.receiveSync({ errors: true }),
      () => receiver.tryError(),
      () => receiver.errors(),
      () => receiver.connect(to),
      () => receiver.disconnect(),
    ]
  ) assert.throws(call, ClosedError);
});

forEachKind(kinds, "a connected socket needs no destination, and hears its peer only", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;
  await using stranger = kind.open();
  assert.equal(sender.remoteAddress(), undefined);
  await assert.rejects(sender.send(bytes("to nobody")), named("to"));
  await assert.rejects(sender.sendBatch([{ data: bytes("a"), to }, { data: bytes("b") }]), named("messages[1].to"));

  sender.connect(to);
  receiver.connect(kind.text(sender));
  await sender.send(bytes("from the peer"));

  assert.equal(sender.remoteAddress()?.family, kind.family);
  assert.equal((await receiver.receive(SOON)).text(), "from the peer");
  // A unix socket refuses strangers, an IP socket does not hear them; on one address nobody is a stranger.
  if (!kind.hearsItself) {
    await stranger.send(bytes("from a stranger"), to).catch((error) => assert(error instanceof SockeyeError));
    await sender.send(bytes("from the peer again"));
    assert.equal((await receiver.receive(SOON)).text(), "from the peer again");
  }
  sender.disconnect();
  assert.equal(sender.remoteAddress(), undefined);
  await assert.rejects(sender.send(bytes("to nobody")), named("to"));
});

forEachKind(kinds, "stats count what went out and came in", async (kind) => {
  await using pair = two(kind);
  const { sender, receiver, to } = pair;
  await sender.sendBatch(["one", "three"].map((text) => ({ data: bytes(text), to })));
  await receiver.receive(SOON);
  await receiver.receive(SOON);

  const { messagesSent, bytesSent, sendQueueLength, errorsReceived } = sender.stats();
  assert.deepEqual([messagesSent, bytesSent, sendQueueLength, errorsReceived], [2, 8, 0, 0]);
  const headers = kind.name === "raw IPv4" ? 40 : 0;
  const { messagesReceived, bytesReceived, inboxLength } = receiver.stats();
  assert.deepEqual([messagesReceived, bytesReceived, inboxLength], [2, 8 + headers, 0]);
});

forEachKind(kinds, "the kernel's timestamp comes with a packet where it is asked for", async (kind) => {
  await using pair = two(kind, { info: ["timestamp"] });
  const { sender, receiver, to } = pair;
  const before = Date.now();

  await sender.send(bytes("when"), to);

  const { timestamp, ttl, credentials } = await receiver.receive(SOON);
  // The clock may be set meanwhile, but hardly by a day.
  assert(Math.abs(timestamp! - before) < 86_400_000, String(timestamp));
  assert.deepEqual([ttl, credentials], [undefined, undefined]);
});

forEachKind(
  kinds,
  "sends wait for their turn with the options and the destination that they were given",
  async (kind) => {
    await using pair = two(kind);
    const { sender, receiver, to } = pair;
    const options: SendOptions & { timeout: number } = { label: "first", timeout: 30_000 };

    const sends = [sender.send(bytes("first"), to, options), sender.send(bytes("second"), to, options)];
    delete options.label;
    await Promise.all(sends);

    assert.equal((await receiver.receive(SOON)).text(), "first");
    assert.equal((await receiver.receive(SOON)).text(), "second");
  },
);

const WRONG: readonly (readonly [string, SendOptions])[] = [
  ["ttl", { ttl: 0 }],
  ["ttl", { ttl: 256 }],
  ["ttl", { ttl: 1.5 }],
  ["ttl", { ttl: "9" as unknown as number }],
  ["tos", { tos: -1 }],
  ["tos", { tos: 8, dscp: 0 }],
  ["dscp", { dscp: 64 }],
  ["dscp", { dscp: "AF99" as "AF11" }],
  ["ecn", { ecn: 4 }],
  ["dontFragment", { dontFragment: 1 as unknown as boolean }],
  ["flowLabel", { flowLabel: 0x100000 }],
  ["source", { source: "localhost" }],
  ["interface", { interface: "" }],
  ["interface", { interface: 0 }],
  ["descriptors", { descriptors: [{ fd: 0 }] }],
];

forEachKind(ipKinds, "options out of range are refused by name before anything is sent", async (kind) => {
  await using socket = kind.open();
  const to = kind.text(socket);
  for (const [name, options] of WRONG) {
    const data = bytes("never");
    await assert.rejects(socket.send(data, to, options), named(`options.${name}`));
    assert.throws(() => socket.trySend(data, to, options), named(`options.${name}`));
    assert.throws(() => socket.sendSync(data, to, options), named(`options.${name}`));
    const batch = [{ data, to }, { data, to, ttl: 1 }, { data, to }, { data, to, ...options }];
    await assert.rejects(socket.sendBatch(batch), named(`messages[3].${name}`));
  }
  await assert.rejects(
    socket.sendBatch([{ data: bytes("a"), to }, { data: "b" as unknown as Uint8Array, to, label: 1 }]),
    {
      argument: "messages[1].data",
    },
  );

  assert.equal(socket.stats().messagesSent, 0);
  assert.equal(socket.tryReceive(), undefined);
});

forEachKind(
  kinds.filter(({ family }) => family === "unix"),
  "options of IP packets are refused by name",
  async (kind) => {
    await using socket = kind.open();
    const to = kind.text(socket);
    const given: SendOptions[] = [
      { ttl: 3 },
      { tos: 0 },
      { dscp: "EF" },
      { ecn: 1 },
      { dontFragment: false },
      { flowLabel: 1 },
      { source: "::1" },
      { interface: "lo" },
    ];
    for (const options of given) {
      const [name] = Object.keys(options);
      await assert.rejects(socket.send(bytes("never"), to, options), named(`options.${name}`));
      await assert.rejects(socket.sendBatch([{ data: bytes("never"), to, ...options }]), named(`messages[0].${name}`));
    }

    assert.equal(socket.stats().messagesSent, 0);
  },
);

forEachKind(kinds, "destinations that can't be are refused before anything is sent", async (kind) => {
  await using socket = kind.open();
  const to = kind.text(socket);
  const wrong = kind === unixPath || kind.family === "unix"
    ? ["", "x".repeat(200), "with\0nul"]
    : ["localhost", "localhost:53", "127.0.0.256:53", "", "[::1", "::1%", "1.2.3"];
  for (const text of wrong) {
    await assert.rejects(socket.send(bytes("never"), text), { code: "ADDRESS" });
    await assert.rejects(socket.sendBatch([{ data: bytes("never"), to }, { data: bytes("never"), to: text }]), {
      code: "ADDRESS",
    });
  }
  const foreign = kind.family === "unix"
    ? { family: "inet", address: "127.0.0.1", port: 53 } as const
    : { family: "unix", path: "/run/x" } as const;
  await assert.rejects(socket.send(bytes("never"), foreign), named("to"));
  await assert.rejects(socket.sendBatch([{ data: bytes("never"), to: foreign }]), named("messages[0].to"));

  assert.equal(socket.stats().messagesSent, 0);
});

/** A generator of numbers that is the same each time: mulberry32. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) % below;
  };
}

forEachKind(
  ipKinds,
  "each of many packets has its own options and no other's, whoever else sends meanwhile",
  async (kind) => {
    await using receiver = kind.open({ info: ["ttl", "tos"], receiveBuffer: 4_000_000 });
    const senders = [kind.open(), kind.open(), kind.open()];
    const to = kind.text(receiver);
    // The TTL that this machine has for packets that want none.
    await senders[0].send(new Uint8Array(3), to);
    const { ttl: usualTtl } = await receiver.receive(SOON);
    const random = randomNumbers(17);
    const FRAGMENTATION = [undefined, true, false, "probe"] as const;
    /** What a packet wants says its payload; 0 means nothing. */
    const packet = () => {
      const ttl = random(3) === 0 ? 0 : 1 + random(255);
      const tos = random(3) === 0 ? 0 : random(256);
      return {
        data: Uint8Array.of(ttl, tos, random(256)),
        to,
        ...ttl > 0 && { ttl },
        ...tos > 0 && { tos },
        dontFragment: FRAGMENTATION[random(4)],
      };
    };
    let received = 0;
    const check = async (count: number) => {
      for (let left = count; left > 0; left--, received++) {
        const { data, ttl, tos } = await receiver.receive(SOON);
        assert.deepEqual([ttl, tos], [data[0] || usualTtl, data[1]], `packet ${received}`);
      }
    };

    for (let round = 0; round < 20; round++) {
      const sends: Promise<void>[] = [];
      let count = 0;
      for (let step = 0; step < 10; step++) {
        const sender = senders[random(senders.length)];
        const way = random(5);
        const packets = Array.from({ length: way === 0 ? 8 : 1 }, packet);
        count += packets.length;
        const [{ data, to, ...options }] = packets;
        if (way === 0) sends.push(sender.sendBatch(packets));
        else if (way === 1) sender.sendSync(data, to, options);
        else if (way === 2) assert(sender.trySend(data, to, options));
        else if (options.ttl === undefined && options.tos === undefined) sends.push(sender.send(data, to));
        else sends.push(sender.send(data, to, options));
      }
      await Promise.all(sends);
      await check(count);
    }

    for (const sender of senders) await sender[Symbol.asyncDispose]();
  },
);
