// Sends and counts UDP datagrams in the namespaces of a topology; datagrams.pl does the work there.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Link, Topology } from "../support/netns/topology.ts";

const DATAGRAMS = fileURLToPath(new URL("./datagrams.pl", import.meta.url));
const PORT = "5000";

/** What a receiver of datagrams has said, line by line. */
export interface Receiver {
  line(): Promise<string>;
  lines(count: number): Promise<string[]>;
}

function receiver(child: ChildProcess): Receiver {
  const pending: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  let rest = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const resolve = waiting.shift();
      if (resolve) resolve(line);
      else pending.push(line);
    }
  });
  const line = () => {
    const next = pending.shift();
    return next !== undefined ? Promise.resolve(next) : new Promise<string>((resolve) => waiting.push(resolve));
  };
  const lines = async (count: number) => {
    const all: string[] = [];
    while (all.length < count) all.push(await line());
    return all;
  };
  return { line, lines };
}

/** Starts a receiver of so many datagrams, and waits until it is ready. */
export async function receive(net: Topology, namespace: string, count: number): Promise<Receiver> {
  const child = net.spawn(namespace, ["perl", DATAGRAMS, "receive", PORT, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const received = receiver(child);
  assert.equal(await received.line(), "ready");
  return received;
}

/** Sends so many datagrams. */
export async function send(net: Topology, namespace: string, address: string, count: number): Promise<void> {
  const { code, stderr } = await net.exec(namespace, ["perl", DATAGRAMS, "send", address, PORT, String(count)]);
  assert.equal(code, 0, stderr);
}

/** How many packets a link has not let in at its end `from`, which is in this namespace. */
export async function dropped(net: Topology, namespace: string, link: Link): Promise<number> {
  const { stdout } = await net.exec(namespace, ["tc", "-s", "qdisc", "show", "dev", link.interfaces.from, "root"]);
  return Number(/dropped (\d+)/.exec(stdout)?.[1]);
}
