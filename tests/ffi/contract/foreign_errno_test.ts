/** Error numbers that the runtime left behind in a call of its own, between a call of ours and the look at errno. */

import {
  AF_UNIX,
  close,
  ERRNO,
  eventfd,
  foreignRuntime,
  futexWaitSync,
  libc,
  MessageSocket,
  type NativeValue,
  Reactor,
  READABLE,
  SOCK_DGRAM,
  StreamListener,
  StreamSocket,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "../../support/harness.ts";

/** Numbers that these calls never set, and some that they might have. */
const LEFT_BEHIND = ["ENOENT", "ENOMEM", "EINVAL", "ENOTTY"] as const;

const runtime = foreignRuntime();

/** What `call` gives when the first look at errno finds another call's number; it must have looked. */
function misled<T>(errno: number, call: () => T): T {
  let looks = 0;
  const actual = Object.getPrototypeOf(runtime).errno as () => number;
  const errnoOf = (): number => looks++ === 0 ? errno : actual.call(runtime);
  Object.defineProperty(runtime, "errno", { value: errnoOf, configurable: true });
  try {
    return call();
  } finally {
    delete (runtime as { errno?: unknown }).errno;
    assert(looks > 0, "nobody looked at errno");
  }
}

for (const name of LEFT_BEHIND) {
  const errno = ERRNO[name];

  test(`nothing to receive is not taken for ${name}`, async () => {
    await using socket = MessageSocket.open(AF_UNIX, SOCK_DGRAM);

    assert.equal(misled(errno, () => socket.tryReceive()), undefined);
    assert.equal(misled(errno, () => socket.tryReceiveInto(new Uint8Array(10))), undefined);
  });

  test(`a full buffer is not taken for ${name}`, async () => {
    const [left, right] = MessageSocket.pair();
    while (left.trySend(Uint8Array.of(0)));

    assert.equal(misled(errno, () => left.trySend(Uint8Array.of(1))), false);
    const sent = misled(errno, () => left.sendBatch([{ data: Uint8Array.of(1) }]));
    while (left.stats().sendQueueLength > 0) await right.receive();

    await sent;
    await using _ = left, __ = right;
  });

  test(`a stream with nothing to read, or no room, is not taken for ${name}`, async () => {
    const [left, right] = StreamSocket.pair();
    const chunk = new Uint8Array(100_000);

    assert.equal(misled(errno, () => right.tryRead(chunk)), undefined);
    while (left.tryWrite(chunk) > 0);
    assert.equal(misled(errno, () => left.tryWrite(chunk)), 0);

    await using _ = left, __ = right;
  });

  test(`a connection under way, and none to accept, are not taken for ${name}`, async () => {
    await using listener = StreamListener.listen({ family: "inet", address: "127.0.0.1", port: 0 });
    assert.equal(misled(errno, () => listener.tryAccept()), undefined);

    await using client = await misled(errno, () => StreamSocket.connect(listener.localAddress()));
    await using server = await listener.accept();

    assert.deepEqual(server.peerAddress(), client.localAddress());
  });

  test(`a word that has another value is not taken for ${name}`, () => {
    assert.equal(misled(errno, () => futexWaitSync(new Int32Array(1), 0, 7)), "not-equal");
  });
}

test("what is wrong the second time is believed", async () => {
  await using socket = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  const to = { family: "unix", abstract: randomUUID() } as const;
  const path = { family: "unix", path: `/nowhere-${randomUUID()}` } as const;

  assert.throws(() => misled(ERRNO.ENOMEM, () => socket.trySend(Uint8Array.of(1), { to })), { code: "ECONNREFUSED" });
  assert.throws(() => misled(ERRNO.ENOMEM, () => socket.trySend(Uint8Array.of(1), { to: path })), { code: "ENOENT" });
  await assert.rejects(misled(ERRNO.ENOMEM, () => StreamSocket.connect(path)), { code: "ENOENT" });
});

test("a look at what is ready that failed for no reason is repeated", () => {
  const reactor = Reactor.current();
  const fd = eventfd(1);
  let isReady = false;
  const onReady = () => isReady = true;
  const watch = reactor.watch(fd, onReady);
  watch.want(READABLE);
  const symbols: { epoll_wait: (...values: NativeValue[]) => number } = libc().symbols;
  const actual = symbols.epoll_wait;
  symbols.epoll_wait = () => {
    symbols.epoll_wait = actual;
    return -1;
  };

  misled(ERRNO.ENOENT, () => reactor.poll(1000));

  assert(isReady);
  watch.close();
  close(fd);
});
