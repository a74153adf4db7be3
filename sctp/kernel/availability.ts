/**
 * Whether the kernel has SCTP, and what to do where it hasn't.
 *
 * @module
 */

import { AF_INET, close, IPPROTO_SCTP, SOCK_SEQPACKET, socket, SystemError, UnsupportedError } from "../../ffi/mod.ts";

const ABSENCE = "kernel SCTP is not available";

const REMEDY =
  "load it with `modprobe sctp` (on Debian and Ubuntu cloud kernels install linux-modules-extra-$(uname -r) " +
  "first), or run the program in the rig that this repository has, with `deno task rig -- COMMAND`";

/** What socket(2) says where the kernel or its configuration has no SCTP. */
const ABSENT = new Set(["EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EAFNOSUPPORT"]);

/**
 * The error for whoever wants SCTP where there is none: always the same words, with the reason at hand in the middle.
 *
 * @param reason Why, as a clause.
 * @param cause The error underneath.
 */
export function noKernelSctp(reason: string, cause: unknown): UnsupportedError {
  return new UnsupportedError(`${ABSENCE}: ${reason}; ${REMEDY}`, { cause });
}

/**
 * Opens an SCTP socket.
 *
 * @param domain AF_INET or AF_INET6.
 * @param type SOCK_SEQPACKET or SOCK_STREAM.
 * @returns The descriptor, non-blocking and closed on exec.
 * @throws {SystemError} `EMFILE`, `ENFILE`, `ENOBUFS`, …
 * @throws {UnsupportedError} There is no SCTP, or no libc to call.
 */
export function openSctpSocket(domain: number, type: number): number {
  try {
    return socket(domain, type, IPPROTO_SCTP);
  } catch (error) {
    // Without libc no module helps; the message says what does.
    if (error instanceof UnsupportedError) throw new UnsupportedError(`${ABSENCE}: ${error.message}`, { cause: error });
    if (!(error instanceof SystemError) || !ABSENT.has(error.code)) throw error;
    const family = domain === AF_INET ? "" : " for IPv6";
    throw noKernelSctp(`this kernel has no SCTP${family}, or its module is not loaded`, error);
  }
}

/**
 * Does nothing where the kernel has SCTP.
 *
 * @throws {UnsupportedError} There is no SCTP, or no libc to call.
 */
export function probeKernelSctp(): void {
  close(openSctpSocket(AF_INET, SOCK_SEQPACKET));
}
