/**
 * Options about messages: their defaults, how they are cut and delivered, and what is told of them; RFC 6458, section 8.1.
 *
 * Where a function takes an `associationId`, 0 is the socket's default for associations to come (SCTP_FUTURE_ASSOC), and the
 * only association there is on a one-to-one socket.
 *
 * @module
 */

import { UnsupportedError } from "../../../common/errors.ts";
import type { SctpPartialReliability, SctpSendInfo } from "../../message.ts";
import { requireInt31, requireInteger, requireUint16, requireUint32 } from "../arguments.ts";
import { readNetworkUint32, readUint16, readUint32, writeNetworkUint32, writeUint16, writeUint32 } from "../bytes.ts";
import {
  SCTP_CONTEXT,
  SCTP_DEFAULT_PRINFO,
  SCTP_DEFAULT_SNDINFO,
  SCTP_FRAGMENT_INTERLEAVE,
  SCTP_INTERLEAVING_SUPPORTED,
  SCTP_MAXSEG,
  SCTP_PARTIAL_DELIVERY_POINT,
  SCTP_PR_SCTP_NONE,
  SCTP_UNORDERED,
} from "../constants.ts";
import { SCTP_LAYOUT } from "../layout.ts";
import { partialReliabilityOf, partialReliabilityPolicy } from "../partial_reliability.ts";
import {
  getAssociationValue,
  getInt,
  getOption,
  hasCode,
  type OptionSocket,
  setAssociationValue,
  setInt,
  setOption,
} from "./socket.ts";

const NEEDS_INTERLEAVING = "Linux 4.17 or later";

/** SCTP_DEFAULT_SNDINFO. */
export function getDefaultSendInfo(socket: OptionSocket, associationId: number): Required<SctpSendInfo> {
  const { size, fields } = SCTP_LAYOUT.sctp_sndinfo;
  const value = new Uint8Array(size);
  writeUint32(value, fields.snd_assoc_id, associationId);
  getOption(socket, SCTP_DEFAULT_SNDINFO, value);
  return {
    streamId: readUint16(value, fields.snd_sid),
    ppid: readNetworkUint32(value, fields.snd_ppid),
    unordered: (readUint16(value, fields.snd_flags) & SCTP_UNORDERED) !== 0,
    context: readUint32(value, fields.snd_context),
    sackImmediately: false,
  };
}

/**
 * SCTP_DEFAULT_SNDINFO.
 *
 * The kernel takes no default for `sackImmediately`: it has to go out with each message.
 *
 * @throws {ArgumentError} A field is out of range.
 */
export function setDefaultSendInfo(socket: OptionSocket, associationId: number, given: SctpSendInfo): void {
  const { size, fields } = SCTP_LAYOUT.sctp_sndinfo;
  const value = new Uint8Array(size);
  writeUint16(value, fields.snd_sid, requireUint16(given.streamId ?? 0, "defaultSendInfo.streamId"));
  writeUint16(value, fields.snd_flags, given.unordered ? SCTP_UNORDERED : 0);
  writeNetworkUint32(value, fields.snd_ppid, requireUint32(given.ppid ?? 0, "defaultSendInfo.ppid"));
  writeUint32(value, fields.snd_context, requireUint32(given.context ?? 0, "defaultSendInfo.context"));
  writeUint32(value, fields.snd_assoc_id, associationId);
  setOption(socket, SCTP_DEFAULT_SNDINFO, value);
}

/** SCTP_DEFAULT_PRINFO; `null` is fully reliable. */
export function getDefaultPartialReliability(
  socket: OptionSocket,
  associationId: number,
): SctpPartialReliability | null {
  const { size, fields } = SCTP_LAYOUT.sctp_default_prinfo;
  const value = new Uint8Array(size);
  writeUint32(value, fields.pr_assoc_id, associationId);
  getOption(socket, SCTP_DEFAULT_PRINFO, value);
  return partialReliabilityOf(readUint16(value, fields.pr_policy), readUint32(value, fields.pr_value));
}

