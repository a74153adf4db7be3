/**
 * IP address and port as they stand in the structs of linux/sctp.h: in a `sockaddr_storage`.
 *
 * @module
 */

import { decodeSockaddr, SOCKADDR_STORAGE_SIZE } from "../../ffi/sockaddr.ts";
import type { SctpTransportAddress } from "../message.ts";

const UNSPECIFIED: SctpTransportAddress = Object.freeze({ family: "inet", address: "0.0.0.0", port: 0 });

/** The address at an offset; `undefined` if there is none. */
export function decodeTransportAddress(bytes: Uint8Array, offset: number): SctpTransportAddress | undefined {
  const address = decodeSockaddr(bytes, offset, SOCKADDR_STORAGE_SIZE);
  return address === undefined || address.family === "unix" ? undefined : address;
}

/** The address at an offset, where the kernel always has one; 0.0.0.0 should it have none. */
export function decodeGivenAddress(bytes: Uint8Array, offset: number): SctpTransportAddress {
  return decodeTransportAddress(bytes, offset) ?? UNSPECIFIED;
}
