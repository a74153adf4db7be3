/**
 * What peers report, one JSON object per line: the same from C, from Go and from ours.
 *
 * @module
 */

import type { Fingerprint } from "./messages.ts";

/** A message was received. */
export interface MessageReport extends Fingerprint {
  type: "message";
  association?: number;
  ssn: number;
  tsn: number;
  cumTsn: number;
  context: number;
  /** `"127.0.0.1:5000"` or `"[::1]:5000"`; the Go library does not tell. */
  from?: string;
  next?: { stream: number; ppid: number; unordered: boolean; notification: boolean; length: number };
}

/** A notification was received; the fields are named in c/report.c, the values in linux/sctp.h. */
export interface NotificationReport {
  type: "notification";
  /** The type, for instance `"SCTP_ASSOC_CHANGE"`. */
  event: string;
  association: number;
  /** For instance `"SCTP_COMM_UP"`. */
  state?: string;
  [field: string]: unknown;
}

/** An association is there: who is at both ends, and what was negotiated. */
export interface UpReport {
  type: "up";
  local: string[];
  peer: string[];
  inbound?: number;
  outbound?: number;
  primary?: string;
}

/** An association ended, and how: the last association change, `"EOF"`, an errno, or what we did ourselves. */
export interface EndReport {
  type: "end";
  how: string;
  sent: number;
  received: number;
}

/** A call failed, and the peer gave up. */
export interface ErrorReport {
  type: "error";
  call: string;
  code: string;
}

/** Any line. */
export type Report = MessageReport | NotificationReport | UpReport | EndReport | ErrorReport;
