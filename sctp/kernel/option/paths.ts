/**
 * Options about the paths to a peer: heartbeats, path MTU, failure, UDP encapsulation, and how a path stands; RFC 6458,
 * sections 8.1.12 and 8.2.2, RFC 7829, and RFC 6951.
 *
 * Each function is about one path if an `address` of the peer is given; else about all paths of the association; and, with an
 * `associationId` of 0, about those of associations to come.
 *
 * @module
 */

import { ArgumentError } from "../../../common/errors.ts";
import { encodeSockaddrInto } from "../../../ffi/sockaddr.ts";
import type { SctpTransportAddress } from "../../message.ts";
import type {
  SctpPathInfo,
  SctpPathState,
  SctpPeerAddressParameters,
  SctpPeerAddressSettings,
  SctpPeerAddressThresholds,
} from "../../options.ts";
import { requireInt31, requireInteger, requireUint16 } from "../arguments.ts";
import { readInt32, readNetworkUint16, readUint16, readUint32, writeUint16, writeUint32 } from "../bytes.ts";
import {
  SCTP_ACTIVE,
  SCTP_GET_PEER_ADDR_INFO,
  SCTP_INACTIVE,
  SCTP_PEER_ADDR_PARAMS,
  SCTP_PEER_ADDR_THLDS_V2,
  SCTP_PF,
  SCTP_PLPMTUD_PROBE_INTERVAL,
  SCTP_REMOTE_UDP_ENCAPS_PORT,
  SCTP_UNCONFIRMED,
  SPP_DSCP,
  SPP_HB_DEMAND,
  SPP_HB_DISABLE,
  SPP_HB_ENABLE,
  SPP_HB_TIME_IS_ZERO,
  SPP_IPV6_FLOWLABEL,
  SPP_PMTUD_DISABLE,
  SPP_PMTUD_ENABLE,
  SPP_SACKDELAY_ENABLE,
} from "../constants.ts";
import { SCTP_LAYOUT } from "../layout.ts";
import { decodeGivenAddress } from "../transport_address.ts";
import { getOption, type OptionSocket, setOption } from "./socket.ts";

/** SCTP_DEFAULT_MINSEGMENT: the kernel refuses a smaller path MTU. */
const MIN_PATH_MTU = 512;
const MAX_DSCP = 63;
const MAX_FLOW_LABEL = 0xf_ffff;
/** SCTP_PROBE_TIMER_MIN: the kernel refuses a shorter interval, other than 0. */
const MIN_PROBE_INTERVAL_MS = 5000;

const NEEDS_ENCAPSULATION = "Linux 5.11 or later";
const NEEDS_PROBING = "Linux 5.14 or later";
const NEEDS_THRESHOLDS = "Linux 5.5 or later";

/** SCTP_PEER_ADDR_PARAMS. */
export function getPeerAddressParameters(
  socket: OptionSocket,
  associationId: number,
  address?: SctpTransportAddress,
): SctpPeerAddressSettings {
  const { fields } = SCTP_LAYOUT.sctp_paddrparams;
  const value = peerAddressParameters(associationId, address);
  getOption(socket, SCTP_PEER_ADDR_PARAMS, value);
  const flags = readUint32(value, fields.spp_flags);
  return {
    heartbeat: (flags & SPP_HB_ENABLE) !== 0,
    heartbeatInterval: readUint32(value, fields.spp_hbinterval),
    pathMaxRetransmissions: readUint16(value, fields.spp_pathmaxrxt),
    pathMtuDiscovery: (flags & SPP_PMTUD_ENABLE) !== 0,
    pathMtu: readUint32(value, fields.spp_pathmtu),
    // The code point is in the upper six bits, as in the TOS byte.
    dscp: flags & SPP_DSCP ? value[fields.spp_dscp] >> 2 : 0,
    flowLabel: flags & SPP_IPV6_FLOWLABEL ? readUint32(value, fields.spp_ipv6_flowlabel) & MAX_FLOW_LABEL : 0,
    sackDelay: flags & SPP_SACKDELAY_ENABLE ? readUint32(value, fields.spp_sackdelay) : 0,
  };
}

