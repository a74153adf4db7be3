/**
 * What connections take that nothing passes through.
 *
 * @module
 */

import { SocketFolder } from "./programs.ts";
import type { Section, Table } from "./report.ts";
import { alternate, median, type Rounds } from "./rounds.ts";
import type { Settings } from "./settings.ts";
import { inRole, libraries, type Library, LIBRARY_TITLES } from "./sp_peers.ts";

interface Cost {
  /** What the resident set grew by, in bytes per pipe. */
  memory: number;
  /** What the heap grew by, where there is one that can be asked. */
  heap?: number;
}

/** Measures bytes per idle pipe. */
export async function spIdle(settings: Settings): Promise<Section> {
  using sockets = new SocketFolder();
  const programs = libraries(settings);
  const present = (["nng", "zeromq", "ours"] as const).filter((library) => programs[library] !== undefined);
  const results = new Map<number, Record<Library, Rounds<Cost>>>();
  for (const count of settings.pipes) {
    const runs = present.map((library) => {
      const run = () => measure(programs[library]!, `ipc://${sockets.path()}`, count);
      return [library, run] as const;
    });
    const log = (library: Library, { memory }: Cost) =>
      settings.log(`${count} idle pipes, ${library}: ${memory} bytes`);
    results.set(
      count,
      await alternate(Object.fromEntries(runs) as Record<Library, () => Promise<Cost>>, settings.rounds, log),
    );
  }
  return { title: "SP: idle pipes", method: METHOD, tables: [tableOf(present, results)] };
}

const METHOD = `What the process of a listening PULL socket grows by for each connection over ipc that nothing passes
through: its resident set, after a garbage collection in ours, and of that the heap.`;

async function measure(program: readonly string[], url: string, count: number): Promise<Cost> {
  await using listening = inRole(program, "idle", { url, count });
  await listening.answer();
  await using _first = inRole(program, "dial", { url });
  await listening.answer();
  await using _others = inRole(program, "dial", { url, count });
  const { memory, heap } = await listening.answer();
  return { memory: Number(memory), heap: heap === undefined ? undefined : Number(heap) };
}

function tableOf(present: readonly Library[], results: ReadonlyMap<number, Record<Library, Rounds<Cost>>>): Table {
  const size = (rounds: Rounds<Cost>, of: keyof Cost) =>
    Math.round(median(rounds.map((round) => round[of]!))).toLocaleString("en");
  return {
    caption: "Bytes per idle pipe",
    columns: ["pipes", ...present.map((library) => LIBRARY_TITLES[library]), "ours, the heap"],
    rows: [...results].map(([count, result]) => [
      count.toLocaleString("en"),
      ...present.map((library) => size(result[library], "memory")),
      size(result.ours, "heap"),
    ]),
  };
}
