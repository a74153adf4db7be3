/**
 * The checksum of IP, ICMP, UDP and TCP: the ones' complement of the ones' complement sum of 16-bit words, RFC 1071.
 *
 * @module
 */

import { AddressError } from "../common/errors.ts";
import { parseIPv4, parseIPv6 } from "../ffi/ip.ts";

/**
 * Adds bytes to a sum of 16-bit words in network order; an odd last byte counts as the upper half of a word.
 *
 * @param bytes The bytes.
 * @param sum What to add to: the sum of an even number of bytes before. @default {0}
 * @returns The sum, below 2^48; {@linkcode foldChecksum} makes the checksum of it.
 */
export function checksumSum(bytes: Uint8Array, sum = 0): number {
  const even = bytes.length & ~1;
  for (let index = 0; index < even; index += 2) sum += bytes[index] << 8 | bytes[index + 1];
  return bytes.length === even ? sum : sum + (bytes[even] << 8);
}

/**
 * The checksum that a sum of words makes.
 *
 * @param sum From {@linkcode checksumSum}.
 * @returns 0 to 0xffff.
 */
export function foldChecksum(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/**
 * The Internet checksum of bytes, RFC 1071.
 *
 * Over bytes in which a right checksum stands already, the result is 0.
 *
 * @param bytes The bytes, with zeros where the checksum goes.
 * @returns The checksum, 0 to 0xffff.
 *
 * @example The example of RFC 1071, section 3
 * ```ts
 * import { internetChecksum } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
 * assert.equal(internetChecksum(bytes), ~0xddf2 & 0xffff);
 * ```
 */
export function internetChecksum(bytes: Uint8Array): number {
  return foldChecksum(checksumSum(bytes));
}

/**
 * The checksum of a packet over IP, with the pseudo header of RFC 768, RFC 9293 (IPv4) or RFC 8200 section 8.1 (IPv6).
 *
 * UDP over IPv4 sends 0xffff for a result of 0, since 0 says there that no checksum was computed (RFC 768); over IPv6 it
 * must (RFC 8200). That is for the caller to do.
 *
 * @param source The packet's source address, numeric.
 * @param destination Its destination address, of the same family.
 * @param protocol The protocol number: 6 TCP, 17 UDP, 58 ICMPv6. ICMP over IPv4 has no pseudo header.
 * @param packet The packet, from the transport header on, with zeros where the checksum goes.
 * @returns The checksum, 0 to 0xffff.
 * @throws {AddressError} if the addresses are malformed, or of two families.
 *
 * @example
 * ```ts
 * import { transportChecksum } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const packet = Uint8Array.of(0x10, 0x00, 0x20, 0x00, 0, 9, 0, 0, 0x61); // UDP, port 4096 to 8192, "a"
 * const checksum = transportChecksum("127.0.0.1", "127.0.0.1", 17, packet);
 * packet.set([checksum >> 8, checksum & 0xff], 6);
 * assert.equal(transportChecksum("127.0.0.1", "127.0.0.1", 17, packet), 0);
 * ```
 */
export function transportChecksum(source: string, destination: string, protocol: number, packet: Uint8Array): number {
  const from = parseIPv4(source) ?? parseIPv6(source);
  const to = parseIPv4(destination) ?? parseIPv6(destination);
  if (from === undefined || to === undefined || from.length !== to.length) {
    throw new AddressError(
      `${JSON.stringify(source)} and ${JSON.stringify(destination)} are not two numeric addresses of one family`,
    );
  }
  // The length is 16 bits on IPv4 and 32 on IPv6, the protocol 8 or 32: in the sum of words that is the same.
  const length = (packet.length >>> 16) + (packet.length & 0xffff);
  return foldChecksum(checksumSum(packet, checksumSum(to, checksumSum(from, protocol + length))));
}