/**
 * SCTP_PEER_ADDR_PARAMS; what is left out stays as it is.
 *
 * @throws {ArgumentError} A field is out of range, or two of them contradict each other.
 */
export function setPeerAddressParameters(
  socket: OptionSocket,
  associationId: number,
  given: SctpPeerAddressParameters,
  address?: SctpTransportAddress,
): void {
  const { fields } = SCTP_LAYOUT.sctp_paddrparams;
  const value = peerAddressParameters(associationId, address);
  let flags = heartbeatFlags(given) | pathMtuFlags(given);
  if (given.heartbeatInterval !== undefined) writeUint32(value, fields.spp_hbinterval, given.heartbeatInterval);
  if (given.pathMtu !== undefined) writeUint32(value, fields.spp_pathmtu, given.pathMtu);
  if (given.pathMaxRetransmissions !== undefined) {
    const argument = "peerAddressParameters.pathMaxRetransmissions";
    writeUint16(value, fields.spp_pathmaxrxt, requireInteger(given.pathMaxRetransmissions, argument, 1, 0xffff));
  }
  if (given.dscp !== undefined) {
    flags |= SPP_DSCP;
    value[fields.spp_dscp] = requireInteger(given.dscp, "peerAddressParameters.dscp", 0, MAX_DSCP) << 2;
  }
  if (given.flowLabel !== undefined) {
    flags |= SPP_IPV6_FLOWLABEL;
    const label = requireInteger(given.flowLabel, "peerAddressParameters.flowLabel", 0, MAX_FLOW_LABEL);
    writeUint32(value, fields.spp_ipv6_flowlabel, label);
  }
  writeUint32(value, fields.spp_flags, flags);
  setOption(socket, SCTP_PEER_ADDR_PARAMS, value);
}

/** The kernel ignores an interval without SPP_HB_ENABLE, and takes 0 for "as it is" without SPP_HB_TIME_IS_ZERO. */
function heartbeatFlags({ heartbeat, heartbeatInterval }: SctpPeerAddressParameters): number {
  if (heartbeatInterval === undefined) return heartbeat === undefined ? 0 : heartbeat ? SPP_HB_ENABLE : SPP_HB_DISABLE;
  requireInt31(heartbeatInterval, "peerAddressParameters.heartbeatInterval");
  if (heartbeat === false) {
    throw new ArgumentError("peerAddressParameters.heartbeatInterval", "must be left out where `heartbeat` is false");
  }
  return heartbeatInterval === 0 ? SPP_HB_ENABLE | SPP_HB_TIME_IS_ZERO : SPP_HB_ENABLE;
}

/** The kernel ignores a path MTU without SPP_PMTUD_DISABLE: either it is found out, or it is given. */
function pathMtuFlags({ pathMtu, pathMtuDiscovery }: SctpPeerAddressParameters): number {
  if (pathMtu === undefined) {
    return pathMtuDiscovery === undefined ? 0 : pathMtuDiscovery ? SPP_PMTUD_ENABLE : SPP_PMTUD_DISABLE;
  }
  requireInteger(pathMtu, "peerAddressParameters.pathMtu", MIN_PATH_MTU, 0x7fff_ffff);
  if (pathMtuDiscovery === true) {
    throw new ArgumentError("peerAddressParameters.pathMtu", "must be left out where `pathMtuDiscovery` is true");
  }
  return SPP_PMTUD_DISABLE;
}

/** SCTP_PEER_ADDR_PARAMS with SPP_HB_DEMAND: sends a heartbeat on a path at once. */
export function sendHeartbeat(socket: OptionSocket, associationId: number, address: SctpTransportAddress): void {
  const value = peerAddressParameters(associationId, address);
  writeUint32(value, SCTP_LAYOUT.sctp_paddrparams.fields.spp_flags, SPP_HB_DEMAND);
  setOption(socket, SCTP_PEER_ADDR_PARAMS, value);
}

function peerAddressParameters(associationId: number, address: SctpTransportAddress | undefined): Uint8Array {
  const { size, fields } = SCTP_LAYOUT.sctp_paddrparams;
  return pathValue(size, fields.spp_assoc_id, fields.spp_address, associationId, address);
}

