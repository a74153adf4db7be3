/**
 * The sockets of a unixgram connection: a pair whose one end goes to the listener, and what both ends are set to.
 *
 * `SOCK_SEQPACKET`: like datagrams it keeps the boundaries of what is sent together, and unlike them it tells of the end of
 * the other side, also those who only receive, unix(7).
 *
 * @module
 */

import {
  AF_UNIX,
  SCM_CREDENTIALS,
  SO_DOMAIN,
  SO_PASSCRED,
  SO_SNDBUF,
  SO_TYPE,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from "../../../ffi/constants.ts";
import { findControlMessage } from "../../../ffi/cmsg.ts";
import { Descriptor } from "../../../ffi/descriptor.ts";
import { SystemError } from "../../../common/errors.ts";
import { getsockoptInt, setsockopt, socketpair } from "../../../ffi/syscalls.ts";
import { decodeUcred, type UnixCredentials } from "../../../ffi/ucred.ts";
import { MAX_DATAGRAM_BYTES } from "./packer.ts";

/** Half of what may be on its way, for the kernel doubles it; a datagram has to fit in any case. */
const SEND_BUFFER_BYTES = 4 * MAX_DATAGRAM_BYTES;

/**
 * Makes a pair: our end, which tells who answers, and the other side's.
 *
 * @throws {SystemError} As in socketpair(2).
 */
export function makePair(): [ours: Descriptor, theirs: Descriptor] {
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET).map((fd) => Descriptor.adopt(fd, "unixgram connection"));
  try {
    setBuffer(ours.fd);
    setsockopt(ours.fd, SOL_SOCKET, SO_PASSCRED, 1);
    return [ours, theirs];
  } catch (error) {
    ours.close();
    theirs.close();
    throw error;
  }
}

/** No more credentials: they have been seen, and cost time. */
export function endCredentials(fd: number): void {
  setsockopt(fd, SOL_SOCKET, SO_PASSCRED, 0);
}

/** The credentials that came with a datagram, as the kernel vouches for them. */
export function credentialsIn(control: Uint8Array): UnixCredentials | undefined {
  const bytes = findControlMessage(control, SOL_SOCKET, SCM_CREDENTIALS);
  return bytes && decodeUcred(bytes);
}

/** Sets up an end that somebody handed over; false if it is no such thing. */
export function adoptEnd(fd: number): boolean {
  try {
    if (getsockoptInt(fd, SOL_SOCKET, SO_DOMAIN) !== AF_UNIX) return false;
    if (getsockoptInt(fd, SOL_SOCKET, SO_TYPE) !== SOCK_SEQPACKET) return false;
    setBuffer(fd);
    return true;
  } catch (error) {
    // ENOTSOCK: any open file can be handed over.
    if (error instanceof SystemError) return false;
    throw error;
  }
}

function setBuffer(fd: number): void {
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
}
