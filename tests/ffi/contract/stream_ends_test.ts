import { ClosedError, libc, SHUT_RD, shutdown, StreamListener, StreamSocket, SystemError } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { startProgram } from "../../support/program.ts";
import { bytes, connected, fill, LOOPBACK, SOON } from "./sockets.ts";

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

test("an end that only the reader wants is no error for the writer", async () => {
  const [left, right] = StreamSocket.pair();

  shutdown(right.fd, SHUT_RD);
  await assert.rejects(left.write(bytes("x")), { code: "EPIPE" });
  await right.write(bytes("still works"));

  assert.equal(await left.read(new Uint8Array(16)), 11);
  left.close();
  right.close();
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
