/** The options that say how a packet is sent. @module */

import { ArgumentError } from "@sockeye/sockeye";
import { checkPacketOptions, type PacketOptions, parseDscp, parseEcn } from "@sockeye/sockeye/qos";
import { choiceIfGiven, integer, type OptionValues, parsed, type Range, text } from "../option.ts";
import { UNSIGNED_8 } from "../shared_options.ts";
import { UsageError } from "../usage_error.ts";

/** Times to live; 0 is for packets that go nowhere. */
export const TTL: Range = { min: 1, max: 255 };
/** Flow labels have 20 bits: RFC 8200 section 3. */
export const FLOW_LABEL: Range = { min: 0, max: 0xfffff };

/** `--dscp`. */
export const dscp = parsed("CLASS", "the DSCP: EF, AF11 to AF43, CS0 to CS7, LE, VA, or 0 to 63", parseDscp);
/** `--ecn`. */
export const ecn = parsed("MARK", "the ECN field: ECT(0), ECT(1), CE, Not-ECT, or 0 to 3", parseEcn);

const DONT_FRAGMENT = { yes: true, no: false, probe: "probe" } as const;

/** The options of each packet. */
export const packetOptions = {
  ttl: integer("N", "the time to live, 1 to 255; on IPv6 the hop limit", TTL),
  tos: integer("N", "the type of service, 0 to 255: DSCP and ECN in one; on IPv6 the traffic class", UNSIGNED_8),
  dscp,
  ecn,
  df: choiceIfGiven(
    ["yes", "no", "probe"],
    "don't fragment; probe: nor heed the path MTU that the kernel knows; no: let routers fragment",
  ),
  "flow-label": integer("N", "the flow label, up to 0xfffff; IPv6 only", FLOW_LABEL),
  source: text("ADDRESS", "send from this local address"),
  interface: text("NAME", "send through this interface, given by name or index"),
};

/**
 * How each packet is to be sent.
 *
 * @param options What the command line says.
 * @param family Where it goes.
 * @throws {UsageError} No packet to there can have these.
 */
export function packetOptionsOf(
  options: OptionValues<typeof packetOptions>,
  family: "inet" | "inet6",
): PacketOptions {
  const { ttl, tos, dscp, ecn, df, "flow-label": flowLabel, source } = options;
  const dontFragment = df === undefined ? undefined : DONT_FRAGMENT[df];
  const packet = { ttl, tos, dscp, ecn, dontFragment, flowLabel, source, interface: readInterface(options.interface) };
  try {
    checkPacketOptions(packet, family);
  } catch (error) {
    throw asUsageError(error);
  }
  return packet;
}

/** An interface is its index where it is a number. */
export function readInterface(given: string | undefined): string | number | undefined {
  return given !== undefined && /^\d+$/.test(given) ? Number(given) : given;
}

/**
 * What the library says of an argument, as a complaint about the command line: `options.flowLabel` is `--flow-label`.
 *
 * @param error What was thrown; anything but an `ArgumentError` is given back as it is.
 * @param names What is called something else on the command line, by its name in the library.
 */
export function asUsageError(error: unknown, names: Readonly<Record<string, string>> = {}): unknown {
  if (!(error instanceof ArgumentError)) return error;
  return new UsageError(error.message.replace(/\boptions\.(\w+)/g, (_, name) => names[name] ?? `--${kebab(name)}`));
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
