import {
  AF_INET,
  AF_UNIX,
  ArgumentError,
  ClosedError,
  Descriptor,
  getsockoptInt,
  IPPROTO_TCP,
  libc,
  SHUT_RD,
  shutdown,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SOCK_DGRAM,
  socket,
  type SocketAddress,
  SOL_SOCKET,
  StateError,
  StreamListener,
  StreamSocket,
  SystemError,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TimeoutError,
  UnsupportedError,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect as connectNode, createServer, type Server, type Socket } from "node:net";
import { Buffer } from "node:buffer";
import process from "node:process";
import { test } from "../../support/harness.ts";
import { startProgram } from "../../support/program.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const LOOPBACK: SocketAddress = { family: "inet", address: "127.0.0.1", port: 0 };
const LOOPBACK6: SocketAddress = { family: "inet6", address: "::1", port: 0 };
const abstract = (): SocketAddress => ({ family: "unix", abstract: randomUUID() });
/** Long enough for any machine, short enough to fail before the test's own limit. */
const SOON = { timeout: 30_000 };

/** Bytes of which none is like its neighbours, so that a gap or a swap shows. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16) * 31) & 0xff);
}

/** Both ends of a connection. */
async function connected(address: SocketAddress = LOOPBACK): Promise<[client: StreamSocket, server: StreamSocket]> {
  await using listener = StreamListener.listen(address);
  const accepted = listener.accept(SOON);
  const client = await StreamSocket.connect(listener.localAddress(), SOON);
  return [client, await accepted];
}

/** Everything up to the end of the stream. */
async function readAll(socket: StreamSocket): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(65536);
  for (let length; (length = await socket.read(buffer, SOON)) !== null;) chunks.push(buffer.slice(0, length));
  return joined(chunks);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Fills a socket's way to its peer, and says how many bytes that took. */
function fill(socket: StreamSocket): number {
  const chunk = new Uint8Array(65536);
  let total = 0;
  for (let written; (written = socket.tryWrite(chunk)) > 0;) total += written;
  return total;
}

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

test("a peer that is killed is the end of the stream, and writing to it fails without a signal", async () => {
  await using listener = StreamListener.listen(LOOPBACK);
  const { port } = listener.localAddress() as { port: number };
  const program = startProgram(`
    import { connect } from "node:net";
    connect(${port}, "127.0.0.1").write("alive");
  `);
  await using socket = await listener.accept(SOON);
  const buffer = new Uint8Array(16);
  assert.equal(await socket.read(buffer, SOON), 5);

  const reading = socket.read(buffer, SOON);
  program.process.kill("SIGKILL");

  assert.equal(await reading, null);
  assert.equal(await program.ended, "SIGKILL");
  program.process.stdin.destroy();
  await assert.rejects(writeUntilRefused(socket), isCode("EPIPE", "ECONNRESET"));
});

async function writeUntilRefused(socket: StreamSocket): Promise<void> {
  for (;;) {
    await socket.write(bytes("is anybody there?"), SOON);
    // The reset that answers the first write ends every wait.
    await socket.read(new Uint8Array(1), SOON);
  }
}

function isCode(...codes: string[]): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof SystemError, String(error));
    assert(codes.includes(error.code), error.message);
    return true;
  };
}

test("writing to a peer that is gone does not raise SIGPIPE, also where that would kill", async () => {
  const { runtime, path } = libc();
  const library = runtime.open([path], { signal: { parameters: ["i32", "u64"], result: "u64" } });
  const [SIGPIPE, SIG_DFL] = [13, 0];
  const [left, right] = StreamSocket.pair();
  right.close();

  const before = library.symbols.signal(SIGPIPE, SIG_DFL);
  try {
    await assert.rejects(left.write(bytes("x")), { code: "EPIPE", syscall: "sendmsg" });
    await assert.rejects(left.writev([bytes("x")]), { code: "EPIPE" });
    await assert.rejects(left.writeWithDescriptors(bytes("x"), [left]), { code: "EPIPE" });
  } finally {
    library.symbols.signal(SIGPIPE, before);
    library.close();
  }
  left.close();
});

test("a connection that the peer aborts is ECONNRESET, not an end of the stream, as often as one asks", async () => {
  const [client, server] = await connected();
  const reading = client.read(new Uint8Array(1), SOON);

  server.abort();

  await assert.rejects(reading, { code: "ECONNRESET" });
  await assert.rejects(client.read(new Uint8Array(1)), { code: "ECONNRESET" });
  await assert.rejects(client.write(bytes("x")), isCode("EPIPE", "ECONNRESET"));
  await client.closeWrite();
  assert(server.isClosed);
  await using _ = client;
});

test("a reset that a write is told of is not taken for the end by a read", async () => {
  const [client, server] = await connected();
  const waiting = client.read(new Uint8Array(1), SOON);
  const filled = fill(client);
  assert(filled > 0);

  const writing = client.write(bytes("x"), SOON);
  server.abort();

  const outcomes = await Promise.allSettled([waiting, writing]);
  for (const outcome of outcomes) assert.equal(outcome.status, "rejected");
  await assert.rejects(client.read(new Uint8Array(1)), { code: "ECONNRESET" });
  client.close();
});