/** SCTP_PEER_ADDR_THLDS_V2. */
export function getPeerAddressThresholds(
  socket: OptionSocket,
  associationId: number,
  address?: SctpTransportAddress,
): Required<SctpPeerAddressThresholds> {
  const { fields } = SCTP_LAYOUT.sctp_paddrthlds_v2;
  const value = thresholds(associationId, address);
  getOption(socket, SCTP_PEER_ADDR_THLDS_V2, value, NEEDS_THRESHOLDS);
  return {
    pathMaxRetransmissions: readUint16(value, fields.spt_pathmaxrxt),
    potentiallyFailed: readUint16(value, fields.spt_pathpfthld),
    primarySwitchover: readUint16(value, fields.spt_pathcpthld),
  };
}

/** SCTP_PEER_ADDR_THLDS_V2; what is left out stays as it is. @throws {ArgumentError} A field is out of range. */
export function setPeerAddressThresholds(
  socket: OptionSocket,
  associationId: number,
  given: SctpPeerAddressThresholds,
  address?: SctpTransportAddress,
): void {
  const { fields } = SCTP_LAYOUT.sctp_paddrthlds_v2;
  const value = thresholds(associationId, address);
  const argument = "peerAddressThresholds";
  const present = getPeerAddressThresholds(socket, associationId, address);
  const retransmissions = given.pathMaxRetransmissions ?? present.pathMaxRetransmissions;
  const potentiallyFailed = given.potentiallyFailed ?? present.potentiallyFailed;
  const switchover = given.primarySwitchover ?? present.primarySwitchover;
  writeUint16(
    value,
    fields.spt_pathmaxrxt,
    requireInteger(retransmissions, `${argument}.pathMaxRetransmissions`, 1, 0xffff),
  );
  writeUint16(value, fields.spt_pathpfthld, requireUint16(potentiallyFailed, `${argument}.potentiallyFailed`));
  writeUint16(value, fields.spt_pathcpthld, requireUint16(switchover, `${argument}.primarySwitchover`));
  if (switchover < potentiallyFailed) {
    throw new ArgumentError(
      `${argument}.primarySwitchover`,
      `must be at least potentiallyFailed, which is ${potentiallyFailed}, not ${switchover} (RFC 7829, section 7.2)`,
    );
  }
  setOption(socket, SCTP_PEER_ADDR_THLDS_V2, value, NEEDS_THRESHOLDS);
}

function thresholds(associationId: number, address: SctpTransportAddress | undefined): Uint8Array {
  const { size, fields } = SCTP_LAYOUT.sctp_paddrthlds_v2;
  return pathValue(size, fields.spt_assoc_id, fields.spt_address, associationId, address);
}

/** SCTP_REMOTE_UDP_ENCAPS_PORT: the peer's UDP port, 0 for plain SCTP. */
export function getRemoteUdpEncapsPort(
  socket: OptionSocket,
  associationId: number,
  address?: SctpTransportAddress,
): number {
  const value = encapsulation(associationId, address);
  getOption(socket, SCTP_REMOTE_UDP_ENCAPS_PORT, value, NEEDS_ENCAPSULATION);
  return readNetworkUint16(value, SCTP_LAYOUT.sctp_udpencaps.fields.sue_port);
}

/** SCTP_REMOTE_UDP_ENCAPS_PORT. @throws {ArgumentError} It is out of range. */
export function setRemoteUdpEncapsPort(
  socket: OptionSocket,
  associationId: number,
  port: number,
  address?: SctpTransportAddress,
): void {
  requireUint16(port, "remoteUdpEncapsPort");
  const value = encapsulation(associationId, address);
  // In network byte order, RFC 6951, section 6.1.
  value[SCTP_LAYOUT.sctp_udpencaps.fields.sue_port] = port >> 8;
  value[SCTP_LAYOUT.sctp_udpencaps.fields.sue_port + 1] = port;
  setOption(socket, SCTP_REMOTE_UDP_ENCAPS_PORT, value, NEEDS_ENCAPSULATION);
}

