/**
 * Errors and addresses of node:net, as ours.
 *
 * @module
 */

import type { Socket } from "node:net";
import { SockeyeError, SystemError, UnsupportedError } from "../../../common/errors.ts";
import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import type { TransportOptions } from "../transport.ts";
import { shownAddress } from "./carrier.ts";

/** What went wrong in a socket of the runtime. */
export function netError(error: unknown, url: string): SockeyeError {
  if (error instanceof SockeyeError) return error;
  const { code, errno, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) {
    return new UnsupportedError(`${url}: ${message}; or with --allow-ffi, which is all that libc's sockets take`, {
      cause: error,
    });
  }
  const details = { code, errno: Math.abs(errno ?? 0), syscall, address: url };
  return new SystemError(`${url}: ${message}`, details, { cause: error });
}

/** The address of one end of a socket of the runtime, where it has one. */
export function netAddress(
  address: string | undefined,
  port: number | undefined,
  family: string | undefined,
): SocketAddress | undefined {
  if (address === undefined || port === undefined) return undefined;
  return shownAddress(
    family === "IPv6" || address.includes(":") ? { family: "inet6", address, port } : { family: "inet", address, port },
  );
}

/** The peer's address. */
export function remoteAddressOf(socket: Socket): SocketAddress | undefined {
  return netAddress(socket.remoteAddress, socket.remotePort, socket.remoteFamily);
}

/** Our own address. */
export function localAddressOf(socket: Socket): SocketAddress | undefined {
  return netAddress(socket.localAddress, socket.localPort, socket.localFamily);
}

/** How node:net writes an address; abstract names begin with NUL there. */
export function netTarget(address: SocketAddress): { path: string } | { host: string; port: number } {
  if (address.family !== "unix") {
    const zone = address.family === "inet6" && address.scopeId ? `%${address.scopeId}` : "";
    return { host: address.address + zone, port: address.port };
  }
  return { path: "path" in address ? address.path : "abstract" in address ? `\0${address.abstract}` : "" };
}

/**
 * Refuses what can't be kept: nobody shall be let in because the credentials can't be asked for.
 *
 * @throws {UnsupportedError} If the options have `allowPeer`.
 */
export function checkNetOptions({ allowPeer }: TransportOptions, url: string): void {
  if (allowPeer === undefined) return;
  throw new UnsupportedError(
    `${url}: allowPeer needs the credentials of the peer, and those come through libc: run with --allow-ffi, ` +
      "or limit access by the mode of the file",
  );
}
