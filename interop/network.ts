/**
 * A second network namespace, joined to ours by two veth pairs: two paths that can be cut and mended.
 *
 * @module
 */

import { runBatch, runOrThrow } from "../tests/support/netns/iproute.ts";
import { Link } from "../tests/support/netns/link.ts";
import { netemAvailable } from "../tests/support/netns/netem.ts";
import { type CellContext, Skipped } from "./cell.ts";

/** What addresses a cell uses: those of `Link.addresses`, IPv4 before IPv6. */
export type Family = 0 | 1;

/** The other namespace, and what lies between. */
export class TwoPaths {
  /** The peer's namespace. */
  readonly namespace: string;
  /** The paths; ours is the end that they come from. */
  readonly paths: readonly Link[];

  private constructor(namespace: string, paths: readonly Link[]) {
    this.namespace = namespace;
    this.paths = paths;
  }

  /**
   * Builds it; it is gone when the cell is over.
   *
   * @param context The cell.
   * @param delay How long a packet takes, in milliseconds.
   */
  static async build(context: CellContext, delay = 0): Promise<TwoPaths> {
    if (delay > 0 && !netemAvailable()) throw new Skipped("needs netem, the kernel's module sch_netem");
    const [ours, peers] = [`interop-${Deno.pid}-ours`, `interop-${Deno.pid}-peers`];
    // The runner's namespace has no name until it is given one.
    for (const [name, ...command] of [[ours, "attach", ours, String(Deno.pid)], [peers, "add", peers]]) {
      await runOrThrow(["ip", "netns", ...command]);
      context.defer(async () => void await runOrThrow(["ip", "netns", "delete", name]));
    }
    const names = new Map([["ours", ours], ["peers", peers]]);
    const netem = delay > 0 ? { delay } : undefined;
    const paths = [0, 1].map((index) => new Link({ from: "ours", to: "peers", netem }, index, names));
    for (const [label, name] of names) {
      // An IPv6 address can't be bound while the kernel still asks around for another owner.
      await runOrThrow(["ip", "netns", "exec", name, "sh", "-ec", setting("ipv6/conf/default/accept_dad", 0)]);
      if (label !== "peers") continue;
      await runBatch(["ip"], paths.map((path) => path.creation()));
      // They would go with the peer's namespace, but some time after it.
      context.defer(() => runBatch(["ip", "-n", ours], paths.map((path) => `link delete ${path.interfaces.from}`)));
    }
    for (const [label, name] of names) {
      await runBatch(["ip", "-n", name], ["link set lo up", ...paths.flatMap((path) => path.configuration(label))]);
    }
    for (const path of paths) await path.applyInitialNetem();
    return new TwoPaths(peers, paths);
  }

  /** Sets `net.sctp.NAME` in both namespaces; ours gets its value back when the cell is over. */
  async setSysctls(values: Record<string, number>, context: CellContext): Promise<void> {
    for (const [name, value] of Object.entries(values)) setOurs(name, value, context);
    await this.#setPeers(values);
  }

  /** Has both namespaces take SCTP in UDP, each at a port of its own. */
  async setUdpPorts(ours: number, peers: number, context: CellContext): Promise<void> {
    setOurs("udp_port", ours, context);
    await this.#setPeers({ udp_port: peers });
  }

  /** How many UDP datagrams each namespace has received, IPv4 and IPv6 together. */
  async udpDatagrams(): Promise<{ ours: number; peers: number }> {
    const counters = ["sh", "-c", "cat /proc/net/snmp /proc/net/snmp6"];
    return {
      ours: datagramsIn(await runOrThrow(counters)),
      peers: datagramsIn(await runOrThrow(["ip", "netns", "exec", this.namespace, ...counters])),
    };
  }

  async #setPeers(values: Record<string, number>): Promise<void> {
    const lines = Object.entries(values).map(([name, value]) => setting(`sctp/${name}`, value));
    await runOrThrow(["ip", "netns", "exec", this.namespace, "sh", "-ec", lines.join("\n")]);
  }
}

/** Gives the loopback interface what the cells bind to; to be called once, in a namespace of our own. */
export async function prepareLoopback(): Promise<void> {
  const addresses = ["fd77:a::1", "fd77:a::2", "fd77:a::3", "fd77:a::4"];
  await runBatch(["ip"], [
    "link set lo up",
    ...addresses.map((address) => `address add ${address}/128 dev lo nodad`),
  ]);
}

/** Whether an SCTP socket in this namespace listens on the port, from /proc/net/sctp/eps. */
export function isListening(port: number): boolean {
  const LISTENING = "10";
  return Deno.readTextFileSync("/proc/net/sctp/eps").split("\n").some((line) => {
    const [, , , state, , local] = line.trim().split(/\s+/);
    return state === LISTENING && local === String(port);
  });
}

function setting(name: string, value: number): string {
  return `echo ${value} > /proc/sys/net/${name}`;
}

function setOurs(name: string, value: number, context: CellContext): void {
  const path = `/proc/sys/net/sctp/${name}`;
  const before = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, String(value));
  context.defer(() => Deno.writeTextFileSync(path, before));
}

function datagramsIn(snmp: string): number {
  const [names, values] = snmp.split("\n").filter((line) => line.startsWith("Udp:")).map((line) => line.split(" "));
  const v6 = /^Udp6InDatagrams\s+(\d+)$/m.exec(snmp)?.[1] ?? 0;
  return Number(values[names.indexOf("InDatagrams")]) + Number(v6);
}
