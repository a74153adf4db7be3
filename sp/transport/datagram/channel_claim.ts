/**
 * Who has a channel: the kernel keeps no list of them, so an abstract unix name stands for each one.
 *
 * The name goes with the process that holds it, and is one of the network namespace, as the channel is.
 *
 * @module
 */

import { SystemError } from "../../../common/errors.ts";
import { AF_UNIX, SOCK_DGRAM } from "../../../ffi/constants.ts";
import { Descriptor } from "../../../ffi/descriptor.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { bind, socket } from "../../../ffi/syscalls.ts";

/** The channels that are given to whoever wants any: IANA's dynamic ports, RFC 6335. */
const FIRST_DYNAMIC = 49152;
const LAST_DYNAMIC = 65535;

/** A channel that nobody else of this network namespace takes, as long as it is open. */
export interface Claim {
  readonly channel: number;
  release(): void;
}

/**
 * Claims a channel.
 *
 * @param channel Which one; 0 for any that is free.
 * @throws {SystemError} `EADDRINUSE` If somebody has it.
 */
export function claimChannel(family: "inet" | "inet6", protocol: number, channel: number): Claim {
  if (channel !== 0) {
    const claim = tryClaim(family, protocol, channel);
    if (claim !== undefined) return claim;
    throw inUse(`channel ${channel} of protocol ${protocol} is taken by a program on this machine; choose another one`);
  }
  const count = LAST_DYNAMIC - FIRST_DYNAMIC + 1;
  const start = Math.floor(Math.random() * count);
  for (let i = 0; i < count; i++) {
    const claim = tryClaim(family, protocol, FIRST_DYNAMIC + (start + i) % count);
    if (claim !== undefined) return claim;
  }
  throw inUse(`no channel of protocol ${protocol} is left on this machine`);
}

function tryClaim(family: "inet" | "inet6", protocol: number, channel: number): Claim | undefined {
  const descriptor = Descriptor.adopt(socket(AF_UNIX, SOCK_DGRAM), "claim of a channel");
  try {
    bind(descriptor.fd, { family: "unix", abstract: `sockeye/ip/${family}/${protocol}/${channel}` });
    return { channel, release: () => descriptor.close() };
  } catch (error) {
    descriptor.close();
    if (error instanceof SystemError && error.code === "EADDRINUSE") return undefined;
    throw error;
  }
}

function inUse(message: string): SystemError {
  return new SystemError(message, { code: "EADDRINUSE", errno: ERRNO.EADDRINUSE, syscall: "bind" });
}
