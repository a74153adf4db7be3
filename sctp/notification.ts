/**
 * The events of an SCTP socket, as a discriminated union on `type`.
 *
 * @module
 */

import type { SctpSendInfo, SctpTransportAddress } from "./message.ts";

/**
 * The names by which one subscribes to notifications, in the order of linux/sctp.h.
 *
 * @example
 * ```ts
 * import { SCTP_EVENT_NAMES } from "@sockeye/sockeye/sctp";
 * import assert from "node:assert/strict";
 *
 * assert(SCTP_EVENT_NAMES.includes("association"));
 * ```
 */
export const SCTP_EVENT_NAMES = [
  "association",
  "address",
  "send-failed",
  "remote-error",
  "shutdown",
  "partial-delivery",
  "adaptation",
  "authentication",
  "sender-dry",
  "stream-reset",
  "association-reset",
  "stream-change",
] as const;

/** The name of a kind of notification: what to subscribe to, and the `type` of what arrives. */
export type SctpEventName = typeof SCTP_EVENT_NAMES[number];

/** An error cause as it stands in an ABORT or ERROR chunk; RFC 9260, section 3.3.10. */
export interface SctpErrorCause {
  /** The cause code, for instance 12. */
  code: number;
  /** The cause's name, for instance `"user-initiated-abort"`; `"unknown"` for a code that we do not know. */
  name: SctpErrorCauseName;
  /**
   * What follows the cause's header: for a user-initiated abort the reason that the peer gave. In a `"remote-error"`
   * notification it ends with up to three bytes of padding, for Linux keeps the cause's length to itself.
   */
  data: Uint8Array;
}

/** The error causes of RFC 9260, section 3.3.10, RFC 5061, section 4.3, and RFC 4895, section 4. */
export type SctpErrorCauseName =
  | "none"
  | "invalid-stream-identifier"
  | "missing-mandatory-parameter"
  | "stale-cookie"
  | "out-of-resource"
  | "unresolvable-address"
  | "unrecognized-chunk-type"
  | "invalid-mandatory-parameter"
  | "unrecognized-parameters"
  | "no-user-data"
  | "cookie-received-while-shutting-down"
  | "restart-with-new-addresses"
  | "user-initiated-abort"
  | "protocol-violation"
  | "delete-last-address"
  | "out-of-resource-for-asconf"
  | "delete-source-address"
  | "illegal-asconf-ack"
  | "no-authorization"
  | "unsupported-hmac"
  | "unknown";

/** What happened to an association (`sac_state`). */
export type SctpAssociationChange = "comm-up" | "comm-lost" | "restart" | "shutdown-complete" | "cant-start-assoc";

/** A protocol extension that both ends support. */
export type SctpFeature = "partial-reliability" | "auth" | "asconf" | "reconfig" | "interleaving" | "ecn";

/** An association began or ended (SCTP_ASSOC_CHANGE); RFC 6458, section 6.1.1. */
export interface SctpAssociationNotification {
  /** The discriminant. */
  type: "association";
  /** The association; 0 on Linux for one that `"cant-start-assoc"`. */
  associationId: number;
  /** What happened. `"unknown"` is a state that a later kernel invented. */
  state: SctpAssociationChange | "unknown";
  /** The error cause code that ended it, 0 if there was none. */
  error: number;
  /** The name of `error`. */
  errorName: SctpErrorCauseName;
  /** How many streams there are to send on. */
  outboundStreams: number;
  /** How many streams there are to receive on. */
  inboundStreams: number;
  /** The causes of the ABORT that ended the association, the first being that of `error`; empty if none came. */
  causes: SctpErrorCause[];
  /** The extensions that both ends support, with `"comm-up"` and `"restart"`; empty otherwise. */
  features: SctpFeature[];
  /** The bytes of `sac_info` as they came: the ABORT chunk's causes. */
  info: Uint8Array;
}

/** What happened to an address of the peer (`spc_state`). */
export type SctpAddressChange =
  | "available"
  | "unreachable"
  | "removed"
  | "added"
  | "made-primary"
  | "confirmed"
  | "potentially-failed";

/** An address of the peer changed its state (SCTP_PEER_ADDR_CHANGE); RFC 6458, section 6.1.2. */
export interface SctpAddressNotification {
  /** The discriminant. */
  type: "address";
  /** The association. */
  associationId: number;
  /** The address; `undefined` if the kernel named none. */
  address: SctpTransportAddress | undefined;
  /** What happened to it. `"unknown"` is a state that a later kernel invented. */
  state: SctpAddressChange | "unknown";
  /** Why, by the kernel's `enum sctp_sn_error`: 0 too many losses, 1 a SACK came, 2 a heartbeat was answered, 3 asked for, 4 internal. */
  error: number;
}

/** The stack gave up on a message (SCTP_SEND_FAILED, SCTP_SEND_FAILED_EVENT); RFC 6458, sections 6.1.4 and 6.1.11. */
export interface SctpSendFailedNotification extends Required<SctpSendInfo> {
  /** The discriminant. */
  type: "send-failed";
  /** The association. */
  associationId: number;
  /** Whether the message had been put on the wire; the peer may then have received it. */
  sent: boolean;
  /** The error cause code, 0 if there was none. */
  error: number;
  /** The undelivered message, or the undelivered piece of it when the stack had fragmented it. */
  data: Uint8Array;
  /** Where the piece stands in the message; `"whole"` is the entire message. `undefined` when the stack does not tell. */
  fragment: "whole" | "first" | "middle" | "last" | undefined;
  /** The flags that it was sent with, as the stack gave them. */
  flags: number;
}

