/**
 * The kernel's SCTP: messages one way, and there and back. To be run where the kernel has it.
 *
 * @module
 */

import { Peer } from "./peer.ts";
import { inC, onDeno } from "./programs.ts";
import { bytes, microseconds, perSecond, ratio, type Section, type Table } from "./report.ts";
import { alternate, median, medianRatio, type Rounds } from "./rounds.ts";
import { type Settings, SIZES } from "./settings.ts";

type Contender = "c" | "async" | "sync";

const STYLES = ["one-to-one", "one-to-many"] as const;
const TITLES: Record<Contender, string> = { c: "C", async: "ours, async", sync: "ours, blocking in a Worker" };
const CONTENDERS: readonly Contender[] = ["c", "async", "sync"];

const METHOD =
  `Both processes and the kernel that they talk through share one processor in user-mode-linux, where a system call takes
30 to 60 µs: the figures mean nothing, their ratios do. The program in C is written as RFC 6458 shows it: one \`sendmsg\`
with \`SCTP_SNDINFO\` or one \`recvmsg\` with \`SCTP_RCVINFO\` for each message, blocking. Ours is \`await send\` and
\`await receive\`, or \`sendSync\` and \`receiveSync\`. Both have a send buffer of 1 MiB.`;

/** Measures throughput and round trips. */
export async function sctp(settings: Settings): Promise<Section> {
  const c = inC("sctp");
  const ours = onDeno("our_sctp.ts");
  const programs: Record<Contender, [string[], string]> = {
    c: [c, "block"],
    async: [ours, "async"],
    sync: [ours, "sync"],
  };
  const tables: Table[] = [];
  for (const style of STYLES) {
    const oneWay = await measureAll(programs, settings, `sctp ${style}, messages/s`, throughputOf(style, settings));
    const roundTrip = await measureAll(programs, settings, `sctp ${style}, µs`, roundTripOf(style, settings));
    tables.push(
      table(`${style}: messages/s one way`, oneWay, perSecond, (ours, c) => medianRatio(ours, c)),
      table(`${style}: µs there and back`, roundTrip, microseconds, (ours, c) => medianRatio(c, ours)),
    );
  }
  return { title: "Kernel SCTP beside C", method: METHOD, tables };
}

type Measure = (program: readonly string[], mode: string, size: number) => Promise<number>;

/** What an association takes, opened in numbers. */
export async function sctpMemory({ associations, log }: Settings): Promise<Section> {
  await using program = new Peer([
    ...onDeno("our_sctp.ts", "--v8-flags=--expose-gc"),
    "hold",
    String(associations),
  ]);
  const { heap, external, resident } = await program.answer();
  await program.end();
  log(`bytes per association: heap ${heap}`);
  const whole = (value: number | string) => Math.round(Number(value)).toLocaleString("en");
  return {
    title: "Memory of associations",
    method: `${
      associations.toLocaleString("en")
    } one-to-one associations with both ends in one process; what each end takes.`,
    tables: [{
      caption: "Bytes per open SctpAssociation",
      columns: ["memory", "bytes"],
      rows: [["heap", whole(heap)], ["outside the heap", whole(external)], ["resident set", whole(resident)]],
    }],
  };
}

async function measureAll(
  programs: Record<Contender, [string[], string]>,
  { rounds, log }: Settings,
  what: string,
  measure: Measure,
): Promise<Map<number, Record<Contender, Rounds<number>>>> {
  const results = new Map<number, Record<Contender, Rounds<number>>>();
  for (const size of SIZES) {
    const entries = CONTENDERS.map((name) => [name, () => measure(...programs[name], size)]);
    results.set(
      size,
      await alternate<Contender, number>(
        Object.fromEntries(entries),
        rounds,
        (name, value) => log(`${what}, ${bytes(size)}, ${name}: ${value.toFixed(1)}`),
      ),
    );
  }
  return results;
}

function throughputOf(style: string, { rigRunMs, rigWarmUpMs }: Settings): Measure {
  return async (program, mode, size) => {
    await using receiver = new Peer([...program, "receive", style, "0", String(size), mode, String(rigWarmUpMs)]);
    const { ready } = await receiver.answer();
    await using sender = new Peer([...program, "send", style, String(ready), String(size), mode, String(rigRunMs)]);
    const { sent } = await sender.answer();
    const { received, seconds, total } = await receiver.answer();
    await Promise.all([sender.end(), receiver.end()]);
    if (total !== sent) throw new Error(`${program[0]}: ${sent} messages were sent, ${total} arrived`);
    return Number(received) / Number(seconds);
  };
}

function roundTripOf(style: string, { rigRunMs }: Settings): Measure {
  return async (program, mode, size) => {
    await using answering = new Peer([...program, "echo", style, "0", String(size), mode, "0"]);
    const { ready } = await answering.answer();
    await using asking = new Peer([...program, "ask", style, String(ready), String(size), mode, String(rigRunMs)]);
    const { median } = await asking.answer();
    await Promise.all([asking.end(), answering.end()]);
    return Number(median);
  };
}

function table(
  caption: string,
  results: ReadonlyMap<number, Record<Contender, Rounds<number>>>,
  format: (value: number) => string,
  speed: (ours: Rounds<number>, c: Rounds<number>) => number,
): Table {
  return {
    caption: `${caption}; and how fast ours is, C = 1`,
    columns: ["message", ...CONTENDERS.map((name) => TITLES[name]), "async : C", "blocking : C"],
    rows: [...results].map(([size, result]) => [
      bytes(size),
      ...CONTENDERS.map((name) => format(median(result[name]))),
      ratio(speed(result.async, result.c)),
      ratio(speed(result.sync, result.c)),
    ]),
  };
}