test("a refused connection says where, and leaves no descriptor", async () => {
  const listener = StreamListener.listen(LOOPBACK);
  const address = listener.localAddress() as { address: string; port: number } & SocketAddress;
  listener.close();

  const refused = { code: "ECONNREFUSED", syscall: "connect", address: `127.0.0.1:${address.port}` };
  await assert.rejects(StreamSocket.connect(address, SOON), refused);
  assert.throws(() => StreamSocket.connectSync(address, SOON), refused);
  const nowhere: SocketAddress = { family: "unix", path: `/tmp/sockeye-${randomUUID()}` };
  await assert.rejects(StreamSocket.connect(nowhere), { code: "ENOENT", address: nowhere.path });
});

/**
 * A listener whose backlog is full: further connections are neither accepted nor refused. The kernel lets one more wait
 * than the backlog says.
 */
async function crowded(address: SocketAddress): Promise<{ listener: StreamListener; crowd: StreamSocket }> {
  const listener = StreamListener.listen(address, { backlog: 0 });
  return { listener, crowd: await StreamSocket.connect(listener.localAddress(), SOON) };
}

for (const [kind, address] of [["TCP", LOOPBACK], ["unix", abstract()]] as const) {
  test(`connecting over ${kind} where nobody answers ends by timeout and by signal`, async () => {
    const { listener, crowd } = await crowded(address);
    const there = listener.localAddress();
    const reason = new Error("changed my mind");
    const abort = new AbortController();

    const aborted = StreamSocket.connect(there, { signal: abort.signal });
    const late = StreamSocket.connect(there, { timeout: 20 });
    abort.abort(reason);

    await assert.rejects(aborted, (error) => error === reason);
    await assert.rejects(late, TimeoutError);
    await assert.rejects(StreamSocket.connect(there, { signal: AbortSignal.abort(reason) }), (e) => e === reason);
    assert.throws(() => StreamSocket.connectSync(there, { timeout: 20 }), TimeoutError);
    await using _ = crowd, __ = listener;
  });
}

test("connecting to a unix listener whose backlog is full waits until there is room", async () => {
  const { listener, crowd } = await crowded(abstract());

  const waiting = StreamSocket.connect(listener.localAddress(), SOON);
  const first = await listener.accept(SOON);
  const socket = await waiting;
  const second = await listener.accept(SOON);

  await socket.write(bytes("through"));
  assert.equal(await second.read(new Uint8Array(16), SOON), 7);
  for (const each of [crowd, first, socket, second]) each.close();
  await using _ = listener;
});

test("a connection can be made from a chosen address", async () => {
  await using listener = StreamListener.listen(LOOPBACK);

  const localAddress: SocketAddress = { family: "inet", address: "127.0.0.2", port: 0 };
  await using client = await StreamSocket.connect(listener.localAddress(), { localAddress, ...SOON });
  await using server = await listener.accept(SOON);

  assert.equal((server.peerAddress() as { address: string }).address, "127.0.0.2");
  assert.deepEqual(client.localAddress(), server.peerAddress());
});

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

test("Web Streams carry bytes both ways, and close the socket when both have ended", async () => {
  const [client, server] = await connected();
  const data = pattern(2_000_000);

  const echoing = server.readable.pipeTo(server.writable);
  const writer = client.writable.getWriter();
  const writing = writer.write(data).then(() => writer.close());
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.readable) chunks.push(chunk);
  await writing;
  await echoing;

  assert(Buffer.compare(joined(chunks), data) === 0);
  assert(client.isClosed);
  assert(server.isClosed);
  assert.equal(client.readable, client.readable);
});

test("a Web Stream fills the reader's own buffer, and reads nothing that nobody asked for", async () => {
  const [left, right] = StreamSocket.pair();
  await left.write(bytes("abcdef"));

  const reader = right.readable.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(4));
  assert.equal(text(value!), "abcd");
  reader.releaseLock();

  assert.equal(right.stats().bytesRead, 4);
  assert.equal(await right.read(new Uint8Array(4)), 2);
  left.close();
  right.close();
});

test("a Web Stream that is cancelled in mid-read takes nothing", async () => {
  const [left, right] = StreamSocket.pair();
  const reader = right.readable.getReader();
  const reading = reader.read();

  await reader.cancel("enough");
  assert.equal((await reading).done, true);
  await left.write(bytes("still there"));

  assert.equal(await right.read(new Uint8Array(16)), 11);
  await left.writable.close();
  assert(!left.isClosed);
  left.close();
  right.close();
});

test("a Web Stream passes backpressure on, and aborting it cuts the connection", async () => {
  const [client, server] = await connected();
  const writer = client.writable.getWriter();

  const write = writer.write(new Uint8Array(20_000_000));
  assert.equal(writer.desiredSize, 0);
  const cut = writer.abort(new Error("cut"));

  await assert.rejects(write, { message: "cut" });
  await cut;
  assert(client.isClosed);
  await assert.rejects(readAll(server), { code: "ECONNRESET" });
  server.close();
});

