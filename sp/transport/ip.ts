/**
 * `ip://`: Scalability Protocols in packets of an IP protocol of their own, without UDP or TCP. The wire format is ours.
 *
 *     ip://127.0.0.1:7    ip://[::1]:7    ip://host:7    a channel, 1 to 65535, behind the address
 *     ip://*:7, ip://[::]:7                              a listener on all IPv4 or all IPv6 addresses of the machine
 *     ip://127.0.0.1:0                                   a listener on a channel that is free
 *     ip://127.0.0.1:7?protocol=254                      another IP protocol than 253
 *
 * 253 and 254 are the protocol numbers for experiments (RFC 3692). Behind the IP header come four bytes, two channels of 16 bits
 * in network order: the sender's and the receiver's, which are what ports are in UDP. Behind them a datagram is as in `udp`:
 * the header of eight bytes, and in DATA the message; requests, refreshes, ends and limits are the same. There is no checksum but
 * the link's and IPv4's own for its header.
 *
 *     0                 2                 4                                     12
 *     +-----------------+-----------------+-------------------------------------+---------
 *     | sender's channel| receiver's      | header, as in udp                   | message
 *     +-----------------+-----------------+-------------------------------------+---------
 *
 * A raw socket hears all packets of its protocol; a filter in the kernel (classic BPF) leaves those of the channel, and for a
 * dialer those of its peer. Two programs of a machine can't have the same channel. Raw sockets take the capability
 * CAP_NET_RAW, on both sides. Routers and firewalls outside of one's own network mostly drop such packets.
 *
 * @module
 */

import { AddressError, SystemError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import { AF_INET, AF_INET6, SO_RCVBUF, SOCK_RAW, SOL_SOCKET } from "../../ffi/constants.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { encodeSockaddr, formatSocketAddress, type SocketAddress } from "../../ffi/sockaddr.ts";
import { bind, connect, getsockname, setsockopt, socket } from "../../ffi/syscalls.ts";
import { requestPacketInfo } from "../../qos/packet_info.ts";
import { AddressesDialing } from "./addresses_dialing.ts";
import type { Carriage, Peer } from "./datagram/carriage.ts";
import { type Claim, claimChannel } from "./datagram/channel_claim.ts";
import { attachFilter, channelProgram } from "./datagram/channel_filter.ts";
import { DatagramDialing } from "./datagram/datagram_dialing.ts";
import { DatagramListening } from "./datagram/datagram_listening.ts";
import { HEADER_BYTES } from "./datagram/header.ts";
import {
  ADDRESS_SEPARATOR,
  addressesIn,
  checkHostPort,
  type HostPort,
  type IpAddress,
  isWildcard,
  parseHostPort,
  resolveHost,
} from "./host.ts";
import { SourceControl } from "./datagram/source_control.ts";
import { register } from "./registry.ts";
import type {
  DialEvents,
  Dialing,
  Greeting,
  Listening,
  ListeningEvents,
  Transport,
  TransportOptions,
} from "./transport.ts";
import type { SpUrl } from "./url.ts";

/** Both channels. */
const CHANNEL_BYTES = 4;
const DEFAULT_PROTOCOL = 253;
/** An IPv4 packet without options, less its header and ours. */
const MAX_MESSAGE_BYTES = 65535 - 20 - CHANNEL_BYTES - HEADER_BYTES;
/** The kernel doubles it, and bounds it by net.core.rmem_max: a burst has to fit until we look. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** What a URL of ours says. */
interface Target {
  /** Host and channel, or several of them. */
  readonly hosts: string;
  readonly protocol: number;
}

function parse({ href, rest }: SpUrl): Target {
  const [hosts, query, ...more] = rest.split("?");
  if (query === undefined) return { hosts, protocol: DEFAULT_PROTOCOL };
  const protocol = Number(/^protocol=(\d{1,3})$/.exec(query)?.[1]);
  // 143 to 252 are not assigned; below, others would hear what they don't expect: IANA's Assigned Internet Protocol Numbers.
  if (more.length > 0 || !(protocol >= 143 && protocol <= 254)) {
    throw new AddressError(`${href}: the only parameter is protocol, a number from 143 to 254, as in ?protocol=254`);
  }
  return { hosts, protocol };
}

function hostOf(url: SpUrl): HostPort {
  return parseHostPort(parse(url).hosts, url.href, "channel");
}

/** A raw socket on a channel. */
class ChannelSocket {
  readonly descriptor: Descriptor;
  readonly claim: Claim;
  readonly family: "inet" | "inet6";
  readonly protocol: number;

  constructor({ family }: IpAddress, protocol: number, channel: number) {
    this.family = family;
    this.protocol = protocol;
    this.claim = claimChannel(family, protocol, channel);
    try {
      this.descriptor = Descriptor.adopt(openRaw(family, protocol), "ip socket");
    } catch (error) {
      this.claim.release();
      throw error;
    }
  }

  get channel(): number {
    return this.claim.channel;
  }

  release(): void {
    this.descriptor.close();
    this.claim.release();
  }

  urlOf(address: SocketAddress): string {
    const query = this.protocol === DEFAULT_PROTOCOL ? "" : `?protocol=${this.protocol}`;
    return `ip://${formatSocketAddress(address)}${query}`;
  }

  /** Where the channels are: on IPv4 behind the header that raw sockets see. */
  channelsOffset(bytes: Uint8Array): number {
    if (this.family === "inet6") return bytes.length >= CHANNEL_BYTES ? 0 : -1;
    const offset = bytes.length === 0 ? 0 : 4 * (bytes[0] & 0xf);
    return offset >= 20 && bytes.length >= offset + CHANNEL_BYTES ? offset : -1;
  }

  /** Where our header is; -1 if the packet came before the filter was there, or is none. */
  headerOffset(bytes: Uint8Array, source: number | undefined): number {
    const at = this.channelsOffset(bytes);
    if (at === -1 || readChannel(bytes, at + 2) !== this.channel) return -1;
    if (source !== undefined && readChannel(bytes, at) !== source) return -1;
    return at + CHANNEL_BYTES;
  }

  peer(address: IpAddress, channel: number, control: Uint8Array | undefined): Peer {
    const named: IpAddress = { ...address, port: channel };
    return {
      key: formatSocketAddress(named),
      to: encodeSockaddr({ ...address, port: 0 }),
      control,
      prefix: Uint8Array.of(this.channel >> 8, this.channel, channel >> 8, channel),
      address: named,
      url: this.urlOf(named),
    };
  }

  carriage(source: number | undefined, control: SourceControl | undefined): Carriage {
    const local = getsockname(this.descriptor.fd) as IpAddress;
    const localAddress: IpAddress = { ...local, port: this.channel };
    const sourceOf = (bytes: Uint8Array) => readChannel(bytes, this.channelsOffset(bytes));
    return {
      descriptor: this.descriptor,
      isUdp: false,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      localAddress,
      url: this.urlOf(localAddress),
      headerOffset: (bytes) => this.headerOffset(bytes, source),
      keyOf: (from, bytes) => formatSocketAddress({ ...(from as IpAddress), port: sourceOf(bytes) }),
      peerOf: (from, bytes, told) => this.peer(from as IpAddress, sourceOf(bytes), control?.for(told)),
      release: () => this.claim.release(),
    };
  }
}

function readChannel(bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1];
}

