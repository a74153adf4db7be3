/** The tree of subcommands. @module */

import type { CommandGroup } from "./command.ts";
import { doctor } from "./doctor.ts";
import { sctp } from "./sctp.ts";

/** All of `sockeye`. */
export const sockeye: CommandGroup = {
  name: "sockeye",
  summary: "Message-oriented transports from the command line.",
  commands: [doctor, sctp],
  examples: [
    { line: "doctor", about: "what this machine can do, and how to get what it can't" },
    { line: "sctp listen sctp://127.0.0.1:5000 --echo", about: "an SCTP server that answers each message with itself" },
    {
      line: "sctp connect sctp://127.0.0.1:5000 --data hello --receive 1",
      about: "send a message to it, and print the answer",
    },
  ],
};
