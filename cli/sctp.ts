/** `sockeye sctp`: talk to any SCTP peer. @module */

import type { CommandGroup } from "./command.ts";
import { connect } from "./sctp/connect.ts";
import { listen } from "./sctp/listen.ts";
import { perf } from "./sctp/perf.ts";

/** The group of subcommands. */
export const sctp: CommandGroup = {
  name: "sctp",
  summary: "Talks to any SCTP peer, as a server or as a client.",
  details: `URLs are sctp://HOST:PORT, or sctp://HOST,HOST:PORT for a multi-homed end; IPv6 goes in brackets.
Kernel SCTP has to be available: sockeye doctor tells, and says what to do if it isn't.`,
  commands: [listen, connect, perf],
  examples: [
    { line: "sctp listen sctp://127.0.0.1:5000 --echo", about: "answer each message with itself" },
    {
      line: "sctp connect sctp://127.0.0.1:5000 --data hello --receive 1",
      about: "send a message and print the answer",
    },
    { line: "sctp perf listen sctp://127.0.0.1:5001", about: "the server of a measurement" },
  ],
};
