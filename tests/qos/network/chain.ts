/**
 * A chain of routers with all that makes tracing hard, and the truth about it.
 *
 *                          ┌─ r3a ─┐
 *     source ── r1 ── r2 ──┤       ├── r4 ── r5 ──(1400)── r6 ──(1300)── destination
 *                          └─ r3b ─┘ silent
 *
 * @module
 */

import { type LinkOptions, type Route, Topology } from "../../support/netns/topology.ts";

/** The two families of addresses. */
export type Family = "inet" | "inet6";

/** A link of the path that carries less than those before it. */
export interface NarrowLink {
  /** The hop that it leads to. */
  ttl: number;
  /** The address of the router in front of it. */
  router: string;
  /** The largest packet that it carries, in bytes. */
  mtu: number;
}

/** What there is to be found out, in one family. */
export interface Truth {
  /** The source's address. */
  source: string;
  /** The destination's address. */
  destination: string;
  /** Who answers at each hop, in order: nobody, one, or one of several, depending on the flow. */
  hops: readonly (readonly string[])[];
  /** Where the MTU falls. */
  narrow: readonly NarrowLink[];
  /** The MTU of the whole path. */
  mtu: number;
  /** Addresses that routers refuse to forward to. */
  refused: Readonly<Record<Refusal, string>>;
}

/** How a router refuses: as ip-route(8) calls the type of the route, and `"no-route"` where it has none. */
export type Refusal = "unreachable" | "prohibit" | "no-route";

/** A {@linkcode createChain}. */
export interface Chain extends AsyncDisposable {
  /** The namespaces, by the names of the picture. */
  readonly net: Topology;
  /** What there is to be found out. */
  readonly truth: Readonly<Record<Family, Truth>>;
  /**
   * The same by another address of the destination. What the kernel learns of the path MTU it remembers for each address, and
   * tracepath believes it.
   */
  readonly alias: Readonly<Record<Family, Truth>>;
}

/** Both families, to make the same test of each. */
export const FAMILIES: readonly Family[] = ["inet", "inet6"];

/** The hop of the two routers with equal paths. */
export const BALANCED_TTL = 3;
/** The hop that answers nothing. */
export const SILENT_TTL = 4;

const NARROW = 1400;
const NARROWER = 1300;

/** What each link joins, and its number, which is part of its addresses. */
const LINKS: readonly (readonly [from: string, to: string, number: number, mtu?: number])[] = [
  ["source", "r1", 1],
  ["r1", "r2", 2],
  ["r2", "r3a", 3],
  ["r2", "r3b", 4],
  ["r3a", "r4", 5],
  ["r3b", "r4", 6],
  ["r4", "r5", 7],
  ["r5", "r6", 8, NARROW],
  ["r6", "destination", 9, NARROWER],
];

/** Each machine's way to the destination: the numbers of the links. */
const FORTH: Readonly<Record<string, readonly number[]>> = {
  ...{ source: [1], r1: [2], r2: [3, 4], r3a: [5], r3b: [6], r4: [7], r5: [8] },
};
/** Each machine's way back to the source. One each, so that it is certain from which address a router answers. */
const BACK: Readonly<Record<string, number>> = { r2: 2, r3a: 3, r3b: 4, r4: 5, r5: 7, r6: 8, destination: 9 };

/** What r6 refuses to forward to: blocks for documentation, RFC 5737 and RFC 3849. */
const REFUSED: Readonly<Record<Family, Readonly<Record<Refusal, string>>>> = {
  inet: { unreachable: "192.0.2.1", prohibit: "198.51.100.1", "no-route": "203.0.113.1" },
  inet6: { unreachable: "2001:db8:1::1", prohibit: "2001:db8:2::1", "no-route": "2001:db8:3::1" },
};

/** The destination's other addresses. */
const ALIAS: Readonly<Record<Family, string>> = { inet: "10.78.9.3", inet6: "fd78:9::3" };

