/**
 * Per-packet control: TTL, TOS and DF of each datagram, ICMP errors back to the packet that caused them, traceroute and
 * path MTU.
 *
 * @module
 */

export type {
  Inet6Address,
  InetAddress,
  SocketAddress,
  UnixAbstractAddress,
  UnixAddress,
  UnixPathAddress,
  UnixUnnamedAddress,
} from "../ffi/sockaddr.ts";
export { DSCP, type DscpName, dscpName, ECN, type EcnName, ecnName, parseDscp, parseEcn } from "./dscp.ts";
export { checkPacketOptions, type PacketOptions } from "./packet_options.ts";
export {
  IN6_PKTINFO,
  IN6_PKTINFO_SIZE,
  IN_PKTINFO,
  IN_PKTINFO_SIZE,
  MODE,
  PACKET_CONTROL_BYTES,
  type PacketControl,
  PacketEncoder,
  packetModes,
} from "./packet_control.ts";
export {
  decodePacketInfo,
  PACKET_INFO_BYTES,
  type PacketInfo,
  type PacketInfoName,
  packetInfoNames,
  requestPacketInfo,
} from "./packet_info.ts";
export {
  decodeExtendedError,
  EXTENDED_ERROR_BYTES,
  type ExtendedError,
  SOCK_EE_DATA_RFC4884,
  SOCK_EE_DATA_RFC4884_SIZE,
  SOCK_EXTENDED_ERR,
  SOCK_EXTENDED_ERR_SIZE,
} from "./extended_error.ts";
export { ICMP6_TYPE, ICMP_TYPE, icmpName, type IcmpVersion, isIcmpError } from "./icmp/types.ts";
export {
  decodeIcmpExtensions,
  encodeIcmpExtensions,
  type IcmpExtension,
  type InterfaceExtension,
  type InterfaceRole,
  type MplsExtension,
  type MplsLabel,
  type QuotedPacket,
  splitQuotedPacket,
  type UnknownExtension,
} from "./icmp/extensions.ts";
export {
  decodeIcmpMessage,
  decodePacketStart,
  encodeIcmpMessage,
  type IcmpEcho,
  type IcmpError,
  type IcmpMessage,
  type IcmpOther,
  type PacketStart,
} from "./icmp/message.ts";
export {
  decodeIpHeader,
  decodeIpv4Header,
  decodeIpv6Header,
  encodeIpv4Header,
  encodeIpv6Header,
  type IpHeader,
  type IpHeaderFields,
  IPV4_HEADER_SIZE,
  type Ipv4Header,
  type Ipv4HeaderInit,
  IPV6_HEADER_SIZE,
  type Ipv6ExtensionHeader,
  ipv6FragmentHeader,
  type Ipv6Header,
  type Ipv6HeaderInit,
} from "./ip_header.ts";
export {
  decodeTcpHeader,
  decodeUdpHeader,
  encodeTcpSegment,
  encodeUdpDatagram,
  type PacketAddresses,
  TCP_FLAG,
  TCP_HEADER_SIZE,
  type TcpHeader,
  type TcpHeaderInit,
  type TcpOptions,
  UDP_HEADER_SIZE,
  type UdpHeader,
} from "./transport_header.ts";
export { PacketError, type PacketErrorFields } from "./packet_error.ts";
export type { ErrorQueueStats } from "./error_queue.ts";
export { checksumSum, foldChecksum, internetChecksum, transportChecksum } from "./checksum.ts";
export type { UnixCredentials } from "../ffi/ucred.ts";
export type { WaitOptions } from "../common/wait.ts";
export type { Descriptor } from "../ffi/descriptor.ts";
export type { DescriptorHolder } from "../ffi/fd_passing.ts";
export type { MessageSocketStats } from "../ffi/message.ts";
export type { Destination } from "./destination.ts";
export { Datagram, type ReceivedInto } from "./datagram.ts";
export type { OutgoingDatagram, SendOptions } from "./send_options.ts";
export type { IpSocketOptions, PacketSocketOptions } from "./socket_options.ts";
export type { GroupOptions, MulticastOptions } from "./multicast.ts";
export { PacketSocket, type PacketSocketStats, type ReceiveOptions } from "./packet_socket.ts";
export { type UdpConnectOptions, UdpSocket, type UdpSocketOptions } from "./udp_socket.ts";
export {
  type UnixBindOptions,
  type UnixConnectOptions,
  type UnixDatagramOptions,
  UnixDatagramSocket,
} from "./unix_datagram_socket.ts";
export { type RawIpProtocol, RawIpSocket, type RawIpSocketOptions } from "./raw_ip_socket.ts";
export { trace } from "./trace/trace.ts";
export type { TraceOptions } from "./trace/options.ts";
export type {
  TraceAnswerKind,
  TraceEvent,
  TraceHop,
  TraceIcmp,
  TraceMtu,
  TraceName,
  TraceReached,
  TraceReply,
  TraceRouter,
  TraceSent,
  TraceSummary,
  TraceTarget,
  TraceTimeout,
} from "./trace/events.ts";
export { pathMtu } from "./path_mtu/path_mtu.ts";
export type { PathMtuOptions } from "./path_mtu/options.ts";
export type { PathMtu, PathMtuBlackHole, PathMtuStep } from "./path_mtu/result.ts";
