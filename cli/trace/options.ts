/** The options of `sockeye trace`, most of them those of traceroute(8). @module */

import type { TraceOptions } from "@sockeye/sockeye/qos";
import { flag, integer, integerOr, type Option, type OptionValues, type Range, text } from "../option.ts";
import { familyOf, familyOptions } from "../packets/family.ts";
import { dscp, ecn, FLOW_LABEL, readInterface, TTL } from "../packets/packet_options.ts";
import { json, PORT, UNSIGNED_8 } from "../shared_options.ts";
import { UsageError } from "../usage_error.ts";

const PROBES: Range = { min: 1, max: 100 };
const WINDOW: Range = { min: 1, max: 1024 };
/** traceroute's rule: `-z 20` is milliseconds, `-z 0.5` seconds. */
const MOST_SECONDS = 10;

/** An hour, in seconds; nobody waits for longer. */
const MOST_WAIT = 3600;

/** The port of `--udp` unless there is `--port`: that of DNS, which firewalls let through. */
const UDP_PORT = 53;

const sendwait: Option<number> = {
  placeholder: "TIME",
  short: "z",
  about: "the time between two probes: seconds, above 10 milliseconds (default 0)",
  read(_, given) {
    if (given === undefined) return 0;
    const value = /^(?:\d+\.?\d*|\.\d+)$/.test(given as string) ? Number(given) : NaN;
    if (!(value <= 60_000)) throw new UsageError(`--sendwait must be seconds or milliseconds, not "${given}"`);
    return value > MOST_SECONDS ? value : value * 1_000;
  },
};

/** How long an answer may take. */
interface WaitTimes {
  /** The longest wait, in milliseconds. */
  readonly timeout?: number;
  /** Multiples of other round trips; see the library's option of the same name. */
  readonly hereFactor?: number;
  readonly nearFactor?: number;
}

/** traceroute's `-w MAX,HERE,NEAR`, where HERE and NEAR are turned off unless they are given. */
const waitTimes: Option<WaitTimes> = {
  placeholder: "MAX[,HERE,NEAR]",
  short: "w",
  about: "wait MAX seconds for an answer, but only HERE times as long as another probe of the hop took, " +
    "or NEAR times as long as one of a hop behind it (default 5,3,10; with MAX alone 0,0: off)",
  read(_, given) {
    if (given === undefined) return {};
    const numbers = (given as string).split(/[,/]/).map((part) => /^\d*\.?\d+\.?$/.test(part) ? Number(part) : NaN);
    const [max, hereFactor = 0, nearFactor = 0] = numbers;
    if (numbers.length <= 3 && max > 0 && max <= MOST_WAIT && hereFactor >= 0 && nearFactor >= 0) {
      return { timeout: max * 1_000, hereFactor, nearFactor };
    }
    throw new UsageError(`--wait must be seconds above 0, or seconds and two factors as in 5,3,10, not "${given}"`);
  },
};

/** The table of options. */
export const traceOptions = {
  icmp: flag("send ICMP echo requests (needs CAP_NET_RAW)", "I"),
  tcp: flag("send TCP SYNs to port 80, or --port (needs CAP_NET_RAW)", "T"),
  udp: flag(`send UDP to one port, ${UDP_PORT} or --port, so that load balancers see one flow`, "U"),
  port: integer("PORT", "the port; without -T and -U that of the first probe (default 33434)", PORT, "p"),
  queries: integerOr(3, "N", "how many probes each hop gets", PROBES, "q"),
  first: integerOr(1, "TTL", "the first TTL", TTL, "f"),
  "max-hops": integerOr(30, "TTL", "the last TTL", TTL, "m"),
  wait: waitTimes,
  "sim-queries": integerOr(16, "N", "how many probes are under way at a time", WINDOW, "N"),
  sendwait,
  numeric: flag("don't look names up", "n"),
  ...familyOptions,
  source: text("ADDRESS", "send from this local address", "s"),
  interface: text("NAME", "send through this interface", "i"),
  tos: integer("N", "the type of service, on IPv6 the traffic class", UNSIGNED_8, "t"),
  dscp,
  ecn,
  "flow-label": integer("N", "the flow label; IPv6 only", FLOW_LABEL, "l"),
  "dont-fragment": flag("don't fragment", "F"),
  mtu: flag("find where the path MTU falls, and to what; implies -F and one probe at a time"),
  extensions: flag("show what routers add to their answers: MPLS labels, interfaces", "e"),
  json,
};

/** What the library calls otherwise. */
export const LIBRARY_NAMES: Readonly<Record<string, string>> = { size: "LENGTH" };

/**
 * What the library is asked for.
 *
 * @param options What the command line says.
 * @param length The length of the packets, if it was given.
 * @throws {UsageError} The options contradict each other.
 */
export function readTraceOptions(options: OptionValues<typeof traceOptions>, length: string | undefined): TraceOptions {
  const { icmp, tcp, udp, port, first, "max-hops": maxTtl } = options;
  if (Number(icmp) + Number(tcp) + Number(udp) > 1) throw new UsageError("give one of -I, -T and -U");
  if (first > maxTtl) throw new UsageError(`--first ${first} is beyond --max-hops ${maxTtl}`);
  const { tos, dscp, ecn } = options;
  if (tos !== undefined && (dscp !== undefined || ecn !== undefined)) {
    throw new UsageError("--tos is the whole byte: give either it, or --dscp and --ecn");
  }
  return {
    method: icmp ? "icmp" : tcp ? "tcp" : "udp",
    flow: udp ? "stable" : "classic",
    family: familyOf(options),
    port: port ?? (udp ? UDP_PORT : undefined),
    firstTtl: first,
    maxTtl,
    probes: options.queries,
    window: options["sim-queries"],
    size: length === undefined ? undefined : readLength(length),
    tos,
    dscp,
    ecn,
    flowLabel: options["flow-label"],
    dontFragment: options["dont-fragment"] || undefined,
    mtu: options.mtu,
    ...options.wait,
    pause: options.sendwait,
    names: !options.numeric,
    source: options.source,
    interface: readInterface(options.interface),
  };
}

function readLength(given: string): number {
  if (!/^\d+$/.test(given)) throw new UsageError(`LENGTH must be a number of bytes, not "${given}"`);
  return Number(given);
}
