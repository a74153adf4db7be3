/**
 * Options about associations as a whole: how they are set up, time out, and acknowledge; RFC 6458, section 8.1.
 *
 * Where a function takes an `associationId`, 0 is the socket's default for associations to come (SCTP_FUTURE_ASSOC), and the
 * only association there is on a one-to-one socket.
 *
 * @module
 */

import { ArgumentError } from "../../../common/errors.ts";
import type {
  SctpAssociationInfo,
  SctpAssociationParameters,
  SctpDelayedSack,
  SctpInitMsg,
  SctpRtoInfo,
} from "../../options.ts";
import { requireInteger, requireUint32 } from "../arguments.ts";
import { readUint16, readUint32, writeUint16, writeUint32 } from "../bytes.ts";
import {
  SCTP_ADAPTATION_LAYER,
  SCTP_ASSOCINFO,
  SCTP_AUTOCLOSE,
  SCTP_DELAYED_SACK,
  SCTP_INITMSG,
  SCTP_MAX_BURST,
  SCTP_RTOINFO,
} from "../constants.ts";
import { decodeInitMsg, encodeInitMsgInto } from "../initmsg.ts";
import { SCTP_LAYOUT } from "../layout.ts";
import {
  getAssociationValue,
  getInt,
  getOption,
  type OptionSocket,
  setAssociationValue,
  setInt,
  setOption,
} from "./socket.ts";

const UINT32_MAX = 0xffff_ffff;
const MS_PER_SECOND = 1000;
/** The kernel refuses a longer delay; RFC 9260, section 6.2 forbids it. */
const MAX_SACK_DELAY_MS = 500;

/** SCTP_INITMSG. */
export function getInitMsg(socket: OptionSocket): Required<SctpInitMsg> {
  const value = new Uint8Array(SCTP_LAYOUT.sctp_initmsg.size);
  getOption(socket, SCTP_INITMSG, value);
  return decodeInitMsg(value);
}

/** SCTP_INITMSG; what is left out stays as it is. @throws {ArgumentError} A field is out of range. */
export function setInitMsg(socket: OptionSocket, given: SctpInitMsg): void {
  const value = new Uint8Array(SCTP_LAYOUT.sctp_initmsg.size);
  encodeInitMsgInto(given, "initmsg", value, 0);
  setOption(socket, SCTP_INITMSG, value);
}

/** SCTP_RTOINFO. */
export function getRtoInfo(socket: OptionSocket, associationId: number): Required<SctpRtoInfo> {
  const { size, fields } = SCTP_LAYOUT.sctp_rtoinfo;
  const value = new Uint8Array(size);
  writeUint32(value, fields.srto_assoc_id, associationId);
  getOption(socket, SCTP_RTOINFO, value);
  return {
    initial: readUint32(value, fields.srto_initial),
    max: readUint32(value, fields.srto_max),
    min: readUint32(value, fields.srto_min),
  };
}

/** SCTP_RTOINFO; what is left out stays as it is. @throws {ArgumentError} A field is out of range. */
export function setRtoInfo(socket: OptionSocket, associationId: number, given: SctpRtoInfo): void {
  const { size, fields } = SCTP_LAYOUT.sctp_rtoinfo;
  const value = new Uint8Array(size);
  const put = (field: number, ms: number | undefined, name: string) =>
    writeUint32(value, field, ms === undefined ? 0 : requireInteger(ms, `rtoinfo.${name}`, 1, UINT32_MAX));
  writeUint32(value, fields.srto_assoc_id, associationId);
  put(fields.srto_initial, given.initial, "initial");
  put(fields.srto_max, given.max, "max");
  put(fields.srto_min, given.min, "min");
  if (given.min !== undefined && given.max !== undefined && given.min > given.max) {
    throw new ArgumentError("rtoinfo.min", `must not be above rtoinfo.max, which is ${given.max}, not ${given.min}`);
  }
  setOption(socket, SCTP_RTOINFO, value);
}

/** SCTP_ASSOCINFO. */
export function getAssociationInfo(socket: OptionSocket, associationId: number): SctpAssociationInfo {
  const { size, fields } = SCTP_LAYOUT.sctp_assocparams;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sasoc_assoc_id, associationId);
  getOption(socket, SCTP_ASSOCINFO, value);
  return {
    maxRetransmissions: readUint16(value, fields.sasoc_asocmaxrxt),
    cookieLife: readUint32(value, fields.sasoc_cookie_life),
    peerDestinations: readUint16(value, fields.sasoc_number_peer_destinations),
    peerRwnd: readUint32(value, fields.sasoc_peer_rwnd),
    localRwnd: readUint32(value, fields.sasoc_local_rwnd),
  };
}