function openListening(address: IpAddress, protocol: number): Carriage {
  const channelSocket = new ChannelSocket(address, protocol, address.port);
  const { fd } = channelSocket.descriptor;
  try {
    // Who has several addresses must answer from the one that was asked.
    const control = isWildcard(address) ? new SourceControl(address.family, protocol) : undefined;
    if (control !== undefined) requestPacketInfo(fd, address.family, ["destination"]);
    attachFilter(fd, channelProgram(address.family, channelSocket.channel, undefined));
    bind(fd, { ...address, port: 0 });
    return channelSocket.carriage(undefined, control);
  } catch (error) {
    channelSocket.release();
    throw error;
  }
}

function openDialing(address: IpAddress, protocol: number): { carriage: Carriage; peer: Peer } {
  const channelSocket = new ChannelSocket(address, protocol, 0);
  const { fd } = channelSocket.descriptor;
  try {
    attachFilter(fd, channelProgram(address.family, channelSocket.channel, address.port));
    connect(fd, { ...address, port: 0 });
    const peer = { ...channelSocket.peer(address, address.port, undefined), to: undefined };
    return { carriage: channelSocket.carriage(address.port, undefined), peer };
  } catch (error) {
    channelSocket.release();
    throw error;
  }
}

/** Opens the socket, or says which privilege that takes. */
function openRaw(family: "inet" | "inet6", protocol: number): number {
  try {
    const fd = socket(family === "inet" ? AF_INET : AF_INET6, SOCK_RAW, protocol);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    return fd;
  } catch (error) {
    if (!(error instanceof SystemError && (error.code === "EPERM" || error.code === "EACCES"))) throw error;
    const { code, errno, syscall } = error;
    throw new SystemError(
      `ip:// needs a raw socket, and the system forbids it (${code}), as this program lacks the capability CAP_NET_RAW. ` +
        'Run it as root, or give the capability to the runtime (`sudo setcap cap_net_raw+ep "$(command -v deno)"`), or ' +
        "to the container (`--cap-add NET_RAW`); udp:// needs none",
      { code, errno, syscall },
      { cause: error },
    );
  }
}

/** The transport over IP. */
export const ip: Transport = {
  schemes: ["ip"],

  check(url: SpUrl, role: "listen" | "dial"): void {
    if (url.rest.includes(ADDRESS_SEPARATOR)) {
      throw new AddressError(`${url.href} has more than one address; write ip://host:channel with one host`);
    }
    checkHostPort(hostOf(url), url.href, role, undefined);
  },

  async resolve(url: SpUrl, options: WaitOptions): Promise<SpUrl> {
    const found = await resolveHost(hostOf(url), undefined, options);
    if (found === undefined) return url;
    const query = url.rest.indexOf("?");
    return { ...url, rest: query < 0 ? found : found + url.rest.slice(query) };
  },

  listen(url: SpUrl, greeting: Greeting, options: TransportOptions, events: ListeningEvents): Listening {
    const { hosts, protocol } = parse(url);
    const [first] = hosts.split(ADDRESS_SEPARATOR);
    const { host, port } = parseHostPort(first, url.href, "channel");
    const address: IpAddress = host === ""
      ? { family: "inet", address: "0.0.0.0", port }
      : addressesIn(first, url.href, "channel", undefined)[0];
    return new DatagramListening(openListening(address, protocol), greeting, options, events);
  },

  dial(url: SpUrl, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing {
    const { hosts, protocol } = parse(url);
    const begin = (address: SocketAddress, told: DialEvents) =>
      new DatagramDialing(() => openDialing(address as IpAddress, protocol), greeting, options, told);
    return new AddressesDialing(addressesIn(hosts, url.href, "channel", undefined), begin, events);
  },
};

register(ip);