/** The settings under which a router answers every packet, and its answers are certain. */
export const TRUTHFUL: Readonly<Record<string, string | number>> = {
  // No errors held back: RFC 1812, 4.3.2.8, and RFC 4443, 2.4 (f), want limits that a test would meet.
  "net.ipv4.icmp_ratelimit": 0,
  "net.ipv4.icmp_ratemask": 0,
  "net.ipv6.icmp.ratelimit": 0,
  // A list of types can't be empty; 127 is nobody's (RFC 4443, section 2.1).
  "net.ipv6.icmp.ratemask": "127",
  // A packet may come in where the answer to it would not leave.
  "net.ipv4.conf.all.rp_filter": 0,
  "net.ipv4.conf.default.rp_filter": 0,
  // Load is balanced by addresses and ports, as routers of this world do.
  "net.ipv4.fib_multipath_hash_policy": 1,
  "net.ipv6.fib_multipath_hash_policy": 1,
};

/**
 * Makes the chain. `await using` removes it.
 *
 * @throws {Error} Where namespaces can't be made here.
 */
export async function createChain(): Promise<Chain> {
  const namespaces = [...Object.keys(FORTH), "r6", "destination"];
  const net = await Topology.create({
    namespaces,
    links: LINKS.map(([from, to, number, mtu]) => numberedLink(from, to, number, mtu)),
    sysctls: TRUTHFUL,
    routes: FAMILIES.flatMap(routesOf),
  });
  try {
    await becomeReady(net, namespaces, FAMILIES.map((family) => address(family, 9, "to")));
    await refuse(net, "r6");
    const device = net.links[LINKS.length - 1].interfaces.to;
    await configure(net, "destination", [
      `address add ${ALIAS.inet}/24 dev ${device}`,
      `address add ${ALIAS.inet6}/64 dev ${device}`,
    ]);
    await silence(net, "r4");
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
  const truth = { inet: truthOf("inet"), inet6: truthOf("inet6") };
  const alias = { inet: atAlias(truth.inet, ALIAS.inet), inet6: atAlias(truth.inet6, ALIAS.inet6) };
  return { net, truth, alias, [Symbol.asyncDispose]: () => net[Symbol.asyncDispose]() };
}

/** A link with the addresses 10.78.NUMBER.1 and .2, and fd78:NUMBER::1 and ::2. */
export function numberedLink(from: string, to: string, number: number, mtu?: number): LinkOptions {
  const at = (end: "from" | "to") => [`${address("inet", number, end)}/24`, `${address("inet6", number, end)}/64`];
  return { from, to, mtu, addresses: { from: at("from"), to: at("to") } };
}

/** The address of one end of a {@linkcode numberedLink}. */
export function address(family: Family, number: number, end: "from" | "to"): string {
  const host = end === "from" ? 1 : 2;
  return family === "inet" ? `10.78.${number}.${host}` : `fd78:${number}::${host}`;
}

/** What ip-route(8) calls all addresses of a {@linkcode numberedLink}. */
export function prefix(family: Family, number: number): string {
  return family === "inet" ? `10.78.${number}.0/24` : `fd78:${number}::/64`;
}

/** Gives a machine routes that refuse. Where it has no default route, the addresses of `"no-route"` need none. */
async function refuse(net: Topology, namespace: string): Promise<void> {
  const refusals = FAMILIES.flatMap((family) => [
    `route add unreachable ${REFUSED[family].unreachable}`,
    `route add prohibit ${REFUSED[family].prohibit}`,
  ]);
  await configure(net, namespace, refusals);
}

/** Protocols by number, for not every machine has their names in /etc/protocols. */
const ICMP = 1;
const ICMP6 = 58;

/** From now on a machine says nothing by ICMP, and forwards as before. */
export async function silence(net: Topology, namespace: string): Promise<void> {
  // The rules apply to what a machine sends itself ("iif lo"), and not to questions for neighbours, which aren't routed.
  await configure(net, namespace, [
    `-4 rule add iif lo ipproto ${ICMP} blackhole`,
    `-6 rule add iif lo ipproto ${ICMP6} blackhole`,
  ]);
}

/** From now on a router keeps to itself that a packet is too large to be forwarded, and says everything else. */
export async function silenceTooBig(net: Topology, namespace: string): Promise<void> {
  // The kernel keeps ICMP's type and code where ports are: 3 and 4 are 0x0304 (RFC 1191), 2 and 0 are 0x0200 (RFC 4443).
  await configure(net, namespace, [
    `-4 rule add iif lo ipproto ${ICMP} dport ${0x0304} blackhole`,
    `-6 rule add iif lo ipproto ${ICMP6} dport ${0x0200} blackhole`,
  ]);
}

/** Runs commands of `ip` in a namespace. */
export async function configure(net: Topology, namespace: string, commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const { code, stderr } = await net.exec(namespace, ["ip", ...command.split(" ")]);
    if (code !== 0) throw new Error(`ip ${command} failed in ${namespace}: ${stderr}`);
  }
}

