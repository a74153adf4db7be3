// Sends packets of many sizes, and tells what came back for each. Its argument is a SizedOrder as JSON, its output a list of
// SizedError.

import { MessageTooLargeError } from "@sockeye/sockeye";
import { UdpSocket } from "@sockeye/sockeye/qos";
import { execFileSync } from "node:child_process";
import process from "node:process";
import type { Family } from "../chain.ts";

/** A packet to be sent. */
export interface SizedPacket {
  label: string;
  /** Bytes of payload. */
  size: number;
  /** What the payload consists of. */
  fill: number;
  dontFragment: boolean | "probe";
}

/** What is to be sent, in order. */
export interface SizedOrder {
  to: { family: Family; address: string; port: number };
  packets: readonly SizedPacket[];
  /** The command that lets go of the packets, once all are sent. */
  release: readonly string[];
}

/** What came back for a packet. */
export interface SizedError {
  label: unknown;
  candidates: readonly unknown[];
  name: string;
  /** `null` where there is none. */
  router: string | null;
  /** `null` where there is none. */
  mtu: number | null;
}

const { to, packets, release }: SizedOrder = JSON.parse(process.argv[2]);
await using socket = UdpSocket.bind(undefined, { errors: true });
for (const { size, fill, dontFragment, label } of packets) {
  const sent = socket.send(new Uint8Array(size).fill(fill), to, { dontFragment, label });
  await sent.catch((error) => {
    if (!(error instanceof MessageTooLargeError)) throw error;
  });
}
execFileSync(release[0], release.slice(1));
const errors: SizedError[] = [];
for await (const { label, candidates, name, router, mtu } of socket.errors()) {
  errors.push({ label: label ?? null, candidates, name, router: router ?? null, mtu: mtu ?? null });
  if (errors.length === packets.length) break;
}
console.log(JSON.stringify(errors));
