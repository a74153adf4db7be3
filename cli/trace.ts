/** `sockeye trace`: the routers on the way to a host, as they answer. @module */

import { trace as traceEvents } from "@sockeye/sockeye/qos";
import { type Command, command } from "./command.ts";
import { asUsageError } from "./packets/packet_options.ts";
import { LIBRARY_NAMES, readTraceOptions, traceOptions } from "./trace/options.ts";
import { traceView } from "./trace/view.ts";

/** The subcommand. */
export const trace: Command = command({
  name: "trace",
  summary: "Finds the routers on the way to a host, as traceroute does.",
  details: `On a terminal a table grows as answers come; elsewhere each hop is a line, in the form of traceroute.
UDP needs no privilege; ICMP and TCP need CAP_NET_RAW. Flags are those of traceroute where it has one.
It is a failure (status 1) if the host itself did not answer.`,
  operands: [["HOST", "a name or an address"]],
  optionalOperands: [["LENGTH", "the length of each IP packet, in bytes (default 60, on IPv6 80)"]],
  options: traceOptions,
  examples: [
    { line: "trace example.org", about: "the table" },
    { line: "trace -n -U -q 10 192.0.2.1", about: "ten probes a hop in one flow, without names" },
    { line: "trace --mtu --dscp EF 2001:db8::1", about: "where the path MTU falls, for expedited packets" },
    { line: "trace -I --json example.org", about: "ICMP echo requests; every event as an object" },
  ],
  async run({ options, operands: [host, length], output, signal }) {
    const asked = readTraceOptions(options, length);
    const view = traceView(output, {
      queries: options.queries,
      firstTtl: options.first,
      isNumeric: options.numeric,
      showsExtensions: options.extensions,
    });
    let isReached = false;
    try {
      for await (const event of traceEvents(host, { ...asked, signal })) {
        view.show(event);
        if (event.type === "summary") isReached = event.reached;
        await output.ready(signal);
      }
    } catch (error) {
      throw asUsageError(error, LIBRARY_NAMES);
    } finally {
      view.end();
    }
    return isReached ? 0 : 1;
  },
});
