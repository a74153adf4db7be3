import {
  ArgumentError,
  type SocketAddress,
  StateError,
  StreamListener,
  StreamSocket,
  TimeoutError,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectNode, createServer, type Server, type Socket } from "node:net";
import { test } from "../../support/harness.ts";
import { abstract, bytes, connected, fill, joined, LOOPBACK, pattern, readAll, SOON, text } from "./sockets.ts";

const LOOPBACK6: SocketAddress = { family: "inet6", address: "::1", port: 0 };

for (
  const [kind, address] of [
    ["TCP over IPv4", LOOPBACK],
    ["TCP over IPv6", LOOPBACK6],
    ["a unix socket", abstract()],
  ] as const
) {
  test(`${kind} carries bytes in both directions, in order`, async () => {
    const [client, server] = await connected(address);

    await client.write(bytes("ping"));
    const buffer = new Uint8Array(16);
    assert.equal(await server.read(buffer, SOON), 4);
    assert.equal(text(buffer.subarray(0, 4)), "ping");
    await server.write(bytes("pong!"));

    assert.equal(await client.read(buffer, SOON), 5);
    assert.equal(text(buffer.subarray(0, 5)), "pong!");
    assert.deepEqual(client.peerAddress(), server.localAddress());
    await using _ = client, __ = server;
  });

  test(`${kind} carries more than fits the kernel's buffers, under backpressure, byte for byte`, async () => {
    const [client, server] = await connected(address);
    const data = pattern(8_000_000);

    const writing = client.write(data).then(() => client.closeWrite());
    const received = await readAll(server);
    await writing;

    assert.equal(received.length, data.length);
    assert(Buffer.compare(received, data) === 0);
    assert.equal(client.stats().bytesWritten, data.length);
    assert.equal(server.stats().bytesRead, data.length);
    assert(client.stats().writesBlocked > 0);
    await using _ = client, __ = server;
  });

  test(`${kind}: after closeWrite the peer sees the end, and can still answer`, async () => {
    const [client, server] = await connected(address);

    client.write(bytes("question"));
    await client.closeWrite();
    await client.closeWrite();
    assert.equal(text(await readAll(server)), "question");
    assert.equal(await server.read(new Uint8Array(1)), null);
    await server.write(bytes("answer"));
    server.close();

    assert.equal(text(await readAll(client)), "answer");
    await assert.rejects(client.write(bytes("x")), StateError);
    assert.throws(() => client.tryWrite(bytes("x")), StateError);
    await using _ = client;
  });
}

test("a program of the runtime's own network module talks to a listener of ours", async () => {
  await using listener = StreamListener.listen(LOOPBACK);
  const { port } = listener.localAddress() as { port: number };

  const theirs = connectNode(port, "127.0.0.1");
  await using ours = await listener.accept(SOON);
  theirs.end("from node:net");
  assert.equal(text(await readAll(ours)), "from node:net");
  await ours.write(bytes("from us"));
  ours.close();

  assert.equal(await textOf(theirs), "from us");
});

