/** `sockeye ip listen`: packets of one protocol, and how they came. @module */

import { resolve } from "@sockeye/sockeye/ffi";
import { RawIpSocket } from "@sockeye/sockeye/qos";
import { type Command, command } from "../command.ts";
import { familyOf, familyOptions } from "../packets/family.ts";
import { listen, listenOptions } from "../packets/listen.ts";
import { ArrivalPrinter } from "../packets/reports.ts";
import { familyOfProtocol, hostText, protocol } from "./options.ts";

/** The subcommand. */
export const ipListen: Command = command({
  name: "listen",
  summary: "Receives packets of one protocol, and prints what came and how: TTL, TOS, destination, interface, time.",
  details: `The data is what follows the IP header, which is printed as headerHex with --json.
It goes on until Ctrl-C or SIGTERM, or until --count or --timeout.`,
  operands: [],
  optionalOperands: [["ADDRESS", "only what is sent to this local address: 192.0.2.1 or 2001:db8::1"]],
  options: { protocol, ...listenOptions, ...familyOptions },
  examples: [
    { line: "ip listen --protocol icmp --hex", about: "what ICMP brings to this machine" },
    { line: "ip listen ::1 --protocol 253 --count 1 --json", about: "one packet of an experimental protocol" },
  ],
  async run({ options, operands: [where], output, signal }) {
    const { protocol } = options;
    const asked = familyOf(options) ?? familyOfProtocol(protocol);
    const [local] = where === undefined ? [undefined] : await resolve(where, 0, { family: asked, signal });
    const family = local?.family ?? asked ?? "inet";
    const socket = RawIpSocket.open({ protocol, family, bind: local, info: true });
    await listen({
      socket,
      address: `${local === undefined ? "every address" : hostText(local)}, protocol ${protocol}`,
      options,
      output,
      printer: new ArrivalPrinter(output, options.hex, hostText),
      signal,
    });
    return 0;
  },
});
