/** `sockeye udp send`: datagrams, and what comes of them. @module */

import { UdpSocket } from "@sockeye/sockeye/qos";
import { type Command, command } from "../command.ts";
import { flag, text } from "../option.ts";
import { readAddress, readDestination } from "../packets/address.ts";
import { familyOf, familyOptions } from "../packets/family.ts";
import { packetOptions, packetOptionsOf } from "../packets/packet_options.ts";
import { ArrivalPrinter } from "../packets/reports.ts";
import { exchange } from "../packets/send.ts";
import { outgoingDatagrams, sendOptions } from "../packets/send_options.ts";

/** The subcommand. */
export const udpSend: Command = command({
  name: "send",
  summary: "Sends datagrams, and prints what comes of them.",
  details: `Without --data, --file and --size each line of standard input is a datagram, until its end.
The options from --ttl to --interface are those of each packet. With --errors ICMP errors are waited for,
and printed with the number of the datagram that caused them; they are no failure.`,
  operands: [["HOST:PORT", "whom to send to: 192.0.2.1:5000, [2001:db8::1]:5000 or localhost:5000"]],
  options: {
    ...sendOptions,
    ...packetOptions,
    errors: flag("wait for ICMP errors too, and print them"),
    bind: text("ADDRESS:PORT", "the local address and port (default: any, and a free one)"),
    broadcast: flag("allow a broadcast address"),
    ...familyOptions,
  },
  examples: [
    {
      line: "udp send 127.0.0.1:5000 --data hello --dscp EF --receive 1",
      about: "send one as expedited, and print the answer",
    },
    { line: "udp send 192.0.2.1:33434 --size 100 --ttl 3 --errors", about: "ask the third router who it is" },
    {
      line: "udp send [2001:db8::1]:5000 --size 1452 --df --count 10 --interval 0.5 --json",
      about: "send ten full packets on a path of 1500 bytes, two a second",
    },
  ],
  async run({ options, operands: [whom], output, signal }) {
    const to = await readDestination(whom, familyOf(options), signal);
    const packet = packetOptionsOf(options, to.family);
    const anyAddress = { family: to.family, address: to.family === "inet" ? "0.0.0.0" : "::", port: 0 } as const;
    const local = options.bind === undefined ? anyAddress : await readAddress(options.bind, to.family, signal);
    const messages = await outgoingDatagrams(options, signal);
    const socket = UdpSocket.bind(local, { broadcast: options.broadcast, errors: options.errors, info: true });
    await exchange({
      socket,
      to,
      messages,
      packet,
      options,
      hasErrors: options.errors,
      output,
      printer: new ArrivalPrinter(output, options.hex),
      signal,
    });
    return 0;
  },
});
