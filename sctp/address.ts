/**
 * SCTP transport addresses: one port on one or more IP addresses (RFC 9260 section 1.3), and their URL form.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { AddressError, SystemError } from "../common/errors.ts";
import {
  encodeSockaddr,
  formatIPv4,
  formatIPv6,
  ifNameToIndex,
  type Inet6Address,
  type InetAddress,
  parseIPv4,
  parseIPv6,
} from "../ffi/mod.ts";
import type { SctpTransportAddress } from "./message.ts";

/** The networks that {@linkcode resolveSctpAddress} knows: both families, IPv4 only, IPv6 only. */
export type SctpNetwork = "sctp" | "sctp4" | "sctp6";

/** An SCTP address, or its URL form. */
export type SctpAddressLike = SctpAddress | string;

const URL_FORMS = "write sctp://10.0.0.1:3868, sctp://10.0.0.1,10.0.1.1:3868, sctp://[::1]:5000 or " +
  "sctp://[fe80::1%eth0],10.0.0.1:5000";

/** What a zone may look like: an interface's name (IFNAMSIZ is 16, with the terminator) or its index. */
const ZONE = /^[^\s%[\],/:]{1,15}$/;

/**
 * The addresses of an SCTP endpoint: one or more IPs and the port that they share.
 *
 * Immutable. The first address is the primary one where that matters: the first to be tried when connecting. An IPv6
 * address may carry a zone, an interface's name or index, as in `fe80::1%eth0`; port 0 asks for a free port when
 * binding.
 *
 * The URL form is `sctp://` followed by the addresses, separated by commas, IPv6 in brackets, and the port. See RFC
 * 6458 section 9.1 for what may be bound: a wildcard (`0.0.0.0` or `::`) stands alone.
 *
 * @example
 * ```ts
 * import { SctpAddress } from "@sockeye/sockeye/sctp";
 * import assert from "node:assert/strict";
 *
 * const address = SctpAddress.parse("sctp://10.0.0.1,[2001:db8:0::1]:3868");
 * assert.deepEqual(address.addresses, ["10.0.0.1", "2001:db8::1"]);
 * assert.equal(address.port, 3868);
 * assert.equal(`${address}`, "sctp://10.0.0.1,[2001:db8::1]:3868");
 * ```
 */
export class SctpAddress {
  /** The IP addresses in canonical form (RFC 5952 for IPv6), without brackets, with their zone. At least one. */
  readonly addresses: readonly string[];
  /** The port, 0 to 65535; 0 only makes sense for binding. */
  readonly port: number;

