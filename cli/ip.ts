/** `sockeye ip`: packets of any protocol over IP. @module */

import type { CommandGroup } from "./command.ts";
import { ipListen } from "./ip/listen.ts";
import { ipSend } from "./ip/send.ts";

/** The group of subcommands. */
export const ip: CommandGroup = {
  name: "ip",
  summary: "Sends and receives raw IP packets of any protocol, each with its own TTL, TOS and DF.",
  details: "It needs the privilege CAP_NET_RAW: sockeye doctor tells whether it is there, and how to get it.",
  commands: [ipSend, ipListen],
  examples: [
    { line: "ip listen 127.0.0.1 --protocol 253", about: "print each packet of an experimental protocol" },
    {
      line: "ip send 127.0.0.1 --protocol 253 --data hello --ttl 3 --dscp AF41",
      about: "send one, as a class of its own over three hops",
    },
    { line: "ip listen --protocol icmp --hex", about: "what ICMP brings to this machine" },
  ],
};
