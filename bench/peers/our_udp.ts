/**
 * Our side of the comparison of UDP in batches: `our_udp.ts receive|send udp PORT SIZE STYLE MILLISECONDS`, as
 * c/datagram.c.
 *
 * STYLE is "batch" for `sendBatch` and `receiveBatch`, "turn" for as many sends of one turn of the event loop and
 * `for await`; behind it "whole" for a socket without segmentation and coalescing, or "pooled" for one with that option.
 *
 * @module
 */

import { UdpSocket } from "../../qos/mod.ts";
import { END_BYTES, pause, RECEIVE_BUFFER, say, Tally, UDP_END_MARKERS, UDP_SETTLE_MS } from "./tally.mjs";

const BATCH = 32;
const [role, , port, size, style, ms] = Deno.args;
const isOffloaded = !style.endsWith("whole");
const options = {
  segmentation: isOffloaded,
  coalescing: isOffloaded,
  pooled: style.endsWith("pooled"),
  receiveBuffer: RECEIVE_BUFFER,
};

async function receive(): Promise<void> {
  using socket = UdpSocket.bind(`127.0.0.1:${port}`, options);
  const tally = new Tally(Number(ms));
  say({ ready: String((socket.localAddress() as { port: number }).port) });
  if (style.startsWith("turn")) {
    for await (const { data } of socket) {
      if (data.length === END_BYTES) break;
      tally.add(1);
    }
  } else {
    for (let isOver = false; !isOver;) {
      const datagrams = await socket.receiveBatch();
      const end = datagrams.findIndex(({ data }) => data.length === END_BYTES);
      isOver = end !== -1;
      tally.add(isOver ? end : datagrams.length);
    }
  }
  say(tally.report());
}

async function send(): Promise<void> {
  await using socket = UdpSocket.connect(`127.0.0.1:${port}`, options);
  const data = new Uint8Array(Number(size));
  const batch = Array.from({ length: BATCH }, () => ({ data }));
  const begun = performance.now();
  const end = begun + Number(ms);
  let sent = 0;
  while (performance.now() < end) {
    if (style.startsWith("turn")) await Promise.all(batch.map(({ data }) => socket.send(data)));
    else await socket.sendBatch(batch);
    sent += BATCH;
  }
  say({ sent, seconds: (performance.now() - begun) / 1000 });
  await pause(UDP_SETTLE_MS);
  try {
    for (let i = 0; i < UDP_END_MARKERS; i++) await socket.send(new Uint8Array(END_BYTES));
  } catch (error) {
    // The receiver ends with the first that it gets.
    if ((error as { code?: unknown }).code !== "ECONNREFUSED") throw error;
  }
}

if (role === "receive") await receive();
else await send();
