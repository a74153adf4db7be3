/** `sockeye sp`: what is about the Scalability Protocols in general. @module */

import type { CommandGroup } from "./command.ts";
import { perf } from "./sp/perf.ts";

/** The group of subcommands. */
export const sp: CommandGroup = {
  name: "sp",
  summary: "Measures the Scalability Protocols.",
  commands: [perf],
  examples: [
    { line: "sp perf local_lat ipc:///tmp/perf.ipc 64 100000", about: "the end that sends each message back" },
    { line: "sp perf remote_lat ipc:///tmp/perf.ipc 64 100000", about: "the end that measures" },
  ],
};
