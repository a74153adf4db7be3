/** Modes of a socket that belong to single messages, and errors that its owner takes care of. */

import {
  AF_INET,
  ERRNO,
  findControlMessage,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_IP,
  MessageSocket,
  type MessageSocketOptions,
  setsockopt,
  SOCK_DGRAM,
  type SocketAddress,
} from "@sockeye/sockeye/ffi";
import { ArgumentError, SystemError } from "@sockeye/sockeye";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

const LOOPBACK: SocketAddress = { family: "inet", address: "127.0.0.1", port: 0 };
const DEFAULT_TTL = 64;

function udp(options: MessageSocketOptions = {}): MessageSocket {
  const socket = MessageSocket.open(AF_INET, SOCK_DGRAM, 0, options);
  socket.bind(LOOPBACK);
  return socket;
}

/** A sender whose mode is the TTL of what it sends, and a receiver that tells the TTL. */
function ttlPair(options: MessageSocketOptions = {}) {
  const entered: number[] = [];
  const setMode = (fd: number, mode: number) => {
    entered.push(mode);
    setsockopt(fd, IPPROTO_IP, IP_TTL, mode === 0 ? DEFAULT_TTL : mode);
  };
  const receiver = udp();
  setsockopt(receiver.fd, IPPROTO_IP, IP_RECVTTL, 1);
  const sender = udp({ setMode, ...options });
  sender.connect(receiver.localAddress()!);
  const receiveTtl = async () => {
    const { control, data } = await receiver.receive({ timeout: 30_000 });
    return { sent: data[0], arrived: findControlMessage(control, IPPROTO_IP, IP_TTL)![0] };
  };
  return { sender, receiver, entered, receiveTtl, [Symbol.asyncDispose]: () => closeAll(sender, receiver) };
}

async function closeAll(...sockets: MessageSocket[]): Promise<void> {
  for (const socket of sockets) await socket[Symbol.asyncDispose]();
}

const marked = (mode: number) => Uint8Array.of(mode === 0 ? DEFAULT_TTL : mode);

for (const way of ["send", "sends of one turn", "sendBatch", "trySend", "sendSync"] as const) {
  test(`${way}: each message is sent in its own mode, and the next one without in none`, async () => {
    await using pair = ttlPair();
    const modes = [7, 7, 0, 9, 0, 7, 9, 9];

    if (way === "sendBatch") await pair.sender.sendBatch(modes.map((mode) => ({ data: marked(mode), mode })));
    if (way === "sends of one turn") await Promise.all(modes.map((mode) => pair.sender.send(marked(mode), { mode })));
    for (const mode of modes) {
      if (way === "send") await pair.sender.send(marked(mode), { mode });
      if (way === "trySend") assert(pair.sender.trySend(marked(mode), { mode }));
      if (way === "sendSync") pair.sender.sendSync(marked(mode), { mode });
    }

    for (let i = 0; i < modes.length; i++) {
      const { sent, arrived } = await pair.receiveTtl();
      assert.equal(arrived, sent);
    }
    assert.deepEqual(pair.entered, [7, 0, 9, 0, 7, 9], "the mode is changed no oftener than it has to be");
  });
}

test("whoever asks for the descriptor gets it in mode 0", async () => {
  await using pair = ttlPair();
  await pair.sender.send(marked(5), { mode: 5 });

  assert(pair.sender.fd >= 0);

  assert.deepEqual(pair.entered, [5, 0]);
});

test("a mode that can't be entered fails the message that wants it, and no other", async () => {
  const refused = new Error("no such mode");
  await using pair = ttlPair({
    setMode: () => {
      throw refused;
    },
  });

  const outcomes = await Promise.allSettled([
    pair.sender.send(marked(0)),
    pair.sender.send(marked(3), { mode: 3 }),
    pair.sender.send(marked(0)),
  ]);

  assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.equal((outcomes[1] as PromiseRejectedResult).reason, refused);
});

test("a mode on a socket that has none is refused before anything is sent", async () => {
  await using left = udp();

  await assert.rejects(
    left.sendBatch([{ data: marked(0), to: left.localAddress() }, { data: marked(1), mode: 1 }]),
    (error) => error instanceof ArgumentError && error.argument === "messages[1].mode",
  );

  assert.equal(left.stats().messagesSent, 0);
});

/** A socket connected to where nobody is, with an ICMP error on its way back. */
async function refusedSocket(options: MessageSocketOptions): Promise<MessageSocket> {
  const gone = udp();
  const nowhere = gone.localAddress()!;
  await gone[Symbol.asyncDispose]();
  const socket = udp(options);
  socket.connect(nowhere);
  // On loopback the answer is there when the call returns.
  await socket.send(marked(1));
  return socket;
}

test("without onError an error is the next operation's", async () => {
  await using socket = await refusedSocket({});

  await assert.rejects(socket.send(marked(2)), (error) => {
    assert(error instanceof SystemError);
    return error.code === "ECONNREFUSED";
  });
});

for (const way of ["send", "sendBatch", "trySend", "sendSync"] as const) {
  test(`${way}: an error that onError takes care of does not fail the operation that met it`, async () => {
    const seen: number[] = [];
    const onError = (errno: number) => seen.push(errno) > 0 && errno === ERRNO.ECONNREFUSED;
    await using socket = await refusedSocket({ onError });

    if (way === "send") await socket.send(marked(2));
    if (way === "sendBatch") await socket.sendBatch([{ data: marked(2) }]);
    if (way === "trySend") assert(socket.trySend(marked(2)));
    if (way === "sendSync") socket.sendSync(marked(2));

    assert.deepEqual(seen, [ERRNO.ECONNREFUSED]);
    assert.equal(socket.stats().messagesSent, 2);
  });
}

test("a receive passes over an error that onError takes care of, and gets the message behind it", async () => {
  let isTaken = false;
  await using sender = udp();
  await using socket = await refusedSocket({ onError: (errno) => isTaken = errno === ERRNO.ECONNREFUSED });
  socket.connect(sender.localAddress()!);
  sender.connect(socket.localAddress()!);
  await sender.send(marked(3));

  const { data } = await socket.receive({ timeout: 30_000 });

  assert.deepEqual([...data], [3]);
  assert(isTaken);
});

test("untilReadableSync with errors ends when an error was taken care of", async () => {
  await using socket = await refusedSocket({ onError: (errno) => errno === ERRNO.ECONNREFUSED });

  socket.untilReadableSync({ errors: true, timeout: 30_000 });

  assert.throws(() => socket.untilReadableSync({ errors: true, timeout: 1 }), { name: "TimeoutError" });
});

test("who watches errors is told of them without sending or receiving, once each", async () => {
  let tell: (errno: number) => void;
  const told = new Promise<number>((resolve) => tell = resolve);
  let count = 0;
  await using socket = await refusedSocket({
    onError: (errno) => {
      count++;
      tell(errno);
      return false;
    },
  });

  socket.watchErrors(true);

  assert.equal(await told, 0);
  // What nobody took care of is not reported again: the error is gone, and a send is fine.
  await socket.send(marked(2));
  socket.watchErrors(false);
  assert(count <= 2, `told ${count} times`);
});