/** SCTP_DEFAULT_PRINFO; `null` is fully reliable. @throws {ArgumentError} The policy or its value is not allowed. */
export function setDefaultPartialReliability(
  socket: OptionSocket,
  associationId: number,
  given: SctpPartialReliability | null,
): void {
  const { size, fields } = SCTP_LAYOUT.sctp_default_prinfo;
  const value = new Uint8Array(size);
  const code = given === null ? SCTP_PR_SCTP_NONE : partialReliabilityPolicy(given, "defaultPartialReliability");
  writeUint32(value, fields.pr_assoc_id, associationId);
  writeUint32(value, fields.pr_value, given === null ? 0 : given.value);
  writeUint16(value, fields.pr_policy, code);
  setOption(socket, SCTP_DEFAULT_PRINFO, value);
}

/** SCTP_CONTEXT. */
export function getContext(socket: OptionSocket, associationId: number): number {
  return getAssociationValue(socket, SCTP_CONTEXT, associationId);
}

/** SCTP_CONTEXT. @throws {ArgumentError} It is out of range. */
export function setContext(socket: OptionSocket, associationId: number, context: number): void {
  setAssociationValue(socket, SCTP_CONTEXT, associationId, requireUint32(context, "context"));
}

/** SCTP_MAXSEG. */
export function getMaxseg(socket: OptionSocket, associationId: number): number {
  return getAssociationValue(socket, SCTP_MAXSEG, associationId);
}

/** SCTP_MAXSEG; 0 leaves it to the path MTU. @throws {ArgumentError} It is out of range. */
export function setMaxseg(socket: OptionSocket, associationId: number, bytes: number): void {
  setAssociationValue(socket, SCTP_MAXSEG, associationId, requireUint16(bytes, "maxseg"));
}

/** SCTP_FRAGMENT_INTERLEAVE. */
export function getFragmentInterleave(socket: OptionSocket): 0 | 1 | 2 {
  return getInt(socket, SCTP_FRAGMENT_INTERLEAVE) as 0 | 1 | 2;
}

/** SCTP_FRAGMENT_INTERLEAVE; Linux takes 2 for 1. @throws {ArgumentError} There is no such level. */
export function setFragmentInterleave(socket: OptionSocket, level: number): void {
  setInt(socket, SCTP_FRAGMENT_INTERLEAVE, requireInteger(level, "fragmentInterleave", 0, 2));
}

/** SCTP_INTERLEAVING_SUPPORTED; of an association, whether messages are interleaved. */
export function getInterleaving(socket: OptionSocket, associationId: number): boolean {
  return getAssociationValue(socket, SCTP_INTERLEAVING_SUPPORTED, associationId, NEEDS_INTERLEAVING) !== 0;
}

/**
 * SCTP_INTERLEAVING_SUPPORTED, for associations to come. The fragment interleave level has to be 1 or 2 before.
 *
 * @throws {UnsupportedError} The kernel's administrator has it switched off.
 */
export function setInterleaving(socket: OptionSocket, on: boolean): void {
  try {
    setAssociationValue(socket, SCTP_INTERLEAVING_SUPPORTED, 0, on ? 1 : 0, NEEDS_INTERLEAVING);
  } catch (error) {
    if (!hasCode(error, "EPERM")) throw error;
    throw new UnsupportedError(
      "interleaving: the kernel has message interleaving switched off, or fragmentInterleave is 0; " +
        "set the sysctl net.sctp.intl_enable=1, and fragmentInterleave to 1",
      { cause: error },
    );
  }
}

/** SCTP_PARTIAL_DELIVERY_POINT, in bytes. */
export function getPartialDeliveryPoint(socket: OptionSocket): number {
  return getInt(socket, SCTP_PARTIAL_DELIVERY_POINT);
}

/** SCTP_PARTIAL_DELIVERY_POINT, in bytes; at most the receive buffer's size. @throws {ArgumentError} It is out of range. */
export function setPartialDeliveryPoint(socket: OptionSocket, bytes: number): void {
  setInt(socket, SCTP_PARTIAL_DELIVERY_POINT, requireInt31(bytes, "partialDeliveryPoint"));
}
