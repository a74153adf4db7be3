import {
  ArgumentError,
  close,
  ClosedError,
  Descriptor,
  encodeControlMessages,
  encodeDescriptors,
  EventCounter,
  F_GETFD,
  fcntl,
  FD_CLOEXEC,
  foreignRuntime,
  MAX_DESCRIPTORS,
  MessageSocket,
  MSG_CTRUNC,
  pipe2,
  read,
  SCM_RIGHTS,
  SharedMemory,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOL_SOCKET,
  StreamListener,
  StreamSocket,
  syscall,
  syscallNumber,
  UnsupportedError,
  write,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { test } from "../../support/harness.ts";

const SOON = { timeout: 30_000 };
const ONE = Uint8Array.of(1);

/** What each open descriptor leads to. */
function openFiles(): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      found.set(Number(name), readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // The descriptor by which the folder was read is closed again.
    }
  }
  return found;
}

/** How many descriptors of this process lead to the same file. */
function copiesOf(fd: number): number {
  const files = openFiles();
  return [...files.values()].filter((file) => file === files.get(fd)).length;
}

/** Runs a test with a pipe, of whose ends none but its own must be left afterwards. */
function withPipe(use: (reader: number, writer: number) => Promise<void>): () => Promise<void> {
  return async () => {
    const [reader, writer] = pipe2();
    try {
      await use(reader, writer);
      assert.equal(copiesOf(writer), 2, "both ends of the pipe lead to one file; more are copies that were left open");
    } finally {
      close(reader);
      close(writer);
    }
  };
}

/** Whether what is written to one descriptor comes out of the other. */
function leadsTo(writer: number, reader: number): void {
  const value = crypto.getRandomValues(new Uint8Array(4));
  write(writer, value);
  const buffer = new Uint8Array(8);
  assert.equal(read(reader, buffer), 4);
  assert.deepEqual(buffer.subarray(0, 4), value);
}

