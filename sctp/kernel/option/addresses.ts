/**
 * The addresses of both ends: binding and connecting several at once, listing them, and choosing the primary one; RFC 6458,
 * sections 8.1.8, 8.1.9 and 9.
 *
 * @module
 */

import { AF_INET, AF_INET6 } from "../../../ffi/constants.ts";
import { encodeSockaddrInto, SOCKADDR_IN6_SIZE, SOCKADDR_IN_SIZE } from "../../../ffi/sockaddr.ts";
import type { SctpTransportAddress } from "../../message.ts";
import { readInt32, readUint16, readUint32, writeUint32 } from "../bytes.ts";
import {
  SCTP_GET_LOCAL_ADDRS,
  SCTP_GET_PEER_ADDRS,
  SCTP_PRIMARY_ADDR,
  SCTP_SET_PEER_PRIMARY_ADDR,
  SCTP_SOCKOPT_BINDX_ADD,
  SCTP_SOCKOPT_BINDX_REM,
  SCTP_SOCKOPT_CONNECTX,
  SCTP_SOCKOPT_PEELOFF_FLAGS,
} from "../constants.ts";
import { SCTP_LAYOUT } from "../layout.ts";
import { decodeGivenAddress, decodeTransportAddress } from "../transport_address.ts";
import { getOption, hasCode, type OptionSocket, setOption } from "./socket.ts";

const GETADDRS = SCTP_LAYOUT.sctp_getaddrs;
/** Room for so many addresses at first; the kernel says ENOMEM when there are more. */
const USUAL_ADDRESSES = 16;
const MOST_ADDRESSES = 1 << 16;

/** sctp_bindx(3) with SCTP_BINDX_ADD_ADDR. @param packed `sockaddr_in` and `sockaddr_in6` one after another. */
export function addAddresses(socket: OptionSocket, packed: Uint8Array): void {
  setOption(socket, SCTP_SOCKOPT_BINDX_ADD, packed);
}

/** sctp_bindx(3) with SCTP_BINDX_REM_ADDR. @param packed `sockaddr_in` and `sockaddr_in6` one after another. */
export function removeAddresses(socket: OptionSocket, packed: Uint8Array): void {
  setOption(socket, SCTP_SOCKOPT_BINDX_REM, packed);
}

/**
 * Sets an association up, sctp_connectx(3).
 *
 * @param packed `sockaddr_in` and `sockaddr_in6` one after another.
 * @returns Whether it is up; if not, it is on its way (EINPROGRESS), as always on a non-blocking socket.
 */
export function connectAddresses(socket: OptionSocket, packed: Uint8Array): boolean {
  try {
    setOption(socket, SCTP_SOCKOPT_CONNECTX, packed);
    return true;
  } catch (error) {
    if (hasCode(error, "EINPROGRESS")) return false;
    throw error;
  }
}

/**
 * Moves an association to a socket of its own, sctp_peeloff_flags(3).
 *
 * @param flags SOCK_NONBLOCK, SOCK_CLOEXEC.
 * @returns The new socket's descriptor.
 */
export function peelOff(socket: OptionSocket, associationId: number, flags: number): number {
  const { size, fields } = SCTP_LAYOUT.sctp_peeloff_flags_arg_t;
  const value = new Uint8Array(size);
  writeUint32(value, fields.associd, associationId);
  writeUint32(value, fields.flags, flags);
  getOption(socket, SCTP_SOCKOPT_PEELOFF_FLAGS, value);
  return readInt32(value, fields.sd);
}

/** sctp_getpaddrs(3): the peer's addresses. */
export function getPeerAddresses(socket: OptionSocket, associationId: number): SctpTransportAddress[] {
  return getAddresses(socket, SCTP_GET_PEER_ADDRS, associationId);
}

/** sctp_getladdrs(3): the local addresses, of an association or, with 0, of the socket. */
export function getLocalAddresses(socket: OptionSocket, associationId: number): SctpTransportAddress[] {
  return getAddresses(socket, SCTP_GET_LOCAL_ADDRS, associationId);
}

function getAddresses(socket: OptionSocket, name: number, associationId: number): SctpTransportAddress[] {
  for (let room = USUAL_ADDRESSES;; room *= 4) {
    const value = new Uint8Array(GETADDRS.size + room * SOCKADDR_IN6_SIZE);
    writeUint32(value, GETADDRS.fields.assoc_id, associationId);
    try {
      // Not the length that the kernel tells: for local addresses it leaves out the struct before them.
      getOption(socket, name, value);
      return unpackAddresses(value.subarray(GETADDRS.fields.addrs), readUint32(value, GETADDRS.fields.addr_num));
    } catch (error) {
      if (!hasCode(error, "ENOMEM") || room >= MOST_ADDRESSES) throw error;
    }
  }
}

/**
 * The addresses that stand one after another, each as long as its family says.
 *
 * @param packed The bytes; what is not an IP address ends the list.
 * @param most How many there are at most.
 */
export function unpackAddresses(packed: Uint8Array, most: number): SctpTransportAddress[] {
  const addresses: SctpTransportAddress[] = [];
  let offset = 0;
  while (addresses.length < most && offset + 2 <= packed.length) {
    const family = readUint16(packed, offset);
    const size = family === AF_INET ? SOCKADDR_IN_SIZE : family === AF_INET6 ? SOCKADDR_IN6_SIZE : 0;
    if (size === 0 || offset + size > packed.length) break;
    addresses.push(decodeTransportAddress(packed, offset, size)!);
    offset += size;
  }
  return addresses;
}

/** SCTP_PRIMARY_ADDR: the peer's address that we send to. */
export function getPrimaryAddress(socket: OptionSocket, associationId: number): SctpTransportAddress {
  const { size, fields } = SCTP_LAYOUT.sctp_prim;
  const value = new Uint8Array(size);
  writeUint32(value, fields.ssp_assoc_id, associationId);
  getOption(socket, SCTP_PRIMARY_ADDR, value);
  return decodeGivenAddress(value, fields.ssp_addr);
}

/** SCTP_PRIMARY_ADDR. @throws {AddressError} It is not an IP address. */
export function setPrimaryAddress(socket: OptionSocket, associationId: number, address: SctpTransportAddress): void {
  const { size, fields } = SCTP_LAYOUT.sctp_prim;
  const value = new Uint8Array(size);
  writeUint32(value, fields.ssp_assoc_id, associationId);
  encodeSockaddrInto(address, value, fields.ssp_addr);
  setOption(socket, SCTP_PRIMARY_ADDR, value);
}

/**
 * SCTP_SET_PEER_PRIMARY_ADDR: asks the peer to send to this address of ours (RFC 5061).
 *
 * @throws {AddressError} It is not an IP address.
 * @throws {SystemError} EPERM if the peer does not support dynamic address reconfiguration.
 */
export function setPeerPrimaryAddress(
  socket: OptionSocket,
  associationId: number,
  address: SctpTransportAddress,
): void {
  const { size, fields } = SCTP_LAYOUT.sctp_setpeerprim;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sspp_assoc_id, associationId);
  encodeSockaddrInto(address, value, fields.sspp_addr);
  setOption(socket, SCTP_SET_PEER_PRIMARY_ADDR, value);
}
