/**
 * The kinds of packet sockets, each opened in the same way, so that one suite claims the same of all.
 *
 * @module
 */

import type { SystemError } from "@sockeye/sockeye";
import {
  type Inet6Address,
  type InetAddress,
  type PacketSocket,
  type PacketSocketOptions,
  RawIpSocket,
  UdpSocket,
  UnixDatagramSocket,
} from "@sockeye/sockeye/qos";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "../../support/harness.ts";

/** One kind of socket, over one family. */
export interface Kind {
  readonly name: string;
  /** What its packets are. */
  readonly family: "inet" | "inet6" | "unix";
  /** Opens a socket that has an address of its own. */
  readonly open: (options?: PacketSocketOptions) => PacketSocket;
  /** The address of a socket as people write it; `peer` is whoever sends there. */
  readonly text: (socket: PacketSocket) => string;
  /** All sockets of the kind have one address, so that each also hears what it sends itself. */
  readonly hearsItself?: boolean;
  /** Why it can't be tested here. */
  readonly skip?: string;
}

const hasIPv6 = Object.values(networkInterfaces()).flat().some((address) => address?.family === "IPv6");
/** Why IPv6 can't be tested here. */
export const withoutIPv6 = hasIPv6 ? undefined : "this machine has no IPv6";
/** Why raw sockets can't be tested here. */
export const withoutRaw = canOpenRaw() ? undefined : "raw sockets need CAP_NET_RAW";

function canOpenRaw(): boolean {
  try {
    RawIpSocket.open({ protocol: 253 }).close();
    return true;
  } catch {
    return false;
  }
}

/** As many processes may run such tests at a time on one machine. */
const SHARES = 33;

/** The number of this process among them. A name that is taken tells the others, and goes with the process. */
const [share, name] = takeShare();

function takeShare(): [number, UnixDatagramSocket] {
  for (let number = 0; number < SHARES; number++) {
    try {
      return [number, UnixDatagramSocket.bind(`@sockeye-tests-qos-${number}`)];
    } catch (error) {
      if ((error as SystemError).code !== "EADDRINUSE") throw error;
    }
  }
  throw new Error(`${SHARES} processes test raw sockets on this machine already`);
}

/**
 * A protocol number that nobody uses, as are the two that follow: 144 to 252 are unassigned. A raw socket hears everything
 * of its protocol that comes to its address.
 */
export const PROTOCOL = 148 + 3 * share;

/** Where the sockets of this process have their files. */
export const folder = mkdtempSync(join(tmpdir(), "sockeye-qos-"));
const removeFolder = () => {
  name.close();
  rmSync(folder, { recursive: true, force: true });
};
process.on("exit", removeFolder);
// This is how Deno ends a file of tests; Node hasn't it.
globalThis.addEventListener?.("unload", removeFolder);

let addresses = 0;

/** An address of the loopback net that no other socket has: RFC 1122 section 3.2.1.3 (g). */
export function loopbackAddress(): string {
  addresses++;
  return `127.${32 + share}.${addresses >> 8 & 255}.${addresses & 255}`;
}

/** The port of a bound UDP socket. */
export const portOf = (socket: PacketSocket): number => (socket.localAddress() as InetAddress | Inet6Address).port;
const hostOf = (socket: PacketSocket): string => (socket.localAddress() as InetAddress).address;

export const udp4: Kind = {
  name: "UDP over IPv4",
  family: "inet",
  open: (options) => UdpSocket.bind("127.0.0.1:0", options),
  text: (socket) => `127.0.0.1:${portOf(socket)}`,
};
export const udp6: Kind = {
  name: "UDP over IPv6",
  family: "inet6",
  open: (options) => UdpSocket.bind("[::1]:0", { family: "inet6", ...options }),
  text: (socket) => `[::1]:${portOf(socket)}`,
  skip: withoutIPv6,
};
export const dualStack4: Kind = {
  name: "dual-stack UDP, IPv4",
  family: "inet",
  open: (options) => UdpSocket.bind(undefined, options),
  text: (socket) => `127.0.0.1:${portOf(socket)}`,
  skip: withoutIPv6,
};
export const dualStack6: Kind = {
  name: "dual-stack UDP, IPv6",
  family: "inet6",
  open: (options) => UdpSocket.bind(undefined, options),
  text: (socket) => `[::1]:${portOf(socket)}`,
  skip: withoutIPv6,
};
export const unixPath: Kind = {
  name: "unix, by path",
  family: "unix",
  open: (options) => UnixDatagramSocket.bind(join(folder, randomUUID()), options),
  text: (socket) => (socket.localAddress() as { path: string }).path,
};
export const unixAbstract: Kind = {
  name: "unix, abstract",
  family: "unix",
  open: (options) => UnixDatagramSocket.bind(`@${randomUUID()}`, options),
  text: (socket) => `@${(socket.localAddress() as { abstract: string }).abstract}`,
};
export const unixAutobound: Kind = {
  name: "unix, autobound",
  family: "unix",
  open: (options) => UnixDatagramSocket.bind(undefined, options),
  text: (socket) => `@${(socket.localAddress() as { abstract: string }).abstract}`,
};
export const raw4: Kind = {
  name: "raw IPv4",
  family: "inet",
  open: (options) => RawIpSocket.open({ protocol: PROTOCOL, bind: loopbackAddress(), ...options }),
  text: hostOf,
  skip: withoutRaw,
};
export const raw6: Kind = {
  name: "raw IPv6",
  family: "inet6",
  open: (options) => RawIpSocket.open({ protocol: PROTOCOL, bind: "::1", ...options }),
  text: hostOf,
  hearsItself: true,
  skip: withoutRaw ?? withoutIPv6,
};

/** The kinds whose packets have a header with options. */
export const ipKinds: readonly Kind[] = [udp4, udp6, dualStack4, dualStack6, raw4, raw6];
/** All kinds. */
export const kinds: readonly Kind[] = [...ipKinds, unixPath, unixAbstract, unixAutobound];

/** Registers a claim for each kind. */
export function forEachKind(
  of: readonly Kind[],
  claim: string,
  fn: (kind: Kind) => void | Promise<void>,
  options: { timeoutMs?: number } = {},
): void {
  for (const kind of of) test(`${kind.name}: ${claim}`, () => fn(kind), { skip: kind.skip, ...options });
}

/** The bytes of a text. */
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The longest wait of a test, for what must happen. */
export const SOON = { timeout: 30_000 };
