/**
 * A second network namespace, joined to ours by two veth pairs: two paths that can be cut and mended.
 *
 * @module
 */

import { type CellContext, Skipped } from "./cell.ts";

/** One of the two paths: the addresses at both ends. */
export interface Path {
  /** Ours, IPv4 and IPv6. */
  ours: readonly [v4: string, v6: string];
  /** The peer's, IPv4 and IPv6. */
  peers: readonly [v4: string, v6: string];
}

const PATHS: readonly Path[] = [0, 1].map((index) => ({
  ours: [`10.77.${index}.1`, `fd77:${index}::1`],
  peers: [`10.77.${index}.2`, `fd77:${index}::2`],
}));

/** The other namespace, and what lies between. */
export class TwoPaths {
  /** The peer's namespace. */
  readonly namespace: string;
  /** The paths. */
  readonly paths: readonly Path[] = PATHS;
  #delay = 0;

  private constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** Builds it; it is gone when the cell is over. */
  static async build(context: CellContext): Promise<TwoPaths> {
    const network = new TwoPaths(`interop-${Deno.pid}`);
    await ip("netns", "add", network.namespace);
    // The veth pairs go with the namespace that holds one end of each.
    context.defer(async () => void await ip("netns", "del", network.namespace));
    const inside = ["-n", network.namespace];
    await ip(...inside, "link", "set", "lo", "up");
    for (const [index, { ours, peers }] of PATHS.entries()) {
      const [near, far] = [`ours${index}`, `peers${index}`];
      await ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", network.namespace);
      for (const [where, device, addresses] of [[[], near, ours], [inside, far, peers]] as const) {
        await ip(...where, "address", "add", `${addresses[0]}/24`, "dev", device);
        await ip(...where, "address", "add", `${addresses[1]}/64`, "dev", device, "nodad");
        await ip(...where, "link", "set", device, "up");
      }
    }
    return network;
  }

  /** Gives both paths a delay in each direction, in milliseconds. */
  async delay(milliseconds: number): Promise<void> {
    for (const index of PATHS.keys()) await this.#shape(index, ["delay", `${milliseconds}ms`]);
    this.#delay = milliseconds;
  }

  /** Loses every packet on a path, in both directions, without either end's knowledge. */
  async cut(index: number): Promise<void> {
    await this.#shape(index, ["loss", "100%"]);
  }

  /** Undoes {@linkcode TwoPaths.cut}. */
  async mend(index: number): Promise<void> {
    await this.#shape(index, ["delay", `${this.#delay}ms`]);
  }

  async #shape(index: number, netem: readonly string[]): Promise<void> {
    const ends = [[[], `ours${index}`], [["-n", this.namespace], `peers${index}`]] as const;
    for (const [where, device] of ends) {
      const command = ["tc", ...where, "qdisc", "replace", "dev", device, "root", "netem", ...netem];
      const { stderr, success } = await run(command);
      if (!success && /qdisc kind is unknown/.test(stderr)) throw new Skipped("needs netem (the module sch_netem)");
      if (!success) throw new Error(`${command.join(" ")}: ${stderr.trim()}`);
    }
  }

  /** Sets `net.sctp.NAME` in both namespaces; ours gets its value back when the cell is over. */
  async setSysctls(values: Record<string, number>, context: CellContext): Promise<void> {
    for (const [name, value] of Object.entries(values)) {
      setOurs(name, value, context);
      await this.#setPeers(name, value);
    }
  }

  /** Has both namespaces take SCTP in UDP, each at a port of its own. */
  async setUdpPorts(ours: number, peers: number, context: CellContext): Promise<void> {
    setOurs("udp_port", ours, context);
    await this.#setPeers("udp_port", peers);
  }

  async #setPeers(name: string, value: number): Promise<void> {
    const command = `echo ${value} > ${sysctlPath(name)}`;
    await must(["ip", "netns", "exec", this.namespace, "sh", "-ec", command]);
  }

  /** How many UDP datagrams each namespace has received, IPv4 and IPv6 together. */
  async udpDatagrams(): Promise<{ ours: number; peers: number }> {
    const counters = "cat /proc/net/snmp /proc/net/snmp6";
    const [ours, peers] = [
      await must(["sh", "-c", counters]),
      await must(["ip", "netns", "exec", this.namespace, "sh", "-c", counters]),
    ];
    return { ours: datagramsIn(ours), peers: datagramsIn(peers) };
  }
}

/** Gives the loopback interface what the cells bind to; to be called once, in a namespace of our own. */
export async function prepareLoopback(): Promise<void> {
  await ip("link", "set", "lo", "up");
  for (const address of ["fd77:a::1", "fd77:a::2", "fd77:a::3", "fd77:a::4"]) {
    await ip("address", "add", `${address}/128`, "dev", "lo", "nodad");
  }
}

/** Whether an SCTP socket in this namespace listens on the port, from /proc/net/sctp/eps. */
export function isListening(port: number): boolean {
  const LISTENING = "10";
  return Deno.readTextFileSync("/proc/net/sctp/eps").split("\n").some((line) => {
    const [, , , state, , local] = line.trim().split(/\s+/);
    return state === LISTENING && local === String(port);
  });
}

function sysctlPath(name: string): string {
  return `/proc/sys/net/sctp/${name}`;
}

function setOurs(name: string, value: number, context: CellContext): void {
  const before = Deno.readTextFileSync(sysctlPath(name));
  Deno.writeTextFileSync(sysctlPath(name), String(value));
  context.defer(() => Deno.writeTextFileSync(sysctlPath(name), before));
}

function datagramsIn(snmp: string): number {
  const [names, values] = snmp.split("\n").filter((line) => line.startsWith("Udp:")).map((line) => line.split(" "));
  const v6 = /^Udp6InDatagrams\s+(\d+)$/m.exec(snmp)?.[1] ?? 0;
  return Number(values[names.indexOf("InDatagrams")]) + Number(v6);
}

function ip(...args: string[]): Promise<string> {
  return must(["ip", ...args]);
}

async function must(command: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await run(command);
  if (!success) throw new Error(`${command.join(" ")}: ${stderr.trim()}`);
  return stdout;
}

async function run(command: readonly string[]): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const output = await new Deno.Command(command[0], { args: command.slice(1), stdin: "null" }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success: output.success, stdout: text(output.stdout), stderr: text(output.stderr) };
}