  /**
   * Makes an address of IPs and a port.
   *
   * @param addresses One IP address or several, without brackets.
   * @param port The port that they share, 0 to 65535.
   * @throws {AddressError} There is no address, one isn't an IP address or is given twice, a wildcard is not alone, or
   *   the port is out of range.
   */
  constructor(addresses: string | readonly string[], port: number) {
    const given = typeof addresses === "string" ? [addresses] : addresses;
    const whole = `the SCTP address (${given.join(",")}, port ${port})`;
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new AddressError(`${whole} has a port that is not an integer from 0 to 65535`);
    }
    if (given.length === 0) throw new AddressError(`${whole} has no IP address: give at least one`);
    const canonical: string[] = [];
    for (const text of given) {
      const address = canonicalAddress(text);
      if (address === undefined) {
        throw new AddressError(`${whole} has ${JSON.stringify(text)}, which is not an IP address: ${URL_FORMS}`);
      }
      if (canonical.includes(address)) throw new AddressError(`${whole} has ${address} twice`);
      canonical.push(address);
    }
    if (canonical.length > 1 && canonical.some(isWildcardText)) {
      throw new AddressError(
        `${whole} has a wildcard among others: a wildcard stands for every address, so give it alone`,
      );
    }
    this.addresses = Object.freeze(canonical);
    this.port = port;
  }

  /**
   * Reads the URL form; host names are refused, {@linkcode resolveSctpAddress} takes them.
   *
   * @param url For instance `sctp://10.0.0.1,10.0.1.1:3868`, `sctp://[::1]:5000` or `sctp://[fe80::1%2],10.0.0.1:5000`.
   * @throws {AddressError} The URL has another form.
   *
   * @example
   * ```ts
   * import { SctpAddress } from "@sockeye/sockeye/sctp";
   * import assert from "node:assert/strict";
   *
   * assert.deepEqual(SctpAddress.parse("sctp://[fe80::1%eth0]:5000").addresses, ["fe80::1%eth0"]);
   * assert.throws(() => SctpAddress.parse("tcp://10.0.0.1:80"), { name: "AddressError" });
   * ```
   */
  static parse(url: string): SctpAddress {
    if (!url.startsWith("sctp://")) {
      throw new AddressError(`${JSON.stringify(url)} is not an SCTP URL: ${URL_FORMS}`);
    }
    const { hosts, port } = splitHosts(url.slice("sctp://".length), url);
    for (const { host, bracketed } of hosts) {
      if (parseAddress(host) === undefined || bracketed !== host.includes(":")) {
        throw new AddressError(
          `${JSON.stringify(host)} in ${JSON.stringify(url)} is not an IP address: ${URL_FORMS}; ` +
            "resolveSctpAddress takes host names",
        );
      }
    }
    return new SctpAddress(hosts.map(({ host }) => host), port);
  }

  /**
   * The address itself, or the one that the URL says.
   *
   * @param address An address, or the URL form.
   * @throws {AddressError} The URL has another form.
   */
  static from(address: SctpAddressLike): SctpAddress {
    return typeof address === "string" ? SctpAddress.parse(address) : address;
  }

  /**
   * Collects socket addresses, as the kernel reports them, into one SCTP address.
   *
   * @param addresses IPv4 and IPv6 addresses with the same port; a scope becomes a numeric zone.
   * @throws {AddressError} There is none, or they differ in port.
   *
   * @example
   * ```ts
   * import { SctpAddress } from "@sockeye/sockeye/sctp";
   * import assert from "node:assert/strict";
   *
   * const address = SctpAddress.fromSocketAddresses([
   *   { family: "inet", address: "10.0.0.1", port: 3868 },
   *   { family: "inet6", address: "fe80::1", port: 3868, scopeId: 2 },
   * ]);
   * assert.equal(address.toString(), "sctp://10.0.0.1,[fe80::1%2]:3868");
   * ```
   */
  static fromSocketAddresses(addresses: readonly SctpTransportAddress[]): SctpAddress {
    const texts: string[] = [];
    let port: number | undefined;
    for (const address of addresses) {
      if (port !== undefined && address.port !== port) {
        throw new AddressError(
          `the addresses of an SCTP endpoint share one port, but ${port} and ${address.port} were given`,
        );
      }
      port = address.port;
      const zone = address.family === "inet6" && address.scopeId ? `%${address.scopeId}` : "";
      texts.push(address.address + zone);
    }
    return new SctpAddress(texts, port ?? 0);
  }

  /** Whether this is `0.0.0.0` or `::`, every address of the machine. */
  get isWildcard(): boolean {
    return isWildcardText(this.addresses[0]);
  }

  /** `"inet"` when every address is IPv4; `"inet6"` when there is an IPv6 one, so that an IPv6 socket is needed. */
  get family(): "inet" | "inet6" {
    return this.addresses.some((address) => address.includes(":")) ? "inet6" : "inet";
  }

  /**
   * The addresses one by one, as the socket calls take them.
   *
   * @throws {AddressError} A zone names no interface of this machine.
   * @throws {UnsupportedError} A zone is an interface's name, and the platform offers no way to look it up.
   */
  toSocketAddresses(): (InetAddress | Inet6Address)[] {
    return this.addresses.map((text) => {
      if (!text.includes(":")) return { family: "inet", address: text, port: this.port };
      const [address, zone] = text.split("%");
      if (zone === undefined) return { family: "inet6", address, port: this.port };
      return { family: "inet6", address, port: this.port, scopeId: scopeIdOf(zone, this) };
    });
  }

  /**
   * The packed array of `sockaddr_in` and `sockaddr_in6` that sctp_bindx(3) and sctp_connectx(3) take.
   *
   * @throws {AddressError} A zone names no interface of this machine.
   * @throws {UnsupportedError} A zone is an interface's name, and the platform offers no way to look it up.
   */
  toPackedSockaddrs(): Uint8Array {
    const encoded = this.toSocketAddresses().map((address) => encodeSockaddr(address));
    const packed = new Uint8Array(encoded.reduce((length, sockaddr) => length + sockaddr.length, 0));
    let offset = 0;
    for (const sockaddr of encoded) {
      packed.set(sockaddr, offset);
      offset += sockaddr.length;
    }
    return packed;
  }

  /**
   * The same addresses with another port.
   *
   * @param port The port, 0 to 65535.
   * @throws {AddressError} The port is out of range.
   */
  withPort(port: number): SctpAddress {
    return port === this.port ? this : new SctpAddress(this.addresses, port);
  }

  /**
   * Whether the other address has the same port and the same IPs, in whatever order.
   *
   * @param other The address to compare with.
   */
  equals(other: SctpAddress): boolean {
    return this.port === other.port && this.addresses.length === other.addresses.length &&
      this.addresses.every((address) => other.addresses.includes(address));
  }

  /** The URL form, which {@linkcode SctpAddress.parse} reads back. */
  toString(): string {
    return `sctp://${this.addresses.map((text) => text.includes(":") ? `[${text}]` : text).join(",")}:${this.port}`;
  }

  /** The URL form, for `JSON.stringify`. */
  toJSON(): string {
    return this.toString();
  }
}