/** SCTP_ASSOCINFO; what is left out stays as it is. @throws {ArgumentError} A field is out of range. */
export function setAssociationInfo(
  socket: OptionSocket,
  associationId: number,
  given: SctpAssociationParameters,
): void {
  const { size, fields } = SCTP_LAYOUT.sctp_assocparams;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sasoc_assoc_id, associationId);
  if (given.maxRetransmissions !== undefined) {
    const count = requireInteger(given.maxRetransmissions, "assocInfo.maxRetransmissions", 1, 0xffff);
    writeUint16(value, fields.sasoc_asocmaxrxt, count);
  }
  if (given.cookieLife !== undefined) {
    const ms = requireInteger(given.cookieLife, "assocInfo.cookieLife", 1, UINT32_MAX);
    writeUint32(value, fields.sasoc_cookie_life, ms);
  }
  setOption(socket, SCTP_ASSOCINFO, value);
}

/** SCTP_AUTOCLOSE, in milliseconds. */
export function getAutoclose(socket: OptionSocket): number {
  return getInt(socket, SCTP_AUTOCLOSE) * MS_PER_SECOND;
}

/** SCTP_AUTOCLOSE, in milliseconds, rounded up to the kernel's seconds. @throws {ArgumentError} It is out of range. */
export function setAutoclose(socket: OptionSocket, ms: number): void {
  if (!(ms >= 0 && ms <= 0x7fff_ffff * MS_PER_SECOND)) {
    throw new ArgumentError("autoclose", `must be milliseconds from 0 to 2147483647000, not ${String(ms)}`);
  }
  setInt(socket, SCTP_AUTOCLOSE, Math.ceil(ms / MS_PER_SECOND));
}

/** SCTP_DELAYED_SACK; a delay of 0 with a frequency of 1 means that nothing is delayed. */
export function getDelayedSack(socket: OptionSocket, associationId: number): Required<SctpDelayedSack> {
  const { size, fields } = SCTP_LAYOUT.sctp_sack_info;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sack_assoc_id, associationId);
  getOption(socket, SCTP_DELAYED_SACK, value);
  return { delay: readUint32(value, fields.sack_delay), frequency: readUint32(value, fields.sack_freq) };
}

/** SCTP_DELAYED_SACK; what is left out stays as it is. @throws {ArgumentError} A field is out of range. */
export function setDelayedSack(socket: OptionSocket, associationId: number, given: SctpDelayedSack): void {
  const { size, fields } = SCTP_LAYOUT.sctp_sack_info;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sack_assoc_id, associationId);
  if (given.delay !== undefined) {
    writeUint32(value, fields.sack_delay, requireInteger(given.delay, "delayedSack.delay", 1, MAX_SACK_DELAY_MS));
  }
  if (given.frequency !== undefined) {
    writeUint32(value, fields.sack_freq, requireInteger(given.frequency, "delayedSack.frequency", 1, UINT32_MAX));
  }
  setOption(socket, SCTP_DELAYED_SACK, value);
}

/** SCTP_MAX_BURST. */
export function getMaxBurst(socket: OptionSocket, associationId: number): number {
  return getAssociationValue(socket, SCTP_MAX_BURST, associationId);
}

/** SCTP_MAX_BURST; 0 does not limit. @throws {ArgumentError} It is out of range. */
export function setMaxBurst(socket: OptionSocket, associationId: number, packets: number): void {
  requireInteger(packets, "maxBurst", 0, 0x7fff_ffff);
  setAssociationValue(socket, SCTP_MAX_BURST, associationId, packets);
}

/** SCTP_ADAPTATION_LAYER. */
export function getAdaptationIndication(socket: OptionSocket): number {
  const { size, fields } = SCTP_LAYOUT.sctp_setadaptation;
  const value = new Uint8Array(size);
  getOption(socket, SCTP_ADAPTATION_LAYER, value);
  return readUint32(value, fields.ssb_adaptation_ind);
}

/** SCTP_ADAPTATION_LAYER. @throws {ArgumentError} It is out of range. */
export function setAdaptationIndication(socket: OptionSocket, indication: number): void {
  const { size, fields } = SCTP_LAYOUT.sctp_setadaptation;
  const value = new Uint8Array(size);
  writeUint32(value, fields.ssb_adaptation_ind, requireUint32(indication, "adaptationIndication"));
  setOption(socket, SCTP_ADAPTATION_LAYER, value);
}
