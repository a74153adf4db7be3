/**
 * What a search for a path MTU can be told, and the checks of it.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { checkInteger } from "../../ffi/arguments.ts";
import type { DscpName, EcnName } from "../dscp.ts";
import { checkNumber, checkOneOf, LONGEST_MS } from "../trace/checks.ts";
import { MAX_PACKET, MIN_MTU } from "../trace/plateaus.ts";
import type { PathMtuStep } from "./result.ts";

/** How {@linkcode pathMtu} goes about it. */
export interface PathMtuOptions {
  /** Ends the search: it rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * What probes are: `"udp"` datagrams to a port where nobody should listen, which need no privilege, or `"icmp"` echo
   * requests, which need CAP_NET_RAW and are answered by hosts that keep silent about ports.
   *
   * @default {"udp"}
   */
  method?: "udp" | "icmp";
  /** Only an address of this family; without it the first that the host has. */
  family?: "inet" | "inet6";
  /** The destination port of UDP probes. @default {33434} */
  port?: number;
  /** The size that should arrive if anything does, in bytes with all headers. @default {68}, on IPv6 1280 */
  min?: number;
  /** The size that is tried first, in bytes with all headers; more than the local link carries isn't. @default {65535} */
  max?: number;
  /** How often a size is tried before it counts as lost, 1 to 100. @default {3} */
  probes?: number;
  /**
   * The longest wait for the answer to a probe, in milliseconds. Once something was answered, it is three times that, and
   * some milliseconds for larger packets.
   *
   * @default {1000}
   */
  timeout?: number;
  /** Called with each size that was tried, as soon as it is known what came of it. What it throws ends the search. */
  onStep?: (step: PathMtuStep) => void;
  /** The differentiated services code point, 0 to 63 or its name, RFC 2474. */
  dscp?: number | DscpName;
  /** Explicit congestion notification, 0 to 3 or its name, RFC 3168. */
  ecn?: number | EcnName;
  /** The whole type-of-service byte, or traffic class, 0 to 255; not beside `dscp` or `ecn`. */
  tos?: number;
  /** The flow label, 0 to 0xfffff; IPv6 only. */
  flowLabel?: number;
  /** The local address to send from. */
  source?: string;
  /** The interface to send through, by name or index. ICMP probes hear answers through it only. */
  interface?: string | number;
}

/** Everything that can be known before the destination is. */
export interface PathMtuSettings extends PathMtuOptions {
  /** As in {@linkcode PathMtuOptions}, with its default, as for the rest. */
  method: "udp" | "icmp";
  port: number;
  max: number;
  probes: number;
  timeout: number;
}

/**
 * Fills in what was left out.
 *
 * @throws {ArgumentError} When something is out of range.
 */
export function checkedPathMtuOptions(options: PathMtuOptions): PathMtuSettings {
  const { method = "udp", family, port = 33434, min, max = MAX_PACKET, probes = 3, timeout = 1000 } = options;
  checkOneOf("options.method", method, ["udp", "icmp"]);
  checkOneOf("options.family", family, [undefined, "inet", "inet6"]);
  checkInteger("options.port", port, 1, 65535);
  checkInteger("options.min", min, MIN_MTU.inet, MAX_PACKET);
  checkInteger("options.max", max, MIN_MTU.inet, MAX_PACKET);
  checkInteger("options.probes", probes, 1, 100);
  checkNumber("options.timeout", timeout, 0, LONGEST_MS);
  if (min !== undefined && min > max) throw new ArgumentError("options.min", `must not exceed max, ${max}, got ${min}`);
  return { ...options, method, port, max, probes, timeout };
}

/** The sizes to search between, where they could only be checked now that the family is known. */
export function sizesFor(settings: PathMtuSettings, family: "inet" | "inet6"): { min: number; max: number } {
  const { max, min = Math.min(MIN_MTU[family], max) } = settings;
  if (family === "inet6") checkInteger("options.min", min, MIN_MTU.inet6, MAX_PACKET);
  return { min, max };
}
