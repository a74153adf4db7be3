/**
 * Addresses from host names, by the runtime's own resolver: getaddrinfo(3).
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { AddressError, ArgumentError, UnsupportedError } from "../common/errors.ts";
import { checkTimeout, WaitList, type WaitOptions } from "../common/wait.ts";
import { checkInteger } from "./arguments.ts";
import { formatIPv6, parseIPv4, parseIPv6 } from "./ip.ts";
import type { Inet6Address, InetAddress } from "./sockaddr.ts";
import { ifNameToIndex } from "./syscalls.ts";

/** What {@linkcode resolve} looks for. */
export interface ResolveOptions {
  /** Only addresses of this family; without it both. */
  family?: "inet" | "inet6";
  /** Whether all addresses are wanted, or only the first. @default {true} */
  all?: boolean;
}

const NO_OPTIONS = Object.freeze({});

/**
 * The addresses of a host, in the order in which they should be tried.
 *
 * Numeric addresses are taken as they are, without the resolver, and may have a zone by name or index: `fe80::1%eth0`. Names
 * go to the runtime's own resolver, which asks /etc/hosts, DNS and whatever else the system is set up with. On Deno that
 * needs `--allow-net`.
 *
 * @param host A name or a numeric address.
 * @param port The port, 0 to 65535.
 * @param options Which addresses, and how long to wait. The resolver can't be called back: given up, its answer is
 * ignored.
 * @returns At least one address.
 * @throws {AddressError} When there is no such host, or it has no address of that family.
 * @throws {ArgumentError} When the port is out of range.
 * @throws {SystemError} `ENODEV` when the zone names no interface.
 * @throws {TimeoutError} When the resolver takes too long.
 * @throws {UnsupportedError} When the runtime forbids asking the resolver.
 *
 * @example
 * ```ts
 * import { resolve } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(await resolve("127.0.0.1", 80), [{ family: "inet", address: "127.0.0.1", port: 80 }]);
 * assert.deepEqual(await resolve("::1%lo", 80), [{ family: "inet6", address: "::1", port: 80, scopeId: 1 }]);
 * ```
 */
export async function resolve(
  host: string,
  port: number,
  options: ResolveOptions & WaitOptions = NO_OPTIONS,
): Promise<(InetAddress | Inet6Address)[]> {
  const { family, all = true } = options;
  checkInteger("port", port, 0, 65535);
  checkTimeout(options.timeout);
  options.signal?.throwIfAborted();
  const numeric = numericAddress(host, port);
  const found = numeric === undefined ? await lookUp(host, port, options) : [numeric];
  const fitting = family === undefined ? found : found.filter((address) => address.family === family);
  if (fitting.length === 0) {
    throw new AddressError(`${JSON.stringify(host)} has no ${family === "inet" ? "IPv4" : "IPv6"} address`);
  }
  return all ? fitting : fitting.slice(0, 1);
}

/** The address that a text is by itself, or `undefined` where it is a name. */
export function numericAddress(host: string, port: number): InetAddress | Inet6Address | undefined {
  if (parseIPv4(host) !== undefined) return { family: "inet", address: host, port };
  const percent = host.indexOf("%");
  const bytes = parseIPv6(percent < 0 ? host : host.slice(0, percent));
  if (bytes === undefined) {
    if (host.includes(":") || percent >= 0) {
      throw new AddressError(
        `${JSON.stringify(host)} is neither an address nor a host name; write 192.0.2.1, 2001:db8::1 or example.org`,
      );
    }
    return undefined;
  }
  const address = formatIPv6(bytes);
  if (percent < 0) return { family: "inet6", address, port };
  const zone = host.slice(percent + 1);
  if (zone === "") throw new AddressError(`${JSON.stringify(host)} has an empty zone; write fe80::1%eth0`);
  return { family: "inet6", address, port, scopeId: zoneIndex(zone) };
}

/** RFC 4007 section 11.2: a zone is an interface's name, or its index. */
function zoneIndex(zone: string): number {
  if (!/^\d+$/.test(zone)) return ifNameToIndex(zone);
  const index = Number(zone);
  checkInteger("host", index, 1, 0x7fffffff);
  return index;
}

async function lookUp(host: string, port: number, options: ResolveOptions & WaitOptions) {
  if (host === "") throw new ArgumentError("host", "must not be empty; for every address of this machine give 0.0.0.0");
  const family = options.family === undefined ? 0 : options.family === "inet" ? 4 : 6;
  const answers = await unlessGivenUp(lookup(host, { all: true, family }), `resolve ${host}`, options)
    .catch((error) => {
      throw explained(error, host);
    });
  // Asked for IPv4, glibc makes 127.0.0.1 of "::1 localhost" in /etc/hosts, and so gives it twice.
  const once = answers.filter(({ address }, index) => answers.findIndex((each) => each.address === address) === index);
  return once.map(({ address, family }): InetAddress | Inet6Address =>
    family === 4 ? { family: "inet", address, port } : numericAddress(address, port) as Inet6Address
  );
}

/** The answer, or the end of the wait, whichever comes first. */
function unlessGivenUp<T>(answer: Promise<T>, what: string, options: WaitOptions): Promise<T> {
  if (options.signal === undefined && options.timeout === undefined) return answer;
  const line = new WaitList<T>();
  const waiting = line.wait(what, options, undefined);
  answer.then((value) => line.resolveNext(value), (error) => line.rejectNext(error));
  return waiting;
}

function explained(error: unknown, host: string): unknown {
  if (!(error instanceof Error)) return error;
  const name = JSON.stringify(host);
  const { code } = error as { code?: unknown };
  // Deno's own error, or what its node:dns makes of it.
  if (error.name === "NotCapable" || error.name === "PermissionDenied" || code === "EPERM") {
    return new UnsupportedError(`resolve ${name}: the runtime forbids it; run Deno with --allow-net`, { cause: error });
  }
  switch (code) {
    case "ENOTFOUND":
      return new AddressError(`${name} can't be resolved: there is no such host; check the name, or /etc/hosts`, {
        cause: error,
      });
    case "EAI_AGAIN":
      return new AddressError(
        `${name} can't be resolved: no name server answers; check /etc/resolv.conf, or try later`,
        {
          cause: error,
        },
      );
  }
  return error;
}
