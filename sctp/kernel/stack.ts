/**
 * The kernel's SCTP as one of the stacks.
 *
 * @module
 */

import { SystemError } from "../../common/errors.ts";
import { timeoutError, type WaitOptions } from "../../common/wait.ts";
import {
  type Descriptor,
  getsockoptInt,
  SO_ERROR,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  WRITABLE,
} from "../../ffi/mod.ts";
import type { SctpAddress } from "../address.ts";
import type { SctpOpenOptions, SctpSocketDriver, SctpStack } from "../driver.ts";
import { cannotStartError } from "../ending.ts";
import { probeKernelSctp } from "./availability.ts";
import { connectAddresses } from "./option/addresses.ts";
import { optionSocketOf } from "./option_socket.ts";
import { KernelListenerDriver } from "./listener_driver.ts";
import { openBound, socketSettings, startListening } from "./opening.ts";
import { ready, readySync } from "./readiness.ts";
import { KernelSocketDriver } from "./socket_driver.ts";

/** SCTP of Linux, RFC 6458 by way of linux/sctp.h. */
export const kernelStack: SctpStack = {
  name: "kernel",

  probe: probeKernelSctp,

  openEndpoint(local, isListening, options) {
    const descriptor = openBound({ type: SOCK_SEQPACKET, local }, options);
    try {
      if (isListening) startListening(descriptor, options.backlog);
    } catch (error) {
      descriptor.close();
      throw error;
    }
    return new KernelSocketDriver(descriptor, "one-to-many", socketSettings(options));
  },

  openListener(local, options) {
    const descriptor = openBound({ type: SOCK_STREAM, local }, options);
    try {
      startListening(descriptor, options.backlog);
    } catch (error) {
      descriptor.close();
      throw error;
    }
    return new KernelListenerDriver(descriptor, socketSettings(options));
  },

  async connect(peer, local, options, wait: WaitOptions) {
    const descriptor = openBound({ type: SOCK_STREAM, local, peer }, options);
    try {
      if (!begin(descriptor, peer)) {
        await ready(descriptor.fd, WRITABLE, `connect to ${peer}`, wait);
        finish(descriptor, peer);
      }
      return connected(descriptor, options);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  },

  connectSync(peer, local, options, timeoutMs) {
    const descriptor = openBound({ type: SOCK_STREAM, local, peer }, options);
    try {
      if (!begin(descriptor, peer)) {
        if (!readySync(descriptor.fd, WRITABLE, timeoutMs)) throw timeoutError(`connect to ${peer}`, timeoutMs!);
        finish(descriptor, peer);
      }
      return connected(descriptor, options);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  },
};

/** Begins to connect; true when that has happened at once. */
function begin(descriptor: Descriptor, peer: SctpAddress): boolean {
  try {
    return connectAddresses(optionSocketOf(() => descriptor.fd), peer.toPackedSockaddrs());
  } catch (error) {
    throw error instanceof SystemError ? connectError(error.errno, peer) : error;
  }
}

/** How the connection turned out; connect(2). */
function finish(descriptor: Descriptor, peer: SctpAddress): void {
  const errno = getsockoptInt(descriptor.fd, SOL_SOCKET, SO_ERROR);
  if (errno !== 0) throw connectError(errno, peer);
}

function connectError(errno: number, peer: SctpAddress): SystemError {
  return cannotStartError(errno, { syscall: "connect", peer: `${peer}`, errno });
}

function connected(descriptor: Descriptor, options: SctpOpenOptions): SctpSocketDriver {
  return new KernelSocketDriver(descriptor, "one-to-one", socketSettings(options));
}
