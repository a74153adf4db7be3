/**
 * The options of a socket by the names of the public API, each with the functions that read and write it in the kernel.
 *
 * @module
 */

import { ArgumentError } from "../../../common/errors.ts";
import { SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from "../../../ffi/constants.ts";
import type { SctpTransportAddress } from "../../message.ts";
import type {
  SctpOptionName,
  SctpOptionParameter,
  SctpOptionRead,
  SctpOptionWritten,
  SctpPartialReliabilityQuery,
} from "../../option_map.ts";
import type { SctpAuthOptions, SctpPotentiallyFailedExposure, SctpSocketOptions } from "../../options.ts";
import { requireInteger, requireName } from "../arguments.ts";
import { readInt32, writeUint32 } from "../bytes.ts";
import * as k from "../constants.ts";
import { getPrimaryAddress, setPeerPrimaryAddress, setPrimaryAddress } from "./addresses.ts";
import * as association from "./association.ts";
import * as auth from "./auth.ts";
import * as messages from "./messages.ts";
import * as paths from "./paths.ts";
import { getAssociationValue, getFlag, type OptionSocket, setAssociationValue, setFlag } from "./socket.ts";
import { getPartialReliabilityStatus, getStatistics, getStatus } from "./status.ts";
import * as streams from "./streams.ts";

/** How one option is read and written; what is missing can't be done. */
interface OptionAccess<Name extends SctpOptionName> {
  get?(socket: OptionSocket, associationId: number, parameter: SctpOptionParameter | undefined): SctpOptionRead<Name>;
  set?(
    socket: OptionSocket,
    associationId: number,
    value: SctpOptionWritten<Name>,
    parameter: SctpOptionParameter | undefined,
  ): void;
}

/** The numbers of include/net/sctp/constants.h, which the kernel's public header does not have. */
const EXPOSURES: Readonly<Record<SctpPotentiallyFailedExposure, number>> = { default: 0, hide: 1, expose: 2 };

const NEEDS_5_4 = "Linux 5.4 or later";
const NEEDS_5_5 = "Linux 5.5 or later";
const NEEDS_REUSE_PORT = "Linux 4.19 or later";

const OPTIONS: { readonly [Name in SctpOptionName]: OptionAccess<Name> } = {
  initmsg: {
    get: (socket) => association.getInitMsg(socket),
    set: (socket, _id, value) => association.setInitMsg(socket, value),
  },
  nodelay: flag(k.SCTP_NODELAY),
  rtoinfo: { get: association.getRtoInfo, set: association.setRtoInfo },
  assocInfo: { get: association.getAssociationInfo, set: association.setAssociationInfo },
  autoclose: {
    get: (socket) => association.getAutoclose(socket),
    set: (socket, _id, value) => association.setAutoclose(socket, value),
  },
  peerAddressParameters: {
    get: (socket, id, parameter) => paths.getPeerAddressParameters(socket, id, path(parameter)),
    set: (socket, id, value, parameter) => paths.setPeerAddressParameters(socket, id, value, path(parameter)),
  },
  peerAddressThresholds: {
    get: (socket, id, parameter) => paths.getPeerAddressThresholds(socket, id, path(parameter)),
    set: (socket, id, value, parameter) => paths.setPeerAddressThresholds(socket, id, value, path(parameter)),
  },
  heartbeatNow: {
    set: (socket, id, _true, parameter) => paths.sendHeartbeat(socket, id, needed(path(parameter))),
  },
  primaryAddress: { get: getPrimaryAddress, set: setPrimaryAddress },
  peerPrimaryAddress: { set: setPeerPrimaryAddress },
  delayedSack: { get: association.getDelayedSack, set: association.setDelayedSack },
  maxseg: { get: messages.getMaxseg, set: messages.setMaxseg },
  maxBurst: { get: association.getMaxBurst, set: association.setMaxBurst },
  fragmentInterleave: {
    get: (socket) => messages.getFragmentInterleave(socket),
    set: (socket, _id, value) => messages.setFragmentInterleave(socket, value),
  },
  interleaving: {
    get: messages.getInterleaving,
    set: (socket, _id, value) => messages.setInterleaving(socket, value),
  },
  partialDeliveryPoint: {
    get: (socket) => messages.getPartialDeliveryPoint(socket),
    set: (socket, _id, value) => messages.setPartialDeliveryPoint(socket, value),
  },
  disableFragments: flag(k.SCTP_DISABLE_FRAGMENTS),
  v4Mapped: flag(k.SCTP_I_WANT_MAPPED_V4_ADDR),
  adaptationIndication: {
    get: (socket) => association.getAdaptationIndication(socket),
    set: (socket, _id, value) => association.setAdaptationIndication(socket, value),
  },
  defaultSendInfo: { get: messages.getDefaultSendInfo, set: messages.setDefaultSendInfo },
  defaultPartialReliability: {
    get: messages.getDefaultPartialReliability,
    set: messages.setDefaultPartialReliability,
  },
  partialReliabilitySupported: feature(k.SCTP_PR_SUPPORTED),
  partialReliabilityStatus: {
    get(socket, id, parameter) {
      const { streamId, policy } = (parameter ?? {}) as SctpPartialReliabilityQuery;
      return getPartialReliabilityStatus(socket, id, streamId, policy);
    },
  },
  context: { get: messages.getContext, set: messages.setContext },
  auth: { set: setAuth },
  authSupported: feature(k.SCTP_AUTH_SUPPORTED, NEEDS_5_4),
  authChunk: { set: (socket, _id, value) => auth.addAuthChunk(socket, value) },
  authHmacs: {
    get: (socket) => auth.getHmacs(socket),
    set: (socket, _id, value) => auth.setHmacs(socket, value),
  },
  authKey: { set: auth.setAuthKey },
  activeAuthKey: { get: auth.getActiveKey, set: auth.setActiveKey },
  deactivateAuthKey: { set: auth.deactivateKey },
  deleteAuthKey: { set: auth.deleteKey },
  localAuthChunks: { get: auth.getLocalAuthChunks },
  peerAuthChunks: { get: auth.getPeerAuthChunks },
  asconf: feature(k.SCTP_ASCONF_SUPPORTED, NEEDS_5_4),
  autoAsconf: flag(k.SCTP_AUTO_ASCONF),
  reconfigSupported: feature(k.SCTP_RECONFIG_SUPPORTED),
  streamReset: { get: streams.getStreamReset, set: streams.setStreamReset },
  resetStreams: { set: streams.resetStreams },
  resetAssociation: { set: (socket, id) => streams.resetAssociation(socket, id) },
  addStreams: {
    set: (socket, id, { inbound = 0, outbound = 0 }) => streams.addStreams(socket, id, inbound, outbound),
  },
  streamScheduler: { get: streams.getStreamScheduler, set: streams.setStreamScheduler },
  streamSchedulerValue: {
    get: (socket, id, parameter) => streams.getStreamValue(socket, id, stream(parameter)),
    set: (socket, id, value, parameter) => streams.setStreamValue(socket, id, stream(parameter), value),
  },
  reusePort: flag(k.SCTP_REUSE_PORT, NEEDS_REUSE_PORT),
  ecn: feature(k.SCTP_ECN_SUPPORTED, NEEDS_5_4),
  potentiallyFailedExposure: { get: getExposure, set: setExposure },
  remoteUdpEncapsPort: {
    get: (socket, id, parameter) => paths.getRemoteUdpEncapsPort(socket, id, path(parameter)),
    set: (socket, id, value, parameter) => paths.setRemoteUdpEncapsPort(socket, id, value, path(parameter)),
  },
  plpmtudProbeInterval: {
    get: (socket, id, parameter) => paths.getProbeInterval(socket, id, path(parameter)),
    set: (socket, id, value, parameter) => paths.setProbeInterval(socket, id, value, path(parameter)),
  },
  receiveNextInfo: flag(k.SCTP_RECVNXTINFO),
  sendBufferSize: bufferSize(SO_SNDBUF, "sendBufferSize"),
  receiveBufferSize: bufferSize(SO_RCVBUF, "receiveBufferSize"),
  status: { get: getStatus },
  statistics: { get: getStatistics },
  pathInfo: { get: (socket, id, parameter) => paths.getPathInfo(socket, id, needed(path(parameter))) },
};

/**
 * In which order the options of a new socket are set before it is bound: what others build on comes first. Interleaving needs a fragment
 * interleave level, keys need authentication, the partial delivery point is checked against the receive buffer.
 */
const CREATION_ORDER: readonly (keyof SctpSocketOptions & SctpOptionName)[] = [
  "sendBufferSize",
  "receiveBufferSize",
  "reusePort",
  "partialReliabilitySupported",
  "reconfigSupported",
  "asconf",
  "ecn",
  "auth",
  "initmsg",
  "nodelay",
  "rtoinfo",
  "assocInfo",
  "autoclose",
  "peerAddressParameters",
  "peerAddressThresholds",
  "delayedSack",
  "maxseg",
  "maxBurst",
  "fragmentInterleave",
  "interleaving",
  "partialDeliveryPoint",
  "disableFragments",
  "v4Mapped",
  "adaptationIndication",
  "defaultSendInfo",
  "defaultPartialReliability",
  "context",
  "streamReset",
  "streamScheduler",
  "potentiallyFailedExposure",
  "remoteUdpEncapsPort",
  "plpmtudProbeInterval",
  "receiveNextInfo",
];

/**
 * Reads an option.
 *
 * @param associationId One association, or 0: the socket's default for those to come, or the only one there is.
 * @param parameter The path, stream or question that the option is about.
 * @throws {ArgumentError} There is no such option, it can't be read, or the parameter is not one for it.
 * @throws {UnsupportedError} The kernel lacks it.
 * @throws {SystemError} The kernel refuses.
 */
export function readOption<Name extends SctpOptionName>(
  socket: OptionSocket,
  name: Name,
  associationId: number,
  parameter?: SctpOptionParameter,
): SctpOptionRead<Name> {
  const { get } = accessTo(name);
  if (get === undefined) throw new ArgumentError("name", `"${name}" can only be written`);
  return get(socket, associationId, parameter);
}

/**
 * Writes an option, or carries out what it stands for.
 *
 * @param associationId One association; or 0 those to come, 1 those there are, 2 both; on a one-to-one socket the only one.
 * @param parameter The path or stream that the option is about.
 * @throws {ArgumentError} There is no such option, it can't be written, or the value or the parameter is not one for it.
 * @throws {UnsupportedError} The kernel lacks it.
 * @throws {SystemError} The kernel refuses.
 */
export function writeOption<Name extends SctpOptionName>(
  socket: OptionSocket,
  name: Name,
  value: SctpOptionWritten<Name>,
  associationId: number,
  parameter?: SctpOptionParameter,
): void {
  const { set } = accessTo(name);
  if (set === undefined) throw new ArgumentError("name", `"${name}" can only be read`);
  set(socket, associationId, value, parameter);
}

/**
 * Sets the options of a new socket, but for `autoAsconf`, which the kernel takes only once the socket is bound.
 *
 * @throws See {@linkcode writeOption}.
 */
export function writeSocketOptions(socket: OptionSocket, options: SctpSocketOptions): void {
  const given = options.interleaving && !options.fragmentInterleave ? { ...options, fragmentInterleave: 1 } : options;
  for (const name of CREATION_ORDER) {
    const value = given[name];
    if (value !== undefined) writeOption(socket, name, value as never, k.SCTP_FUTURE_ASSOC);
  }
}

function accessTo<Name extends SctpOptionName>(name: Name): OptionAccess<Name> {
  if (!Object.hasOwn(OPTIONS, name)) throw new ArgumentError("name", `there is no SCTP option ${JSON.stringify(name)}`);
  return OPTIONS[name];
}

function setAuth(socket: OptionSocket, associationId: number, given: SctpAuthOptions): void {
  if (given.supported !== undefined) {
    setAssociationValue(socket, k.SCTP_AUTH_SUPPORTED, associationId, given.supported ? 1 : 0, NEEDS_5_4);
  }
  if (given.hmacs !== undefined) auth.setHmacs(socket, given.hmacs);
  for (const chunkType of given.chunks ?? []) auth.addAuthChunk(socket, chunkType);
  for (const key of given.keys ?? []) auth.setAuthKey(socket, associationId, key);
  if (given.activeKeyId !== undefined) auth.setActiveKey(socket, associationId, given.activeKeyId);
}

function getExposure(socket: OptionSocket, associationId: number): SctpPotentiallyFailedExposure {
  const code = getAssociationValue(socket, k.SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, associationId, NEEDS_5_5);
  return code === EXPOSURES.expose ? "expose" : code === EXPOSURES.hide ? "hide" : "default";
}

function setExposure(socket: OptionSocket, associationId: number, exposure: SctpPotentiallyFailedExposure): void {
  const code = requireName(exposure, "potentiallyFailedExposure", EXPOSURES);
  setAssociationValue(socket, k.SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, associationId, code, NEEDS_5_5);
}

/** An option of the socket that is on or off. */
function flag(option: number, needs?: string) {
  return {
    get: (socket: OptionSocket) => getFlag(socket, option, needs),
    set: (socket: OptionSocket, _associationId: number, on: boolean) => setFlag(socket, option, on, needs),
  };
}

/** An extension that is offered or not; of an association, whether both ends have it. */
function feature(option: number, needs?: string) {
  return {
    get: (socket: OptionSocket, associationId: number) =>
      getAssociationValue(socket, option, associationId, needs) !== 0,
    set: (socket: OptionSocket, associationId: number, on: boolean) =>
      setAssociationValue(socket, option, associationId, on ? 1 : 0, needs),
  };
}

/** SO_SNDBUF or SO_RCVBUF, socket(7): an int. */
function bufferSize(option: number, argument: string) {
  return {
    get(socket: OptionSocket): number {
      const value = new Uint8Array(4);
      socket.getsockopt(SOL_SOCKET, option, value);
      return readInt32(value, 0);
    },
    set(socket: OptionSocket, _associationId: number, bytes: number): void {
      const value = new Uint8Array(4);
      writeUint32(value, 0, requireInteger(bytes, argument, 1, 0x7fff_ffff));
      socket.setsockopt(SOL_SOCKET, option, value);
    },
  };
}

function path(parameter: SctpOptionParameter | undefined): SctpTransportAddress | undefined {
  if (parameter === undefined || (typeof parameter === "object" && "address" in parameter)) return parameter;
  throw new ArgumentError("parameter", "must be an address of the peer, for this option is about a path");
}

function needed(address: SctpTransportAddress | undefined): SctpTransportAddress {
  if (address !== undefined) return address;
  throw new ArgumentError("parameter", "must be an address of the peer, for this option is about one path");
}

function stream(parameter: SctpOptionParameter | undefined): number {
  if (typeof parameter === "number") return parameter;
  throw new ArgumentError("parameter", "must be the number of a stream, for this option is about one stream");
}
