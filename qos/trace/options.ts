/**
 * What a trace can be told, and the checks of it.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { checkInteger } from "../../ffi/arguments.ts";
import type { DscpName, EcnName } from "../dscp.ts";
import { checkPacketOptions } from "../packet_options.ts";
import { checkBoolean, checkNumber, checkOneOf, LONGEST_MS } from "./checks.ts";
import { MAX_PACKET } from "./plateaus.ts";

/** How {@linkcode trace} goes about it. The defaults are those of traceroute(8). */
export interface TraceOptions {
  /** Ends the trace: its iterator rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * What probes are: `"udp"` datagrams to ports where nobody should listen, which need no privilege; `"icmp"` echo
   * requests; `"tcp"` connection requests (SYN), which pass where a server's firewall lets little else through. The latter
   * two need CAP_NET_RAW.
   *
   * @default {"udp"}
   */
  method?: "udp" | "icmp" | "tcp";
  /**
   * Whether load balancers see one flow. `"classic"`: each UDP probe has its own destination port, counted up from `port`,
   * and each TCP probe its own source port, so that probes may take different ways. `"stable"`: all probes have the same
   * ports and take one way, as with Paris traceroute. ICMP is always stable.
   *
   * @default {"classic"}
   */
  flow?: "classic" | "stable";
  /** Only an address of this family; without it the first that the host has. */
  family?: "inet" | "inet6";
  /** The destination port, of the first probe where it counts up. @default {33434}, with TCP 80 */
  port?: number;
  /** The TTL of the first probe, 1 to 255. @default {1} */
  firstTtl?: number;
  /** The largest TTL, `firstTtl` to 255. @default {30} */
  maxTtl?: number;
  /** How many probes each hop gets, 1 to 100. @default {3} */
  probes?: number;
  /** The most probes in flight, 1 to 1024. With `mtu` probes go one after the other unless a hop is silent. @default {16} */
  window?: number;
  /**
   * The size of a probe's IP packet in bytes, headers included; TCP probes are as large as their headers. With `mtu` it is
   * the size to begin with.
   *
   * @default {60}, on IPv6 80, with `mtu` 65535
   */
  size?: number;
  /** The differentiated services code point, 0 to 63 or its name, RFC 2474. */
  dscp?: number | DscpName;
  /** Explicit congestion notification, 0 to 3 or its name, RFC 3168. */
  ecn?: number | EcnName;
  /** The whole type-of-service byte, or traffic class, 0 to 255; not beside `dscp` or `ecn`. */
  tos?: number;
  /** The flow label, 0 to 0xfffff; IPv6 only. */
  flowLabel?: number;
  /**
   * Whether routers must not fragment probes. With `true` the kernel refuses those that are larger than the path MTU that it
   * knows, with `"probe"` it doesn't.
   *
   * @default {false}, with `mtu` `"probe"`
   */
  dontFragment?: boolean | "probe";
  /** Whether probes are as large as the path allows, so that the hops show at which the MTU falls. @default {false} */
  mtu?: boolean;
  /**
   * The longest wait for the answer to a probe, in milliseconds. It applies in full only while neither the same hop nor a
   * farther one has answered: see `hereFactor` and `nearFactor`.
   *
   * @default {5000}
   */
  timeout?: number;
  /** A probe is given up after so many times the round trip of another probe to the same hop; 0: never. @default {3} */
  hereFactor?: number;
  /** A probe is given up after so many times the round trip of a probe to a farther hop; 0: never. @default {10} */
  nearFactor?: number;
  /** The least time between probes, in milliseconds. @default {0} */
  pause?: number;
  /** Whether names of the addresses are looked up. @default {false} */
  names?: boolean;
  /** The local address to send from. */
  source?: string;
  /** The interface to send through, by name or index. ICMP and TCP probes hear answers through it only. */
  interface?: string | number;
}

/** Everything that can be known before the destination is. */
export interface TraceSettings extends TraceOptions {
  /** As in {@linkcode TraceOptions}, with its default, as for the rest. */
  method: "udp" | "icmp" | "tcp";
  flow: "classic" | "stable";
  port: number;
  firstTtl: number;
  maxTtl: number;
  probes: number;
  window: number;
  mtu: boolean;
  timeout: number;
  hereFactor: number;
  nearFactor: number;
  pause: number;
  names: boolean;
}

/** RFC 1393 and 4.3BSD: the first of the ports that traceroute has always probed. */
const UDP_PORT = 33434;
const HTTP_PORT = 80;
const FACTOR_MAX = 1e6;

