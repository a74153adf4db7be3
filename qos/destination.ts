/**
 * Where packets go: addresses as users write them, checked, and encoded as the socket's kernel side wants them.
 *
 * It knows text forms and families. It looks nothing up: host names are for `resolve`.
 *
 * @module
 */

import { AddressError, ArgumentError } from "../common/errors.ts";
import { formatIPv4 } from "../ffi/ip.ts";
import type { SendOptions as MessageOptions } from "../ffi/message.ts";
import { numericAddress } from "../ffi/resolve.ts";
import {
  encodeSockaddr,
  type Inet6Address,
  type InetAddress,
  SOCKADDR_IN6,
  type SocketAddress,
  type UnixAddress,
} from "../ffi/sockaddr.ts";

/**
 * Where a packet goes: a numeric address as text, or an address object, such as the `from` of a datagram.
 *
 * UDP wants a port (`"192.0.2.1:53"`, `"[2001:db8::1]:53"`, `"[fe80::1%eth0]:53"`), raw IP has none (`"192.0.2.1"`,
 * `"fe80::1%eth0"`), unix sockets have a path, or `@` and an abstract name. Host names are looked up with `resolve` of
 * `@sockeye/sockeye/ffi`.
 */
export type Destination = string | SocketAddress;

/** A destination that is known to be sound. */
export interface Target {
  /** The address as users see it: IPv4 also where the socket is a dual-stack one. */
  readonly address: SocketAddress;
  /** Of which family its packets are. */
  readonly family: "inet" | "inet6" | "unix";
  /** What `MessageSocket` wants for a message that has nothing but this destination. */
  readonly bare: MessageOptions;
}

/** Text forms that are remembered; beyond that all are forgotten. */
const MAX_REMEMBERED = 4096;

/** Reads destinations, and remembers those that it will probably see again: texts, and addresses that can't change. */
export class DestinationTable {
  readonly #read: (destination: Destination, argument: string) => Target;
  readonly #texts = new Map<string, Target>();
  readonly #frozen = new WeakMap<SocketAddress, Target>();
  #last: Destination | undefined;
  #lastTarget: Target | undefined;

  /** @param read Reads a destination for the first time. */
  constructor(read: (destination: Destination, argument: string) => Target) {
    this.#read = read;
  }

  /**
   * What a destination stands for.
   *
   * @param argument What to call it in errors.
   * @throws {AddressError} When it can't be understood.
   * @throws {ArgumentError} When a socket of this kind can't send there.
   */
  find(destination: Destination, argument: string): Target {
    if (destination === this.#last) return this.#lastTarget!;
    const isText = typeof destination === "string";
    // Of a link-local address: its interface may be another one the next time.
    if (isText && destination.includes("%")) return this.#read(destination, argument);
    let target = isText ? this.#texts.get(destination) : this.#frozen.get(destination);
    if (target === undefined) {
      target = this.#read(destination, argument);
      if (isText) {
        if (this.#texts.size >= MAX_REMEMBERED) this.#texts.clear();
        this.#texts.set(destination, target);
      } else if (Object.isFrozen(destination)) this.#frozen.set(destination, target);
      else return target;
    }
    this.#last = destination;
    this.#lastTarget = target;
    return target;
  }
}

/** What of an IP socket decides where it can send. */
export interface IpSocketSide {
  /** The socket's family. */
  readonly family: "inet" | "inet6";
  /** Whether an IPv6 socket carries IPv4 as well. */
  readonly isDualStack: boolean;
  /** Whether its addresses have ports. */
  readonly hasPorts: boolean;
}

/** Reads a destination of an IP socket. */
export function ipTarget(socket: IpSocketSide, destination: Destination, argument: string): Target {
  const address = unmapped(ipAddress(destination, socket.hasPorts, argument));
  if (socket.hasPorts && address.port === 0) throw new ArgumentError(argument, "needs a port from 1 to 65535, got 0");
  return Object.freeze({
    address,
    family: address.family,
    bare: Object.freeze({ to: encodedFor(socket, address, argument) }),
  });
}

/** The sockaddr of an address for a socket: on a dual-stack socket IPv4 is mapped into IPv6, RFC 3493 section 3.7. */
export function encodedFor(socket: IpSocketSide, address: InetAddress | Inet6Address, argument: string): Uint8Array {
  if (address.family === socket.family) return encodeSockaddr(address);
  if (address.family === "inet6") {
    throw new ArgumentError(argument, `is IPv6 (${address.address}), and the socket IPv4: open one for IPv6`);
  }
  if (!socket.isDualStack) {
    throw new ArgumentError(
      argument,
      `is IPv4 (${address.address}), and the socket IPv6 only: open one for IPv4, or for both`,
    );
  }
  // Encoded once as what it is, so that a malformed one isn't taken for a malformed IPv6 address.
  encodeSockaddr(address);
  return encodeSockaddr({ family: "inet6", address: `::ffff:${address.address}`, port: address.port });
}

/** The IP address that a user wrote; port 0 where there are no ports. */
export function ipAddress(address: Destination, hasPort: boolean, argument: string): InetAddress | Inet6Address {
  if (typeof address === "string") return parseIpAddress(address, hasPort);
  if (address?.family !== "inet" && address?.family !== "inet6") {
    throw new ArgumentError(
      argument,
      `must be an IP address, as text or as an object with family "inet" or "inet6", got ${shown(address)}`,
    );
  }
  return hasPort || address.port === 0 ? address : { ...address, port: 0 };
}

function parseIpAddress(text: string, hasPort: boolean): InetAddress | Inet6Address {
  const parts = hasPort ? splitPort(text) : { host: withoutBrackets(text), port: 0 };
  const address = parts && numericAddress(parts.host, parts.port);
  if (address !== undefined) return Object.freeze(address);
  const forms = hasPort ? "192.0.2.1:53 or [2001:db8::1]:53" : "192.0.2.1 or 2001:db8::1";
  throw new AddressError(
    `${JSON.stringify(text.slice(0, 120))} is not a numeric address${hasPort ? " with a port" : ""}: write ${forms}; ` +
      "a host name is looked up with `resolve` of @sockeye/sockeye/ffi first",
  );
}

/** Host and port of `192.0.2.1:53` or `[2001:db8::1%eth0]:53`. */
function splitPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]*:[^\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65535) return undefined;
  return { host: match[1] ?? match[2], port: Number(match[3]) };
}