test("close rejects what is pending and refuses what is new", async () => {
  const [left, right] = StreamSocket.pair();
  fill(left);
  const pending = [
    left.read(new Uint8Array(1)),
    left.readv([new Uint8Array(1)]),
    left.write(bytes("never")),
    left.writev([bytes("never")]),
    left.writeSome(bytes("never")),
    left.closeWrite(),
  ];

  left.close();
  left.close();

  for (const each of pending) await assert.rejects(each, ClosedError);
  await assert.rejects(left.read(new Uint8Array(1)), ClosedError);
  await assert.rejects(left.write(bytes("x")), ClosedError);
  await assert.rejects(left.closeWrite(), ClosedError);
  assert.throws(() => left.tryRead(new Uint8Array(1)), ClosedError);
  assert.throws(() => left.tryWrite(bytes("x")), ClosedError);
  assert.throws(() => left.readSync(new Uint8Array(1)), ClosedError);
  assert.throws(() => left.writeSync(bytes("x")), ClosedError);
  assert.throws(() => left.fd, ClosedError);
  assert.throws(() => left.localAddress(), ClosedError);
  assert(left.isClosed);
  left.abort();
  await using _ = right;
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

test("TCP options are set from the start, and later", async () => {
  await using listener = StreamListener.listen(LOOPBACK, { keepAlive: true, receiveBufferBytes: 20_000 });
  const keepAlive = { idle: 1500, interval: 2000, count: 3 };
  await using client = await StreamSocket.connect(listener.localAddress(), { keepAlive, noDelay: false, ...SOON });
  await using server = await listener.accept(SOON);

  assert.equal(getsockoptInt(client.fd, IPPROTO_TCP, TCP_NODELAY), 0);
  assert.equal(getsockoptInt(server.fd, IPPROTO_TCP, TCP_NODELAY), 1);
  assert.equal(getsockoptInt(server.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  assert.equal(getsockoptInt(server.fd, SOL_SOCKET, SO_RCVBUF), 40_000);
  assert.deepEqual(
    [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map((option) => getsockoptInt(client.fd, IPPROTO_TCP, option)),
    [2, 2, 3],
  );
  client.setNoDelay();
  server.setKeepAlive(false);
  assert.equal(getsockoptInt(client.fd, IPPROTO_TCP, TCP_NODELAY), 1);
  assert.equal(getsockoptInt(server.fd, SOL_SOCKET, SO_KEEPALIVE), 0);
});

test("a unix socket knows who is at the other end, TCP does not", async () => {
  const [left, right] = await connected(abstract());
  const [client, server] = await connected();

  const own = { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() };
  assert.deepEqual(left.peerCredentials(), own);
  assert.deepEqual(right.peerCredentials(), own);
  assert.throws(() => client.peerCredentials(), UnsupportedError);
  for (const socket of [left, right, client, server]) socket.close();
});

test("only stream sockets are adopted, and others are closed", () => {
  const datagrams = Descriptor.adopt(socket(AF_INET, SOCK_DGRAM), "socket");

  assert.throws(() => StreamSocket.adopt(datagrams), { argument: "descriptor" });

  assert(datagrams.isClosed);
  assert.throws(() => StreamSocket.adopt(datagrams), ClosedError);
});

test("an end that only the reader wants is no error for the writer", async () => {
  const [left, right] = StreamSocket.pair();

  shutdown(right.fd, SHUT_RD);
  await assert.rejects(left.write(bytes("x")), { code: "EPIPE" });
  await right.write(bytes("still works"));

  assert.equal(await left.read(new Uint8Array(16)), 11);
  left.close();
  right.close();
});

const descriptors = () => readdirSync("/proc/self/fd").length;

test("10,000 connections that are made, used and closed leave no descriptor behind", async () => {
  const listener = StreamListener.listen(abstract(), { backlog: 16 });
  const address = listener.localAddress();
  const cycle = async () => {
    const client = await StreamSocket.connect(address);
    const server = await listener.accept(SOON);
    const reading = server.read(new Uint8Array(8));
    await client.write(bytes("x"));
    await reading;
    client.close();
    server.close();
  };
  await cycle();
  const before = descriptors();

  for (let i = 0; i < 10_000; i++) await cycle();

  // The runtime opens a handful of its own whenever it likes; a leak would be thousands.
  assert(descriptors() - before < 10);
  await using _ = listener;
});

test("failed connections leave no descriptor behind", async () => {
  const listener = StreamListener.listen(LOOPBACK);
  const address = listener.localAddress();
  listener.close();
  const before = descriptors();

  for (let i = 0; i < 500; i++) {
    await assert.rejects(StreamSocket.connect(address));
    await assert.rejects(StreamSocket.connect({ family: "unix", abstract: "nobody" }));
    await assert.rejects(StreamSocket.connect(address, { signal: AbortSignal.abort() }));
    assert.throws(() => StreamListener.listen({ family: "inet", address: "192.0.2.1", port: 0 }));
    assert.throws(() => StreamSocket.adopt(Descriptor.adopt(socket(AF_UNIX, SOCK_DGRAM), "socket")));
  }

  assert(descriptors() - before < 10);
});
