/**
 * IP address and port as they stand in the structs of linux/sctp.h: in a `sockaddr_storage`.
 *
 * @module
 */

import { decodeSockaddr, SOCKADDR_STORAGE_SIZE } from "../../ffi/sockaddr.ts";
import type { SctpTransportAddress } from "../message.ts";

/** fe80::/10, RFC 4291 section 2.5.6, as RFC 5952 writes it. */
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/;
const UNSPECIFIED: SctpTransportAddress = Object.freeze({ family: "inet", address: "0.0.0.0", port: 0 });

/**
 * The address in the bytes at an offset; `undefined` if there is none.
 *
 * Linux fills in the interface that it uses as the zone of every IPv6 address; only link-local ones have a zone (RFC 4007
 * section 6), and elsewhere it would make one address two.
 *
 * @param length The bytes that it may take.
 */
export function decodeTransportAddress(
  bytes: Uint8Array,
  offset: number,
  length: number = SOCKADDR_STORAGE_SIZE,
): SctpTransportAddress | undefined {
  const address = decodeSockaddr(bytes, offset, length);
  if (address === undefined || address.family === "unix") return undefined;
  if (address.family === "inet" || address.scopeId === undefined || LINK_LOCAL.test(address.address)) return address;
  const { scopeId: _, ...zoneless } = address;
  return zoneless;
}

/** The address at an offset, where the kernel always has one; 0.0.0.0 should it have none. */
export function decodeGivenAddress(bytes: Uint8Array, offset: number): SctpTransportAddress {
  return decodeTransportAddress(bytes, offset) ?? UNSPECIFIED;
}