/** Waits until packets from the namespace `source` reach each destination, every neighbour on the way being known. */
export async function becomeReady(
  net: Topology,
  namespaces: readonly string[],
  destinations: readonly string[],
): Promise<void> {
  await Promise.all(namespaces.map((namespace) => askNeighboursSoon(net, namespace)));
  await Promise.all(destinations.map((destination) => untilReached(net, destination)));
}

/**
 * Makes a machine ask for its neighbours every 50 ms, as interfaces that have just come up lose the first question; and for
 * five seconds, as a busy machine may be late to answer.
 */
async function askNeighboursSoon(net: Topology, namespace: string): Promise<void> {
  const script = `for link in /proc/sys/net/ipv[46]/neigh/link*; do
    echo 50 > $link/retrans_time_ms
    echo 100 > $link/mcast_solicit
    echo 100 > $link/ucast_solicit
  done`;
  const { code, stderr } = await net.exec(namespace, ["sh", "-ec", script]);
  if (code !== 0) throw new Error(`chain: ${stderr}`);
}

async function untilReached(net: Topology, destination: string): Promise<void> {
  // A machine gives up on a neighbour soon, but the next probe asks again; each hop's probe finds its own neighbour.
  for (let attempt = 0; attempt < 100; attempt++) {
    const { stdout } = await net.exec("source", ["traceroute", "-n", "-q", "1", "-w", "1", destination]);
    if (stdout.trimEnd().split("\n").at(-1)!.includes(`  ${destination}  `)) return;
  }
  throw new Error(`chain: ${destination} can't be reached from the source`);
}

function routesOf(family: Family): Route[] {
  const source = prefix(family, 1);
  return [
    ...Object.entries(FORTH).map(([namespace, numbers]) => ({
      namespace,
      to: "default",
      via: numbers.map((number) => address(family, number, "to")),
    })),
    ...Object.entries(BACK).map(([namespace, number]) => ({
      namespace,
      to: source,
      via: address(family, number, "from"),
    })),
  ];
}

function truthOf(family: Family): Truth {
  // A router answers from the address that it has towards the source.
  const facing = (...numbers: number[]) => numbers.map((number) => address(family, number, "to"));
  return {
    source: address(family, 1, "from"),
    destination: address(family, 9, "to"),
    hops: [facing(1), facing(2), facing(3, 4), [], facing(7), facing(8), facing(9)],
    narrow: [
      { ttl: 6, router: address(family, 7, "to"), mtu: NARROW },
      { ttl: 7, router: address(family, 8, "to"), mtu: NARROWER },
    ],
    mtu: NARROWER,
    refused: REFUSED[family],
  };
}

function atAlias(truth: Truth, alias: string): Truth {
  return { ...truth, destination: alias, hops: [...truth.hops.slice(0, -1), [alias]] };
}