/** The peer reported an operational error (SCTP_REMOTE_ERROR); RFC 6458, section 6.1.3. */
export interface SctpRemoteErrorNotification {
  /** The discriminant. */
  type: "remote-error";
  /** The association. */
  associationId: number;
  /** The error, as the ERROR chunk had it. */
  cause: SctpErrorCause;
}

/** The peer asks to shut down: send no more (SCTP_SHUTDOWN_EVENT); RFC 6458, section 6.1.5. */
export interface SctpShutdownNotification {
  /** The discriminant. */
  type: "shutdown";
  /** The association. */
  associationId: number;
}

/** The peer told its adaptation layer (SCTP_ADAPTATION_INDICATION); RFC 6458, section 6.1.6. */
export interface SctpAdaptationNotification {
  /** The discriminant. */
  type: "adaptation";
  /** The association. */
  associationId: number;
  /** The peer's adaptation layer indication, 0 to 4294967295. */
  indication: number;
}

/** A message that was being delivered in parts will not be completed (SCTP_PARTIAL_DELIVERY_EVENT); RFC 6458, section 6.1.7. */
export interface SctpPartialDeliveryNotification {
  /** The discriminant. */
  type: "partial-delivery";
  /** The association. */
  associationId: number;
  /** What happened: aborted is the only indication there is. */
  indication: "aborted" | "unknown";
  /** The stream of the message; Linux tells it with interleaving only, and gives 0 otherwise. */
  streamId: number;
  /** The stream sequence number of the message; with interleaving the message identifier. Linux tells neither without. */
  sequence: number;
  /** Whether the message was unordered, where the stack tells. */
  unordered: boolean;
}

/** A shared key came into use or out of it (SCTP_AUTHENTICATION_EVENT); RFC 6458, section 6.1.8. */
export interface SctpAuthenticationNotification {
  /** The discriminant. */
  type: "authentication";
  /** The association. */
  associationId: number;
  /** The peer began to use the key; or nothing uses it any more; or the peer does not support AUTH. */
  indication: "new-key" | "free-key" | "no-auth" | "unknown";
  /** The key. */
  keyId: number;
  /** The key used before, where there is one. */
  alternateKeyId: number;
}

/** Everything sent has been acknowledged (SCTP_SENDER_DRY_EVENT); RFC 6458, section 6.1.9. */
export interface SctpSenderDryNotification {
  /** The discriminant. */
  type: "sender-dry";
  /** The association. */
  associationId: number;
}

/** Streams were reset, by us or by the peer (SCTP_STREAM_RESET_EVENT); RFC 6525, section 6.1.1. */
export interface SctpStreamResetNotification {
  /** The discriminant. */
  type: "stream-reset";
  /** The association. */
  associationId: number;
  /** Whether streams that we receive on were reset. */
  incoming: boolean;
  /** Whether streams that we send on were reset. */
  outgoing: boolean;
  /** The peer refused. */
  denied: boolean;
  /** It failed at the peer. */
  failed: boolean;
  /** The streams; empty means all of them. */
  streamIds: number[];
}

/** All streams and the TSNs were reset (SCTP_ASSOC_RESET_EVENT); RFC 6525, section 6.1.2. */
export interface SctpAssociationResetNotification {
  /** The discriminant. */
  type: "association-reset";
  /** The association. */
  associationId: number;
  /** The peer refused. */
  denied: boolean;
  /** It failed at the peer. */
  failed: boolean;
  /** The TSN that we send next. */
  localTsn: number;
  /** The TSN that the peer sends next. */
  remoteTsn: number;
}

/** Streams were added (SCTP_STREAM_CHANGE_EVENT); RFC 6525, section 6.1.3. */
export interface SctpStreamChangeNotification {
  /** The discriminant. */
  type: "stream-change";
  /** The association. */
  associationId: number;
  /** The peer refused. */
  denied: boolean;
  /** It failed at the peer. */
  failed: boolean;
  /** How many inbound streams there are now by RFC 6525; on Linux how many were added. `status()` tells how many there are. */
  inboundStreams: number;
  /** How many outbound streams there are now by RFC 6525; on Linux how many were added. `status()` tells how many there are. */
  outboundStreams: number;
}

/** A notification that we can't read: of a kind that a later kernel invented, or cut short. */
export interface SctpUnknownNotification {
  /** The discriminant. */
  type: "unknown";
  /** The kernel's number of the kind (`sn_type`), 0 if not even that is there. */
  notificationType: number;
  /** The notification's flags (`sn_flags`), 0 if they are not there. */
  flags: number;
  /** The whole notification as it came. */
  raw: Uint8Array;
}

/** Everything that an SCTP socket reports besides messages; tell them apart by `type`. */
export type SctpNotification =
  | SctpAssociationNotification
  | SctpAddressNotification
  | SctpSendFailedNotification
  | SctpRemoteErrorNotification
  | SctpShutdownNotification
  | SctpAdaptationNotification
  | SctpPartialDeliveryNotification
  | SctpAuthenticationNotification
  | SctpSenderDryNotification
  | SctpStreamResetNotification
  | SctpAssociationResetNotification
  | SctpStreamChangeNotification
  | SctpUnknownNotification;
