/**
 * What can be read about associations: which there are, how they stand, and what they have counted; RFC 6458, section 8.2.
 *
 * @module
 */

import { UnsupportedError } from "../../../common/errors.ts";
import type { SctpPartialReliability } from "../../message.ts";
import type { SctpFeature } from "../../notification.ts";
import type { SctpAssociationState, SctpPartialReliabilityStatus, SctpStatistics, SctpStatus } from "../../options.ts";
import { requireName, requireUint16 } from "../arguments.ts";
import { readInt32, readUint16, readUint32, readUint64, writeUint16, writeUint32 } from "../bytes.ts";
import {
  SCTP_ASCONF_SUPPORTED,
  SCTP_AUTH_SUPPORTED,
  SCTP_ECN_SUPPORTED,
  SCTP_GET_ASSOC_ID_LIST,
  SCTP_GET_ASSOC_NUMBER,
  SCTP_GET_ASSOC_STATS,
  SCTP_INTERLEAVING_SUPPORTED,
  SCTP_PR_ASSOC_STATUS,
  SCTP_PR_SCTP_ALL,
  SCTP_PR_STREAM_STATUS,
  SCTP_PR_SUPPORTED,
  SCTP_RECONFIG_SUPPORTED,
  SCTP_STATUS,
} from "../constants.ts";
import { SCTP_LAYOUT } from "../layout.ts";
import { decodeTransportAddress } from "../transport_address.ts";
import { POLICY_CODES } from "../partial_reliability.ts";
import { decodePathInfo } from "./paths.ts";
import { getAssociationValue, getInt, getOption, hasCode, type OptionSocket } from "./socket.ts";

/** In the order of `enum sctp_sstat_state`. */
const STATES: readonly SctpAssociationState[] = [
  "empty",
  "closed",
  "cookie-wait",
  "cookie-echoed",
  "established",
  "shutdown-pending",
  "shutdown-sent",
  "shutdown-received",
  "shutdown-ack-sent",
];

/** Associations that may come up between counting them and listing them. */
const SPARE_IDS = 16;

const FEATURE_OPTIONS: readonly (readonly [SctpFeature, number])[] = [
  ["partial-reliability", SCTP_PR_SUPPORTED],
  ["auth", SCTP_AUTH_SUPPORTED],
  ["asconf", SCTP_ASCONF_SUPPORTED],
  ["reconfig", SCTP_RECONFIG_SUPPORTED],
  ["interleaving", SCTP_INTERLEAVING_SUPPORTED],
  ["ecn", SCTP_ECN_SUPPORTED],
];

/** SCTP_GET_ASSOC_ID_LIST: the associations of a one-to-many socket. */
export function getAssociationIds(socket: OptionSocket): number[] {
  const { size, fields } = SCTP_LAYOUT.sctp_assoc_ids;
  for (let spare = SPARE_IDS;; spare *= 2) {
    const value = new Uint8Array(size + 4 * (getInt(socket, SCTP_GET_ASSOC_NUMBER) + spare));
    try {
      const length = getOption(socket, SCTP_GET_ASSOC_ID_LIST, value);
      const count = Math.min(readUint32(value, fields.gaids_number_of_ids), (length - size) / 4);
      return Array.from({ length: count }, (_, index) => readInt32(value, fields.gaids_assoc_id + 4 * index));
    } catch (error) {
      // The list did not fit: associations have come up since they were counted.
      if (!hasCode(error, "EINVAL") || spare > 0xffff) throw error;
    }
  }
}

