/** The tree of subcommands. @module */

import { cat } from "./cat.ts";
import type { CommandGroup } from "./command.ts";
import { device } from "./device.ts";
import { doctor } from "./doctor.ts";
import { ip } from "./ip.ts";
import { pmtu } from "./pmtu.ts";
import { sctp } from "./sctp.ts";
import { sp } from "./sp.ts";
import { trace } from "./trace.ts";
import { udp } from "./udp.ts";
import { unixgram } from "./unixgram.ts";

/** All of `sockeye`. */
export const sockeye: CommandGroup = {
  name: "sockeye",
  summary: "Message-oriented transports from the command line.",
  commands: [doctor, trace, pmtu, udp, unixgram, ip, sctp, cat, device, sp],
  examples: [
    { line: "doctor", about: "what this machine can do, and how to get what it can't" },
    { line: "trace example.org", about: "the routers on the way to a host, as they answer" },
    { line: "udp listen 127.0.0.1:5000 --echo", about: "print each datagram and how it came, and send it back" },
    {
      line: "udp send 127.0.0.1:5000 --data hello --ttl 3 --dscp EF --receive 1",
      about: "send one as expedited over three hops, and print the answer",
    },
    { line: "sctp listen sctp://127.0.0.1:5000 --echo", about: "an SCTP server that answers each message with itself" },
    {
      line: "sctp connect sctp://127.0.0.1:5000 --data hello --receive 1",
      about: "send a message to it, and print the answer",
    },
    { line: "cat --sub --dial tcp://127.0.0.1:5555 --quoted", about: "print what a PUB socket publishes" },
  ],
};
