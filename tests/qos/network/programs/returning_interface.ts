// Sends to groups through an interface by its name, before and after another one has taken the name over. Its argument is a
// ReturningOrder as JSON, its output the index of the interface that each packet took, as a list.

import { SystemError } from "@sockeye/sockeye";
import { UdpSocket } from "@sockeye/sockeye/qos";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { setImmediate } from "node:timers";

/** What is to be done. */
export interface ReturningOrder {
  /** The packets: to which group, through which interface. */
  sends: readonly { to: string; interface?: string }[];
  /** The groups, the last of which is IPv6, and the interfaces on which they are heard, by names that stay. */
  groups: readonly string[];
  interfaces: readonly string[];
  port: number;
  /** The commands of ip(8) after which another interface has the name. */
  changes: readonly (readonly string[])[];
}

const NOT_YET = ["ENETUNREACH", "EADDRNOTAVAIL"];
const { sends, groups, interfaces, port, changes }: ReturningOrder = JSON.parse(process.argv[2]);
await using receiver = UdpSocket.bind(`[::]:${port}`, { info: ["destination"] });
for (const name of interfaces) for (const group of groups) receiver.joinGroup(group, { interface: name });
await using sender = UdpSocket.bind();
const taken: (number | undefined)[] = [];

/** The routes of IPv6 groups come only when the kernel has noticed that the link is up. */
async function untilReady(to: string): Promise<void> {
  for (;;) {
    try {
      await sender.send(new Uint8Array(1), to);
      return void await receiver.receive({ timeout: 60_000 });
    } catch (error) {
      if (!(error instanceof SystemError && NOT_YET.includes(error.code))) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

async function sendAll(): Promise<void> {
  for (const { to, interface: name } of sends) {
    await sender.send(new Uint8Array(1), to, { interface: name });
    taken.push((await receiver.receive({ timeout: 60_000 })).interface);
  }
}

for (const name of interfaces) await untilReady(`[${groups.at(-1)}%${name}]:${port}`);
await sendAll();
for (const change of changes) execFileSync("ip", change);
await sendAll();
console.log(JSON.stringify(taken));
