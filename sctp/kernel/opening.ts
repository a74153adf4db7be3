/**
 * Opening sockets of the kernel's SCTP: options, addresses and listening in the order that the kernel wants.
 *
 * @module
 */

import { SystemError } from "../../common/errors.ts";
import {
  AF_INET,
  AF_INET6,
  Descriptor,
  ERRNO,
  listen,
  type SOCK_SEQPACKET,
  type SOCK_STREAM,
  systemError,
} from "../../ffi/mod.ts";
import type { SctpAddress } from "../address.ts";
import type { SctpOpenOptions } from "../driver.ts";
import { noKernelSctp, openSctpSocket } from "./availability.ts";
import { SCTP_RECVRCVINFO } from "./constants.ts";
import { addAddresses } from "./option/addresses.ts";
import { subscribe } from "./option/events.ts";
import { type OptionSocket, setFlag } from "./option/socket.ts";
import { readOption, writeOption, writeSocketOptions } from "./option/table.ts";
import { optionSocketOf } from "./option_socket.ts";
import { type KernelSocketSettings, NEEDED_EVENTS } from "./socket_driver.ts";

/** What a socket is opened for. */
export interface Opening {
  /** SOCK_SEQPACKET or SOCK_STREAM. */
  type: typeof SOCK_SEQPACKET | typeof SOCK_STREAM;
  /** What to bind, if anything. */
  local?: SctpAddress;
  /** Whom to talk to, if known. */
  peer?: SctpAddress;
}

/**
 * Opens a socket, sets its options and subscriptions, and binds it.
 *
 * @returns The descriptor, which the caller owns.
 * @throws {SystemError} As in socket(2) and sctp_bindx(3).
 * @throws {UnsupportedError} There is no SCTP, or the kernel lacks an option.
 */
export function openBound({ type, local, peer }: Opening, options: SctpOpenOptions): Descriptor {
  const domain = local?.family === "inet6" || peer?.family === "inet6" ? AF_INET6 : AF_INET;
  const descriptor = Descriptor.adopt(openSctpSocket(domain, type), "kernel SCTP socket");
  try {
    const socket = optionSocketOf(() => descriptor.fd);
    const { autoAsconf, ...others } = options;
    writeSocketOptions(socket, others);
    makeRoomFor(socket, options);
    setFlag(socket, SCTP_RECVRCVINFO, true);
    for (const event of new Set([...NEEDED_EVENTS, ...options.events ?? []])) subscribe(socket, 0, event, true);
    if (local !== undefined) bindAll(socket, local);
    // The kernel takes it from a socket only that is bound to the wildcard address.
    if (autoAsconf !== undefined) writeOption(socket, "autoAsconf", autoAsconf, 0);
    return descriptor;
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

/**
 * Lets peers associate.
 *
 * @throws {SystemError} As in listen(2).
 * @throws {UnsupportedError} The kernel lacks the hash function that cookies are signed with.
 */
export function startListening(descriptor: Descriptor, backlog: number): void {
  try {
    listen(descriptor.fd, backlog);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== ERRNO.ENOSYS) throw error;
    throw noKernelSctp("it finds no HMAC to sign its cookies with, so load that module too, `modprobe hmac`", error);
  }
}

/** What the driver of a socket keeps of its options. */
export function socketSettings(options: SctpOpenOptions): KernelSocketSettings {
  return {
    maxMessageSize: options.maxMessageSize,
    events: options.events ?? [],
    defaults: { sendInfo: options.defaultSendInfo, partialReliability: options.defaultPartialReliability },
    interleaving: options.interleaving ?? false,
    sendQueueLength: options.sendQueueLength,
    busyPoll: options.busyPoll,
  };
}

function bindAll(socket: OptionSocket, local: SctpAddress): void {
  try {
    addAddresses(socket, local.toPackedSockaddrs());
  } catch (error) {
    throw error instanceof SystemError ? systemError(error.errno, "bind", `${local}`) : error;
  }
}

/** A message has to fit the send buffer as a whole; the kernel refuses a larger one. */
function makeRoomFor(socket: OptionSocket, { sendBufferSize, maxMessageSize }: SctpOpenOptions): void {
  if (sendBufferSize !== undefined || readOption(socket, "sendBufferSize", 0) >= maxMessageSize) return;
  writeOption(socket, "sendBufferSize", maxMessageSize, 0);
}
