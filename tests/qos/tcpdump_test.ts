/**
 * Packets that the codecs made, as tcpdump understands them: it verifies their checksums and names their fields.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IcmpExtension } from "../../qos/icmp/extensions.ts";
import { encodeIcmpMessage } from "../../qos/icmp/message.ts";
import { encodeIpv4Header, encodeIpv6Header, ipv6FragmentHeader } from "../../qos/ip_header.ts";
import { encodeTcpSegment, encodeUdpDatagram, TCP_FLAG } from "../../qos/transport_header.ts";
import { fromHex } from "../ffi/guarded.ts";
import { test } from "../support/harness.ts";

const ADDRESSES = { source: "192.0.2.1", destination: "198.51.100.9" };
const ADDRESSES6 = { source: "2001:db8::1", destination: "2001:db8::9" };
const PORTS = { sourcePort: 50000, destinationPort: 33434 };

function hasTcpdump(): boolean {
  try {
    execFileSync("tcpdump", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const skip = hasTcpdump() ? undefined : "no tcpdump: install tcpdump";

/** A capture file of packets that begin with their IP header: pcap-savefile(5), link type 101. */
function capture(packets: readonly Uint8Array[]): Uint8Array {
  const little32 = (value: number) => [value & 0xff, value >> 8 & 0xff, value >> 16 & 0xff, value >>> 24];
  const header = [...fromHex("d4c3b2a102000400"), ...little32(0), ...little32(0), ...little32(65536), ...little32(101)];
  const records = packets.flatMap((packet) => {
    const length = little32(packet.length);
    return [...little32(0), ...little32(0), ...length, ...length, ...packet];
  });
  return Uint8Array.from([...header, ...records]);
}