/** SCTP_STATUS. @throws {SystemError} EINVAL if there is no such association (any more). */
export function getStatus(socket: OptionSocket, associationId: number): SctpStatus {
  const { size, fields } = SCTP_LAYOUT.sctp_status;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sstat_assoc_id, associationId);
  getOption(socket, SCTP_STATUS, value);
  return {
    associationId: readInt32(value, fields.sstat_assoc_id),
    state: STATES[readInt32(value, fields.sstat_state)] ?? "unknown",
    rwnd: readUint32(value, fields.sstat_rwnd),
    unackedData: readUint16(value, fields.sstat_unackdata),
    pendingData: readUint16(value, fields.sstat_penddata),
    inboundStreams: readUint16(value, fields.sstat_instrms),
    outboundStreams: readUint16(value, fields.sstat_outstrms),
    fragmentationPoint: readUint32(value, fields.sstat_fragmentation_point),
    primary: decodePathInfo(value, fields.sstat_primary),
  };
}

/** SCTP_GET_ASSOC_STATS. Reading resets `maxRto`. */
export function getStatistics(socket: OptionSocket, associationId: number): SctpStatistics {
  const { size, fields } = SCTP_LAYOUT.sctp_assoc_stats;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sas_assoc_id, associationId);
  getOption(socket, SCTP_GET_ASSOC_STATS, value);
  const maxRto = readUint64(value, fields.sas_maxrto);
  return {
    associationId: readInt32(value, fields.sas_assoc_id),
    maxRto,
    maxRtoAddress: maxRto === 0 ? undefined : decodeTransportAddress(value, fields.sas_obs_rto_ipaddr),
    sacksReceived: readUint64(value, fields.sas_isacks),
    sacksSent: readUint64(value, fields.sas_osacks),
    packetsSent: readUint64(value, fields.sas_opackets),
    packetsReceived: readUint64(value, fields.sas_ipackets),
    retransmittedChunks: readUint64(value, fields.sas_rtxchunks),
    outOfSequenceTsns: readUint64(value, fields.sas_outofseqtsns),
    duplicateChunksReceived: readUint64(value, fields.sas_idupchunks),
    gapAcksReceived: readUint64(value, fields.sas_gapcnt),
    unorderedChunksSent: readUint64(value, fields.sas_ouodchunks),
    unorderedChunksReceived: readUint64(value, fields.sas_iuodchunks),
    orderedChunksSent: readUint64(value, fields.sas_oodchunks),
    orderedChunksReceived: readUint64(value, fields.sas_iodchunks),
    controlChunksSent: readUint64(value, fields.sas_octrlchunks),
    controlChunksReceived: readUint64(value, fields.sas_ictrlchunks),
  };
}

/**
 * SCTP_PR_ASSOC_STATUS and SCTP_PR_STREAM_STATUS: how many messages were given up.
 *
 * @param streamId One stream, or `undefined` for the whole association.
 * @param policy Those given up by this policy, or `undefined` for all of them.
 * @throws {ArgumentError} The stream is out of range, or the policy unknown.
 */
export function getPartialReliabilityStatus(
  socket: OptionSocket,
  associationId: number,
  streamId?: number,
  policy?: SctpPartialReliability["policy"],
): SctpPartialReliabilityStatus {
  const { size, fields } = SCTP_LAYOUT.sctp_prstatus;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sprstat_assoc_id, associationId);
  writeUint16(value, fields.sprstat_sid, requireUint16(streamId ?? 0, "streamId"));
  const code = policy === undefined ? SCTP_PR_SCTP_ALL : requireName(policy, "policy", POLICY_CODES);
  writeUint16(value, fields.sprstat_policy, code);
  getOption(socket, streamId === undefined ? SCTP_PR_ASSOC_STATUS : SCTP_PR_STREAM_STATUS, value);
  return {
    abandonedUnsent: readUint64(value, fields.sprstat_abandoned_unsent),
    abandonedSent: readUint64(value, fields.sprstat_abandoned_sent),
  };
}

/** The extensions that both ends of an association support; those that the kernel does not know, it does not support. */
export function getSupportedFeatures(socket: OptionSocket, associationId: number): SctpFeature[] {
  const features: SctpFeature[] = [];
  for (const [feature, option] of FEATURE_OPTIONS) {
    try {
      if (getAssociationValue(socket, option, associationId) !== 0) features.push(feature);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
    }
  }
  return features;
}
