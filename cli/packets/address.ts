/** Reads hosts and ports from the command line. @module */

import { type Inet6Address, type InetAddress, resolve } from "@sockeye/sockeye/ffi";
import { UsageError } from "../usage_error.ts";

/** A host and a port as they were written. */
export interface HostPort {
  /** A name or an address, without brackets. */
  readonly host: string;
  /** The port. */
  readonly port: number;
}

/** An address and a port of either family. */
export type IpAddress = InetAddress | Inet6Address;

/** `HOST:PORT`, an IPv6 address in brackets; a host with colons and no brackets could end anywhere. */
const HOST_PORT = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d+)$/;

/**
 * Takes `HOST:PORT` apart.
 *
 * @throws {UsageError} It has another form.
 */
export function readHostPort(text: string): HostPort {
  const [, bracketed, plain, digits] = HOST_PORT.exec(text) ?? [];
  const host = bracketed ?? plain ?? "";
  if (host === "") {
    throw new UsageError(`"${text}" is not HOST:PORT, as in 192.0.2.1:5000, [::1]:5000 or localhost:5000`);
  }
  if (host === "*") {
    throw new UsageError(`"${text}": for every address of this machine write 0.0.0.0:${digits} or [::]:${digits}`);
  }
  const port = Number(digits);
  if (port > 65535) throw new UsageError(`"${text}" has the port ${port}; ports go up to 65535`);
  return { host, port };
}

/**
 * The address that `HOST:PORT` says; names are looked up.
 *
 * @param text What was given.
 * @param family Which kind of address it shall be, if that matters.
 * @param signal Ends the wait for the name service.
 * @throws {UsageError} It has another form.
 * @throws {AddressError} The name does not resolve.
 */
export async function readAddress(
  text: string,
  family: "inet" | "inet6" | undefined,
  signal: AbortSignal,
): Promise<IpAddress> {
  const { host, port } = readHostPort(text);
  const [address] = await resolve(host, port, { family, signal, all: false });
  return address;
}

/** As {@linkcode readAddress}, for what is sent to: port 0 is nobody's. */
export async function readDestination(
  text: string,
  family: "inet" | "inet6" | undefined,
  signal: AbortSignal,
): Promise<IpAddress> {
  if (readHostPort(text).port === 0) throw new UsageError(`"${text}" has port 0, which nobody can be reached at`);
  return await readAddress(text, family, signal);
}