/** What tcpdump says of a packet, in one line. */
function described(packet: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-tcpdump-"));
  try {
    const path = join(folder, "packets");
    writeFileSync(path, capture([packet]));
    const text = execFileSync("tcpdump", ["-nn", "-t", "-vvv", "-r", path], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.replaceAll(/\s+/g, " ");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function inet(protocol: number, payload: Uint8Array, fields: { tos?: number; ttl?: number } = {}): Uint8Array {
  const header = encodeIpv4Header({
    ...fields,
    ...ADDRESSES,
    id: 77,
    dontFragment: true,
    protocol,
    payloadLength: payload.length,
  });
  return Uint8Array.of(...header, ...payload);
}

function inet6(protocol: number, payload: Uint8Array): Uint8Array {
  const header = encodeIpv6Header({
    ...ADDRESSES6,
    tos: 0xb8,
    ttl: 3,
    flowLabel: 0xabcde,
    protocol,
    payloadLength: payload.length,
  });
  return Uint8Array.of(...header, ...payload);
}

test("tcpdump reads UDP datagrams and their IP headers as they were meant", () => {
  const udp = described(inet(17, encodeUdpDatagram(PORTS, new Uint8Array(32), ADDRESSES), { tos: 0xb8, ttl: 3 }));
  const udp6 = described(inet6(17, encodeUdpDatagram(PORTS, new Uint8Array(31), ADDRESSES6)));

  assert.match(udp, /tos 0xb8, ttl 3, id 77, offset 0, flags \[DF\], proto UDP \(17\), length 60\)/);
  assert.match(udp, /192\.0\.2\.1\.50000 > 198\.51\.100\.9\.33434: \[udp sum ok\] UDP, length 32/);
  assert.doesNotMatch(udp, /bad cksum/);
  assert.match(udp6, /class 0xb8, flowlabel 0xabcde, hlim 3, next-header UDP \(17\) payload length: 39/);
  assert.match(udp6, /\[udp sum ok\] UDP, length 31/);
}, { skip });

test("tcpdump reads SYN segments as they were meant", () => {
  const header = {
    sourcePort: 50000,
    destinationPort: 443,
    sequenceNumber: 4000000000,
    flags: TCP_FLAG.SYN | TCP_FLAG.ECE | TCP_FLAG.CWR,
    options: {
      maximumSegmentSize: 1460,
      sackPermitted: true,
      timestamps: { value: 4000000000, echo: 0 },
      windowScale: 7,
    },
  };
  const syn = described(inet(6, encodeTcpSegment(header, new Uint8Array(0), ADDRESSES)));
  const syn6 = described(inet6(6, encodeTcpSegment(header, new Uint8Array(0), ADDRESSES6)));

  for (const text of [syn, syn6]) {
    assert.match(text, /Flags \[SEW\], cksum 0x[0-9a-f]+ \(correct\), seq 4000000000, win 65535,/);
    assert.match(text, /options \[mss 1460,sackOK,TS val 4000000000 ecr 0,nop,wscale 7\]/);
  }
}, { skip });

test("tcpdump reads echo requests as they were meant", () => {
  const echo = { kind: "echo-request", identifier: 7, sequence: 6, data: new Uint8Array(16) } as const;
  const icmp = described(inet(1, encodeIcmpMessage({ ...echo, version: "icmp" })));
  const icmp6 = described(inet6(58, encodeIcmpMessage({ ...echo, version: "icmp6" }, ADDRESSES6)));

  assert.match(icmp, /ICMP echo request, id 7, seq 6, length 24/);
  assert.doesNotMatch(icmp, /wrong icmp cksum/);
  assert.match(icmp6, /\[icmp6 sum ok\] ICMP6, echo request, id 7, seq 6/);
}, { skip });

test("tcpdump reads errors with their extensions as they were meant", () => {
  const original = inet(17, encodeUdpDatagram(PORTS, new Uint8Array(32), ADDRESSES), { ttl: 1 });
  const extensions: IcmpExtension[] = [
    {
      kind: "mpls",
      classNumber: 1,
      classType: 1,
      labels: [{ label: 24001, trafficClass: 5, isBottom: true, ttl: 1 }],
    },
    { kind: "interface", classNumber: 2, classType: 0x0a, role: "incoming", ifIndex: 7, name: "eth0" },
    { kind: "unknown", classNumber: 247, classType: 3, data: Uint8Array.of(1, 2, 3, 4) },
  ];
  const error = { kind: "error", original, extensions } as const;
  const icmp = described(inet(1, encodeIcmpMessage({ ...error, version: "icmp", type: 11, code: 0 })));
  const tooBig = { kind: "error", version: "icmp6", type: 2, code: 0, mtu: 1300, original, extensions: [] } as const;
  const icmp6 = described(inet6(58, encodeIcmpMessage(tooBig, ADDRESSES6)));

  assert.match(icmp, /ICMP time exceeded in-transit/);
  assert.match(icmp, /192\.0\.2\.1\.50000 > 198\.51\.100\.9\.33434/);
  assert.match(icmp, /ICMP Multi-Part extension v2, checksum 0x[0-9a-f]+ \(correct\), length 36/);
  assert.match(icmp, /MPLS Stack Entry Object \(1\), Class-Type: 1, length 8 label 24001, (tc|exp) 5, (\[S\], )?ttl 1/);
  assert.match(icmp, /Object \(2\), Class-Type: 10, length 16 0x0000: 0000 0007 0865 7468 3000 0000/);
  assert.match(icmp, /unknown Object \(247\), Class-Type: 3, length 8 0x0000: 0102 0304/);
  assert.match(icmp6, /\[icmp6 sum ok\] ICMP6, packet too big, mtu 1300/);
}, { skip });

test("tcpdump reads extension headers and fragments as they were meant", () => {
  const extensionHeaders = [
    { protocol: 0, bytes: fromHex("0000010400000000") },
    ipv6FragmentHeader({ id: 0x1234, fragmentOffset: 1448, moreFragments: true }),
  ];
  const header = encodeIpv6Header({ ...ADDRESSES6, protocol: 17, payloadLength: 8, extensionHeaders });
  const fragment = described(Uint8Array.of(...header, ...new Uint8Array(8)));

  assert.match(fragment, /next-header Options \(0\) payload length: 24/);
  assert.match(fragment, /HBH \(padn\) frag \(0x00001234:1448\|8\)/);
}, { skip });
