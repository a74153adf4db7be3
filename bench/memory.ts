/**
 * How much memory stays in use when messages have passed.
 *
 * @module
 */

import { Peer } from "./peer.ts";
import { onDeno } from "./programs.ts";
import type { Section } from "./report.ts";
import { alternate, median } from "./rounds.ts";
import type { Settings } from "./settings.ts";

interface Growth {
  heap: number;
  external: number;
  resident: number;
}

/** Measures the growth of the heap. */
export async function memory({ rounds, messages, log }: Settings): Promise<Section> {
  const { ours } = await alternate(
    { ours: () => measure(messages) },
    rounds,
    (_, { heap }) => log(`heap: ${heap} bytes`),
  );
  const kib = (value: number) => (value / 1024).toFixed(1);
  const row = (title: string, of: keyof Growth) => [title, kib(median(ours.map((growth) => growth[of])))];
  return {
    title: "Memory",
    method: `Growth per million messages of 64 B that pass from one socket to another in one process, after a warm-up of
${messages.toLocaleString("en")} messages, with a garbage collection before each look.`,
    tables: [{
      caption: "Growth per million messages: KiB",
      columns: ["memory", "growth"],
      rows: [row("heap", "heap"), row("outside the heap", "external"), row("resident set", "resident")],
    }],
  };
}

async function measure(messages: number): Promise<Growth> {
  await using program = new Peer([...onDeno("our_memory.ts", "--v8-flags=--expose-gc"), String(messages)]);
  const { heap, external, resident } = await program.answer();
  await program.end();
  return { heap: Number(heap), external: Number(external), resident: Number(resident) };
}
