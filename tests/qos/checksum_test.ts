import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressError } from "../../common/errors.ts";
import { checksumSum, foldChecksum, internetChecksum, transportChecksum } from "../../qos/checksum.ts";
import { decodeIpHeader } from "../../qos/ip_header.ts";
import { test } from "../support/harness.ts";
import * as golden from "./golden_packets.ts";

/** RFC 1071 by the letter: the ones' complement of the ones' complement sum, carry by carry. */
function byTheLetter(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) {
    sum += bytes[index] * 256 + (bytes[index + 1] ?? 0);
    if (sum > 0xffff) sum = sum - 0x10000 + 1;
  }
  return 0xffff - sum;
}

test("the checksum of IPv4 headers, ICMP, ICMPv6 and TCP packets that others made comes out as 0", () => {
  for (const packet of [golden.UDP4, golden.SOURCE_ROUTED4, golden.FIRST_FRAGMENT4, golden.PORT_UNREACHABLE4]) {
    assert.equal(internetChecksum(packet.subarray(0, decodeIpHeader(packet)!.headerLength)), 0);
  }
  for (const packet of [golden.ECHO_REQUEST4, golden.ECHO_REPLY4, golden.TIME_EXCEEDED4_UDP]) {
    assert.equal(internetChecksum(packet.subarray(20)), 0);
  }
  const transport = [golden.SYN4, golden.RST4, golden.SYN6, golden.ECHO_REQUEST6, golden.TIME_EXCEEDED6_UDP];
  for (const packet of [...transport, golden.NEIGHBOR_ADVERTISEMENT6]) {
    const { source, destination, protocol, headerLength } = decodeIpHeader(packet)!;
    assert.equal(transportChecksum(source, destination, protocol!, packet.subarray(headerLength)), 0);
  }
});

test("the checksum is RFC 1071's for any bytes, also of odd length, and whichever way they are split", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(150), (bytes, words) => {
    const expected = byTheLetter(bytes);
    const at = Math.min(words * 2, bytes.length & ~1);

    assert.equal(internetChecksum(bytes), expected);
    assert.equal(foldChecksum(checksumSum(bytes.subarray(at), checksumSum(bytes.subarray(0, at)))), expected);
  }));
});

test("with the checksum in its place, the sum is 0", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 2, maxLength: 300 }), (bytes) => {
    bytes[0] = bytes[1] = 0;
    const checksum = internetChecksum(bytes);
    bytes.set([checksum >> 8, checksum & 0xff]);

    assert.equal(internetChecksum(bytes), 0);
  }));
});

test("the largest packet does not overflow the sum", () => {
  assert.equal(internetChecksum(new Uint8Array(1 << 20).fill(0xff)), 0);
  assert.equal(internetChecksum(new Uint8Array(0)), 0xffff);
});

test("addresses that are none, or of two families, are refused", () => {
  const packet = new Uint8Array(8);
  assert.throws(() => transportChecksum("192.0.2.1", "::1", 17, packet), AddressError);
  assert.throws(() => transportChecksum("localhost", "127.0.0.1", 17, packet), AddressError);
});
