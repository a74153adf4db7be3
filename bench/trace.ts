/**
 * Tracing the way through a chain of routers, beside traceroute(8).
 *
 * @module
 */

import { address, becomeReady, numberedLink, prefix, silence, TRUTHFUL } from "../tests/qos/network/chain.ts";
import { netnsUnavailable, Topology } from "../tests/support/netns/topology.ts";
import { Peer } from "./peer.ts";
import { onDeno, output } from "./programs.ts";
import { ratio, type Section } from "./report.ts";
import { alternate, median, medianRatio, type Rounds } from "./rounds.ts";
import type { Settings } from "./settings.ts";

const ROUTERS = ["r1", "r2", "r3", "r4", "r5"];
const MACHINES = ["source", ...ROUTERS, "destination"];
const DESTINATION = address("inet", MACHINES.length - 1, "to");
/** The one that falls silent in the second half of the measurement. */
const SILENT = "r3";
/** Traces within one process. */
const REPEATED = 50;

/** Milliseconds. */
interface Times {
  wall: number;
  /** Within the process, of the first trace and of one of many. */
  first?: number;
  repeated?: number;
}
type Contender = "traceroute" | "command" | "within";
type Results = Record<Contender, Rounds<Times>>;

/** Measures traces. */
export async function traces(settings: Settings): Promise<Section> {
  const obstacle = netnsUnavailable() ?? (hasTraceroute() ? undefined : "there is no traceroute");
  if (obstacle !== undefined) {
    settings.log(`trace: left out, ${obstacle}`);
    return { title: TITLE, method: `Left out where this was measured: ${obstacle}.`, tables: [] };
  }
  await using net = await chain();
  const rows: string[][] = [];
  for (const isOneSilent of [false, true]) {
    if (isOneSilent) await silence(net, SILENT);
    const caption = isOneSilent ? "the third is silent" : "all answer";
    const results = await alternate(
      contendersIn(net, settings),
      settings.rounds,
      (name, { wall, repeated }) =>
        settings.log(
          `trace, ${caption}, ${name}: ${repeated === undefined ? `${shown(wall)} ms` : `${shown(repeated)} ms`}`,
        ),
    );
    rows.push(rowOf(caption, results));
  }
  return {
    title: TITLE,
    method: METHOD,
    tables: [{
      caption: "A trace through five routers: ms",
      columns: [
        ...["routers", "traceroute", "sockeye trace", "trace(), first", "trace(), again"],
        ...["command : traceroute", "first : traceroute", "again : traceroute"],
      ],
      rows,
    }],
  };
}

const TITLE = "A trace beside traceroute";

const METHOD =
  `Five routers and a destination, in network namespaces joined by veth pairs, which answer every probe at once; both send three
UDP probes for each hop, 16 at a time, and look up no names. \`traceroute -n\` and \`sockeye trace -n\` are taken from the start
of the process to its end, most of which is the start of Deno; \`trace()\` is taken within a process that runs, the first time
and when it has done so a few dozen times. Where a router is silent, both wait for it: three times as long as for the
answers to other probes of the same hop, or ten times as long as for those from farther ones.`;

async function chain(): Promise<Topology> {
  const number = (machine: string) => MACHINES.indexOf(machine);
  const net = await Topology.create({
    namespaces: MACHINES,
    links: MACHINES.slice(1).map((to, i) => numberedLink(MACHINES[i], to, i + 1)),
    sysctls: TRUTHFUL,
    routes: MACHINES.flatMap((namespace) => [
      ...(namespace === "destination"
        ? []
        : [{ namespace, to: "default", via: address("inet", number(namespace) + 1, "to") }]),
      ...(number(namespace) < 2
        ? []
        : [{ namespace, to: prefix("inet", 1), via: address("inet", number(namespace), "from") }]),
    ]),
  });
  try {
    await becomeReady(net, MACHINES, [DESTINATION]);
    return net;
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

function contendersIn(net: Topology, { runMs }: Settings): Record<Contender, () => Promise<Times>> {
  const here = (command: readonly string[]) => net.within("source", command);
  const sockeye = onDeno("../../cli/main.ts");
  // As many as make sense in the time of a run.
  const count = String(Math.max(2, Math.min(REPEATED, Math.round(runMs / 20))));
  return {
    traceroute: () => wallOf(here(["traceroute", "-n", DESTINATION])),
    command: () => wallOf(here([...sockeye, "trace", "-n", DESTINATION])),
    within: async () => {
      await using peer = new Peer(here([...onDeno("our_trace.ts"), DESTINATION, count]));
      const { first, median, hops } = await peer.answer();
      await peer.end();
      if (hops !== MACHINES.length - 1) throw new Error(`trace() found ${hops} hops of ${MACHINES.length - 1}`);
      return { wall: Number(median), first: Number(first), repeated: Number(median) };
    },
  };
}

/** Runs a trace that has to find the destination. */
async function wallOf([program, ...args]: readonly string[]): Promise<Times> {
  const begun = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const wall = performance.now() - begun;
  const text = new TextDecoder().decode(stdout);
  if (!success || text.trimEnd().split("\n").filter((line) => line.includes(DESTINATION)).length === 0) {
    throw new Error(
      `${program} ${args.join(" ")} did not reach the destination: ${text}${new TextDecoder().decode(stderr)}`,
    );
  }
  return { wall };
}

function rowOf(caption: string, { traceroute, command, within }: Results): string[] {
  const walls = (rounds: Rounds<Times>) => rounds.map(({ wall }) => wall);
  const firsts = within.map(({ first }) => first!);
  const repeated = within.map(({ repeated }) => repeated!);
  return [
    caption,
    ...[walls(traceroute), walls(command), firsts, repeated].map((times) => shown(median(times))),
    ...[walls(command), firsts, repeated].map((times) => ratio(medianRatio(times, walls(traceroute)))),
  ];
}

const shown = (ms: number) => ms < 9.95 ? ms.toFixed(2) : ms < 99.5 ? ms.toFixed(1) : ms.toFixed(0);

const hasTraceroute = () => output(["traceroute", "--version"]) !== undefined;
