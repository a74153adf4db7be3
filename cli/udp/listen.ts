/** `sockeye udp listen`: what comes, and how. @module */

import { AddressError, ArgumentError, SystemError } from "@sockeye/sockeye";
import { formatSocketAddress } from "@sockeye/sockeye/ffi";
import { type Datagram, UdpSocket } from "@sockeye/sockeye/qos";
import { type Command, command } from "../command.ts";
import { text } from "../option.ts";
import { readAddress } from "../packets/address.ts";
import { familyOf, familyOptions } from "../packets/family.ts";
import { echo, listen, listenOptions } from "../packets/listen.ts";
import { readInterface } from "../packets/packet_options.ts";
import { ArrivalPrinter } from "../packets/reports.ts";
import { UsageError } from "../usage_error.ts";

/** The subcommand. */
export const udpListen: Command = command({
  name: "listen",
  summary: "Receives datagrams, and prints what came and how: TTL, TOS, destination, interface, time.",
  details: "It goes on until Ctrl-C or SIGTERM, or until --count or --timeout.",
  operands: [["ADDRESS:PORT", "what to listen on: 0.0.0.0:5000, [::]:5000 for IPv6 and IPv4; port 0 takes a free one"]],
  options: {
    echo,
    ...listenOptions,
    join: text("GROUP", "receive what is sent to this multicast group, 239.1.2.3 or ff02::1234"),
    interface: text("NAME", "receive through this interface only, and join the group on it"),
    ...familyOptions,
  },
  examples: [
    { line: "udp listen 127.0.0.1:5000 --echo", about: "send each datagram back" },
    { line: "udp listen [::]:5000 --count 1 --json", about: "one datagram, as an object, over IPv6 or IPv4" },
    { line: "udp listen 0.0.0.0:5353 --join 224.0.0.251 --hex", about: "what others ask by multicast DNS" },
  ],
  async run({ options, operands: [where], output, signal }) {
    const local = await readAddress(where, familyOf(options), signal);
    const through = { interface: readInterface(options.interface) };
    const socket = UdpSocket.bind(local, { ...through, info: true, reuseAddress: options.join !== undefined });
    if (options.join !== undefined) join(socket, options.join, through);
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

/**
 * Joins a group.
 *
 * @throws {UsageError} The address is none of a group.
 */
function join(socket: UdpSocket, group: string, through: { interface?: string | number }): void {
  try {
    socket.joinGroup(group, through);
  } catch (error) {
    socket.close();
    if (error instanceof ArgumentError || error instanceof AddressError) {
      throw new UsageError(`--join ${group}: ${error.message}`);
    }
    throw error;
  }
}

/** Answers from the address that was asked, which on a machine with several is not the one that is routed from. */
async function answer(socket: UdpSocket, { data, from, destination }: Datagram): Promise<void> {
  if (from === undefined) return;
  try {
    await socket.send(data, from, { source: destination });
  } catch (error) {
    // Nobody can send from a group's address, nor from one of a broadcast.
    if (!(error instanceof SystemError)) throw error;
    await socket.send(data, from);
  }
}
