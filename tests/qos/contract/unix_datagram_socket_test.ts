/** What unix datagram sockets promise beyond other packet sockets. */

import { AddressError, ArgumentError, SystemError } from "@sockeye/sockeye";
import { close, pipe2, read, StreamListener, write } from "@sockeye/sockeye/ffi";
import { type UnixBindOptions, UnixDatagramSocket } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { openSockets } from "../../support/leaks.ts";
import { test } from "../../support/harness.ts";
import { bytes, folder, SOON } from "./kinds.ts";

const newPath = () => join(folder, randomUUID());
const refused = (argument: string) => (error: unknown) => {
  assert(error instanceof ArgumentError, String(error));
  assert.equal(error.argument, argument);
  return true;
};
const taken = (message: RegExp) => (error: unknown) => {
  assert(error instanceof SystemError, String(error));
  assert.equal(error.code, "EADDRINUSE");
  assert.match(error.message, message);
  return true;
};

/** Leaves a socket's file behind, as a program does that is killed. */
function leaveBehind(path: string): void {
  const socket = UnixDatagramSocket.bind(path);
  renameSync(path, `${path}.kept`);
  socket.close();
  renameSync(`${path}.kept`, path);
}

test("closing a socket removes its file, unless another took its place", () => {
  const path = newPath();
  const first = UnixDatagramSocket.bind(path);
  assert(existsSync(path));
  first.close();
  assert(!existsSync(path));

  const second = UnixDatagramSocket.bind(path);
  rmSync(path);
  const third = UnixDatagramSocket.bind(path);
  second.close();
  assert(existsSync(path), "the file is the third's");
  third.close();
  assert(!existsSync(path));
  {
    using fourth = UnixDatagramSocket.bind(path);
    rmSync(path);
    assert.deepEqual(fourth.localAddress(), { family: "unix", path });
  }
});

test("a file has the permissions that are asked for, whatever the umask", () => {
  const before = process.umask(0o077);
  try {
    for (const mode of [0o600, 0o660, 0o666, 0o777, 0]) {
      using socket = UnixDatagramSocket.bind(newPath(), { mode });
      const { path } = socket.localAddress() as { path: string };
      assert.equal(statSync(path).mode & 0o777, mode);
    }
  } finally {
    process.umask(before);
  }
});

test("a path where somebody has a socket open is never replaced", async () => {
  const path = newPath();
  await using owner = UnixDatagramSocket.bind(path);
  for (const replace of [false, true]) {
    assert.throws(() => UnixDatagramSocket.bind(path, { replace }), taken(/somebody has a socket open/));
  }
  await using sender = UnixDatagramSocket.connect(path);
  await sender.send(bytes("still mine"));
  assert.equal((await owner.receive(SOON)).text(), "still mine");

  const listening = newPath();
  await using _ = StreamListener.listen({ family: "unix", path: listening });
  assert.throws(() => UnixDatagramSocket.bind(listening, { replace: true }), taken(/somebody has a socket open/));
  const connected = newPath();
  await using loyal = UnixDatagramSocket.connect(path, { bind: connected });
  assert.throws(() => UnixDatagramSocket.bind(connected, { replace: true }), taken(/somebody has a socket open/));
  assert.equal(loyal.isClosed, false);
});

test("a socket's file that a program left behind is replaced where that is asked for", async () => {
  const path = newPath();
  leaveBehind(path);
  assert.throws(() => UnixDatagramSocket.bind(path), taken(/replace: true/));

  await using socket = UnixDatagramSocket.bind(path, { replace: true });
  await using sender = UnixDatagramSocket.bind();
  await sender.send(bytes("alive"), path);

  assert.equal((await socket.receive(SOON)).text(), "alive");
});

test("a file that is no socket is never replaced", () => {
  const path = newPath();
  writeFileSync(path, "precious");
  for (const replace of [false, true]) {
    assert.throws(() => UnixDatagramSocket.bind(path, { replace }), taken(/no socket/));
  }
  assert.equal(readFileSync(path, "utf8"), "precious");
});

test("names and options that can't be are refused, and leave nothing behind", () => {
  const before = openSockets();
  const path = newPath();
  const wrong: [string, UnixBindOptions][] = [
    ["options.mode", { mode: 0o1777 }],
    ["options.info", { info: ["ttl"] }],
    ["options.receiveBuffer", { receiveBuffer: 0 }],
    ["options.batch", { batch: 0 }],
  ];
  for (const [argument, options] of wrong) {
    assert.throws(() => UnixDatagramSocket.bind(path, options), refused(argument));
    assert(!existsSync(path), argument);
  }
  assert.throws(() => UnixDatagramSocket.bind("@name", { mode: 0o600 }), refused("options.mode"));
  assert.throws(() => UnixDatagramSocket.bind(""), AddressError);
  assert.throws(() => UnixDatagramSocket.bind("x".repeat(108)), AddressError);
  assert.throws(() => UnixDatagramSocket.bind(join(folder, "missing", "x")), { code: "ENOENT" });
  assert.throws(() => UnixDatagramSocket.connect(path), { code: "ENOENT" });
  assert.throws(() => UnixDatagramSocket.connect(path, { bind: newPath() }), { code: "ENOENT" });
  assert.throws(() => UnixDatagramSocket.connect({ family: "unix", unnamed: true }), refused("to"));
  assert.throws(() => UnixDatagramSocket.pair({ batch: 0 }), refused("options.batch"));
  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
});

