/** `sockeye ip send`: packets of any protocol, and what comes of them. @module */

import { resolve } from "@sockeye/sockeye/ffi";
import { RawIpSocket } from "@sockeye/sockeye/qos";
import { type Command, command } from "../command.ts";
import { flag, integer } from "../option.ts";
import { familyOf, familyOptions } from "../packets/family.ts";
import { asUsageError, packetOptions, packetOptionsOf } from "../packets/packet_options.ts";
import { ArrivalPrinter } from "../packets/reports.ts";
import { exchange } from "../packets/send.ts";
import { outgoingDatagrams, sendOptions } from "../packets/send_options.ts";
import { UNSIGNED_16 } from "../shared_options.ts";
import { familyOfProtocol, hostText, protocol } from "./options.ts";

/** The subcommand. */
export const ipSend: Command = command({
  name: "send",
  summary: "Sends packets of any protocol, and prints what comes of them.",
  details: `The data is what follows the IP header; with --own-header it begins with one.
Without --data, --file and --size each line of standard input is a packet, until its end.
The options from --ttl to --interface are those of each packet. With --errors ICMP errors are waited for,
and printed with the number of the packet that caused them; they are no failure.`,
  operands: [["HOST", "whom to send to: 192.0.2.1, 2001:db8::1 or localhost"]],
  options: {
    protocol,
    ...sendOptions,
    ...packetOptions,
    errors: flag("wait for ICMP errors too, and print them"),
    "own-header": flag("the data begins with the IP header"),
    "checksum-offset": integer("N", "have the kernel put the checksum there in the data; IPv6 only", UNSIGNED_16),
    ...familyOptions,
  },
  examples: [
    { line: "ip send 192.0.2.1 --protocol 253 --data hello --ttl 3", about: "a packet of an experimental protocol" },
    {
      line: "ip send 127.0.0.1 --protocol icmp --hex --data 0800f7fd00010001 --receive 1",
      about: "an echo request, made by hand; what comes first is its own copy on the loopback interface",
    },
    { line: "ip send 192.0.2.1 --protocol 253 --size 1480 --df --errors", about: "who says that it is too large?" },
  ],
  async run({ options, operands: [host], output, signal }) {
    const { protocol, "own-header": ownHeader, "checksum-offset": checksumOffset } = options;
    const family = familyOf(options) ?? familyOfProtocol(protocol);
    const [to] = await resolve(host, 0, { family, signal });
    const packet = packetOptionsOf(options, to.family);
    const messages = await outgoingDatagrams(options, signal);
    try {
      const socket = RawIpSocket.open({
        protocol,
        family: to.family,
        ownHeader,
        checksumOffset,
        errors: options.errors,
        info: true,
      });
      await exchange({
        socket,
        to,
        messages,
        packet,
        options,
        hasErrors: options.errors,
        output,
        printer: new ArrivalPrinter(output, options.hex, hostText),
        signal,
      });
    } catch (error) {
      throw asUsageError(error);
    }
    return 0;
  },
});
