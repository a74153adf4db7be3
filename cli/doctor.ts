/** `sockeye doctor`: what this machine can do, and how to get what it can't. @module */

import { type Command, command } from "./command.ts";
import { eventsTopic } from "./doctor/events.ts";
import type { Condition, Finding, Topic } from "./doctor/finding.ts";
import { limitsTopic } from "./doctor/limits.ts";
import { memoryTopic } from "./doctor/memory.ts";
import { packetsTopic } from "./doctor/packets.ts";
import { runtimeTopic } from "./doctor/runtime.ts";
import { sctpTopic } from "./doctor/sctp.ts";
import { socketsTopic } from "./doctor/sockets.ts";
import { flag } from "./option.ts";
import { hasColours } from "./terminal.ts";

const TOPICS: readonly Topic[] = [
  runtimeTopic,
  sctpTopic,
  socketsTopic,
  packetsTopic,
  memoryTopic,
  eventsTopic,
  limitsTopic,
];

const CONDITIONS: readonly Condition[] = ["ok", "off", "low", "missing", "unknown"];

/** ANSI colours, for a terminal: green, yellow, red. */
const COLOURS: Readonly<Record<Condition, number>> = { ok: 32, off: 33, low: 33, missing: 31, unknown: 31 };

const STATUS_WIDTH = Math.max(...CONDITIONS.map((word) => word.length));
const TITLE_WIDTH = 23;

/** The subcommand. */
export const doctor: Command = command({
  name: "doctor",
  summary: "Tells what this machine can do, and how to get what it can't.",
  details: `ok       it works
off      turned off, by a kernel parameter
low      it works, but is limited more than it need be
missing  this machine can't do it
unknown  there was no way to look`,
  operands: [],
  options: { json: flag("print one JSON object a line: each finding, then a summary") },
  examples: [
    { line: "doctor", about: "a table for people, each line that is not ok with its remedy" },
    { line: "doctor --json", about: '{"type":"check","topic":"SCTP","name":"kernel-sctp","status":"ok",…}' },
  ],
  async run({ output }) {
    const totals: Record<Condition, number> = { ok: 0, off: 0, low: 0, missing: 0, unknown: 0 };
    const paint = painter();
    for (const topic of TOPICS) {
      const findings = await topic.examine();
      if (!output.isJson) output.print(topic.title);
      for (const finding of findings) {
        totals[finding.status]++;
        output.report({ type: "check", topic: topic.title, ...finding }, () => findingText(finding, paint));
      }
    }
    output.report(
      { type: "summary", ...totals },
      () => `\n${CONDITIONS.map((status) => `${totals[status]} ${status}`).join(", ")}`,
    );
    return 0;
  },
});

type Painter = (text: string, status: Condition) => string;

function painter(): Painter {
  if (!hasColours()) return (text) => text;
  return (text, status) => `\x1b[${COLOURS[status]}m${text}\x1b[0m`;
}

function findingText({ status, title, detail, remedy }: Finding, paint: Painter): string {
  const line = `  ${paint(status.padEnd(STATUS_WIDTH), status)}  ${title.padEnd(TITLE_WIDTH)}  ${detail}`;
  return remedy === undefined ? line : `${line}\n  ${" ".repeat(STATUS_WIDTH)}  → ${remedy}`;
}
