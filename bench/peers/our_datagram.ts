/**
 * Our side of the comparison: `our_datagram.ts receive|send|echo|ask unix|udp ADDRESS SIZE STYLE MILLISECONDS`, as
 * c/datagram.c.
 *
 * STYLE to receive and send is how many messages at a time, with "pooled" behind it for that option, or "into" for batches
 * that are received one by one into one buffer. To echo and ask it is "async", "busy" or "sync", the last of which blocks
 * the thread of a Worker.
 *
 * @module
 */

import {
  AF_INET,
  AF_UNIX,
  type Message,
  MessageSocket,
  type MessageSocketOptions,
  setsockopt,
  SO_RCVBUF,
  SOCK_DGRAM,
  type SocketAddress,
  SOL_SOCKET,
} from "../../ffi/mod.ts";
import { END_BYTES, pause, RECEIVE_BUFFER, RoundTrips, say, Tally, UDP_END_MARKERS, UDP_SETTLE_MS } from "./tally.mjs";
import { inWorker, isWorker, serveAsWorker } from "./worker.ts";

/** How long `busyPoll` looks before it waits, in microseconds: longer than any round trip on one machine. */
const BUSY_POLL = 1000;

const BATCH = 32;
const LARGEST = 65536;

type Command = [role: string, transport: string, address: string, size: string, style: string, ms: string];

function socketAddress(transport: string, at: string): SocketAddress {
  return transport === "udp"
    ? { family: "inet", address: "127.0.0.1", port: Number(at) }
    : { family: "unix", path: at };
}

function bound(transport: string, at: string, options: MessageSocketOptions): MessageSocket {
  const socket = MessageSocket.open(transport === "udp" ? AF_INET : AF_UNIX, SOCK_DGRAM, 0, options);
  if (transport === "udp") setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  socket.bind(socketAddress(transport, at));
  return socket;
}

function sayReady(socket: MessageSocket, at: string): void {
  const local = socket.localAddress()!;
  say({ ready: local.family === "inet" ? String(local.port) : at });
}

function sendEnd(socket: MessageSocket, transport: string, to?: SocketAddress): void {
  const end = { data: new Uint8Array(END_BYTES), to };
  const count = transport === "udp" ? UDP_END_MARKERS : 1;
  for (let i = 0; i < count; i++) socket.send(end.data, end);
}

async function receive([, transport, address, , style, ms]: Command): Promise<void> {
  using socket = bound(transport, address, { pooled: style.endsWith("pooled") });
  const tally = new Tally(Number(ms));
  sayReady(socket, address);
  if (style === "into") {
    const buffer = new Uint8Array(LARGEST);
    while ((await socket.receiveInto(buffer)).length !== END_BYTES) tally.add(1);
  } else if (style.startsWith("1")) {
    for await (const { data } of socket) {
      if (data.length === END_BYTES) break;
      tally.add(1);
    }
  } else {
    for (let isOver = false; !isOver;) {
      const messages = await socket.receiveBatch();
      const end = messages.findIndex(({ data }) => data.length === END_BYTES);
      isOver = end !== -1;
      tally.add(isOver ? end : messages.length);
    }
  }
  say(tally.report());
}

async function send([, transport, address, size, style, ms]: Command): Promise<void> {
  await using socket = MessageSocket.open(transport === "udp" ? AF_INET : AF_UNIX, SOCK_DGRAM);
  socket.connect(socketAddress(transport, address));
  const data = new Uint8Array(Number(size));
  const batch = Array.from({ length: style.startsWith("1") ? 1 : BATCH }, () => ({ data }));
  const begun = performance.now();
  const end = begun + Number(ms);
  let sent = 0;
  while (performance.now() < end) {
    if (batch.length === 1) await socket.send(data);
    else await socket.sendBatch(batch);
    sent += batch.length;
  }
  say({ sent, seconds: (performance.now() - begun) / 1000 });
  if (transport === "udp") await pause(UDP_SETTLE_MS);
  sendEnd(socket, transport);
  await socket.flush();
}

async function echo([, transport, address, , style]: Command): Promise<void> {
  await using socket = bound(transport, address, { busyPoll: style === "busy" ? BUSY_POLL : 0 });
  sayReady(socket, address);
  for (;;) {
    const message: Message = style === "sync" ? socket.receiveSync() : await socket.receive();
    if (message.data.length === END_BYTES) break;
    if (style === "sync") socket.sendSync(message.data, { to: message.address });
    else await socket.send(message.data, { to: message.address });
  }
}

async function ask([, transport, address, size, style, ms]: Command): Promise<void> {
  const own = transport === "udp" ? "0" : `${address}.ours`;
  await using socket = bound(transport, own, { busyPoll: style === "busy" ? BUSY_POLL : 0 });
  socket.connect(socketAddress(transport, address));
  const data = new Uint8Array(Number(size));
  const trips = new RoundTrips(Number(ms));
  while (trips.isGoingOn) {
    if (style === "sync") {
      socket.sendSync(data);
      socket.receiveSync();
    } else {
      await socket.send(data);
      await socket.receive();
    }
    trips.complete();
  }
  sendEnd(socket, transport);
  await socket.flush();
  say(trips.report());
  if (transport === "unix") Deno.removeSync(own);
}

const ROLES: Record<string, (command: Command) => Promise<void>> = { receive, send, echo, ask };

const run = (command: Command): Promise<void> => ROLES[command[0]](command);

if (isWorker) serveAsWorker(run);
else if (Deno.args[4] === "sync") await inWorker(import.meta.url, Deno.args);
else await run(Deno.args as Command);