test("without a name the kernel chooses one, to which can be answered", async () => {
  await using server = UnixDatagramSocket.bind(newPath());
  await using client = UnixDatagramSocket.connect(server.localAddress() as { family: "unix"; path: string });
  assert("abstract" in client.localAddress());
  await client.send(bytes("question"));

  const { from } = await server.receive(SOON);
  assert.deepEqual(from, client.localAddress());
  await server.send(bytes("answer"), from);

  assert.equal((await client.receive(SOON)).text(), "answer");
});

test("a pair has no names, and needs none", async () => {
  const [left, right] = UnixDatagramSocket.pair({ info: true });
  await left.send(bytes("hello"));
  await left.sendBatch([{ data: bytes("a") }, { data: bytes("b"), label: "ignored" }]);

  const { from, credentials } = await right.receive(SOON);
  assert.equal(credentials?.uid, process.getuid!());
  // Whoever asks for credentials gets a name from the kernel when it sends: unix(7).
  assert(from === undefined || "abstract" in from);
  assert.equal((await right.receive(SOON)).text(), "a");
  assert.equal((await right.receive(SOON)).text(), "b");
  assert.equal(left.remoteAddress(), undefined);
  await left[Symbol.asyncDispose]();
  await right[Symbol.asyncDispose]();
});

test("the sender's process, user and group come with a datagram where they are asked for", async () => {
  await using asking = UnixDatagramSocket.bind(undefined, { info: ["credentials"] });
  await using other = UnixDatagramSocket.bind();
  await using sender = UnixDatagramSocket.bind();
  const own = { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() };

  await sender.send(bytes("x"), asking.localAddress());
  await sender.send(bytes("x"), other.localAddress());

  assert.deepEqual((await asking.receive(SOON)).credentials, own);
  assert.equal((await other.receive(SOON)).credentials, undefined);
});

test("descriptors travel both ways, each with its datagram, beside credentials", async () => {
  const options = { descriptors: true, info: true } as const;
  await using server = UnixDatagramSocket.bind(newPath(), options);
  await using client = UnixDatagramSocket.connect((server.localAddress() as { path: string }).path, options);
  const [reader, writer] = pipe2();

  await client.sendBatch([
    { data: bytes("none") },
    { data: bytes("both"), descriptors: [{ fd: reader }, { fd: writer }] },
  ]);
  assert.deepEqual((await server.receive(SOON)).descriptors, []);
  const { descriptors, from, credentials } = await server.receive(SOON);
  assert.equal(credentials?.pid, process.pid);
  assert.equal(descriptors.length, 2);
  write(descriptors[1].fd, Uint8Array.of(7));
  const buffer = new Uint8Array(1);
  read(reader, buffer);
  assert.equal(buffer[0], 7);
  await server.send(bytes("back"), from, { descriptors });
  const back = (await client.receive(SOON)).descriptors;
  assert.equal(back.length, 2);

  for (const descriptor of [...descriptors, ...back]) descriptor.close();
  close(reader);
  close(writer);
});

test("as many descriptors as the kernel takes arrive, and one more is refused", async () => {
  const [left, right] = UnixDatagramSocket.pair({ descriptors: true, info: true });
  const before = openSockets();
  const most = Array.from({ length: 253 }, () => left);

  await left.send(bytes("most"), undefined, { descriptors: most });
  const { descriptors } = await right.receive(SOON);
  assert.equal(descriptors.length, 253);
  for (const descriptor of descriptors) descriptor.close();
  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);

  for (const wrong of [[...most, left], []]) {
    await assert.rejects(left.send(bytes("x"), undefined, { descriptors: wrong }), refused("options.descriptors"));
    await assert.rejects(
      left.sendBatch([{ data: bytes("x") }, { data: bytes("x"), descriptors: wrong }]),
      refused("messages[1].descriptors"),
    );
  }
  await assert.rejects(
    left.send(bytes("x"), undefined, { descriptors: [left, { fd: -1 }] }),
    refused("options.descriptors[1]"),
  );
  assert.equal(right.tryReceive(), undefined);
  await left[Symbol.asyncDispose]();
  await right[Symbol.asyncDispose]();
});

test("descriptors that nobody asked for, or nobody takes, are closed", async () => {
  const before = openSockets();
  for (const options of [{}, { descriptors: true }]) {
    const [left, right] = UnixDatagramSocket.pair(options);
    await left.send(bytes("a"), undefined, { descriptors: [left] });
    await left.send(bytes("b"), undefined, { descriptors: [left] });
    await left.send(bytes("c"), undefined, { descriptors: [left] });
    await right.receiveInto(new Uint8Array(8), SOON);
    if (options.descriptors) await right.untilReadable(SOON);
    else assert.deepEqual((await right.receive(SOON)).descriptors, []);
    await left[Symbol.asyncDispose]();
    await right[Symbol.asyncDispose]();
  }
  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
});

test("sends to a reader that is slow wait, in order, each to its own destination", async () => {
  await using sender = UnixDatagramSocket.bind();
  await using slow = UnixDatagramSocket.bind();
  // More than fit where a queue holds 512, as systemd has it, and more than a socket has room to send.
  const count = 1000;

  const sends = Array.from(
    { length: count },
    (_, index) => sender.send(Uint8Array.of(index & 255), slow.localAddress()),
  );
  assert.equal(sender.trySend(bytes("x"), slow.localAddress()), false);
  for (let index = 0; index < count; index++) assert.equal((await slow.receive(SOON)).data[0], index & 255);

  await Promise.all(sends);
  assert(sender.stats().sendsBlocked > 0);
});
