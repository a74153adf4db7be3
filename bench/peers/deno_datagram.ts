/**
 * The peer on Deno's own datagram API: `deno_datagram.ts receive|send|echo|ask unix|udp ADDRESS SIZE any MILLISECONDS`, as
 * c/datagram.c.
 *
 * @module
 */

import { END_BYTES, pause, RoundTrips, say, Tally, UDP_END_MARKERS, UDP_SETTLE_MS } from "./tally.mjs";

const HOST = "127.0.0.1";
const [role, transport, address, size, , ms] = Deno.args;
const isUdp = transport === "udp";

function bound(at: string): Deno.DatagramConn {
  return isUdp
    ? Deno.listenDatagram({ transport: "udp", hostname: HOST, port: Number(at) })
    : Deno.listenDatagram({ transport: "unixpacket", path: at });
}

function sayReady(socket: Deno.DatagramConn): void {
  say({ ready: socket.addr.transport === "udp" ? String(socket.addr.port) : address });
}

async function receive(): Promise<void> {
  const socket = bound(address);
  const tally = new Tally(Number(ms));
  const buffer = new Uint8Array(65536);
  sayReady(socket);
  for (;;) {
    const [message] = await socket.receive(buffer);
    if (message.length === END_BYTES) break;
    tally.add(1);
  }
  socket.close();
  say(tally.report());
}

async function send(): Promise<void> {
  const [socket, to, cleanUp] = sender();
  const message = new Uint8Array(Number(size));
  const begun = performance.now();
  const end = begun + Number(ms);
  let sent = 0;
  while (performance.now() < end) {
    await socket.send(message, to);
    sent++;
  }
  say({ sent, seconds: (performance.now() - begun) / 1000 });
  await sendEnd(socket, to);
  cleanUp();
}

async function echo(): Promise<void> {
  const socket = bound(address);
  const buffer = new Uint8Array(65536);
  sayReady(socket);
  for (;;) {
    const [message, from] = await socket.receive(buffer);
    if (message.length === END_BYTES) break;
    await socket.send(message, from);
  }
  socket.close();
}

async function ask(): Promise<void> {
  const [socket, to, cleanUp] = sender();
  const message = new Uint8Array(Number(size));
  const buffer = new Uint8Array(65536);
  const trips = new RoundTrips(Number(ms));
  while (trips.isGoingOn) {
    await socket.send(message, to);
    await socket.receive(buffer);
    trips.complete();
  }
  await sendEnd(socket, to);
  say(trips.report());
  cleanUp();
}

function sender(): [Deno.DatagramConn, Deno.Addr, () => void] {
  const own = isUdp ? "0" : `${address}.deno`;
  const socket = bound(own);
  const to: Deno.Addr = isUdp
    ? { transport: "udp", hostname: HOST, port: Number(address) }
    : { transport: "unixpacket", path: address };
  return [socket, to, () => {
    socket.close();
    if (!isUdp) Deno.removeSync(own);
  }];
}

async function sendEnd(socket: Deno.DatagramConn, to: Deno.Addr): Promise<void> {
  if (isUdp) await pause(UDP_SETTLE_MS);
  for (let i = 0; i < (isUdp ? UDP_END_MARKERS : 1); i++) await socket.send(new Uint8Array(END_BYTES), to);
}

const ROLES: Record<string, () => Promise<void>> = { receive, send, echo, ask };
await ROLES[role]();
