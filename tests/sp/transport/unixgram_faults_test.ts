/** Peers over unixgram that violate the format, hand over what nobody wants, or vanish. */

import assert from "node:assert/strict";
import { MessageTooLargeError, ProtocolError } from "../../../common/errors.ts";
import {
  AF_UNIX,
  Descriptor,
  encodeDescriptors,
  fcntl,
  MessageSocket,
  pipe2,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  socketpair,
} from "../../../ffi/mod.ts";
import { encodeHeader, OPCODE } from "../../../sp/transport/datagram/header.ts";
import { unixgram } from "../../../sp/transport/unixgram.ts";
import { openSockets } from "../../support/leaks.ts";
import { test } from "../../support/harness.ts";
import { bytes, dial, Host, NONE, Party, text, unixgramUrl } from "./parties.ts";

const F_SETFL = 4;

/** A stranger's request: the listener's name, and what came of it. */
async function request(url: string, datagram: Uint8Array, fds: readonly number[]): Promise<void> {
  const stranger = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  try {
    stranger.connect({ family: "unix", abstract: url.slice("unixgram://@".length) });
    const control = fds.length === 0 ? undefined : encodeDescriptors(fds.map((fd) => ({ fd })));
    await stranger.send(datagram, { control });
  } finally {
    stranger.close();
  }
}

/** A peer that connects by hand, and speaks whatever it is told to. */
async function connectByHand(host: Host): Promise<MessageSocket> {
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET);
  await request(host.url, encodeHeader(OPCODE.CREQ, 80), [theirs]);
  Descriptor.adopt(theirs, "handed over").close();
  const socket = MessageSocket.adopt(Descriptor.adopt(ours, "ours"));
  assert.deepEqual([...(await socket.receive()).data], [1, 2, 81, 0, 0, 0, 16, 0]);
  return socket;
}

async function closed(socket: MessageSocket): Promise<void> {
  assert.equal((await socket.receive()).data.length, 0);
  socket.close();
}

test("what is no request is told, and leaves no descriptor behind", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const [reader, writer] = pipe2();
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET);
  const [dgram, other] = socketpair(AF_UNIX, SOCK_DGRAM);
  const before = openSockets();
  const creq = encodeHeader(OPCODE.CREQ, 80);
  const attempts: [Uint8Array, number[]][] = [
    [NONE, []],
    [creq, []],
    [bytes("GET / HTTP/1.1"), [theirs]],
    [creq.subarray(0, 7), [theirs]],
    [new Uint8Array(100_000), [theirs]],
    [encodeHeader(OPCODE.DATA, 80), [theirs]],
    [Uint8Array.of(2, 1, 80, 0, 0, 0, 0, 0), [theirs]],
    [creq, [reader]],
    [creq, [dgram]],
    [creq, [reader, theirs, theirs]],
  ];

  for (const [datagram, fds] of attempts) await request(host.url, datagram, fds);

  const failures = await host.failures.until(attempts.length);
  assert(failures.every((error) => error instanceof ProtocolError));
  assert.equal(host.accepted.items.length, 0);
  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
  for (const fd of [reader, writer, ours, theirs, dgram, other]) Descriptor.adopt(fd, "test").close();
  host.listening.close();
});

test("descriptors that come with messages are closed, and the messages delivered", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const stranger = await connectByHand(host);
  const party = new Party(await host.accepted.first());
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET);
  const before = openSockets();

  for (let count = 1; count <= 100; count++) {
    const control = encodeDescriptors(Array.from({ length: 50 }, () => ({ fd: theirs })));
    await stranger.send(Uint8Array.of(...encodeHeader(OPCODE.DATA, 80, 1), count), { control });
    await party.messages.until(count);
  }

  assert.equal(openSockets(), before);
  for (const fd of [ours, theirs]) Descriptor.adopt(fd, "test").close();
  stranger.close();
  await party.closed.first();
  host.listening.close();
});

test("descriptors that come with the listener's answer are closed", async () => {
  const name = `sp-${crypto.randomUUID()}`;
  const listener = MessageSocket.open(AF_UNIX, SOCK_DGRAM, 0, { descriptors: true });
  listener.bind({ family: "unix", abstract: name });
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET);
  const before = openSockets();
  const attempt = dial(unixgram, `unixgram://@${name}`);
  const { descriptors: [end] } = await listener.receive();
  const answering = MessageSocket.adopt(end);

  const control = encodeDescriptors(Array.from({ length: 50 }, () => ({ fd: theirs })));
  await answering.send(encodeHeader(OPCODE.CACK, 81), { control });
  const connection = await attempt;

  assert(!(connection instanceof Error), String(connection));
  connection.close();
  answering.close();
  assert.equal(openSockets(), before);
  for (const fd of [ours, theirs]) Descriptor.adopt(fd, "test").close();
  listener.close();
});

test("garbage ends the one connection that it comes by", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const good = await dial(unixgram, host.url) as Party["connection"];
  const receiver = new Party(await host.accepted.first());
  const garbage: [Uint8Array, typeof ProtocolError | typeof MessageTooLargeError][] = [
    [bytes("garbage, and no end to it"), ProtocolError],
    [Uint8Array.of(1, 0, 80, 0, 0xff, 0xff, 0xff, 0xff), MessageTooLargeError],
    [new Uint8Array(100_000).fill(1), ProtocolError],
    [encodeHeader(OPCODE.CREQ, 80), ProtocolError],
  ];
  for (const [datagram, kind] of garbage) {
    const stranger = await connectByHand(host);
    const party = new Party(host.accepted.items.at(-1)!);
    await stranger.send(datagram);
    const error = await party.closed.first();
    assert(error instanceof kind, String(error));
    await closed(stranger);
  }

  assert(good.send(NONE, bytes("still here")));
  assert.equal(text(await receiver.messages.first()), "still here");
  good.close();
  receiver.connection.close();
  host.listening.close();
});

test("a peer that goes in mid-message breaks the protocol", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const stranger = await connectByHand(host);
  const party = new Party(await host.accepted.first());
  await stranger.send(Uint8Array.of(1, 0, 80, 0, 100, 0, 0, 0, 1, 2, 3));

  stranger.close();

  assert.match((await party.closed.first())!.message, /in mid-message/);
  assert.equal(party.messages.items.length, 0);
  host.listening.close();
});

test("a datagram that is longer than the rest of its message breaks the protocol", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const stranger = await connectByHand(host);
  const party = new Party(await host.accepted.first());
  await stranger.send(Uint8Array.of(1, 0, 80, 0, 100, 0, 0, 0));
  await stranger.send(new Uint8Array(101));

  assert.match((await party.closed.first())!.message, /101 bytes where 100 were due/);
  await closed(stranger);
  host.listening.close();
});

test("a peer that keeps our end, and makes it blocking, blocks nobody", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET);
  await request(host.url, encodeHeader(OPCODE.CREQ, 80), [theirs]);
  const party = new Party(await host.accepted.first());
  fcntl(theirs, F_SETFL, 0);

  let sent = 0;
  while (party.connection.send(NONE, new Uint8Array(1000))) sent++;

  assert(sent < 5000);
  party.connection.close();
  for (const fd of [ours, theirs]) Descriptor.adopt(fd, "test").close();
  host.listening.close();
});
