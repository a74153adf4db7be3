/** `sockeye sp perf`: the measurements of nanomsg's, nng's and mangos's perf tools. @module */

import type { CommandGroup } from "../command.ts";
import { inprocLatency, localLatency, remoteLatency } from "./perf_latency.ts";
import { inprocThroughput, localThroughput, remoteThroughput } from "./perf_throughput.ts";

/** The group of subcommands. */
export const perf: CommandGroup = {
  name: "perf",
  summary: "Measures latency and throughput as the perf tools of nng, nanomsg and mangos do.",
  details: `Either end can be one of theirs, given the same size and count: nng's tools speak version 1 of PAIR,
which is the default here, those of nanomsg and mangos version 0 (--pair0).`,
  commands: [localLatency, remoteLatency, inprocLatency, localThroughput, remoteThroughput, inprocThroughput],
  examples: [
    { line: "sp perf local_thr tcp://127.0.0.1:5555 64 1000000", about: "the end that counts; start it first" },
    { line: "sp perf remote_thr tcp://127.0.0.1:5555 64 1000000", about: "the end that sends" },
    { line: "sp perf inproc_lat 64 100000 --json", about: "round trips within one process" },
  ],
};
