/**
 * The address behind a host, as probes need it.
 *
 * @module
 */

import { AddressError, ArgumentError, MessageTooLargeError } from "../../common/errors.ts";
import { formatIPv4, parseIPv6 } from "../../ffi/ip.ts";
import { resolve } from "../../ffi/resolve.ts";
import type { Inet6Address, InetAddress } from "../../ffi/sockaddr.ts";

/** RFC 4291 section 2.5.5.2: what comes before the IPv4 address in an IPv4-mapped one. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * Finds the address of a host. An IPv4-mapped one is IPv4, since that is what its packets are.
 *
 * @throws {ArgumentError} When the host is no text, or empty.
 * @throws {AddressError} When it can't be found, or is nobody's: the unspecified address.
 */
export async function findDestination(
  host: string,
  port: number,
  { family, signal }: { family?: "inet" | "inet6"; signal?: AbortSignal },
): Promise<InetAddress | Inet6Address> {
  if (typeof host !== "string") throw new ArgumentError("host", `must be a name or an address, got ${typeof host}`);
  const [found] = await resolve(host, port, { family, signal, all: false });
  signal?.throwIfAborted();
  const destination = unmapped(found);
  if (destination.address === "0.0.0.0" || destination.address === "::") {
    throw new AddressError(
      `${JSON.stringify(host)} stands for any address, and is no host's; for this machine: 127.0.0.1`,
    );
  }
  return destination;
}

function unmapped(found: InetAddress | Inet6Address): InetAddress | Inet6Address {
  if (found.family === "inet") return found;
  const bytes = parseIPv6(found.address)!;
  if (!MAPPED.every((byte, index) => bytes[index] === byte)) return found;
  return { family: "inet", address: formatIPv4(bytes, 12), port: found.port };
}

/** The error of a probe that is larger than this machine lets out in one piece. */
export function tooLargeToLeave(size: number, mtu: number | undefined, cause: Error): MessageTooLargeError {
  const known = mtu === undefined
    ? ""
    : `, as no more than ${mtu} fit the link, or the path as far as the kernel knows it`;
  return new MessageTooLargeError(
    `probes of ${size} bytes can't leave this machine unfragmented${known}: choose a smaller \`size\`, or let them be ` +
      "fragmented",
    { cause },
  );
}
