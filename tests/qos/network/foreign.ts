/**
 * Debian's traceroute(8) and tracepath(8): what they print, as data.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import type { Topology } from "../../support/netns/topology.ts";
import type { FoundHop, FoundPath } from "./truth.ts";

/** The programs, and the packages that Debian has them in. */
const PACKAGES = { traceroute: "traceroute", tracepath: "iputils-tracepath", tcpdump: "tcpdump" } as const;

/** Why programs are missing here, or undefined where none is: what a test passes on as its `skip`. */
export function programsMissing(...programs: readonly (keyof typeof PACKAGES)[]): string | undefined {
  const missing = programs.filter((program) => spawnSync(program, ["--help"], { stdio: "ignore" }).error !== undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(" and ")} missing: apt-get install ${missing.map((program) => PACKAGES[program]).join(" ")}`;
}

/** Runs traceroute from a chain's source. */
export async function traceroute(
  net: Topology,
  destination: string,
  ...options: readonly string[]
): Promise<FoundPath> {
  // Without the two factors it waits as long as it says, however fast the other answers were.
  return parseTraceroute(await run(net, ["traceroute", "-n", "-w", "2,0,0", ...options, destination]));
}

/** Runs tracepath from a chain's source. */
export async function tracepath(net: Topology, destination: string): Promise<FoundPath> {
  return parseTracepath(await run(net, ["tracepath", "-n", destination]));
}

async function run(net: Topology, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await net.exec("source", argv);
  if (code !== 0) throw new Error(`${argv.join(" ")} failed: ${stderr}${stdout}`);
  return stdout;
}

/** Reads what `traceroute -n` prints: a line per hop, with an address wherever another one answered than before. */
export function parseTraceroute(text: string): FoundPath {
  const hops = text.trimEnd().split("\n").slice(1).map(parseTracerouteLine);
  return { hops, mtu: hops.findLast((hop) => hop.mtu !== undefined)?.mtu };
}

function parseTracerouteLine(line: string): FoundHop {
  const [ttl, ...words] = line.trim().split(/\s+/);
  const routers = new Set<string>();
  const hop: FoundHop = { ttl: Number(ttl), routers: [], unanswered: 0, annotations: [], mtu: undefined };
  words.forEach((word, index) => {
    if (word === "*") hop.unanswered++;
    else if (word.startsWith("!")) hop.annotations.push(word);
    else if (word.startsWith("F=")) hop.mtu = Number(word.slice(2));
    else if (word !== "ms" && words[index + 1] !== "ms") routers.add(word);
  });
  return { ...hop, routers: [...routers].sort() };
}

/** Reads what `tracepath -n` prints: lines that begin with the hop's number, some more than once, and a résumé. */
export function parseTracepath(text: string): FoundPath {
  const hops = new Map<number, FoundHop>();
  let mtu: number | undefined;
  for (const line of text.split("\n")) {
    const resume = /Resume: pmtu (\d+)/.exec(line);
    if (resume) mtu = Number(resume[1]);
    const answer = /^\s*(\d+):\s+(\S+)(.*)$/.exec(line);
    if (answer) addTracepathLine(hops, Number(answer[1]), answer[2], answer[3]);
  }
  return { hops: [...hops.values()], mtu };
}

function addTracepathLine(hops: Map<number, FoundHop>, ttl: number, address: string, rest: string): void {
  const hop = hops.get(ttl) ?? { ttl, routers: [], unanswered: 0, annotations: [], mtu: undefined };
  hops.set(ttl, hop);
  const mtu = /pmtu (\d+)/.exec(rest);
  // This line is of the router in front, which refused the packet.
  if (mtu) hop.mtu = Number(mtu[1]);
  else if (address === "no") hop.unanswered++;
  else if (!hop.routers.includes(address)) hop.routers = [...hop.routers, address].sort();
  hop.annotations.push(...rest.split(/\s+/).filter((word) => word.startsWith("!")));
}
