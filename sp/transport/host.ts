/**
 * The host and the number behind it in URLs of IP: `127.0.0.1:5000`, `[::1]:5000`, `host:5000`, `*:5000`.
 *
 * @module
 */

import { AddressError, SystemError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import { formatSocketAddress, type Inet6Address, type InetAddress } from "../../ffi/sockaddr.ts";
import { numericAddress, resolve } from "../../ffi/resolve.ts";

/** An IP address, and the number behind it. */
export type IpAddress = InetAddress | Inet6Address;

/** A host and the number behind it. */
export interface HostPort {
  /** A name or an address; empty for all addresses of the machine. */
  readonly host: string;
  /** 0 to 65535. */
  readonly port: number;
}

/** What resolving leaves in a URL: several addresses, one after the other. */
export const ADDRESS_SEPARATOR = ",";

/**
 * Reads one host and its number.
 *
 * @param what What the number is called.
 * @throws {AddressError} If it is none.
 */
export function parseHostPort(text: string, href: string, what: "port" | "channel"): HostPort {
  const match = /^(?:\[([^\]]*)\]|([^:[\]/]*)):(\d{1,5})$/.exec(text);
  if (match === null || match[1]?.includes(":") === false) {
    throw new AddressError(
      `${href} is no address and ${what}; write 127.0.0.1:5000, [::1]:5000 or host:5000 behind ://`,
    );
  }
  const port = Number(match[3]);
  if (port > 65535) throw new AddressError(`${href}: the ${what} must be 0 to 65535, and is ${port}`);
  const host = match[1] ?? match[2];
  return { host: host === "*" ? "" : host, port };
}

/**
 * Checks what can be checked before names are resolved.
 *
 * @throws {AddressError} Saying what is wrong.
 */
export function checkHostPort(
  { host, port }: HostPort,
  href: string,
  role: "listen" | "dial",
  family: "inet" | "inet6" | undefined,
): void {
  if (role === "dial" && host === "") {
    throw new AddressError(`${href}: only listeners take all addresses of the machine; say which host to dial`);
  }
  if (role === "dial" && port === 0) throw new AddressError(`${href}: 0 is for listeners; say where to dial`);
  // A zone may name an interface that comes only later.
  const address = host === "" ? undefined : numericAddress(host.replace(/%.*/, ""), port);
  if (address !== undefined) requireFamily(address, href, family);
}

/**
 * The addresses of the hosts in a URL, once names are resolved.
 *
 * @throws {AddressError} If one is a name, or of another family.
 */
export function addressesIn(
  rest: string,
  href: string,
  what: "port" | "channel",
  family: "inet" | "inet6" | undefined,
): IpAddress[] {
  return rest.split(ADDRESS_SEPARATOR).map((part) => {
    const { host, port } = parseHostPort(part, href, what);
    const address = host === "" ? undefined : numericAddress(host, port);
    if (address === undefined) throw new AddressError(`${href}: the host name must be resolved first`);
    return requireFamily(address, href, family);
  });
}

/**
 * Replaces a name by its addresses.
 *
 * @returns `undefined` where there is no name.
 * @throws {AddressError} When there is no such host.
 */
export async function resolveHost(
  { host, port }: HostPort,
  family: "inet" | "inet6" | undefined,
  options: WaitOptions,
): Promise<string | undefined> {
  if (host === "" || numericAddress(host, port) !== undefined) return undefined;
  const found = await resolve(host, port, { ...options, ...(family === undefined ? {} : { family }) });
  return found.map((address) => formatSocketAddress(address)).join(ADDRESS_SEPARATOR);
}

/** The wildcards of a family; without one IPv6's, which takes IPv4 too, and IPv4's where there is no IPv6. */
export function wildcards(port: number, family: "inet" | "inet6" | undefined): IpAddress[] {
  const inet: IpAddress = { family: "inet", address: "0.0.0.0", port };
  const inet6: IpAddress = { family: "inet6", address: "::", port };
  return family === "inet" ? [inet] : family === "inet6" ? [inet6] : [inet6, inet];
}

/**
 * Listens at the first address, or at the second where the machine does not have the first one's family.
 *
 * @throws {SystemError} As in bind(2).
 */
export function listenAtOne<T>([first, second]: readonly IpAddress[], listen: (address: IpAddress) => T): T {
  try {
    return listen(first);
  } catch (error) {
    const hasNoIpv6 = error instanceof SystemError && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(error.code);
    if (second === undefined || !hasNoIpv6) throw error;
    return listen(second);
  }
}

/** Whether it stands for all addresses of the machine. */
export function isWildcard({ address }: IpAddress): boolean {
  return address === "0.0.0.0" || address === "::";
}

function requireFamily(address: IpAddress, href: string, family: "inet" | "inet6" | undefined): IpAddress {
  if (family === undefined || address.family === family) return address;
  throw new AddressError(`${href}: this scheme takes no ${family === "inet" ? "IPv6" : "IPv4"} address`);
}
