/** `sockeye udp`: datagrams with their TTL, TOS and DF. @module */

import type { CommandGroup } from "./command.ts";
import { udpListen } from "./udp/listen.ts";
import { udpSend } from "./udp/send.ts";

/** The group of subcommands. */
export const udp: CommandGroup = {
  name: "udp",
  summary: "Sends and receives UDP datagrams, each with its own TTL, TOS and DF.",
  commands: [udpSend, udpListen],
  examples: [
    { line: "udp listen 127.0.0.1:5000 --echo", about: "print each datagram and how it came, and send it back" },
    {
      line: "udp send 127.0.0.1:5000 --data hello --ttl 3 --dscp EF --receive 1",
      about: "send one as expedited over three hops, and print the answer",
    },
    {
      line: "udp send 192.0.2.1:33434 --size 1400 --df --ttl 2 --errors",
      about: "see which router says what when the time to live is over",
    },
  ],
};
