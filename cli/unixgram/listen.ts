/** `sockeye unixgram listen`: what comes, and from whom. @module */

import { formatSocketAddress } from "@sockeye/sockeye/ffi";
import { type Datagram, UnixDatagramSocket } from "@sockeye/sockeye/qos";
import { type Command, command } from "../command.ts";
import { flag } from "../option.ts";
import { echo, listen, listenOptions } from "../packets/listen.ts";
import { ArrivalPrinter } from "../packets/reports.ts";
import { readUnixAddress } from "./address.ts";

/** The subcommand. */
export const unixgramListen: Command = command({
  name: "listen",
  summary: "Receives datagrams, and prints what came and which process, user and group sent it.",
  details: "It goes on until Ctrl-C or SIGTERM, or until --count or --timeout; then it removes its path.",
  operands: [["PATH", "where to listen: /run/clock, or @clock for a name outside the file system (Linux)"]],
  options: {
    echo,
    ...listenOptions,
    replace: flag("take the place of a socket that nobody listens on any more"),
  },
  examples: [
    { line: "unixgram listen /run/clock --echo", about: "send each datagram back" },
    { line: "unixgram listen @clock --count 1 --json", about: "one datagram, as an object" },
  ],
  async run({ options, operands: [where], output, signal }) {
    const local = readUnixAddress(where);
    const socket = UnixDatagramSocket.bind(local, { info: true, replace: options.replace });
    await listen({
      socket,
      address: formatSocketAddress(socket.localAddress()),
      answer: options.echo ? (datagram) => answer(socket, datagram) : undefined,
      options,
      output,
      printer: new ArrivalPrinter(output, options.hex),
      signal,
    });
    return 0;
  },
});

async function answer(socket: UnixDatagramSocket, { data, from }: Datagram): Promise<void> {
  // A sender without a name can't be answered.
  if (from !== undefined && !("unnamed" in from)) await socket.send(data, from);
}
