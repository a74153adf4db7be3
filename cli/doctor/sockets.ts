/** Which other sockets can be opened, and whether messages pass through them. @module */

import {
  AF_INET,
  AF_INET6,
  close,
  IPPROTO_ICMP,
  MessageSocket,
  SOCK_DGRAM,
  SOCK_RAW,
  socket,
  type SocketAddress,
} from "@sockeye/sockeye/ffi";
import { attempt, type Topic } from "./finding.ts";

const LIMIT_MS = 2_000;
const PROBE: Uint8Array = new TextEncoder().encode("sockeye");

/** Unix datagrams, UDP, raw IP. */
export const socketsTopic: Topic = {
  title: "Sockets",
  async examine() {
    return [
      await attempt({
        name: "unixgram",
        title: "unix datagrams",
        run: unixgram,
        remedies: { otherwise: "allow unix sockets (seccomp, AppArmor or SELinux may forbid them)" },
      }),
      await attempt({
        name: "udp",
        title: "UDP over IPv4",
        run: () => udp(AF_INET, { family: "inet", address: "127.0.0.1", port: 0 }),
        remedies: { otherwise: "bring the loopback interface up: ip link set lo up" },
      }),
      await attempt({
        name: "udp6",
        title: "UDP over IPv6",
        run: () => udp(AF_INET6, { family: "inet6", address: "::1", port: 0 }),
        remedies: {
          EAFNOSUPPORT: "use a kernel with IPv6, booted without ipv6.disable=1",
          EADDRNOTAVAIL: "turn IPv6 on: sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0",
          otherwise: "bring the loopback interface up: ip link set lo up",
        },
      }),
      await attempt({
        name: "raw-ip",
        title: "raw IP",
        run: rawIp,
        remedies: {
          otherwise:
            "run as root, or with the capability CAP_NET_RAW (setcap cap_net_raw+ep on the runtime's executable)",
        },
      }),
    ];
  },
};

async function unixgram(): Promise<string> {
  const [left, right] = MessageSocket.pair();
  try {
    await left.send(PROBE, { timeout: LIMIT_MS });
    await right.receive({ timeout: LIMIT_MS });
    return "a message passed";
  } finally {
    left.close();
    right.close();
  }
}

async function udp(domain: number, local: SocketAddress): Promise<string> {
  const self = MessageSocket.open(domain, SOCK_DGRAM);
  try {
    self.bind(local);
    await self.send(PROBE, { to: self.localAddress(), timeout: LIMIT_MS });
    await self.receive({ timeout: LIMIT_MS });
    return "a message passed on the loopback interface";
  } finally {
    self.close();
  }
}

function rawIp(): string {
  close(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  return "sockets can be opened";
}
