/**
 * Network namespaces joined by links, for as long as a test needs them.
 *
 * Each namespace is a machine of its own to everything that runs in it: own addresses, routes, ports and `net.*` settings.
 * Works as root on any Linux, and in the guest of the rig.
 *
 * @module
 */

import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import { type Finished, runBatch, runOrThrow, runToEnd } from "./iproute.ts";
import { Link, type LinkOptions } from "./link.ts";
import { netemAvailable, netnsUnavailable } from "./netem.ts";

export { Link, type LinkEnd, type LinkOptions } from "./link.ts";
export { type Netem, netemAvailable, netnsUnavailable, tbfUnavailable } from "./netem.ts";
export { type Finished, IprouteError } from "./iproute.ts";

/** A route to what is not at the other end of a link. */
export interface Route {
  /** Where the route is. */
  namespace: string;
  /** The addresses that it leads to, for instance `"10.77.2.0/24"` or `"default"`. */
  to: string;
  /** The next hop's address; several share the traffic between them, flow by flow (equal-cost multipath). */
  via: string | readonly string[];
}

/** What a topology consists of. */
export interface TopologyOptions {
  /** The machines, by names of your choice. */
  namespaces: readonly string[];
  /** What joins them; two machines may have several. */
  links?: readonly LinkOptions[];
  /** Ways across a machine in the middle; every namespace forwards packets. */
  routes?: readonly Route[];
  /** Settings in every namespace, for instance `{ "net.sctp.addip_enable": 1 }`. */
  sysctls?: Readonly<Record<string, string | number>>;
}

/** Where iproute2 keeps the names of namespaces. */
const NAMES = "/run/netns";

/** The namespaces of one {@linkcode Topology.create}, their links, and what runs in them. */
export class Topology implements AsyncDisposable {
  /** The links, in the order of {@linkcode TopologyOptions.links}. */
  readonly links: readonly Link[];
  readonly #namespaces: ReadonlyMap<string, string>;
  readonly #children = new Set<ChildProcess>();

  private constructor(namespaces: ReadonlyMap<string, string>, links: readonly Link[]) {
    this.#namespaces = namespaces;
    this.links = links;
  }

  /**
   * Makes the namespaces and links. `await using` removes them again, with whatever still runs in them.
   *
   * @throws {Error} Where namespaces can't be made here, or netem is asked for and the kernel lacks it.
   * @throws {IprouteError} Where iproute2 refuses; nothing is left behind.
   *
   * @example Two machines with two paths between them
   * ```ts ignore
   * await using net = await Topology.create({
   *   namespaces: ["client", "server"],
   *   links: [{ from: "client", to: "server" }, { from: "client", to: "server", netem: { loss: 5, delay: 20 } }],
   * });
   * const server = net.spawn("server", ["sctp_test", "-H", net.links[0].addresses.to[0], "-P", "5000", "-l"]);
   * await net.links[0].cut();
   * ```
   */
  static async create(options: TopologyOptions): Promise<Topology> {
    const refusal = netnsUnavailable();
    if (refusal !== undefined) throw new Error(`topology: ${refusal}`);
    const { links = [] } = options;
    if (links.some(({ netem }) => netem !== undefined) && !netemAvailable()) {
      throw new Error(
        "topology: this kernel has no netem: run in the rig's guest (deno task rig), whose kernel has it",
      );
    }
    await removeStale();

    const run = `sockeye-${process.pid}-${randomBytes(3).toString("hex")}`;
    const namespaces = new Map(options.namespaces.map((name) => [name, `${run}-${name}`]));
    const topology = new Topology(namespaces, links.map((link, index) => new Link(link, index, namespaces)));
    try {
      await topology.#build(options);
    } catch (error) {
      await topology[Symbol.asyncDispose]();
      throw error;
    }
    return topology;
  }

