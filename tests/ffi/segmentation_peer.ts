/**
 * One end of a path that is stopped for a while: `segmentation_peer.ts send ADDRESS PORT COUNT` or `receive COUNT`. Each
 * prints lines of JSON.
 *
 * @module
 */

import { AF_INET, MessageSocket, setsockopt, SO_RCVBUF, SO_SNDBUF, SOCK_DGRAM, SOL_SOCKET } from "../../ffi/mod.ts";

const LENGTHS = [100, 100, 100, 100, 100, 100, 40, 900, 900, 2500];
const SMALL_SEND_BUFFER = 8192;
const RECEIVE_BUFFER = 4 << 20;
const WAIT = { timeout: 20_000 };

const numbered = (number: number) => {
  const data = new Uint8Array(LENGTHS[(number >> 3) % LENGTHS.length]);
  new DataView(data.buffer).setUint32(0, number);
  return data;
};
const say = (what: unknown) => console.log(JSON.stringify(what));

async function send(address: string, port: number, count: number): Promise<void> {
  await using socket = MessageSocket.open(AF_INET, SOCK_DGRAM, 0, { segmentation: true });
  setsockopt(socket.fd, SOL_SOCKET, SO_SNDBUF, SMALL_SEND_BUFFER);
  const to = { family: "inet", address, port } as const;

  const sent = socket.sendBatch(Array.from({ length: count }, (_, number) => ({ data: numbered(number), to })));
  const { messagesSent, sendQueueLength, sendsBlocked } = socket.stats();
  say({ messagesSent, sendQueueLength, sendsBlocked });
  await sent;
  say({ messagesSent: socket.stats().messagesSent });
}

async function receive(count: number): Promise<void> {
  await using socket = MessageSocket.open(AF_INET, SOCK_DGRAM);
  setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  socket.bind({ family: "inet", address: "0.0.0.0", port: 0 });
  say(socket.localAddress());
  let inOrder = 0;
  for (let number = 0; number < count; number++) {
    const { data } = await socket.receive(WAIT);
    const expected = numbered(number);
    if (data.length === expected.length && data.every((byte, i) => byte === expected[i])) inOrder++;
  }
  say({ inOrder, more: socket.tryReceive() !== undefined });
}

const [role, ...rest] = Deno.args;
await (role === "send" ? send(rest[0], Number(rest[1]), Number(rest[2])) : receive(Number(rest[0])));
