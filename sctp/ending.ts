/**
 * The errors that tell how an association ended, or why it did not begin.
 *
 * @module
 */

import { ClosedError, SystemError } from "../common/errors.ts";
import { ERRNO, errnoMessage, errnoName } from "../ffi/mod.ts";
import type { SctpAssociationNotification, SctpErrorCause } from "./notification.ts";

/** Which call an ending interrupts, and with whom. */
export interface EndingContext {
  /** The system call's or operation's name, for `SystemError.syscall`. */
  syscall: string;
  /** The peer, for `SystemError.address`. */
  peer?: string;
  /** What the socket itself says of the failure (SO_ERROR); 0 when it says nothing. */
  errno: number;
}

/** The error of an association that broke: by the peer's ABORT, by ours, or because the peer fell silent. */
export function lostError(notification: SctpAssociationNotification, context: EndingContext): SystemError {
  const { causes, error, errorName } = notification;
  const errno = context.errno || (causes.length > 0 || error !== 0 ? ERRNO.ECONNRESET : ERRNO.ETIMEDOUT);
  const why = causes.length > 0
    ? `: ${causes.map(describeCause).join("; ")}`
    : error !== 0
    ? `: ${errorName}`
    : errno === ERRNO.ETIMEDOUT
    ? ": it did not answer as often as `maxRetransmissions` allows"
    : "";
  const who = errno === ERRNO.ECONNRESET
    ? "the peer aborted the association"
    : "the association with the peer was lost";
  return failure(errno, `${who}${why}; connect again if it shall go on`, context);
}

/** The error of an association that could not be set up. */
export function cannotStartError(errno: number, context: EndingContext, timeoutHint = ""): SystemError {
  const why = errno === ERRNO.ECONNREFUSED
    ? "the peer refused the association; check that it listens on this port"
    : errno === ERRNO.ETIMEDOUT
    ? `the peer did not answer${timeoutHint}; check the address and whether SCTP passes the firewalls on the way`
    : `the association could not be set up: ${errnoMessage(errno)}`;
  return failure(errno, why, context);
}

/** The error of whoever still wants something from an association that both sides ended in order. */
export function endedError(byPeer: boolean): ClosedError {
  return new ClosedError(
    byPeer
      ? "the peer has shut the association down; connect again if it shall go on"
      : "the association was shut down",
  );
}

function failure(errno: number, message: string, context: EndingContext): SystemError {
  const { syscall, peer } = context;
  return new SystemError(`${syscall}${peer === undefined ? "" : ` ${peer}`}: ${message}`, {
    code: errnoName(errno),
    errno,
    syscall,
    address: peer,
  });
}

const decoder = new TextDecoder();

function describeCause(cause: SctpErrorCause): string {
  if (cause.name !== "user-initiated-abort" && cause.name !== "protocol-violation") {
    return cause.name === "unknown" ? `error cause ${cause.code}` : cause.name;
  }
  // The reason is free text by custom (RFC 9260 section 3.3.10.12); the peer chose it, so it is quoted and cut.
  const reason = decoder.decode(cause.data.subarray(0, 200)).replace(/\0+$/, "");
  return reason === "" ? cause.name : `${cause.name} ${JSON.stringify(reason)}`;
}
