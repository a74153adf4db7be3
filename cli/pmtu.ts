/** `sockeye pmtu`: the largest packet that arrives unfragmented. @module */

import { pathMtu } from "@sockeye/sockeye/qos";
import { type Command, command } from "./command.ts";
import { jsonable } from "./json.ts";
import { flag, integer, integerOr, type Range, secondsOr, text } from "./option.ts";
import type { Report } from "./output.ts";
import { familyOf, familyOptions } from "./packets/family.ts";
import { asUsageError, readInterface } from "./packets/packet_options.ts";
import { resultText, stepText } from "./pmtu/text.ts";
import { json, PORT } from "./shared_options.ts";
import { UsageError } from "./usage_error.ts";

const PROBES: Range = { min: 1, max: 100 };
/** From the least that links of IPv4 carry (RFC 791 section 3.2) to the largest IP packet. */
const PACKET_LENGTH: Range = { min: 68, max: 65535 };

/** The subcommand. */
export const pmtu: Command = command({
  name: "pmtu",
  summary: "Finds the path MTU: the largest packet that reaches a host unfragmented.",
  details:
    `Packets that must not be fragmented are sent, ever smaller, as routers say what fits; where they say nothing,
sizes are tried until one arrives, and the black hole is told of.
It is a failure (status 1) if the host did not answer.`,
  operands: [["HOST", "a name or an address"]],
  options: {
    icmp: flag("send ICMP echo requests instead of UDP (needs CAP_NET_RAW)", "I"),
    port: integer("PORT", "the UDP port, at which nobody should listen (default 33434)", PORT, "p"),
    queries: integerOr(3, "N", "how often each size is tried", PROBES, "q"),
    wait: secondsOr(1, "how long to wait for an answer", "w"),
    min: integer("BYTES", "the smallest size that is tried (default 68, on IPv6 1280)", PACKET_LENGTH),
    max: integer("BYTES", "the largest size that is tried (default 65535)", PACKET_LENGTH),
    ...familyOptions,
    source: text("ADDRESS", "send from this local address", "s"),
    interface: text("NAME", "send through this interface", "i"),
    json,
  },
  examples: [
    { line: "pmtu example.org", about: "each size that was tried, and the result" },
    { line: "pmtu -6 --max 1500 --json example.org", about: "as objects, from 1500 bytes on" },
  ],
  async run({ options, operands: [host], output, signal }) {
    const { icmp, port, queries: probes, wait: timeout, min, max, source } = options;
    if (min !== undefined && max !== undefined && min > max) throw new UsageError(`--min ${min} is above --max ${max}`);
    const method = icmp ? "icmp" : "udp";
    const family = familyOf(options);
    const through = readInterface(options.interface);
    const result = await pathMtu(host, {
      ...{ method, family, port, probes, timeout, min, max, source, interface: through, signal },
      onStep: (step) => output.report(jsonable({ type: "step", ...step }) as Report, () => stepText(step)),
    }).catch((error) => {
      throw asUsageError(error, { probes: "--queries", timeout: "--wait" });
    });
    const { steps: _, ...conclusion } = result;
    output.report({ type: "result", ...conclusion }, () => resultText(result, max));
    return result.reached ? 0 : 1;
  },
});
