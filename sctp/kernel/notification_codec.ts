/**
 * Notifications as the kernel writes them, read into the public union; RFC 6458, section 6.1.
 *
 * Any bytes are taken: what is shorter than its struct, or than it claims to be, becomes an `"unknown"` notification with the
 * bytes as they are. Byte arrays within a notification are views of the bytes given.
 *
 * @module
 */

import type {
  SctpAddressChange,
  SctpAddressNotification,
  SctpAssociationChange,
  SctpAssociationNotification,
  SctpAuthenticationNotification,
  SctpEventName,
  SctpNotification,
  SctpRemoteErrorNotification,
  SctpSendFailedNotification,
  SctpStreamResetNotification,
} from "../notification.ts";
import { readInt32, readNetworkUint16, readNetworkUint32, readUint16, readUint32 } from "./bytes.ts";
import * as k from "./constants.ts";
import { causeName, decodeCauses } from "./error_causes.ts";
import { SCTP_LAYOUT } from "./layout.ts";
import { decodeTransportAddress } from "./transport_address.ts";

/** `sn_type`, `sn_flags` and `sn_length`, with which every notification begins. */
const SN_TYPE = 0;
const SN_FLAGS = 2;
const SN_LENGTH = 4;
const SN_HEADER_SIZE = 8;

/** Flags of DATA and I-DATA chunks, RFC 9260, section 3.3.1, which Linux gives as the flags of a failed send. */
const CHUNK_ENDS = 1 << 0;
const CHUNK_BEGINS = 1 << 1;
const CHUNK_UNORDERED = 1 << 2;
const CHUNK_SACK_IMMEDIATELY = 1 << 3;

/** In the order of `enum sctp_sac_state`. */
const ASSOCIATION_CHANGES: readonly SctpAssociationChange[] = [
  "comm-up",
  "comm-lost",
  "restart",
  "shutdown-complete",
  "cant-start-assoc",
];

/** In the order of `enum sctp_spc_state`. */
const ADDRESS_CHANGES: readonly SctpAddressChange[] = [
  "available",
  "unreachable",
  "removed",
  "added",
  "made-primary",
  "confirmed",
  "potentially-failed",
];

/** In the order of linux/sctp.h, from SCTP_AUTH_NEW_KEY on. */
const KEY_INDICATIONS: readonly SctpAuthenticationNotification["indication"][] = ["new-key", "free-key", "no-auth"];

/** The kernel's number (`sn_type`) of each kind of notification that one can subscribe to. */
export const EVENT_TYPES: Readonly<Record<SctpEventName, number>> = {
  "association": k.SCTP_ASSOC_CHANGE,
  "address": k.SCTP_PEER_ADDR_CHANGE,
  // Not SCTP_SEND_FAILED: that one is deprecated, and cuts into the data where messages are interleaved.
  "send-failed": k.SCTP_SEND_FAILED_EVENT,
  "remote-error": k.SCTP_REMOTE_ERROR,
  "shutdown": k.SCTP_SHUTDOWN_EVENT,
  "partial-delivery": k.SCTP_PARTIAL_DELIVERY_EVENT,
  "adaptation": k.SCTP_ADAPTATION_INDICATION,
  "authentication": k.SCTP_AUTHENTICATION_EVENT,
  "sender-dry": k.SCTP_SENDER_DRY_EVENT,
  "stream-reset": k.SCTP_STREAM_RESET_EVENT,
  "association-reset": k.SCTP_ASSOC_RESET_EVENT,
  "stream-change": k.SCTP_STREAM_CHANGE_EVENT,
};

/** How many bytes each kind has at least. */
const LEAST_SIZES: ReadonlyMap<number, number> = new Map([
  [k.SCTP_ASSOC_CHANGE, SCTP_LAYOUT.sctp_assoc_change.size],
  [k.SCTP_PEER_ADDR_CHANGE, SCTP_LAYOUT.sctp_paddr_change.size],
  [k.SCTP_SEND_FAILED, SCTP_LAYOUT.sctp_send_failed.size],
  [k.SCTP_REMOTE_ERROR, SCTP_LAYOUT.sctp_remote_error.size],
  [k.SCTP_SHUTDOWN_EVENT, SCTP_LAYOUT.sctp_shutdown_event.size],
  [k.SCTP_PARTIAL_DELIVERY_EVENT, SCTP_LAYOUT.sctp_pdapi_event.size],
  [k.SCTP_ADAPTATION_INDICATION, SCTP_LAYOUT.sctp_adaptation_event.size],
  [k.SCTP_AUTHENTICATION_EVENT, SCTP_LAYOUT.sctp_authkey_event.size],
  [k.SCTP_SENDER_DRY_EVENT, SCTP_LAYOUT.sctp_sender_dry_event.size],
  [k.SCTP_STREAM_RESET_EVENT, SCTP_LAYOUT.sctp_stream_reset_event.size],
  [k.SCTP_ASSOC_RESET_EVENT, SCTP_LAYOUT.sctp_assoc_reset_event.size],
  [k.SCTP_STREAM_CHANGE_EVENT, SCTP_LAYOUT.sctp_stream_change_event.size],
  [k.SCTP_SEND_FAILED_EVENT, SCTP_LAYOUT.sctp_send_failed_event.size],
]);

