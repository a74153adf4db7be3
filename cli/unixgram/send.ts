/** `sockeye unixgram send`: datagrams, and what comes back. @module */

import { UnixDatagramSocket } from "@sockeye/sockeye/qos";
import { type Command, command } from "../command.ts";
import { text } from "../option.ts";
import { ArrivalPrinter } from "../packets/reports.ts";
import { exchange } from "../packets/send.ts";
import { outgoingDatagrams, sendOptions } from "../packets/send_options.ts";
import { readUnixAddress } from "./address.ts";

/** The subcommand. */
export const unixgramSend: Command = command({
  name: "send",
  summary: "Sends datagrams, and prints what comes back.",
  details: `Without --data, --file and --size each line of standard input is a datagram, until its end.
A receiver that is slow holds the sender up: nothing is lost.`,
  operands: [["PATH", "whom to send to: /run/clock, or @clock for a name outside the file system (Linux)"]],
  options: {
    ...sendOptions,
    bind: text("PATH", "the local path or @name (default: a free @name)"),
  },
  examples: [
    { line: "unixgram send /run/clock --data now --receive 1", about: "send one, and print the answer" },
    { line: "unixgram send @clock --data 00ff --hex --count 1000", about: "send two bytes a thousand times" },
  ],
  async run({ options, operands: [whom], output, signal }) {
    const to = readUnixAddress(whom);
    const local = options.bind === undefined ? undefined : readUnixAddress(options.bind);
    const messages = await outgoingDatagrams(options, signal);
    const socket = UnixDatagramSocket.bind(local, { info: true });
    await exchange({
      socket,
      to,
      messages,
      packet: {},
      options,
      hasErrors: false,
      output,
      printer: new ArrivalPrinter(output, options.hex),
      signal,
    });
    return 0;
  },
});