function withoutBrackets(text: string): string {
  return text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
}

/** Whether a sockaddr_in6 holds an IPv4 address. */
function isMapped(sockaddr: Uint8Array): boolean {
  const start = SOCKADDR_IN6.sin6_addr;
  for (let index = 0; index < 10; index++) {
    if (sockaddr[start + index] !== 0) return false;
  }
  return sockaddr[start + 10] === 0xff && sockaddr[start + 11] === 0xff;
}

/** An IPv4 address that is written as an IPv6 one as what it is. */
function unmapped(address: InetAddress | Inet6Address): InetAddress | Inet6Address {
  if (address.family === "inet") return address;
  const bytes = encodeSockaddr(address);
  if (!isMapped(bytes)) return address;
  return Object.freeze({
    family: "inet",
    address: formatIPv4(bytes, SOCKADDR_IN6.sin6_addr + 12),
    port: address.port,
  });
}

const MAPPED_PREFIX = "::ffff:";

/**
 * An address that came from the kernel, as users see it: IPv4 where it is mapped into IPv6. The text is canonical, so that
 * its prefix tells.
 */
export function shownAddress<Address extends SocketAddress>(address: Address): Address | InetAddress {
  if (address.family !== "inet6") return address;
  const { address: text, port } = address as Inet6Address;
  if (!text.startsWith(MAPPED_PREFIX) || !text.includes(".")) return address;
  return Object.freeze({ family: "inet", address: text.slice(MAPPED_PREFIX.length), port });
}

/** Reads a destination of a unix socket. */
export function unixTarget(destination: Destination, argument: string): Target {
  const address = unixAddress(destination, argument);
  if ("unnamed" in address) {
    throw new ArgumentError(argument, "has no name, so nothing can be sent there; the peer has to bind its socket");
  }
  return Object.freeze({ address, family: "unix", bare: Object.freeze({ to: encodeSockaddr(address) }) });
}

/** The unix address that a user wrote: a path, or `@` and an abstract name. */
export function unixAddress(address: Destination, argument: string): UnixAddress {
  if (typeof address === "string") {
    return Object.freeze(
      address.startsWith("@") ? { family: "unix", abstract: address.slice(1) } : { family: "unix", path: address },
    );
  }
  if (address?.family === "unix") return address;
  throw new ArgumentError(
    argument,
    `must be a path, an abstract name like "@name", or an object with family "unix", got ${shown(address)}`,
  );
}

function shown(address: unknown): string {
  const family = (address as { family?: unknown } | null | undefined)?.family;
  return family === undefined ? String(address) : `one with family ${JSON.stringify(family)}`;
}