/**
 * Reads a notification.
 *
 * @param bytes What one `recvmsg` with MSG_NOTIFICATION brought, put together if it took several.
 */
export function decodeNotification(bytes: Uint8Array): SctpNotification {
  if (bytes.length < SN_HEADER_SIZE) return unknown(bytes);
  const length = readUint32(bytes, SN_LENGTH);
  const least = LEAST_SIZES.get(readUint16(bytes, SN_TYPE));
  if (least === undefined || length < least || length > bytes.length) return unknown(bytes);
  return decodeWhole(length < bytes.length ? bytes.subarray(0, length) : bytes);
}

function decodeWhole(bytes: Uint8Array): SctpNotification {
  switch (readUint16(bytes, SN_TYPE)) {
    case k.SCTP_ASSOC_CHANGE:
      return associationChange(bytes);
    case k.SCTP_PEER_ADDR_CHANGE:
      return addressChange(bytes);
    case k.SCTP_SEND_FAILED:
      return sendFailed(bytes);
    case k.SCTP_SEND_FAILED_EVENT:
      return sendFailedEvent(bytes);
    case k.SCTP_REMOTE_ERROR:
      return remoteError(bytes);
    case k.SCTP_SHUTDOWN_EVENT:
      return { type: "shutdown", associationId: readInt32(bytes, SCTP_LAYOUT.sctp_shutdown_event.fields.sse_assoc_id) };
    case k.SCTP_PARTIAL_DELIVERY_EVENT: {
      const { fields } = SCTP_LAYOUT.sctp_pdapi_event;
      const aborted = readUint32(bytes, fields.pdapi_indication) === k.SCTP_PARTIAL_DELIVERY_ABORTED;
      return {
        type: "partial-delivery",
        associationId: readInt32(bytes, fields.pdapi_assoc_id),
        indication: aborted ? "aborted" : "unknown",
        streamId: readUint32(bytes, fields.pdapi_stream),
        sequence: readUint32(bytes, fields.pdapi_seq),
        unordered: (readUint16(bytes, fields.pdapi_flags) & k.SCTP_UNORDERED) !== 0,
      };
    }
    case k.SCTP_ADAPTATION_INDICATION: {
      const { fields } = SCTP_LAYOUT.sctp_adaptation_event;
      return {
        type: "adaptation",
        associationId: readInt32(bytes, fields.sai_assoc_id),
        indication: readUint32(bytes, fields.sai_adaptation_ind),
      };
    }
    case k.SCTP_AUTHENTICATION_EVENT: {
      const { fields } = SCTP_LAYOUT.sctp_authkey_event;
      return {
        type: "authentication",
        associationId: readInt32(bytes, fields.auth_assoc_id),
        indication: KEY_INDICATIONS[readUint32(bytes, fields.auth_indication)] ?? "unknown",
        keyId: readUint16(bytes, fields.auth_keynumber),
        alternateKeyId: readUint16(bytes, fields.auth_altkeynumber),
      };
    }
    case k.SCTP_SENDER_DRY_EVENT: {
      const { fields } = SCTP_LAYOUT.sctp_sender_dry_event;
      return { type: "sender-dry", associationId: readInt32(bytes, fields.sender_dry_assoc_id) };
    }
    case k.SCTP_STREAM_RESET_EVENT:
      return streamReset(bytes);
    case k.SCTP_ASSOC_RESET_EVENT: {
      const { fields } = SCTP_LAYOUT.sctp_assoc_reset_event;
      return {
        type: "association-reset",
        associationId: readInt32(bytes, fields.assocreset_assoc_id),
        ...outcome(bytes),
        // RFC 6525 section 6.1.2 has it the other way round: what Linux calls local is what the peer sends next.
        localTsn: readUint32(bytes, fields.assocreset_remote_tsn),
        remoteTsn: readUint32(bytes, fields.assocreset_local_tsn),
      };
    }
    case k.SCTP_STREAM_CHANGE_EVENT: {
      const { fields } = SCTP_LAYOUT.sctp_stream_change_event;
      return {
        type: "stream-change",
        associationId: readInt32(bytes, fields.strchange_assoc_id),
        ...outcome(bytes),
        inboundStreams: readUint16(bytes, fields.strchange_instrms),
        outboundStreams: readUint16(bytes, fields.strchange_outstrms),
      };
    }
    default:
      return unknown(bytes);
  }
}

function associationChange(bytes: Uint8Array): SctpAssociationNotification {
  const { fields } = SCTP_LAYOUT.sctp_assoc_change;
  const info = bytes.subarray(fields.sac_info);
  // Linux gives cause codes as they stood on the wire, in network byte order.
  const error = readNetworkUint16(bytes, fields.sac_error);
  const state = ASSOCIATION_CHANGES[readUint16(bytes, fields.sac_state)] ?? "unknown";
  return {
    type: "association",
    associationId: readInt32(bytes, fields.sac_assoc_id),
    state,
    error,
    errorName: causeName(error),
    outboundStreams: readUint16(bytes, fields.sac_outbound_streams),
    inboundStreams: readUint16(bytes, fields.sac_inbound_streams),
    causes: decodeCauses(info),
    features: [],
    info,
  };
}

