/** Whether packets can have options of their own, and errors find back to them. @module */

import {
  AF_INET,
  AF_INET6,
  close,
  IPPROTO_ICMPV6,
  IPPROTO_UDP,
  setsockopt,
  SOCK_DGRAM,
  SOCK_RAW,
  socket,
  UDP_GRO,
  UDP_SEGMENT,
} from "@sockeye/sockeye/ffi";
import { UdpSocket } from "@sockeye/sockeye/qos";
import { attempt, type Finding, type Topic } from "./finding.ts";
import { readSysctl } from "./proc.ts";

const LIMIT_MS = 2_000;
const PROBE: Uint8Array = new TextEncoder().encode("sockeye");

/** What no packet has by itself. */
const OPTIONS = { ttl: 7, dscp: "EF", ecn: "ECT(0)" } as const;

/** A port that no server uses: it is reserved, RFC 6335 section 6. */
const CLOSED_PORT = 1;

const LOOPBACK_UP = "bring the loopback interface up: ip link set lo up";
const NO_IPV6 = {
  EAFNOSUPPORT: "use a kernel with IPv6, booted without ipv6.disable=1",
  EADDRNOTAVAIL: "turn IPv6 on: sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0",
};

/** TTL and TOS, ICMP errors, raw IPv6, batches of UDP, path MTU discovery. */
export const packetsTopic: Topic = {
  title: "Per-packet control",
  async examine() {
    return [
      await attempt({
        name: "packet-options",
        title: "TTL, DSCP and ECN",
        run: () => options("127.0.0.1:0"),
        remedies: { otherwise: LOOPBACK_UP },
      }),
      await attempt({
        name: "packet-options6",
        title: "the same on IPv6",
        run: () => options("[::1]:0"),
        remedies: { ...NO_IPV6, otherwise: LOOPBACK_UP },
      }),
      await attempt({
        name: "icmp-errors",
        title: "ICMP errors",
        run: () => errors("127.0.0.1"),
        remedies: { otherwise: "let a firewall pass ICMP on the loopback interface, or turn it off to try" },
      }),
      await attempt({
        name: "icmp-errors6",
        title: "ICMPv6 errors",
        run: () => errors("[::1]"),
        remedies: { ...NO_IPV6, otherwise: "let a firewall pass ICMPv6 on the loopback interface" },
      }),
      await attempt({
        name: "raw-ip6",
        title: "raw IPv6",
        run: rawIPv6,
        remedies: {
          ...NO_IPV6,
          otherwise:
            "run as root, or with the capability CAP_NET_RAW (setcap cap_net_raw+ep on the runtime's executable)",
        },
      }),
      await attempt({
        name: "udp-segmentation",
        title: "UDP segmentation",
        run: () => option(UDP_SEGMENT, 0, "batches of equal size cost one packet's work"),
        remedies: { otherwise: "use Linux 4.18 or later; without it datagrams of a batch are sent one by one" },
      }),
      await attempt({
        name: "udp-coalescing",
        title: "UDP coalescing",
        run: () => option(UDP_GRO, 1, "datagrams that come together are taken together"),
        remedies: { otherwise: "use Linux 5.0 or later; without it datagrams are received one by one" },
      }),
      pathMtuDiscovery(),
    ];
  },
};

/** Sends to itself, and looks at what has come. */
async function options(address: string): Promise<string> {
  const self = UdpSocket.bind(address, { info: ["ttl", "tos"] });
  try {
    await self.send(PROBE, self.localAddress(), { ...OPTIONS, timeout: LIMIT_MS });
    const { ttl, tos } = await self.receive({ timeout: LIMIT_MS });
    if (ttl !== OPTIONS.ttl || tos !== 0xba) throw new Error(`a packet arrived with TTL ${ttl} and TOS ${tos}`);
    return "a packet had its own, and its receiver was told";
  } finally {
    self.close();
  }
}

async function errors(host: string): Promise<string> {
  const self = UdpSocket.bind(`${host}:0`);
  try {
    await self.send(PROBE, `${host}:${CLOSED_PORT}`, { label: PROBE, timeout: LIMIT_MS });
    const arrival = await self.receive({ errors: true, timeout: LIMIT_MS });
    if (arrival.kind !== "error" || arrival.label !== PROBE) throw new Error("something else came");
    return "an error came back to the packet that caused it";
  } finally {
    self.close();
  }
}

function rawIPv6(): string {
  close(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  return "sockets can be opened";
}

/** Whether a socket takes an option of udp(7). */
function option(name: number, value: number, gain: string): string {
  const fd = socket(AF_INET, SOCK_DGRAM);
  try {
    setsockopt(fd, IPPROTO_UDP, name, value);
  } finally {
    close(fd);
  }
  return gain;
}

function pathMtuDiscovery(): Finding {
  const parameter = "net.ipv4.ip_no_pmtu_disc";
  const base = { name: parameter, title: "path MTU discovery" };
  const found = readSysctl(parameter);
  if (found === undefined || "problem" in found) {
    const detail = found === undefined ? `there is no ${parameter}` : found.problem;
    return { ...base, status: "unknown", detail, remedy: `read it: sysctl ${parameter}` };
  }
  const detail = `${parameter} = ${found.text}`;
  return found.text === "0" ? { ...base, status: "ok", detail } : {
    ...base,
    status: "off",
    detail,
    remedy: `as root: sysctl -w ${parameter}=0; for one packet: the option dontFragment`,
  };
}
