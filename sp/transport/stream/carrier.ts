/**
 * What listening and dialing need to know of the transport that they are done for.
 *
 * @module
 */

import { ProtocolError, type SockeyeError, SystemError } from "../../../common/errors.ts";
import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import { wrongPattern } from "../refusal.ts";
import { decodeGreeting, type FrameFormat } from "./frame_format.ts";
import type { Greeting, TransportOptions } from "../transport.ts";

/** A transport over streams: TCP, or unix sockets. */
export interface Carrier {
  /** The frames. */
  readonly format: FrameFormat;
  /** The URL of an address, for people. */
  urlOf(address: SocketAddress): string;
}

/** One listener, or one attempt to connect. */
export interface Endpoint {
  readonly carrier: Carrier;
  /** Where to listen, or to connect to. */
  readonly address: SocketAddress;
  readonly greeting: Greeting;
  readonly options: TransportOptions;
  /** Whether a listener at `::` leaves IPv4 alone. */
  readonly ipv6Only?: boolean;
}

/** An address as people see it: IPv4 where a listener on all addresses has it mapped into IPv6, RFC 4291 section 2.5.5.2. */
export function shownAddress(address: SocketAddress | undefined): SocketAddress | undefined {
  if (address?.family !== "inet6" || !/^::ffff:.*\./.test(address.address)) return address;
  return { family: "inet", address: address.address.slice("::ffff:".length), port: address.port };
}

/**
 * Checks that the peer's greeting is that of the pattern that belongs to ours.
 *
 * @throws {ProtocolError} If it is not.
 */
export function checkGreeting(bytes: Uint8Array, greeting: Greeting, url: string): void {
  let protocol;
  try {
    protocol = decodeGreeting(bytes);
  } catch (error) {
    throw new ProtocolError(`${url}: ${(error as Error).message}`, { cause: error });
  }
  if (protocol !== greeting.peer) throw wrongPattern(url, protocol, greeting);
}

/** An error of read(2) or sendmsg(2), which knows of no address, with that of the peer. */
export function aboutPeer(error: SockeyeError, url: string): SockeyeError {
  if (!(error instanceof SystemError) || error.address !== undefined) return error;
  const { code, errno, syscall, message } = error;
  return new SystemError(`${url}: ${message}`, { code, errno, syscall, address: url }, { cause: error });
}

/** The peer went before it had greeted. */
export function goneBeforeGreeting(url: string): ProtocolError {
  return new ProtocolError(
    `${url}: the peer closed the connection before it had greeted; it may not speak the Scalability Protocols, ` +
      "or not want this pattern",
  );
}
