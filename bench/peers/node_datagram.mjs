/**
 * The peer on node:dgram, which has no unix sockets: `node_datagram.mjs receive|send udp PORT SIZE any MILLISECONDS`, as
 * c/datagram.c.
 *
 * @module
 */

import { createSocket } from "node:dgram";
import process from "node:process";
import { END_BYTES, pause, RECEIVE_BUFFER, say, Tally, UDP_END_MARKERS, UDP_SETTLE_MS } from "./tally.mjs";

const HOST = "127.0.0.1";
/** Sends under way at a time; awaiting each would measure the event loop alone. */
const DEPTH = 32;
const [role, , port, size, , ms] = process.argv.slice(2);

function receive() {
  const socket = createSocket("udp4");
  const tally = new Tally(Number(ms));
  socket.on("message", (message) => {
    if (message.length !== END_BYTES) return tally.add(1);
    socket.close();
    say(tally.report());
  });
  socket.bind(Number(port), HOST, () => {
    socket.setRecvBufferSize(RECEIVE_BUFFER);
    say({ ready: String(socket.address().port) });
  });
}

async function send() {
  const socket = createSocket("udp4");
  await new Promise((resolve) => socket.connect(Number(port), HOST, resolve));
  const message = new Uint8Array(Number(size));
  const begun = performance.now();
  const end = begun + Number(ms);
  let sent = 0;
  const one = async () => {
    while (performance.now() < end) {
      const error = await new Promise((resolve) => socket.send(message, resolve));
      if (error) throw error;
      sent++;
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, one));
  say({ sent, seconds: (performance.now() - begun) / 1000 });

  await pause(UDP_SETTLE_MS);
  for (let i = 0; i < UDP_END_MARKERS; i++) {
    await new Promise((resolve) => socket.send(new Uint8Array(END_BYTES), resolve));
  }
  socket.close();
}

if (role === "receive") receive();
else await send();
