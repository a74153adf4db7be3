/**
 * `udp://`, `udp4://`, `udp6://`: Scalability Protocols over UDP, with the wire format of nng's experimental transport.
 *
 *     udp://127.0.0.1:5000    udp://[::1]:5000    udp://host:5000
 *     udp://*:5000            a listener on all addresses of the machine; port 0 is one that the kernel chooses
 *
 * A datagram is a header of eight bytes (see `datagram/header.ts`), and in DATA the message behind it. Whoever dials sends
 * CREQ every 200 ms until CACK comes, and then one in each interval that both have agreed on: the shorter one of their two,
 * 5 seconds here. Each is answered by CACK. Whoever hears nothing for five intervals takes the peer for gone. DISC ends a
 * connection, with a reason; data without a connection is answered by it.
 *
 * As UDP does it: messages may be lost, come twice, or in another order, and there is no flow control. `send` waits only
 * while the kernel's own buffer is full. Messages are at most 65,000 bytes; one that is larger than the peer accepts is
 * dropped by the sender and counted, as in nng, and one that is larger than was agreed ends the connection. Whoever can
 * send with a peer's address and port can speak for it: nothing is encrypted, and there are no sequence numbers.
 *
 * A listener has at most 1,024 peers. It needs one socket for all of them, a dialer has one of its own, which hears nobody
 * but its peer. Where the kernel can, it cuts and coalesces datagrams (UDP_SEGMENT and UDP_GRO of udp(7)).
 *
 * Not tried against nng, whose releases that Debian has (1.5) know no udp: the bytes are checked against nng's sources.
 *
 * @module
 */

import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { encodeSockaddr, formatSocketAddress, type SocketAddress } from "../../ffi/sockaddr.ts";
import { bind, connect, getsockname, setsockopt, socket } from "../../ffi/syscalls.ts";
import { shownAddress } from "../../qos/destination.ts";
import { requestPacketInfo } from "../../qos/packet_info.ts";
import { type Carriage, NO_PREFIX, type Peer } from "./datagram/carriage.ts";
import { DatagramDialing } from "./datagram/datagram_dialing.ts";
import { DatagramListening } from "./datagram/datagram_listening.ts";
import { HEADER_BYTES } from "./datagram/header.ts";
import { type IpAddress, isWildcard } from "./host.ts";
import { type Family, hostTransport } from "./host_transport.ts";
import { SourceControl } from "./datagram/source_control.ts";
import { register } from "./registry.ts";
import type { Transport } from "./transport.ts";

/** What UDP carries in an IPv4 packet (65,535 bytes less both headers), less ours. */
const MAX_MESSAGE_BYTES = 65507 - HEADER_BYTES;
/** The kernel doubles it, and bounds it by net.core.rmem_max: a burst has to fit until we look. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

function urlOf(address: SocketAddress): string {
  return `udp://${formatSocketAddress(shownAddress(address))}`;
}

function openSocket({ family }: IpAddress): Descriptor {
  const descriptor = Descriptor.adopt(socket(family === "inet" ? AF_INET : AF_INET6, SOCK_DGRAM), "udp socket");
  setsockopt(descriptor.fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
  return descriptor;
}

function openListening(address: IpAddress, family: Family): Carriage {
  const descriptor = openSocket(address);
  const { fd } = descriptor;
  try {
    if (address.family === "inet6") setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, family === "inet6" ? 1 : 0);
    // Who has several addresses must answer from the one that was asked.
    const source = isWildcard(address) ? new SourceControl(address.family) : undefined;
    if (source !== undefined) requestPacketInfo(fd, address.family, ["destination"]);
    bind(fd, address);
    return { ...carriageOf(descriptor), peerOf: (from, _bytes, control) => peerOf(from, source?.for(control)) };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

function openDialing(address: IpAddress): { carriage: Carriage; peer: Peer } {
  const descriptor = openSocket(address);
  try {
    connect(descriptor.fd, address);
    const carriage = { ...carriageOf(descriptor), url: urlOf(address) };
    return { carriage, peer: { ...peerOf(address, undefined), to: undefined } };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

function carriageOf(descriptor: Descriptor): Carriage {
  const localAddress = getsockname(descriptor.fd)!;
  return {
    descriptor,
    isUdp: true,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    localAddress,
    url: urlOf(localAddress),
    headerOffset: () => 0,
    keyOf: (from) => formatSocketAddress(from),
    peerOf: (from) => peerOf(from, undefined),
  };
}

function peerOf(address: SocketAddress, control: Uint8Array | undefined): Peer {
  return {
    key: formatSocketAddress(address),
    to: encodeSockaddr(address),
    control,
    prefix: NO_PREFIX,
    address: shownAddress(address),
    url: urlOf(address),
  };
}

/** The transport over UDP. */
export const udp: Transport = hostTransport("udp", {
  listen: (address, family, greeting, options, events) =>
    new DatagramListening(openListening(address, family), greeting, options, events),
  dial: (address, greeting, options, events) =>
    new DatagramDialing(() => openDialing(address), greeting, options, events),
});

register(udp);
