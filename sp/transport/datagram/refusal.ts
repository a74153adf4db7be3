/**
 * Why a connection does not come about, in words and as a reason for the peer.
 *
 * @module
 */

import { ProtocolError, type SockeyeError, SystemError } from "../../../common/errors.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { UnixCredentials } from "../../../ffi/ucred.ts";
import * as patterns from "../../protocol/protocols.ts";
import type { Greeting, TransportOptions } from "../transport.ts";
import { describeReason } from "./header.ts";

/** The peer's pattern is none that belongs to ours. */
export function wrongPattern(url: string, protocol: number, greeting: Greeting): ProtocolError {
  return new ProtocolError(
    `${url}: the peer is ${describeProtocol(protocol)}, and ${greeting.name} (${greeting.protocol}) ` +
      `talks to ${greeting.peerName} (${greeting.peer}); check the address, or the pattern`,
  );
}

/** The peer says that it wants no connection, or no longer has one. */
export function disconnected(url: string, reason: number): ProtocolError {
  return new ProtocolError(`${url}: the peer ended the connection: ${describeReason(reason)} (reason ${reason})`);
}

/** The error where `allowPeer` refuses; `undefined` where it does not. */
export function refusedPeer(
  url: string,
  credentials: UnixCredentials | undefined,
  { allowPeer }: TransportOptions,
): SockeyeError | undefined {
  if (allowPeer === undefined) return undefined;
  if (credentials === undefined) {
    return notAllowed(`${url}: the peer came without credentials, so allowPeer can't be asked`);
  }
  if (allowPeer(credentials)) return undefined;
  const { pid, uid, gid } = credentials;
  return notAllowed(`${url}: allowPeer refuses the process ${pid} of user ${uid}, group ${gid}`);
}

function notAllowed(message: string): SystemError {
  return new SystemError(message, { code: "EACCES", errno: ERRNO.EACCES, syscall: "recvmsg" });
}

function describeProtocol(protocol: number): string {
  const pattern = Object.values(patterns).find((pattern) => pattern.protocol === protocol);
  return pattern === undefined ? `of an unknown pattern (${protocol})` : `${pattern.name} (${protocol})`;
}