/** Options of {@linkcode resolveSctpAddress}. */
export interface ResolveSctpAddressOptions {
  /** Gives up the look-up; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Resolves host names to the SCTP address of all their IPs.
 *
 * Several hosts, names and IPs mixed, may be given; what they resolve to is joined in order, and an IP that comes twice
 * is taken once. The name service is the runtime's own (getaddrinfo(3)).
 *
 * @param network `"sctp"` for both families, `"sctp4"` for IPv4 only, `"sctp6"` for IPv6 only.
 * @param address `host:port`, `host,host:port` or the same after `sctp://`; IPv6 addresses in brackets.
 * @param options A signal to give up.
 * @returns The address that {@linkcode SctpAddress.toString} formats.
 * @throws {AddressError} The network isn't one of the three, the address has another form, an IP is of the wrong
 *   family, or a name has no address of the family.
 *
 * @example
 * ```ts
 * import { resolveSctpAddress } from "@sockeye/sockeye/sctp";
 * import assert from "node:assert/strict";
 *
 * const address = await resolveSctpAddress("sctp4", "localhost:3868");
 * assert.equal(address.toString(), "sctp://127.0.0.1:3868");
 * await assert.rejects(resolveSctpAddress("tcp" as "sctp", "localhost:3868"), { name: "AddressError" });
 * ```
 */
export async function resolveSctpAddress(
  network: SctpNetwork,
  address: string,
  options: ResolveSctpAddressOptions = {},
): Promise<SctpAddress> {
  const family = familyOf(network);
  const { hosts, port } = splitHosts(
    address.startsWith("sctp://") ? address.slice("sctp://".length) : address,
    address,
  );
  const addresses = new Set<string>();
  for (const { host, bracketed } of hosts) {
    const literal = canonicalAddress(host);
    if (literal === undefined) {
      if (bracketed || !isHostName(host)) {
        throw new AddressError(
          `${JSON.stringify(host)} in ${JSON.stringify(address)} is neither an IP address nor a host name`,
        );
      }
      for (const found of await lookUp(host, family, network, options.signal)) addresses.add(found);
      continue;
    }
    const version = literal.includes(":") ? 6 : 4;
    if (bracketed !== (version === 6)) {
      throw new AddressError(`${JSON.stringify(address)}: an IPv6 address goes in brackets, another doesn't`);
    }
    if (family !== 0 && family !== version) {
      throw new AddressError(`network "${network}" allows only IPv${family} addresses, not ${host}`);
    }
    addresses.add(literal);
  }
  return new SctpAddress([...addresses], port);
}

function familyOf(network: string): 0 | 4 | 6 {
  switch (network) {
    case "sctp":
      return 0;
    case "sctp4":
      return 4;
    case "sctp6":
      return 6;
    default:
      throw new AddressError(
        `network ${JSON.stringify(network)} is not one of SCTP: use "sctp", "sctp4" (IPv4 only) or "sctp6" (IPv6 only)`,
      );
  }
}

async function lookUp(host: string, family: 0 | 4 | 6, network: string, signal?: AbortSignal): Promise<string[]> {
  signal?.throwIfAborted();
  const found = raceAgainst(lookup(host, { all: true, family }), signal);
  let results: { address: string }[];
  try {
    results = await found;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new AddressError(
      `${host} has no address in network "${network}": check the name, or give IP addresses`,
      { cause: error },
    );
  }
  return results.flatMap(({ address }) => canonicalAddress(address) ?? []);
}

/** getaddrinfo(3) can't be interrupted: the answer of a look-up that was given up is ignored. */
function raceAgainst<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

interface Host {
  host: string;
  bracketed: boolean;
}

/** Splits `host,[host],host:port`; what a host may be is for the caller to say. */
function splitHosts(text: string, whole: string): { hosts: Host[]; port: number } {
  const match = /^(.+):(\d{1,5})$/s.exec(text);
  if (match === null) throw new AddressError(`${JSON.stringify(whole)} does not end in a port: ${URL_FORMS}`);
  const port = Number(match[2]);
  if (port > 65535) {
    throw new AddressError(`port ${match[2]} in ${JSON.stringify(whole)} is not in the range 0 to 65535`);
  }
  const hosts = match[1].split(",").map((host) => {
    const bracketed = host.startsWith("[") && host.endsWith("]");
    return { host: bracketed ? host.slice(1, -1) : host, bracketed };
  });
  return { hosts, port };
}

/** Letters, digits, hyphens and underscores between dots: what getaddrinfo(3) can be asked for without surprises. */
function isHostName(host: string): boolean {
  // A name whose last label is all digits would be read by getaddrinfo(3) as an old numeric form of IPv4.
  return /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*\.?$/.test(host) &&
    !/(^|\.)(0x[0-9a-f]*|\d+)\.?$/i.test(host);
}

function parseAddress(text: string): { bytes: Uint8Array; zone?: string } | undefined {
  const v4 = parseIPv4(text);
  if (v4 !== undefined) return { bytes: v4 };
  const percent = text.indexOf("%");
  const v6 = parseIPv6(percent < 0 ? text : text.slice(0, percent));
  if (v6 === undefined) return undefined;
  if (percent < 0) return { bytes: v6 };
  const zone = text.slice(percent + 1);
  return ZONE.test(zone) ? { bytes: v6, zone } : undefined;
}

function canonicalAddress(text: string): string | undefined {
  const parsed = parseAddress(text);
  if (parsed === undefined) return undefined;
  if (parsed.bytes.length === 4) return formatIPv4(parsed.bytes, 0);
  return parsed.zone === undefined ? formatIPv6(parsed.bytes, 0) : `${formatIPv6(parsed.bytes, 0)}%${parsed.zone}`;
}

function isWildcardText(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function scopeIdOf(zone: string, address: SctpAddress): number {
  if (/^\d+$/.test(zone)) {
    const index = Number(zone);
    if (index > 0xffffffff) throw new AddressError(`zone ${zone} of ${address} is not an interface index`);
    return index;
  }
  try {
    return ifNameToIndex(zone);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new AddressError(`zone ${zone} of ${address} names no interface of this machine`, { cause: error });
  }
}