function encapsulation(associationId: number, address: SctpTransportAddress | undefined): Uint8Array {
  const { size, fields } = SCTP_LAYOUT.sctp_udpencaps;
  return pathValue(size, fields.sue_assoc_id, fields.sue_address, associationId, address);
}

/** SCTP_PLPMTUD_PROBE_INTERVAL, in milliseconds; 0 is off. */
export function getProbeInterval(
  socket: OptionSocket,
  associationId: number,
  address?: SctpTransportAddress,
): number {
  const value = probing(associationId, address);
  getOption(socket, SCTP_PLPMTUD_PROBE_INTERVAL, value, NEEDS_PROBING);
  return readUint32(value, SCTP_LAYOUT.sctp_probeinterval.fields.spi_interval);
}

/** SCTP_PLPMTUD_PROBE_INTERVAL, in milliseconds; 0 is off. @throws {ArgumentError} It is out of range. */
export function setProbeInterval(
  socket: OptionSocket,
  associationId: number,
  ms: number,
  address?: SctpTransportAddress,
): void {
  if (ms !== 0) requireInteger(ms, "plpmtudProbeInterval", MIN_PROBE_INTERVAL_MS, 0x7fff_ffff);
  const value = probing(associationId, address);
  writeUint32(value, SCTP_LAYOUT.sctp_probeinterval.fields.spi_interval, ms);
  setOption(socket, SCTP_PLPMTUD_PROBE_INTERVAL, value, NEEDS_PROBING);
}

function probing(associationId: number, address: SctpTransportAddress | undefined): Uint8Array {
  const { size, fields } = SCTP_LAYOUT.sctp_probeinterval;
  return pathValue(size, fields.spi_assoc_id, fields.spi_address, associationId, address);
}

/** SCTP_GET_PEER_ADDR_INFO: how a path stands. An `associationId` of 0 leaves it to the address. */
export function getPathInfo(
  socket: OptionSocket,
  associationId: number,
  address: SctpTransportAddress,
): SctpPathInfo {
  const { size, fields } = SCTP_LAYOUT.sctp_paddrinfo;
  const value = pathValue(size, fields.spinfo_assoc_id, fields.spinfo_address, associationId, address);
  getOption(socket, SCTP_GET_PEER_ADDR_INFO, value);
  return decodePathInfo(value, 0);
}

/** The association that has this address of a peer, on a one-to-many socket. */
export function getAssociationId(socket: OptionSocket, address: SctpTransportAddress): number {
  return getPathInfo(socket, 0, address).associationId;
}

/** `struct sctp_paddrinfo`, which also is a part of `struct sctp_status`. */
export function decodePathInfo(bytes: Uint8Array, offset: number): SctpPathInfo {
  const { fields } = SCTP_LAYOUT.sctp_paddrinfo;
  return {
    associationId: readInt32(bytes, offset + fields.spinfo_assoc_id),
    address: decodeGivenAddress(bytes, offset + fields.spinfo_address),
    state: pathState(readInt32(bytes, offset + fields.spinfo_state)),
    cwnd: readUint32(bytes, offset + fields.spinfo_cwnd),
    srtt: readUint32(bytes, offset + fields.spinfo_srtt),
    rto: readUint32(bytes, offset + fields.spinfo_rto),
    mtu: readUint32(bytes, offset + fields.spinfo_mtu),
  };
}

function pathState(state: number): SctpPathState {
  switch (state) {
    case SCTP_INACTIVE:
      return "inactive";
    case SCTP_PF:
      return "potentially-failed";
    case SCTP_ACTIVE:
      return "active";
    case SCTP_UNCONFIRMED:
      return "unconfirmed";
    default:
      return "unknown";
  }
}

/** A struct with association and address filled in, and the rest zero. */
function pathValue(
  size: number,
  associationField: number,
  addressField: number,
  associationId: number,
  address: SctpTransportAddress | undefined,
): Uint8Array {
  const value = new Uint8Array(size);
  writeUint32(value, associationField, associationId);
  if (address !== undefined) encodeSockaddrInto(address, value, addressField);
  return value;
}
