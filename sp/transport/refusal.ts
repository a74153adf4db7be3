/**
 * Why there is no connection, in words: the peer has another pattern, ends it, or is not allowed.
 *
 * @module
 */

import { ProtocolError, SystemError } from "../../common/errors.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { UnixCredentials } from "../../ffi/ucred.ts";
import * as patterns from "../protocol/protocols.ts";
import { describeReason } from "./datagram/header.ts";
import type { Greeting, TransportOptions } from "./transport.ts";

/** The peer's pattern is none that belongs to ours. */
export function wrongPattern(url: string, protocol: number, greeting: Greeting): ProtocolError {
  return new ProtocolError(
    `${url}: the peer is ${describeProtocol(protocol)}, and ${greeting.name} (${greeting.protocol}) ` +
      `talks to ${greeting.peerName} (${greeting.peer}); check the address, or the pattern`,
  );
}

/** The peer of a carrier of datagrams says that it wants no connection, or no longer has one. */
export function disconnected(url: string, reason: number): ProtocolError {
  return new ProtocolError(`${url}: the peer ended the connection: ${describeReason(reason)} (reason ${reason})`);
}

/**
 * The error where `allowPeer` does not let the other end of a unix socket in; `undefined` where it does.
 *
 * @param syscall How the credentials came.
 */
export function refusedPeer(
  url: string,
  credentials: UnixCredentials | undefined,
  { allowPeer }: TransportOptions,
  syscall: string,
): SystemError | undefined {
  if (allowPeer === undefined) return undefined;
  if (credentials === undefined) {
    return notAllowed(`${url}: the peer came without credentials, so allowPeer can't be asked`, url, syscall);
  }
  const { pid, uid, gid } = credentials;
  const peer = `the process ${pid} of user ${uid}, group ${gid}`;
  try {
    // Nothing else is a permission; a promise of false must not let anybody in.
    if (allowPeer(credentials) === true) return undefined;
    return notAllowed(`${url}: allowPeer refuses ${peer}`, url, syscall);
  } catch (cause) {
    return notAllowed(`${url}: allowPeer has thrown, which refuses ${peer}`, url, syscall, cause);
  }
}

function notAllowed(message: string, address: string, syscall: string, cause?: unknown): SystemError {
  return new SystemError(message, { code: "EACCES", errno: ERRNO.EACCES, syscall, address }, { cause });
}

function describeProtocol(protocol: number): string {
  const pattern = Object.values(patterns).find((pattern) => pattern.protocol === protocol);
  return pattern === undefined ? `of an unknown pattern (${protocol})` : `${pattern.name} (${protocol})`;
}