function addressChange(bytes: Uint8Array): SctpAddressNotification {
  const { fields } = SCTP_LAYOUT.sctp_paddr_change;
  return {
    type: "address",
    associationId: readInt32(bytes, fields.spc_assoc_id),
    address: decodeTransportAddress(bytes, fields.spc_aaddr),
    state: ADDRESS_CHANGES[readInt32(bytes, fields.spc_state)] ?? "unknown",
    error: readInt32(bytes, fields.spc_error),
  };
}

function sendFailed(bytes: Uint8Array): SctpSendFailedNotification {
  const { fields } = SCTP_LAYOUT.sctp_send_failed;
  const info = SCTP_LAYOUT.sctp_sndrcvinfo.fields;
  return failedSend(bytes, {
    associationId: readInt32(bytes, fields.ssf_assoc_id),
    streamId: readUint16(bytes, fields.ssf_info + info.sinfo_stream),
    ppid: readNetworkUint32(bytes, fields.ssf_info + info.sinfo_ppid),
    context: readUint32(bytes, fields.ssf_info + info.sinfo_context),
    flags: readUint16(bytes, fields.ssf_info + info.sinfo_flags),
    data: bytes.subarray(fields.ssf_data),
  });
}

function sendFailedEvent(bytes: Uint8Array): SctpSendFailedNotification {
  const { fields } = SCTP_LAYOUT.sctp_send_failed_event;
  const info = SCTP_LAYOUT.sctp_sndinfo.fields;
  return failedSend(bytes, {
    associationId: readInt32(bytes, fields.ssf_assoc_id),
    streamId: readUint16(bytes, fields.ssfe_info + info.snd_sid),
    ppid: readNetworkUint32(bytes, fields.ssfe_info + info.snd_ppid),
    context: readUint32(bytes, fields.ssfe_info + info.snd_context),
    flags: readUint16(bytes, fields.ssfe_info + info.snd_flags),
    data: bytes.subarray(fields.ssf_data),
  });
}

/** The fields that both kinds of notification have at the same place, and those that follow from the chunk's flags. */
function failedSend(
  bytes: Uint8Array,
  sent: Pick<SctpSendFailedNotification, "associationId" | "streamId" | "ppid" | "context" | "flags" | "data">,
): SctpSendFailedNotification {
  const { fields } = SCTP_LAYOUT.sctp_send_failed_event;
  const begins = (sent.flags & CHUNK_BEGINS) !== 0;
  const ends = (sent.flags & CHUNK_ENDS) !== 0;
  return {
    type: "send-failed",
    ...sent,
    sent: readUint16(bytes, fields.ssf_flags) === k.SCTP_DATA_SENT,
    error: readNetworkUint16(bytes, fields.ssf_error),
    unordered: (sent.flags & CHUNK_UNORDERED) !== 0,
    sackImmediately: (sent.flags & CHUNK_SACK_IMMEDIATELY) !== 0,
    fragment: begins ? (ends ? "whole" : "first") : ends ? "last" : "middle",
  };
}

function remoteError(bytes: Uint8Array): SctpRemoteErrorNotification {
  const { fields } = SCTP_LAYOUT.sctp_remote_error;
  const code = readNetworkUint16(bytes, fields.sre_error);
  return {
    type: "remote-error",
    associationId: readInt32(bytes, fields.sre_assoc_id),
    cause: { code, name: causeName(code), data: bytes.subarray(fields.sre_data) },
  };
}

function streamReset(bytes: Uint8Array): SctpStreamResetNotification {
  const { fields } = SCTP_LAYOUT.sctp_stream_reset_event;
  const flags = readUint16(bytes, fields.strreset_flags);
  const streamIds: number[] = [];
  for (let at = fields.strreset_stream_list; at + 2 <= bytes.length; at += 2) streamIds.push(readUint16(bytes, at));
  return {
    type: "stream-reset",
    associationId: readInt32(bytes, fields.strreset_assoc_id),
    incoming: (flags & k.SCTP_STREAM_RESET_INCOMING_SSN) !== 0,
    outgoing: (flags & k.SCTP_STREAM_RESET_OUTGOING_SSN) !== 0,
    ...outcome(bytes),
    streamIds,
  };
}

/** The flags that the three notifications of reconfiguration share. */
function outcome(bytes: Uint8Array): { denied: boolean; failed: boolean } {
  const flags = readUint16(bytes, SN_FLAGS);
  return {
    denied: (flags & k.SCTP_STREAM_RESET_DENIED) !== 0,
    failed: (flags & k.SCTP_STREAM_RESET_FAILED) !== 0,
  };
}

function unknown(bytes: Uint8Array): SctpNotification {
  return {
    type: "unknown",
    notificationType: bytes.length >= SN_FLAGS ? readUint16(bytes, SN_TYPE) : 0,
    flags: bytes.length >= SN_LENGTH ? readUint16(bytes, SN_FLAGS) : 0,
    raw: bytes,
  };
}
