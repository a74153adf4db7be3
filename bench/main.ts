/**
 * `deno task bench`: measures Sockeye beside its peers, and prints Markdown.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { kernelHasSctp } from "../tests/support/rig/kernel_sctp.ts";
import { RigError, runInRig } from "../tests/support/rig/rig.ts";
import { machine } from "./machine.ts";
import { memory } from "./memory.ts";
import { oneWay } from "./one_way.ts";
import { type Section, sectionToMarkdown } from "./report.ts";
import { roundTrip } from "./round_trip.ts";
import { sctp, sctpMemory } from "./sctp.ts";
import { QUICK, type Settings, THOROUGH } from "./settings.ts";

interface Bench {
  name: string;
  summary: string;
  needsSctp?: boolean;
  run: (settings: Settings) => Promise<Section>;
}

const BENCHES: readonly Bench[] = [
  { name: "one-way", summary: "datagrams from one process to another", run: oneWay },
  { name: "round-trip", summary: "a datagram there and back", run: roundTrip },
  { name: "memory", summary: "growth of the heap per million messages", run: memory },
  { name: "sctp", summary: "kernel SCTP, one way and there and back", needsSctp: true, run: sctp },
  { name: "sctp-memory", summary: "bytes per association", needsSctp: true, run: sctpMemory },
];

const HELP = `Measures Sockeye beside its peers, in turn, and prints Markdown on standard output.

Usage: deno task bench [--only NAME[,NAME…]] [--rounds N] [--quick]

  --only NAMES   some of them (default: all)
  --rounds N     rounds of each comparison (default ${THOROUGH.rounds})
  --quick        just enough to see that everything runs

${BENCHES.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`).join("\n")}

Those about SCTP run in the rig where this kernel has none. Measure on a quiet machine.
Exit status: 0 fine, 1 failed, 2 usage.`;

/** How long the rig may take, in milliseconds. */
const RIG_LIMIT_MS = 1_800_000;
/** The most that SO_RCVBUF and SO_SNDBUF may be in the guest, in bytes. */
const MAX_BUFFER = 4 << 20;
const USAGE = 2;

async function main(args: string[]): Promise<number> {
  let values;
  try {
    values = parseArgs({
      args,
      options: {
        only: { type: "string", multiple: true },
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const names = values.only?.flatMap((list) => list.split(",")) ?? BENCHES.map(({ name }) => name);
  const unknown = names.find((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown !== undefined) return usage(`there is no benchmark ${unknown}`);
  const preset = values.quick ? QUICK : THOROUGH;
  const rounds = Number(values.rounds ?? preset.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) return usage(`--rounds ${values.rounds} is not a number of rounds`);
  const settings: Settings = { ...preset, rounds, log: (line) => console.error(line) };

  const chosen = BENCHES.filter(({ name }) => names.includes(name));
  if (!values.json) console.log(machine());
  const isHere = kernelHasSctp();
  const elsewhere = isHere ? [] : chosen.filter(({ needsSctp }) => needsSctp);
  for (const bench of chosen) {
    if (elsewhere.includes(bench)) continue;
    const section = await bench.run(settings);
    console.log(values.json ? JSON.stringify(section) : sectionToMarkdown(section));
  }
  if (elsewhere.length > 0) {
    for (const section of await inRig(elsewhere, rounds, values.quick)) console.log(sectionToMarkdown(section));
  }
  return 0;
}

/** The same program where the kernel has SCTP. */
async function inRig(benches: readonly Bench[], rounds: number, isQuick: boolean): Promise<Section[]> {
  const { code, stdout } = await runInRig({
    command: "sh",
    args: [
      // With less room the kernel drops small messages, and waits for seconds before it sends them again.
      ...[
        "-c",
        `for limit in rmem_max wmem_max; do echo ${MAX_BUFFER} > /proc/sys/net/core/$limit; done; exec "$0" "$@"`,
      ],
      Deno.execPath(),
      ...["run", "--quiet", "--no-check", "-A", new URL(import.meta.url).pathname, "--json"],
      ...["--only", benches.map(({ name }) => name).join(","), "--rounds", String(rounds)],
      ...(isQuick ? ["--quick"] : []),
    ],
    stdout: "piped",
    timeoutMs: RIG_LIMIT_MS,
  });
  if (code !== 0) throw new RigError(`the benchmarks about SCTP ended with status ${code}`);
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

function usage(complaint: string): number {
  console.error(`bench: ${complaint}; see deno task bench --help`);
  return USAGE;
}

Deno.exit(await main(Deno.args));
