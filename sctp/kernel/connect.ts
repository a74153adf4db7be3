/**
 * Setting an association up on several addresses, and learning its identifier at once: sctp_connectx(3).
 *
 * @module
 */

import { foreignRuntime, IPPROTO_SCTP, SystemError } from "../../ffi/mod.ts";
import type { SctpAddress } from "../address.ts";
import { cannotStartError } from "../ending.ts";
import { readInt32, writeUint32 } from "./bytes.ts";
import { SCTP_FUTURE_ASSOC } from "./constants.ts";
import { getInitMsg, getRtoInfo } from "./option/association.ts";
import type { OptionSocket } from "./option/socket.ts";

/** `struct sctp_getaddrs_old`; its `addr_num` is the length of the addresses in bytes here. */
const SCTP_SOCKOPT_CONNECTX3 = 111;

/** Offsets in `struct sctp_getaddrs_old` on 64-bit Linux. */
const GETADDRS_OLD = { assoc_id: 0, addr_num: 4, addrs: 8, size: 16 };

const TWO_TO_32 = 0x1_0000_0000;

/** The kernel counts in jiffies, so that its timers may seem to end somewhat early. */
const TIMER_SLACK = 0.9;

/**
 * Begins to set up an association.
 *
 * Unlike SCTP_SOCKOPT_CONNECTX this tells the identifier also while the association is on its way, which on a
 * non-blocking socket it always is: the kernel fills the structure in, and then says EINPROGRESS.
 *
 * @param address The peer's addresses.
 * @returns The association's identifier.
 * @throws {SystemError} As in sctp_connectx(3).
 */
export function beginAssociation(socket: OptionSocket, address: SctpAddress): number {
  const packed = address.toPackedSockaddrs();
  // Memory of its own, at an address that stays put.
  const addresses = new Uint8Array(new ArrayBuffer(packed.length));
  addresses.set(packed);
  const pointer = foreignRuntime().addressOf(addresses);
  const value = new Uint8Array(new ArrayBuffer(GETADDRS_OLD.size));
  writeUint32(value, GETADDRS_OLD.addr_num, addresses.length);
  writeUint32(value, GETADDRS_OLD.addrs, pointer % TWO_TO_32);
  writeUint32(value, GETADDRS_OLD.addrs + 4, Math.floor(pointer / TWO_TO_32));
  try {
    socket.getsockopt(IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX3, value);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.code !== "EINPROGRESS") {
      throw cannotStartError(error.errno, { syscall: "connect", peer: `${address}`, errno: error.errno });
    }
  } finally {
    // A use of the memory after the call, so that it can't be collected before.
    addresses.fill(0);
  }
  return readInt32(value, GETADDRS_OLD.assoc_id);
}

/**
 * How many milliseconds the kernel waits for answers at least before it gives a set-up up.
 *
 * T1-init doubles with each round over the addresses, up to its bound (RFC 9260 section 4.2,
 * `sctp_cmd_t1_timer_update`).
 */
export function silenceBeforeFailure(socket: OptionSocket, address: SctpAddress): number {
  const { initial } = getRtoInfo(socket, SCTP_FUTURE_ASSOC);
  const { maxAttempts, maxInitTimeout } = getInitMsg(socket);
  let silenceMs = 0;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const round = Math.min(Math.floor(attempt / address.addresses.length), 16);
    silenceMs += Math.min(initial * 2 ** round, maxInitTimeout || Infinity);
  }
  return silenceMs * TIMER_SLACK;
}
