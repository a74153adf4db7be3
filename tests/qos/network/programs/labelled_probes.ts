// Sends labelled probes with many TTLs to many destinations, all at once and from one socket, and tells what came back.
// Its argument is an Order as JSON, its output a Report.

import { type PacketSocket, RawIpSocket, UdpSocket } from "@sockeye/sockeye/qos";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { EXPERIMENT, type Order, probeOf, type Report, type Reported, ROUND, withHeader } from "../labelled_probes.ts";

const order: Order = JSON.parse(process.argv[2]);
/** Room for all probes, and all errors. */
const OPTIONS = { errors: true, receiveBuffer: 4 << 20, sendBuffer: 4 << 20, sendQueue: order.count };
const LAST = "last";

function open(): PacketSocket {
  switch (order.socket) {
    case "inet":
      return UdpSocket.bind("0.0.0.0:0", OPTIONS);
    case "inet6":
      return UdpSocket.bind("[::]:0", { ...OPTIONS, family: "inet6" });
    case "dual":
      return UdpSocket.bind(undefined, OPTIONS);
    case "raw-inet":
      return RawIpSocket.open({ ...OPTIONS, protocol: EXPERIMENT, family: "inet" });
    case "raw-inet6":
      return RawIpSocket.open({ ...OPTIONS, protocol: EXPERIMENT, family: "inet6" });
    case "own":
      return RawIpSocket.open({ ...OPTIONS, protocol: EXPERIMENT, family: "inet", ownHeader: true });
  }
}

function message(label: unknown, number: number) {
  const probe = probeOf(order, number);
  const { family, destination, port, ttl } = probe;
  const to = { family, address: destination, port };
  return order.socket === "own" ? { data: withHeader(probe), to, label } : { data: probe.data, to, label, ttl };
}

await using socket = open();
const report: Report = { errors: [], early: 0 };

async function collect(): Promise<void> {
  for await (const { label, candidates, name, router, destination, data } of socket.errors()) {
    if (label === LAST) return;
    const { address, port } = destination as { address: string; port: number };
    const hex = Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
    report.errors.push({ label, candidates, name, router, address, port, data: hex } satisfies Reported);
    // What comes behind the last one, twice or unasked, comes before this.
    if (report.errors.length === order.answered) await sendLast();
  }
}

/** The same as a probe that is answered by the first router, under a number that no probe has. */
async function sendLast(): Promise<void> {
  const { data, to, ...options } = message(LAST, Math.ceil(order.count / ROUND) * ROUND);
  await socket.send(data, to, options);
}

const collected = collect();
const messages = Array.from({ length: order.count }, (_, number) => message(number, number));
const half = messages.length >> 1;
const sends = messages.slice(0, half).map(({ data, to, ...options }) => socket.send(data, to, options));
await socket.sendBatch(messages.slice(half));
await Promise.all(sends);
report.early = socket.stats().errorsReceived;
execFileSync(order.release[0], order.release.slice(1));
await collected;
console.log(JSON.stringify(report));