test("a client of ours talks to a server of the runtime's own network module", async () => {
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    socket.end(`you said ${await textOf(socket, false)}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };

  await using client = await StreamSocket.connect({ ...LOOPBACK, port } as SocketAddress, SOON);
  await client.writev([bytes("a"), bytes(" few "), bytes("words")]);
  await client.closeWrite();

  assert.equal(text(await readAll(client)), "you said a few words");
  client.close();
  await closed(server);
});

async function textOf(socket: Socket, isLast = true): Promise<string> {
  const chunks: Uint8Array[] = [];
  socket.on("data", (chunk) => chunks.push(chunk as Uint8Array));
  await once(socket, isLast ? "close" : "end");
  return text(joined(chunks));
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => server.close((error) => error ? reject(error) : resolve()));
}

test("concurrent writes do not mix, and nothing overtakes", async () => {
  const [left, right] = StreamSocket.pair();
  const parts = Array.from({ length: 40 }, (_, i) => new Uint8Array(30_011).fill(i));

  const writes = parts.map((part, i) => i % 2 === 0 ? left.write(part) : left.writev([part]));
  assert.equal(left.tryWrite(bytes("x")), 0);
  assert(left.stats().writesWaiting > 0);
  const ending = left.closeWrite();
  await assert.rejects(left.write(bytes("too late")), StateError);
  const received = await readAll(right);

  await Promise.all(writes);
  await ending;
  assert(Buffer.compare(received, joined(parts)) === 0);
  await using _ = left, __ = right;
});

test("a vector of any number of buffers is written whole, and read into several", async () => {
  const [left, right] = StreamSocket.pair();
  const data = pattern(300_000);
  const buffers: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 100) buffers.push(data.subarray(at, at + 100), new Uint8Array(0));

  const writing = left.writev(buffers).then(() => left.closeWrite());
  const chunks: Uint8Array[] = [];
  for (;;) {
    const parts = [new Uint8Array(3), new Uint8Array(0), new Uint8Array(1000), new Uint8Array(70_000)];
    const length = await right.readv(parts, SOON);
    if (length === null) break;
    chunks.push(joined(parts).subarray(0, length));
  }
  await writing;

  assert(Buffer.compare(joined(chunks), data) === 0);
  await left.writev([]).catch((error) => assert(error instanceof StateError));
  await using _ = left, __ = right;
});

test("writeSome and tryWrite write what fits, and say how much", async () => {
  const [left, right] = StreamSocket.pair();
  const large = pattern(4_000_000);

  const some = await left.writeSome(large);
  assert(some > 0 && some < large.length);
  const more = fill(left);
  assert.equal(left.tryWrite(bytes("x")), 0);
  const waiting = left.writeSome(bytes("later"), SOON);
  const received = await drain(right, some + more);

  assert(Buffer.compare(received.subarray(0, some), large.subarray(0, some)) === 0);
  assert.equal(await waiting, 5);
  assert.equal(await left.writeSome(new Uint8Array(0)), 0);
  left.close();
  right.close();
});

/** Reads so many bytes. */
async function drain(socket: StreamSocket, length: number): Promise<Uint8Array> {
  const all = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await socket.read(all.subarray(at), SOON);
    assert(read !== null);
    at += read;
  }
  return all;
}

test("a write that is given up tells by its counter what of it has gone", async () => {
  const [left, right] = StreamSocket.pair();
  const data = pattern(4_000_000);

  await assert.rejects(left.write(data, { timeout: 5 }), TimeoutError);
  const { bytesWritten } = left.stats();
  assert(bytesWritten > 0 && bytesWritten < data.length);
  assert(Buffer.compare(await drain(right, bytesWritten), data.subarray(0, bytesWritten)) === 0);

  await left.write(bytes("next"));
  assert.equal(text(await drain(right, 4)), "next");
  left.close();
  right.close();
});

test("reads are served in the order in which they came, and one that is given up takes nothing", async () => {
  const [left, right] = StreamSocket.pair();
  const abort = new AbortController();
  const buffers = [new Uint8Array(1), new Uint8Array(1), new Uint8Array(1), new Uint8Array(10)];

  const first = right.read(buffers[0]);
  const given = right.read(buffers[1], { signal: abort.signal });
  const late = right.read(buffers[2], { timeout: 5 });
  const last = right.read(buffers[3]);
  assert.equal(right.tryRead(new Uint8Array(1)), undefined);
  abort.abort(new Error("enough"));
  await assert.rejects(given, { message: "enough" });
  await assert.rejects(late, TimeoutError);
  await left.write(bytes("abc"));

  assert.equal(await first, 1);
  assert.equal(await last, 2);
  assert.equal(text(buffers[0]), "a");
  assert.equal(text(buffers[3].subarray(0, 2)), "bc");
  assert.equal(right.tryRead(buffers[0]), undefined);
  left.close();
  assert.equal(right.tryRead(buffers[0]), null);
  right.close();
});

test("a stream that is always ready starves no timer", async () => {
  const [left, right] = StreamSocket.pair();
  const buffer = new Uint8Array(16);
  let isOver = false;
  setTimeout(() => isOver = true, 1);

  while (!isOver) {
    await left.write(bytes("x"));
    await right.read(buffer);
  }

  left.close();
  right.close();
});

test("blocking calls wait, give up in time, and serve others meanwhile", async () => {
  await using listener = StreamListener.listen(LOOPBACK);
  const [otherLeft, otherRight] = StreamSocket.pair();
  assert.throws(() => listener.acceptSync({ timeout: 5 }), TimeoutError);

  const client = StreamSocket.connectSync(listener.localAddress(), SOON);
  const server = listener.acceptSync(SOON);
  const buffer = new Uint8Array(16);
  assert.throws(() => server.readSync(buffer, { timeout: 5 }), TimeoutError);
  const other = otherRight.read(new Uint8Array(8));
  otherLeft.writeSync(bytes("other"));
  client.writeSync(bytes("one"));
  client.writevSync([bytes("two"), bytes("three")]);
  const received = [];
  while (received.join("").length < 11) received.push(text(buffer.subarray(0, server.readSync(buffer, SOON)!)));
  client.closeWriteSync();
  assert.equal(server.readvSync([new Uint8Array(1)], SOON), null);
  assert.equal(await other, 5);
  fill(otherLeft);
  assert.throws(() => otherLeft.writeSync(bytes("x"), { timeout: 5 }), TimeoutError);

  assert.equal(received.join(""), "onetwothree");
  for (const socket of [client, server, otherLeft, otherRight]) socket.close();
});

test("a blocking read comes behind those that wait already", async () => {
  const [left, right] = StreamSocket.pair();
  const first = right.read(new Uint8Array(1));
  left.writeSync(bytes("ab"));

  const buffer = new Uint8Array(1);
  assert.equal(right.readSync(buffer, SOON), 1);

  assert.equal(await first, 1);
  assert.equal(text(buffer), "b");
  left.close();
  right.close();
});

test("wrong arguments are refused by name, before anything happens", async () => {
  const [left, right] = StreamSocket.pair();

  await assert.rejects(left.read(new Uint8Array(0)), { code: "ARGUMENT", argument: "buffer" });
  await assert.rejects(left.readv([]), { argument: "buffers" });
  await assert.rejects(left.readv([new Uint8Array(0)]), { argument: "buffers" });
  await assert.rejects(left.write("text" as unknown as Uint8Array), { argument: "bytes" });
  await assert.rejects(left.writev([bytes("x"), 1 as unknown as Uint8Array]), { argument: "buffers[1]" });
  await assert.rejects(left.write(bytes("x"), { timeout: -1 }), { argument: "options.timeout" });
  for (
    const options of [
      { sendBufferBytes: 0 },
      { receiveBufferBytes: 1.5 },
      { keepAlive: { idle: 0 } },
      { keepAlive: { count: 128 } },
    ]
  ) {
    assert.throws(() => StreamSocket.pair(options), ArgumentError);
    await assert.rejects(StreamSocket.connect(LOOPBACK, options), ArgumentError);
  }
  const wrong = { family: "inet", address: "localhost", port: 1 } as const;
  await assert.rejects(StreamSocket.connect(wrong), { code: "ADDRESS" });
  await assert.rejects(StreamSocket.connect({} as SocketAddress), { argument: "address.family" });

  assert.equal(right.tryRead(new Uint8Array(1)), undefined);
  left.close();
  right.close();
});
