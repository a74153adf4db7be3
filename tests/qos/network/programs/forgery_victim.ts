// Sends labelled probes that ask for errors, and tells what came back of each. Its argument is a Mission as JSON, its output
// a list of Received.

import { type IcmpExtension, UdpSocket } from "@sockeye/sockeye/qos";
import process from "node:process";
import type { Family } from "../chain.ts";
import { forgeryProbe } from "../forgeries.ts";

/** What is to be sent. */
export interface Mission {
  to: { family: Family; address: string; port: number };
  count: number;
}

/** What came back. */
export interface Received {
  label: unknown;
  candidates: readonly unknown[];
  name: string;
  router: string | undefined;
  port: number;
  data: number[];
  extensions: readonly IcmpExtension[];
}

const { to, count }: Mission = JSON.parse(process.argv[2]);
await using socket = UdpSocket.bind(undefined, { errors: true, receiveBuffer: 4 << 20 });
const received: Received[] = [];
const messages = Array.from({ length: count }, (_, label) => ({ data: forgeryProbe(label), to, label }));
await socket.sendBatch(messages);
for await (const { label, candidates, name, router, destination, data, extensions } of socket.errors()) {
  const { port } = destination as { port: number };
  received.push({ label, candidates, name, router, port, data: [...data], extensions });
  if (received.length === count) break;
}
console.log(JSON.stringify(received));
