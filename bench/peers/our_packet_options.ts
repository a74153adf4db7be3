/**
 * Our side of the comparison of sends with options of their own: `our_packet_options.ts SIZE MILLISECONDS`, as
 * c/packet_options.c.
 *
 * @module
 */

import { type OutgoingDatagram, type PacketOptions, UdpSocket } from "../../qos/mod.ts";
import { say } from "./tally.mjs";

const BATCH = 32;
const SLICE_MS = 5;
const MARKED: PacketOptions = { ttl: 9, dscp: "EF" };

/** The options of the nth message. */
const OPTIONS: Record<string, (n: number) => PacketOptions | undefined> = {
  plain: () => undefined,
  marked: () => MARKED,
  fixed: () => ({ ttl: 9, dscp: "EF", dontFragment: true }),
  changing: (n) => ({ ttl: n % 64 + 1, dscp: "EF" }),
  alternating: (n) => ({ ttl: 9, dscp: "EF", dontFragment: n % 2 === 0 }),
};

const [size, ms] = Deno.args.map(Number);
const sink = UdpSocket.bind("127.0.0.1:0", { receiveBuffer: 1, coalescing: false });
const to = `127.0.0.1:${(sink.localAddress() as { port: number }).port}`;
const data = new Uint8Array(size);
const whole = UdpSocket.bind("0.0.0.0:0", { segmentation: false });
const cut = UdpSocket.bind("0.0.0.0:0");

/** Sends for a while: nanoseconds for a message. */
async function slice(way: string, options: (n: number) => PacketOptions | undefined): Promise<number> {
  const socket = way === "cut" ? cut : whole;
  let sent = 0;
  const begun = performance.now();
  const end = begun + SLICE_MS;
  let time = begun;
  while (time < end) {
    if (way === "single") { for (let n = 0; n < BATCH; n++) await socket.send(data, to, options(n)); }
    else {
      const batch: OutgoingDatagram[] = [];
      for (let n = 0; n < BATCH; n++) batch.push({ data, to, ...options(n) });
      await socket.sendBatch(batch);
    }
    sent += BATCH;
    time = performance.now();
  }
  return (time - begun) * 1e6 / sent;
}

const samples: Record<string, number[]> = {};
for (let round = -1; round < ms / SLICE_MS; round++) {
  for (const way of ["single", "batch", "cut"]) {
    for (const [name, options] of Object.entries(OPTIONS)) {
      const time = await slice(way, options);
      if (round >= 0) (samples[`${way}.${name}`] ??= []).push(time);
    }
  }
}
say(Object.fromEntries(
  Object.entries(samples).map(([name, times]) => [name, times.sort((a, b) => a - b)[times.length >> 1]]),
));
for (const socket of [sink, whole, cut]) socket.close();