  async #build(options: TopologyOptions): Promise<void> {
    await runBatch(["ip"], [...this.#namespaces.values()].map((name) => `netns add ${name}`));
    const settings = settingCommands(options.sysctls ?? {});
    for (const name of this.#namespaces.values()) {
      // Before there are links, which inherit the settings.
      await runOrThrow(["ip", "netns", "exec", name, "sh", "-e"], settings);
    }
    await runBatch(["ip"], this.links.map((link) => link.creation()));
    for (const [label, name] of this.#namespaces) {
      const lines = ["link set lo up", ...this.links.flatMap((link) => link.configuration(label))];
      await runBatch(["ip", "-n", name], lines);
    }
    await this.#addRoutes(options.routes ?? []);
    for (const link of this.links) await link.applyInitialNetem();
  }

  async #addRoutes(routes: readonly Route[]): Promise<void> {
    for (const name of new Set(routes.map(({ namespace }) => this.nameOf(namespace)))) {
      const lines = routes.filter(({ namespace }) => this.nameOf(namespace) === name).map(routeCommand);
      // A route of several hops doesn't tell the family by itself.
      await runBatch(["ip", "-n", name, "-4"], lines.filter((line) => !line.includes(":")));
      await runBatch(["ip", "-n", name, "-6"], lines.filter((line) => line.includes(":")));
    }
  }

  /** What iproute2 calls this namespace. */
  nameOf(namespace: string): string {
    const name = this.#namespaces.get(namespace);
    if (name === undefined) throw new RangeError(`topology: no namespace is called ${JSON.stringify(namespace)}`);
    return name;
  }

  /** The same command, in this namespace: for those who start processes by themselves. */
  within(namespace: string, argv: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.nameOf(namespace), ...argv];
  }

  /** Runs a program in this namespace to its end. */
  exec(namespace: string, argv: readonly string[], input?: string): Promise<Finished> {
    return runToEnd(this.within(namespace, argv), input);
  }

  /** Starts a program in this namespace. It is killed with the topology if it still runs then. */
  spawn(namespace: string, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [command, ...args] = this.within(namespace, argv);
    const child = spawn(command, args, options);
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** Kills what runs in the namespaces and removes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    const exits = [...this.#children].map((child) => new Promise((resolve) => child.once("exit", resolve)));
    // A child that has not entered its namespace yet is not found there.
    for (const child of this.#children) killIfThere(child.pid!);
    for (const name of this.#namespaces.values()) await removeNamespace(name);
    await Promise.all(exits);
  }
}

function routeCommand({ to, via }: Route): string {
  const hops = typeof via === "string" ? [`via ${via}`] : via.map((hop) => `nexthop via ${hop}`);
  return `route add ${to} ${hops.join(" ")}`;
}

/** Every setting as a line of shell. */
function settingCommands(sysctls: Readonly<Record<string, string | number>>): string {
  const settings: Record<string, string | number> = {
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.forwarding": 1,
    // An address is usable at once, and outlives its link going down.
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.all.keep_addr_on_down": 1,
    ...sysctls,
  };
  return Object.entries(settings)
    .map(([name, value]) => `printf '%s' '${value}' > '/proc/sys/${name.replaceAll(".", "/")}'\n`)
    .join("");
}

async function removeNamespace(name: string): Promise<void> {
  if (!existsSync(`${NAMES}/${name}`)) return;
  for (let pids = await processesIn(name); pids.length > 0; pids = await processesIn(name)) pids.forEach(killIfThere);
  await runOrThrow(["ip", "netns", "delete", name]);
}

async function processesIn(name: string): Promise<number[]> {
  const { stdout } = await runToEnd(["ip", "netns", "pids", name]);
  return stdout.split("\n").filter(Boolean).map(Number);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Removes the namespaces of runs that were killed before they could. */
async function removeStale(): Promise<void> {
  const names = existsSync(NAMES) ? readdirSync(NAMES) : [];
  for (const name of names) {
    const pid = /^sockeye-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    // Another run may be at the same, and be faster.
    await runToEnd(["ip", "netns", "delete", name]);
  }
}