test(
  "a stream socket hands descriptors over with the first byte of a write",
  withPipe(async (reader, writer) => {
    const [left, right] = StreamSocket.pair();
    const large = new Uint8Array(1_000_000).fill(3);

    const writing = left.writeWithDescriptors(large, [{ fd: writer }, { fd: reader }]);
    const received = await right.readWithDescriptors(new Uint8Array(1000), SOON);
    let length = received!.length;
    while (length < large.length) length += (await right.read(new Uint8Array(65536), SOON))!;
    await writing;

    const [theirWriter, theirReader] = received!.descriptors;
    assert.equal(received!.isTruncated, false);
    leadsTo(theirWriter.fd, reader);
    leadsTo(writer, theirReader.fd);
    assert.equal(fcntl(theirWriter.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert.equal(right.stats().bytesRead, large.length);
    for (const each of [theirWriter, theirReader, left, right]) each.close();
  }),
);

test(
  "datagrams and sequenced packets carry descriptors beside their payload",
  withPipe(async (reader, writer) => {
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [left, right] = MessageSocket.pair({ descriptors: true }, type);

      await left.send(ONE, { control: encodeDescriptors([{ fd: writer }]) });
      await left.sendBatch([{ data: ONE }, { data: ONE, control: encodeDescriptors([{ fd: reader }]) }]);
      const [first, second, third] = [await right.receive(SOON), await right.receive(SOON), await right.receive(SOON)];

      assert.equal(second.descriptors.length, 0);
      assert.equal(first.flags & ~0x80, 0);
      leadsTo(first.descriptors[0].fd, third.descriptors[0].fd);
      assert.equal(fcntl(first.descriptors[0].fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
      for (const each of [...first.descriptors, ...third.descriptors, left, right]) each.close();
    }
  }),
);

test(
  "descriptors that nobody asked for are closed",
  withPipe(async (reader, writer) => {
    const [left, right] = StreamSocket.pair();
    const [sender, receiver] = MessageSocket.pair();
    const control = encodeDescriptors([{ fd: writer }, { fd: reader }]);

    await left.writeWithDescriptors(ONE, [{ fd: writer }]);
    assert.equal(await right.read(new Uint8Array(8)), 1);
    await left.writeWithDescriptors(ONE, [{ fd: writer }]);
    assert.equal(await right.readv([new Uint8Array(8)]), 1);
    await sender.send(ONE, { control });
    assert.equal((await receiver.receive(SOON)).descriptors.length, 0);
    await sender.send(ONE, { control });
    assert.equal((await receiver.receiveInto(new Uint8Array(8), SOON)).length, 1);
    await sender.send(ONE, { control });
    assert.equal((await receiver.receiveBatch(SOON)).length, 1);

    assert.equal(copiesOf(writer), 2);
    for (const each of [left, right, sender, receiver]) each.close();
  }),
);

test(
  "descriptors that were received from the kernel and by nobody else are closed with their socket",
  withPipe(async (_reader, writer) => {
    const [left, right] = MessageSocket.pair({ descriptors: true });
    const control = encodeDescriptors([{ fd: writer }]);
    for (let i = 0; i < 5; i++) await left.send(ONE, { control });

    const { descriptors } = await right.receive(SOON);
    assert.equal((await right.receiveInto(new Uint8Array(8))).length, 1);
    right.close();

    assert.equal(copiesOf(writer), 3);
    descriptors[0].close();
    left.close();
  }),
);

test(
  "a message that is too large loses its descriptors with its end",
  withPipe(async (_reader, writer) => {
    const [left, right] = MessageSocket.pair({ descriptors: true, payloadBytes: 16 });
    await left.send(new Uint8Array(17), { control: encodeDescriptors([{ fd: writer }]) });

    await assert.rejects(right.receive(SOON), { code: "MESSAGE_TOO_LARGE" });

    assert.equal(copiesOf(writer), 2);
    left.close();
    right.close();
  }),
);

test(
  "more descriptors than wanted, or than there is room for, are closed, and that is said",
  withPipe(async (_reader, writer) => {
    const [left, right] = StreamSocket.pair();
    const [sender, receiver] = MessageSocket.pair({ descriptors: true, controlBytes: 1032 });
    const small = MessageSocket.adopt(Descriptor.adopt(receiver.fd, "the same socket"), {
      descriptors: true,
      controlBytes: 32,
    });
    const many = Array.from({ length: MAX_DESCRIPTORS }, () => ({ fd: writer }));

    await left.writeWithDescriptors(ONE, many);
    const all = await right.readWithDescriptors(new Uint8Array(8), SOON);
    await left.writeWithDescriptors(ONE, many);
    const two = await right.readWithDescriptors(new Uint8Array(8), { maxDescriptors: 2, ...SOON });
    await sender.send(ONE, { control: encodeDescriptors(many) });
    const cut = await small.receive(SOON);

    assert.equal(all!.descriptors.length, MAX_DESCRIPTORS);
    assert.equal(all!.isTruncated, false);
    assert.equal(two!.descriptors.length, 2);
    assert.equal(two!.isTruncated, true);
    assert.equal(cut.descriptors.length, 4);
    assert.equal(cut.flags & MSG_CTRUNC, MSG_CTRUNC);
    assert.equal(copiesOf(writer), 2 + MAX_DESCRIPTORS + 2 + 4);
    for (const each of [...all!.descriptors, ...two!.descriptors, ...cut.descriptors]) each.close();
    for (const each of [left, right, sender, receiver]) each.close();
    assert.throws(() => small.close(), { code: "EBADF" });
  }),
);

test("a process without descriptors left gets the bytes, and is told that it got not all descriptors", async () => {
  const RLIMIT_NOFILE = 7;
  const runtime = foreignRuntime();
  const before = new BigUint64Array(new ArrayBuffer(16));
  const none = new BigUint64Array(new ArrayBuffer(16));
  const limit = (next: number, previous: number) =>
    syscall(syscallNumber("prlimit64"), 0, RLIMIT_NOFILE, next, previous);
  const [left, right] = StreamSocket.pair();
  await left.writeWithDescriptors(ONE, [left, right]);

  limit(0, runtime.addressOf(before.buffer));
  none[1] = before[1];
  limit(runtime.addressOf(none.buffer), 0);
  try {
    const received = right.readWithDescriptorsSync(new Uint8Array(8), SOON);
    assert.deepEqual(received, { length: 1, descriptors: [], isTruncated: true });
  } finally {
    limit(runtime.addressOf(before.buffer), 0);
  }
  left.close();
  right.close();
});

test("shared memory and a counter handed over make a doorbell between two sides", async () => {
  await using listener = StreamListener.listen({ family: "unix", abstract: randomUUID() });
  await using client = await StreamSocket.connect(listener.localAddress(), SOON);
  await using server = await listener.accept(SOON);
  using memory = SharedMemory.create(4096);
  await using bell = EventCounter.create();

  client.writeWithDescriptorsSync(ONE, [memory, bell], SOON);
  const { descriptors: [first, second] } = (await server.readWithDescriptors(new Uint8Array(1), SOON))!;
  using theirMemory = SharedMemory.adopt(first, { sealed: true });
  await using theirBell = EventCounter.adopt(second);
  const ringing = theirBell.wait(SOON);
  Atomics.store(new Int32Array(memory.buffer), 0, 42);
  bell.add();

  assert.equal(await ringing, 1);
  assert.equal(Atomics.load(new Int32Array(theirMemory.buffer), 0), 42);
});

test("a descriptor that is closed before it is sent is never another's", async () => {
  const [left, right] = StreamSocket.pair();
  const counter = EventCounter.create();
  let filled = 0;
  for (let written; (written = left.tryWrite(new Uint8Array(65536))) > 0;) filled += written;

  const writing = left.writeWithDescriptors(ONE, [counter]);
  counter.close();
  const rejected = assert.rejects(writing, ClosedError);
  const buffer = new Uint8Array(65536);
  while (filled > 0) filled -= (await right.read(buffer, SOON))!;

  await rejected;
  left.close();
  right.close();
});

test("wrong arguments are refused by name, before anything is sent", async () => {
  const [left, right] = StreamSocket.pair();
  const closed = EventCounter.create();
  closed.close();

  await assert.rejects(left.writeWithDescriptors(ONE, []), { code: "ARGUMENT", argument: "holders" });
  await assert.rejects(left.writeWithDescriptors(ONE, Array(254).fill(left)), { argument: "holders" });
  await assert.rejects(left.writeWithDescriptors(ONE, [{ fd: -1 }]), { argument: "holders[0]" });
  await assert.rejects(left.writeWithDescriptors(ONE, [left, closed]), ClosedError);
  await assert.rejects(left.writeWithDescriptors(new Uint8Array(0), [left]), { code: "ARGUMENT" });
  await assert.rejects(left.readWithDescriptors(ONE, { maxDescriptors: 254 }), { argument: "options.maxDescriptors" });
  assert.throws(() => encodeDescriptors([]), ArgumentError);
  await assert.rejects(left.writeWithDescriptors(ONE, [{ fd: 99_999 }]), { code: "EBADF", syscall: "sendmsg" });

  assert.equal(right.tryRead(ONE), undefined);
  left.close();
  right.close();
});

test("TCP carries no descriptors", async () => {
  await using listener = StreamListener.listen({ family: "inet", address: "127.0.0.1", port: 0 });
  await using client = await StreamSocket.connect(listener.localAddress(), SOON);
  await using server = await listener.accept(SOON);

  await assert.rejects(client.writeWithDescriptors(ONE, [client]), UnsupportedError);

  await client.write(ONE);
  assert.deepEqual(await server.readWithDescriptors(new Uint8Array(8), SOON), {
    length: 1,
    descriptors: [],
    isTruncated: false,
  });
});

test("the control message is that of the kernel, and its end is the end of the stream", async () => {
  const data = new Uint8Array(Int32Array.of(5, 6).buffer);
  assert.deepEqual(
    encodeDescriptors([{ fd: 5 }, { fd: 6 }]),
    encodeControlMessages([{ level: SOL_SOCKET, type: SCM_RIGHTS, data }]),
  );
  const [left, right] = StreamSocket.pair();
  left.close();

  assert.equal(await right.readWithDescriptors(new Uint8Array(8), SOON), null);
  right.close();
});

test("10,000 descriptors that are handed over leave none behind", async () => {
  const [left, right] = StreamSocket.pair();
  const [sender, receiver] = MessageSocket.pair({ descriptors: true });
  const control = encodeDescriptors([left]);
  const buffer = new Uint8Array(8);
  const before = readdirSync("/proc/self/fd").length;

  for (let i = 0; i < 5_000; i++) {
    await left.writeWithDescriptors(ONE, [left]);
    (await right.readWithDescriptors(buffer, SOON))!.descriptors[0].close();
    await sender.send(ONE, { control });
    (await receiver.receive(SOON)).descriptors[0].close();
  }

  assert(readdirSync("/proc/self/fd").length - before < 10);
  for (const each of [left, right, sender, receiver]) each.close();
});
