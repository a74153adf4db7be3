import {
  ArgumentError,
  ClosedError,
  foreignRuntime,
  type SocketAddress,
  StreamListener,
  StreamSocket,
  syscall,
  syscallNumber,
  TimeoutError,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "../../support/harness.ts";
import { LOOPBACK, SOON } from "./sockets.ts";

/**
 * Runs a test with a path in a folder of its own. It is in /dev/shm because the rig's other file system, hostfs, gives a
 * file's number to the next one while a bound socket still has it, as no file system of a real machine does.
 */
function withPath(use: (path: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync("/dev/shm/sockeye-");
    try {
      await use(join(folder, "socket"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

test("iteration gives every connection, and ends when the listener is closed", async () => {
  const listener = StreamListener.listen(LOOPBACK);
  const clients: StreamSocket[] = [];
  for (let i = 0; i < 3; i++) clients.push(await StreamSocket.connect(listener.localAddress(), SOON));

  const accepted: StreamSocket[] = [];
  for await (const socket of listener) {
    accepted.push(socket);
    if (accepted.length === clients.length) listener.close();
  }

  assert.deepEqual(accepted.map((socket) => socket.peerAddress()), clients.map((socket) => socket.localAddress()));
  assert.equal(listener.stats().accepted, 3);
  for (const socket of [...clients, ...accepted]) socket.close();
  await using _ = listener;
});

test("accept waits for a connection, ends by timeout and by signal, and loses none", async () => {
  await using listener = StreamListener.listen(LOOPBACK);
  const abort = new AbortController();

  assert.equal(listener.tryAccept(), undefined);
  const aborted = listener.accept({ signal: abort.signal });
  const late = listener.accept({ timeout: 5 });
  const kept = listener.accept(SOON);
  assert.equal(listener.stats().acceptsWaiting, 3);
  abort.abort(new Error("enough"));
  await assert.rejects(aborted, { message: "enough" });
  await assert.rejects(late, TimeoutError);
  await using client = await StreamSocket.connect(listener.localAddress(), SOON);

  await using server = await kept;
  assert.deepEqual(server.peerAddress(), client.localAddress());
});

test("a closed listener refuses connections, rejects what is pending and refuses what is new", async () => {
  const listener = StreamListener.listen(LOOPBACK);
  const address = listener.localAddress();
  const waiting = listener.accept();

  listener.close();
  listener.close();

  await assert.rejects(waiting, ClosedError);
  await assert.rejects(listener.accept(), ClosedError);
  assert.throws(() => listener.tryAccept(), ClosedError);
  assert.throws(() => listener.acceptSync(), ClosedError);
  assert.throws(() => listener.localAddress(), ClosedError);
  assert(listener.isClosed);
  await assert.rejects(StreamSocket.connect(address, SOON), { code: "ECONNREFUSED" });
  await using _ = listener;
});

test("a connection that was reset before it is accepted is there, and says so when it is read", async () => {
  await using listener = StreamListener.listen(LOOPBACK);
  const client = await StreamSocket.connect(listener.localAddress(), SOON);
  client.abort();

  await using server = await listener.accept(SOON);

  await assert.rejects(server.read(new Uint8Array(1), SOON), { code: "ECONNRESET" });
});

test("a port that is taken is EADDRINUSE, unless both sides share it", async () => {
  await using first = StreamListener.listen(LOOPBACK);
  const address = first.localAddress();
  assert.throws(() => StreamListener.listen(address), { code: "EADDRINUSE", syscall: "bind" });
  assert.throws(() => StreamListener.listen(address, { reusePort: true }), { code: "EADDRINUSE" });

  await using shared = StreamListener.listen(LOOPBACK, { reusePort: true });
  await using other = StreamListener.listen(shared.localAddress(), { reusePort: true });
  await using client = await StreamSocket.connect(other.localAddress(), SOON);
  const abort = new AbortController();
  const either = [shared, other].map((listener) => listener.accept({ signal: abort.signal }));
  const accepted = await Promise.race(either);
  abort.abort();

  assert.deepEqual(accepted.peerAddress(), client.localAddress());
  await Promise.allSettled(either);
  accepted.close();
});

test("an IPv6 listener takes IPv4 too, unless it is told not to", async () => {
  const any: SocketAddress = { family: "inet6", address: "::", port: 0 };
  await using both = StreamListener.listen(any, { ipv6Only: false });
  await using only = StreamListener.listen(any, { ipv6Only: true });
  const over4 = (listener: StreamListener): SocketAddress => ({
    family: "inet",
    address: "127.0.0.1",
    port: (listener.localAddress() as { port: number }).port,
  });

  await using client = await StreamSocket.connect(over4(both), SOON);
  await using server = await both.accept(SOON);

  assert.equal((server.peerAddress() as { address: string }).address, "::ffff:127.0.0.1");
  await assert.rejects(StreamSocket.connect(over4(only), SOON), { code: "ECONNREFUSED" });
  client.close();
});

test(
  "the file of a unix socket has the mode that was asked for, and goes with its listener",
  withPath(async (path) => {
    const mask = process.umask(0o077);
    try {
      for (const mode of [0o600, 0o666, 0o770]) {
        const listener = StreamListener.listen({ family: "unix", path }, { mode });
        assert.equal(statSync(path).mode & 0o777, mode);
        assert(statSync(path).isSocket());
        await using client = await StreamSocket.connect({ family: "unix", path }, SOON);
        assert.deepEqual(client.peerAddress(), { family: "unix", path });
        listener.close();
        assert(!existsSync(path));
        await using _ = listener;
      }
    } finally {
      process.umask(mask);
    }
  }),
);

test(
  "a file that somebody else has put in the place of ours stays",
  withPath(async (path) => {
    await using first = StreamListener.listen({ family: "unix", path });
    unlinkSync(path);
    await using second = StreamListener.listen({ family: "unix", path });

    first.close();
    assert(existsSync(path));
    second.close();
    assert(!existsSync(path));

    const third = StreamListener.listen({ family: "unix", path });
    unlinkSync(path);
    third.close();
  }),
);

test(
  "a path that is taken is EADDRINUSE, and stays as it was",
  withPath((path) => {
    writeFileSync(path, "not ours");

    assert.throws(() => StreamListener.listen({ family: "unix", path }, { mode: 0o600 }), {
      code: "EADDRINUSE",
      address: path,
    });

    assert(statSync(path).isFile());
    return Promise.resolve();
  }),
);

test("wrong arguments are refused by name, before anything happens", () => {
  for (
    const [address, options] of [
      [LOOPBACK, { backlog: -1 }],
      [LOOPBACK, { mode: 0o600 }],
      [{ family: "unix", path: "/nowhere/at/all" }, { mode: 0o1000 }],
      [{ family: "unix", abstract: "x" }, { mode: 0o600 }],
      [LOOPBACK, { sendBufferBytes: NaN }],
    ] as const
  ) {
    assert.throws(() => StreamListener.listen(address, options), ArgumentError);
  }
  assert.throws(() => StreamListener.listen({ family: "inet", address: "nonsense", port: 0 }), { code: "ADDRESS" });
  assert.throws(() => StreamListener.listen({ family: "inet", address: "192.0.2.1", port: 0 }), {
    code: "EADDRNOTAVAIL",
    syscall: "bind",
    address: "192.0.2.1:0",
  });
});

const RLIMIT_NOFILE = 7;

/** Runs a step in which this process may open no further descriptor, setrlimit(2). */
function withoutDescriptors(step: () => void): void {
  const runtime = foreignRuntime();
  const before = new BigUint64Array(new ArrayBuffer(16));
  const none = new BigUint64Array(new ArrayBuffer(16));
  const limit = (next: number, previous: number) =>
    syscall(syscallNumber("prlimit64"), 0, RLIMIT_NOFILE, next, previous);
  limit(0, runtime.addressOf(before.buffer));
  none[1] = before[1];
  limit(runtime.addressOf(none.buffer), 0);
  try {
    step();
  } finally {
    limit(runtime.addressOf(before.buffer), 0);
  }
}

test("without descriptors left accept fails with EMFILE, and the connection goes on waiting", async () => {
  const address: SocketAddress = { family: "unix", abstract: randomUUID() };
  await using listener = StreamListener.listen(address);
  await using client = await StreamSocket.connect(address, SOON);

  withoutDescriptors(() => {
    assert.throws(() => listener.tryAccept(), { code: "EMFILE", syscall: "accept4" });
    assert.throws(() => StreamListener.listen(LOOPBACK), { code: "EMFILE", syscall: "socket" });
    assert.throws(() => StreamSocket.connectSync(address), { code: "EMFILE" });
    assert.throws(() => StreamSocket.pair(), { code: "EMFILE", syscall: "socketpair" });
  });

  await using server = await listener.accept(SOON);
  assert(!server.isClosed);
  client.close();
});
