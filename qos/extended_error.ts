/**
 * Entries of a socket's error queue: `struct sock_extended_err` and the offender's address behind it, ip(7).
 *
 * @module
 */

import { readInt32 } from "../ffi/bytes.ts";
import { findControlMessage } from "../ffi/cmsg.ts";
import {
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_LOCAL,
  SO_EE_RFC4884_FLAG_INVALID,
} from "../ffi/constants.ts";
import { decodeSockaddr, type Inet6Address, type InetAddress } from "../ffi/sockaddr.ts";

/** Offsets in `struct sock_extended_err`, ip(7). */
export const SOCK_EXTENDED_ERR: {
  readonly ee_errno: 0;
  readonly ee_origin: 4;
  readonly ee_type: 5;
  readonly ee_code: 6;
  readonly ee_pad: 7;
  readonly ee_info: 8;
  readonly ee_data: 12;
  readonly ee_rfc4884: 12;
} = { ee_errno: 0, ee_origin: 4, ee_type: 5, ee_code: 6, ee_pad: 7, ee_info: 8, ee_data: 12, ee_rfc4884: 12 };
/** Bytes of `struct sock_extended_err`, after which the offender's sockaddr begins. */
export const SOCK_EXTENDED_ERR_SIZE = 16;
/** Offsets in `struct sock_ee_data_rfc4884`, linux/errqueue.h. */
export const SOCK_EE_DATA_RFC4884: { readonly len: 0; readonly flags: 2; readonly reserved: 3 } = {
  len: 0,
  flags: 2,
  reserved: 3,
};
/** Bytes of `struct sock_ee_data_rfc4884`. */
export const SOCK_EE_DATA_RFC4884_SIZE = 4;

/** Room that suffices for an entry's control messages beside those of the packet, in bytes. */
export const EXTENDED_ERROR_BYTES = 64;

/** An entry of the error queue, without the packet that it is about. */
export interface ExtendedError {
  /** The error number that the next operation would have failed with. */
  readonly errno: number;
  /** Who found the error; `"other"` for what is no error, such as timestamps of packets sent. */
  readonly origin: "icmp" | "icmp6" | "local" | "other";
  /** The number of the origin, one of `SO_EE_ORIGIN_*`. */
  readonly originNumber: number;
  /** The ICMP type. */
  readonly type: number;
  /** The ICMP code. */
  readonly code: number;
  /** More about it: the MTU where the packet was too large. */
  readonly info: number;
  /** More about it, where the origin is neither ICMP nor ICMPv6. */
  readonly data: number;
  /**
   * Where in the returned payload the ICMP extensions begin, on sockets with IP_RECVERR_RFC4884 or IPV6_RECVERR_RFC4884;
   * 0 where there are none.
   */
  readonly extensionsOffset: number;
  /** The kernel found the extensions malformed, or their checksum wrong. */
  readonly areExtensionsInvalid: boolean;
  /** Who sent the ICMP packet; its port says nothing. An IPv4 router seen on a dual-stack socket is shown as IPv4. */
  readonly offender: InetAddress | Inet6Address | undefined;
}

/**
 * The error in the control messages of a message that was received with `MSG_ERRQUEUE`.
 *
 * Takes any bytes: it never throws and reads nothing outside the buffer.
 *
 * @param control The control messages.
 * @returns The error, or `undefined` if there is none.
 *
 * @example
 * ```ts
 * import { encodeControlMessages, IP_RECVERR, IPPROTO_IP } from "@sockeye/sockeye/ffi";
 * import { decodeExtendedError } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const data = new Uint8Array(32);
 * data.set([111, 0, 0, 0, 2, 3, 3]); // ECONNREFUSED by ICMP, type 3, code 3
 * data.set([2, 0, 0, 0, 192, 0, 2, 7], 16);
 * const error = decodeExtendedError(encodeControlMessages([{ level: IPPROTO_IP, type: IP_RECVERR, data }]));
 * assert.equal(error?.origin, "icmp");
 * assert.equal(error?.offender?.address, "192.0.2.7");
 * ```
 */
export function decodeExtendedError(control: Uint8Array): ExtendedError | undefined {
  const bytes = findControlMessage(control, IPPROTO_IP, IP_RECVERR) ??
    findControlMessage(control, IPPROTO_IPV6, IPV6_RECVERR);
  if (bytes === undefined || bytes.length < SOCK_EXTENDED_ERR_SIZE) return undefined;
  const originNumber = bytes[SOCK_EXTENDED_ERR.ee_origin];
  const origin = originName(originNumber);
  const isIcmp = origin === "icmp" || origin === "icmp6";
  const rfc4884 = SOCK_EXTENDED_ERR.ee_rfc4884;
  return {
    errno: readInt32(bytes, SOCK_EXTENDED_ERR.ee_errno) >>> 0,
    origin,
    originNumber,
    type: bytes[SOCK_EXTENDED_ERR.ee_type],
    code: bytes[SOCK_EXTENDED_ERR.ee_code],
    info: readInt32(bytes, SOCK_EXTENDED_ERR.ee_info) >>> 0,
    data: isIcmp ? 0 : readInt32(bytes, SOCK_EXTENDED_ERR.ee_data) >>> 0,
    extensionsOffset: isIcmp ? bytes[rfc4884] | bytes[rfc4884 + 1] << 8 : 0,
    areExtensionsInvalid: isIcmp && (bytes[rfc4884 + SOCK_EE_DATA_RFC4884.flags] & SO_EE_RFC4884_FLAG_INVALID) !== 0,
    offender: decodeOffender(bytes),
  };
}

function originName(origin: number): ExtendedError["origin"] {
  switch (origin) {
    case SO_EE_ORIGIN_ICMP:
      return "icmp";
    case SO_EE_ORIGIN_ICMP6:
      return "icmp6";
    case SO_EE_ORIGIN_LOCAL:
      return "local";
    default:
      return "other";
  }
}

function decodeOffender(bytes: Uint8Array): InetAddress | Inet6Address | undefined {
  const address = decodeSockaddr(bytes, SOCK_EXTENDED_ERR_SIZE);
  if (address === undefined || address.family === "unix") return undefined;
  if (address.family === "inet6" && /^::ffff:.*\./.test(address.address)) {
    return { family: "inet", address: address.address.slice(7), port: address.port };
  }
  return address;
}
