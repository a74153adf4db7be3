/** `sockeye sctp perf`: how fast messages go to and fro. @module */

import type { CommandGroup } from "../command.ts";
import { perfConnect } from "./perf_connect.ts";
import { perfListen } from "./perf_listen.ts";

/** The group of subcommands. */
export const perf: CommandGroup = {
  name: "perf",
  summary: "Measures round trips and throughput between two of these commands.",
  commands: [perfListen, perfConnect],
  examples: [
    { line: "sctp perf listen sctp://127.0.0.1:5001", about: "the server" },
    { line: "sctp perf connect sctp://127.0.0.1:5001", about: "the client, which says what is measured and prints it" },
  ],
};
