/**
 * One link of a topology: a veth pair, an end in each of two namespaces.
 *
 * @module
 */

import { runOrThrow } from "./iproute.ts";
import { type Netem, netemArguments, netemAvailable } from "./netem.ts";

/** An end of a link. */
export type LinkEnd = "from" | "to";

/** What a link joins, and how. */
export interface LinkOptions {
  /** The namespace at one end. */
  from: string;
  /** The namespace at the other end. */
  to: string;
  /**
   * The addresses with prefix length at each end. By default the nth link, counted from 0, has 10.77.n.1/24 and
   * fd77:n::1/64 at `from`, and 10.77.n.2/24 and fd77:n::2/64 at `to`.
   */
  addresses?: { from: readonly string[]; to: readonly string[] };
  /**
   * The largest packet, in bytes.
   *
   * @default {1500}
   */
  mtu?: number;
  /** What happens to packets: in both directions alike, or to those that enter at each end. */
  netem?: Netem | { from?: Netem; to?: Netem };
}

const ENDS = ["from", "to"] as const;

/** A queue of no length loses everything, and every kernel has it. */
const LOSE_ALL = ["pfifo", "limit", "0"];

/** An ordinary queue. The limit is said, or `tc qdisc replace` keeps that of the queue before. */
const UNIMPAIRED = ["pfifo", "limit", "1000"];

/** A link of a topology. */
export class Link {
  /** The addresses at each end, without prefix length. */
  readonly addresses: Readonly<Record<LinkEnd, readonly string[]>>;
  /** The name of the network interface at each end. */
  readonly interfaces: Readonly<Record<LinkEnd, string>>;
  /** The namespace at each end, as iproute2 calls it. */
  readonly #namespaces: Readonly<Record<LinkEnd, string>>;
  readonly #options: LinkOptions;
  readonly #prefixes: Readonly<Record<LinkEnd, readonly string[]>>;
  readonly #netem: Record<LinkEnd, Netem | undefined>;
  #isCut = false;

  /**
   * Describes a link; `Topology.create` makes it.
   *
   * @param options What it joins, and how.
   * @param index How many links the topology has before this one.
   * @param names What iproute2 calls the namespaces.
   */
  constructor(options: LinkOptions, index: number, names: ReadonlyMap<string, string>) {
    const { from, to, addresses, netem } = options;
    this.#options = options;
    this.#namespaces = { from: nameOf(from, names), to: nameOf(to, names) };
    this.interfaces = { from: `link${index}`, to: from === to ? `link${index}-to` : `link${index}` };
    this.#prefixes = addresses ?? {
      from: [`10.77.${index}.1/24`, `fd77:${index}::1/64`],
      to: [`10.77.${index}.2/24`, `fd77:${index}::2/64`],
    };
    this.addresses = { from: this.#prefixes.from.map(withoutPrefix), to: this.#prefixes.to.map(withoutPrefix) };
    const perEnd = netem !== undefined && ("from" in netem || "to" in netem);
    this.#netem = perEnd ? { from: netem.from, to: netem.to } : { from: netem as Netem, to: netem as Netem };
  }

  /** The command of `ip` that makes it. */
  creation(): string {
    const { from, to } = this.interfaces;
    const ends = this.#namespaces;
    return `link add name ${from} netns ${ends.from} type veth peer name ${to} netns ${ends.to}`;
  }

  /** The commands of `ip` that configure what is in this namespace. */
  configuration(namespace: string): string[] {
    return ENDS.filter((end) => this.#options[end] === namespace).flatMap((end) => [
      ...this.#prefixes[end].map((prefix) => `address add ${prefix} dev ${this.interfaces[end]}`),
      `link set ${this.interfaces[end]} mtu ${this.#options.mtu ?? 1500} up`,
    ]);
  }

  /** Sets what {@linkcode LinkOptions.netem} asks for. */
  async applyInitialNetem(): Promise<void> {
    for (const end of ENDS) if (this.#netem[end] !== undefined) await this.#applyQueue(end);
  }

  /**
   * Changes what happens to packets from now on. Packets that are being held are lost.
   *
   * @param netem The impairments, or undefined for none.
   * @param end Only for packets that enter at this end; default: both ends.
   * @throws {Error} Where this kernel has no netem.
   */
  async setNetem(netem: Netem | undefined, end?: LinkEnd): Promise<void> {
    if (netem !== undefined && !netemAvailable()) {
      throw new Error("link: this kernel has no netem: run in the rig's guest (deno task rig), whose kernel has it");
    }
    for (const each of end === undefined ? ENDS : [end]) {
      this.#netem[each] = netem;
      if (!this.#isCut) await this.#applyQueue(each);
    }
  }

  /** From now on every packet is lost, in both directions, and nobody is told: addresses and routes stay. */
  async cut(): Promise<void> {
    this.#isCut = true;
    for (const end of ENDS) await this.#applyQueue(end);
  }

  /** Ends a {@linkcode Link.cut}. */
  async mend(): Promise<void> {
    this.#isCut = false;
    for (const end of ENDS) await this.#applyQueue(end);
  }

  /** Takes the interfaces down, which the kernels at both ends notice: routes go, sends fail. */
  async down(): Promise<void> {
    await this.#setState("down");
  }

  /** Takes the interfaces up again; their addresses are still there. */
  async up(): Promise<void> {
    await this.#setState("up");
  }

  async #setState(state: "up" | "down"): Promise<void> {
    for (const end of ENDS) {
      await runOrThrow(["ip", "-n", this.#namespaces[end], "link", "set", this.interfaces[end], state]);
    }
  }

  async #applyQueue(end: LinkEnd): Promise<void> {
    const netem = this.#netem[end];
    const queue = this.#isCut ? LOSE_ALL : netem === undefined ? UNIMPAIRED : netemArguments(netem);
    const tc = ["tc", "-n", this.#namespaces[end]];
    await runOrThrow([...tc, "qdisc", "replace", "dev", this.interfaces[end], "root", ...queue]);
  }
}

function nameOf(namespace: string, names: ReadonlyMap<string, string>): string {
  const name = names.get(namespace);
  if (name === undefined) throw new RangeError(`link: no namespace is called ${JSON.stringify(namespace)}`);
  return name;
}

function withoutPrefix(address: string): string {
  return address.split("/")[0];
}