/** Bytes of an IP header without options, and of the headers behind it. */
const IP_HEADER: Readonly<Record<"inet" | "inet6", number>> = { inet: 20, inet6: 40 };
const TRANSPORT_HEADER: Readonly<Record<"udp" | "icmp" | "tcp", number>> = { udp: 8, icmp: 8, tcp: 24 };
/** What a connection request offers, and some firewalls want to see: what fits into an Ethernet frame. */
export const TCP_MAXIMUM_SEGMENT = 1460;
/** What a probe carries at least, so that it can be told from others. */
const LEAST_PAYLOAD = 8;
/** traceroute(8): the default probe has 40 bytes besides its IP header. */
const DEFAULT_CONTENT = 40;

/**
 * Fills in what was left out.
 *
 * @throws {ArgumentError} When something is out of range.
 */
export function checkedTraceOptions(options: TraceOptions): TraceSettings {
  const { method = "udp", flow = "classic", mtu = false, names = false, firstTtl = 1 } = options;
  checkOneOf("options.method", method, ["udp", "icmp", "tcp"]);
  checkOneOf("options.flow", flow, ["classic", "stable"]);
  checkOneOf("options.family", options.family, [undefined, "inet", "inet6"]);
  checkBoolean("options.mtu", mtu);
  checkBoolean("options.names", names);
  const { port = method === "tcp" ? HTTP_PORT : UDP_PORT, probes = 3, window = 16, timeout = 5000, pause = 0 } =
    options;
  checkInteger("options.port", port, 1, 65535);
  checkInteger("options.firstTtl", firstTtl, 1, 255);
  const { maxTtl = Math.max(30, firstTtl), hereFactor = 3, nearFactor = 10 } = options;
  checkInteger("options.maxTtl", maxTtl, firstTtl, 255);
  checkInteger("options.probes", probes, 1, 100);
  checkInteger("options.window", window, 1, 1024);
  checkNumber("options.timeout", timeout, 0, LONGEST_MS);
  checkNumber("options.pause", pause, 0, LONGEST_MS);
  checkNumber("options.hereFactor", hereFactor, 0, FACTOR_MAX);
  checkNumber("options.nearFactor", nearFactor, 0, FACTOR_MAX);
  if (mtu && method === "tcp") {
    throw new ArgumentError("options.mtu", 'needs probes of any size, and TCP\'s have none: choose "udp" or "icmp"');
  }
  if (options.size !== undefined) checkSize(options.size, method, options.family ?? "inet");
  const settings = {
    ...options,
    method,
    flow,
    port,
    firstTtl,
    maxTtl,
    probes,
    window,
    mtu,
    timeout,
    hereFactor,
    nearFactor,
    pause,
    names,
  };
  checkPacketOptions(packetPart(settings), options.family ?? familyOf(options));
  return settings;
}

/** The options of every packet, without its TTL. */
export function packetPart(options: TraceOptions): Pick<TraceOptions, "dscp" | "ecn" | "tos" | "flowLabel"> & {
  dontFragment: boolean | "probe";
  source?: string;
  interface?: string | number;
} {
  const { dscp, ecn, tos, flowLabel, source, interface: through, dontFragment = false, mtu = false } = options;
  return { dscp, ecn, tos, flowLabel, source, interface: through, dontFragment: mtu ? "probe" : dontFragment };
}

/** The size of probes, where it could only be checked now that the family is known. */
export function sizeFor(settings: TraceSettings, family: "inet" | "inet6"): number {
  if (settings.method === "tcp") return IP_HEADER[family] + TRANSPORT_HEADER.tcp;
  const { size = settings.mtu ? MAX_PACKET : IP_HEADER[family] + DEFAULT_CONTENT } = settings;
  checkSize(size, settings.method, family);
  return size;
}

/** Bytes of the headers in front of a probe's payload. */
export function headersOf(method: "udp" | "icmp" | "tcp", family: "inet" | "inet6"): number {
  return IP_HEADER[family] + TRANSPORT_HEADER[method];
}

function checkSize(size: number, method: "udp" | "icmp" | "tcp", family: "inet" | "inet6"): void {
  if (method !== "tcp") checkInteger("options.size", size, headersOf(method, family) + LEAST_PAYLOAD, MAX_PACKET);
}

/** The family that the options speak of, where they do. */
function familyOf({ flowLabel, source }: TraceOptions): "inet" | "inet6" {
  return flowLabel !== undefined || typeof source === "string" && source.includes(":") ? "inet6" : "inet";
}
