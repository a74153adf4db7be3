/**
 * `deno task bench`: measures Sockeye beside its peers, and prints Markdown.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { kernelHasSctp } from "../tests/support/rig/kernel_sctp.ts";
import { machine } from "./machine.ts";
import { memory } from "./memory.ts";
import { oneWay } from "./one_way.ts";
import { packetOptions } from "./packet_options.ts";
import { hasTwoProcessors, onProcessor } from "./programs.ts";
import { type Section, sectionToMarkdown } from "./report.ts";
import { roundTrip } from "./round_trip.ts";
import { sctp, sctpMemory } from "./sctp.ts";
import { QUICK, type Settings, THOROUGH } from "./settings.ts";
import { spIdle } from "./sp_idle.ts";
import { spPub } from "./sp_pub.ts";
import { spInproc, spPush } from "./sp_push.ts";
import { spReq } from "./sp_req.ts";
import { traces } from "./trace.ts";
import { udpBatches } from "./udp_batches.ts";

interface Bench {
  name: string;
  summary: string;
  needsSctp?: boolean;
  run: (settings: Settings) => Promise<Section>;
}

const BENCHES: readonly Bench[] = [
  { name: "one-way", summary: "datagrams from one process to another", run: oneWay },
  { name: "round-trip", summary: "a datagram there and back", run: roundTrip },
  { name: "udp-batches", summary: "UDP datagrams that the kernel cuts and coalesces", run: udpBatches },
  { name: "packet-options", summary: "what options of single packets cost", run: packetOptions },
  { name: "trace", summary: "a trace beside traceroute; needs root", run: traces },
  { name: "memory", summary: "growth of the heap per million messages", run: memory },
  { name: "sp-push", summary: "SP: PUSH to PULL beside nng and zeromq.js", run: spPush },
  { name: "sp-req", summary: "SP: REQ and REP beside them", run: spReq },
  { name: "sp-pub", summary: "SP: PUB to many subscribers beside them", run: spPub },
  { name: "sp-inproc", summary: "SP: PUSH to PULL within a process", run: spInproc },
  { name: "sp-idle", summary: "SP: bytes per pipe that nothing passes through", run: spIdle },
  { name: "sctp", summary: "kernel SCTP, one way and there and back", needsSctp: true, run: sctp },
  { name: "sctp-memory", summary: "bytes per association", needsSctp: true, run: sctpMemory },
];

const HELP = `Measures Sockeye beside its peers, in turn, and prints Markdown on standard output.

Usage: deno task bench [--only NAME[,NAME…]] [--rounds N] [--quick] [--update]

  --only NAMES   some of them (default: all); sp for all whose names begin so
  --rounds N     rounds of each comparison (default ${THOROUGH.rounds})
  --quick        just enough to see that everything runs
  --update       write the results into docs/benchmarks.md as well

${BENCHES.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`).join("\n")}

Those about SCTP run in the rig where this kernel has none. Measure on a quiet machine.
Exit status: 0 fine, 1 failed, 2 usage.`;

/** How long the rig may take, in seconds. */
const RIG_LIMIT_S = 1800;
/** The most that SO_RCVBUF and SO_SNDBUF may be in the guest, in bytes. */
const MAX_BUFFER = 4 << 20;
const USAGE = 2;
/** What stands before the results in docs/benchmarks.md. */
const RESULTS_MARK = "<!-- results of deno task bench --update -->";

async function main(args: string[]): Promise<number> {
  let values;
  try {
    values = parseArgs({
      args,
      options: {
        only: { type: "string", multiple: true },
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
        update: { type: "boolean", default: false },
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
  const wanted = values.only?.flatMap((list) => list.split(",")) ?? BENCHES.map(({ name }) => name);
  const unknown = wanted.find((name) => benchesNamed(name).length === 0);
  if (unknown !== undefined) return usage(`there is no benchmark ${unknown}`);
  const names = wanted.flatMap(benchesNamed);
  const preset = values.quick ? QUICK : THOROUGH;
  const rounds = Number(values.rounds ?? preset.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) return usage(`--rounds ${values.rounds} is not a number of rounds`);
  const settings: Settings = { ...preset, rounds, log: (line) => console.error(line) };

  const chosen = BENCHES.filter(({ name }) => names.includes(name));
  const isHere = kernelHasSctp();
  const on = machine();
  const results = new Map<string, string>();
  const report = (section: Section) => {
    const markdown = sectionToMarkdown(section);
    results.set(section.title, markdown);
    console.log(values.json ? JSON.stringify(section) : markdown);
  };
  if (!values.json) console.log(on);
  for (const bench of chosen) {
    if (isHere || !bench.needsSctp) report(await bench.run(settings));
  }
  const elsewhere = isHere ? [] : chosen.filter(({ needsSctp }) => needsSctp);
  if (elsewhere.length > 0) (await inRig(elsewhere, rounds, values.quick)).forEach(report);
  if (values.update) updatePage(on, results, names.length === BENCHES.length);
  return 0;
}

/** The benchmark of a name, or, where there is none, those whose names begin with it. */
function benchesNamed(name: string): string[] {
  const all = BENCHES.map((bench) => bench.name);
  return all.includes(name) ? [name] : all.filter((each) => each.startsWith(`${name}-`));
}

/**
 * Puts results where the page has those of last time. When they are not all, the others stay, and each new one says where it
 * was measured.
 */
function updatePage(on: string, results: ReadonlyMap<string, string>, isAll: boolean): void {
  const path = here("../docs/benchmarks.md");
  const [before, old] = Deno.readTextFileSync(path).split(RESULTS_MARK);
  const [head, ...oldSections] = old.trim().split(/^(?=## )/m);
  const sections = new Map<string, string>();
  if (!isAll) { for (const section of oldSections) sections.set(/^## (.*)$/m.exec(section)![1], section); }
  for (const [title, section] of results) {
    sections.set(title, isAll ? section : section.replace("\n\n", `\n\n${on}\n`));
  }
  const parts = [RESULTS_MARK, isAll ? on : head, ...sections.values()].map((part) => part.trim());
  Deno.writeTextFileSync(path, `${before}${parts.join("\n\n")}\n`);
  new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).outputSync();
}

/** The same program where the kernel has SCTP: in a guest, which is steadier on one processor of the host. */
async function inRig(benches: readonly Bench[], rounds: number, isQuick: boolean): Promise<Section[]> {
  const rig = [
    ...[Deno.execPath(), "run", "--quiet", "--no-check", "-A", here("../tests/support/rig/main.ts")],
    ...["--time-limit", String(RIG_LIMIT_S), "--"],
    // With less room the kernel drops small messages, and waits for seconds before it sends them again.
    ...[
      "sh",
      "-c",
      `for limit in rmem_max wmem_max; do echo ${MAX_BUFFER} > /proc/sys/net/core/$limit; done; exec "$0" "$@"`,
    ],
    ...[Deno.execPath(), "run", "--quiet", "--no-check", "-A", here("main.ts"), "--json"],
    ...["--only", benches.map(({ name }) => name).join(","), "--rounds", String(rounds)],
    ...(isQuick ? ["--quick"] : []),
  ];
  const [program, ...args] = hasTwoProcessors() ? onProcessor(1, rig) : rig;
  const { success, stdout } = await new Deno.Command(program, { args, stdin: "null", stderr: "inherit" }).output();
  if (!success) throw new Error("the benchmarks about SCTP failed in the rig");
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

function usage(complaint: string): number {
  console.error(`bench: ${complaint}; see deno task bench --help`);
  return USAGE;
}

Deno.exit(await main(Deno.args));
