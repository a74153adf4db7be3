import {
  AF_INET,
  AF_UNIX,
  ClosedError,
  Descriptor,
  getsockoptInt,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SOCK_DGRAM,
  socket,
  type SocketAddress,
  SOL_SOCKET,
  StreamListener,
  StreamSocket,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TimeoutError,
  UnsupportedError,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import process from "node:process";
import { test } from "../../support/harness.ts";
import { abstract, bytes, connected, LOOPBACK, SOON } from "./sockets.ts";

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
