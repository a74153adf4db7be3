/**
 * What the public API of Sockeye says, in the words that the C peers use.
 *
 * @module
 */

import type {
  SctpAddress,
  SctpMessage,
  SctpNotification,
  SctpStatus,
  SctpTransportAddress,
} from "@sockeye/sockeye/sctp";
import { fnv1a } from "./messages.ts";
import type { MessageReport, NotificationReport, UpReport } from "./reports.ts";

const CHANGES: Record<string, string> = {
  "comm-up": "SCTP_COMM_UP",
  "comm-lost": "SCTP_COMM_LOST",
  "restart": "SCTP_RESTART",
  "shutdown-complete": "SCTP_SHUTDOWN_COMP",
  "cant-start-assoc": "SCTP_CANT_STR_ASSOC",
};

const PATH_STATES: Record<string, string> = {
  "available": "SCTP_ADDR_AVAILABLE",
  "unreachable": "SCTP_ADDR_UNREACHABLE",
  "removed": "SCTP_ADDR_REMOVED",
  "added": "SCTP_ADDR_ADDED",
  "made-primary": "SCTP_ADDR_MADE_PRIM",
  "confirmed": "SCTP_ADDR_CONFIRMED",
  "potentially-failed": "SCTP_ADDR_POTENTIALLY_FAILED",
};

const KEY_STATES: Record<string, string> = {
  "new-key": "SCTP_AUTH_NEW_KEY",
  "free-key": "SCTP_AUTH_FREE_KEY",
  "no-auth": "SCTP_AUTH_NO_AUTH",
};

/** Reports a message. */
export function messageReport(message: SctpMessage): MessageReport {
  const { next } = message;
  return {
    type: "message",
    association: message.associationId,
    stream: message.streamId,
    ssn: message.ssn,
    ppid: message.ppid,
    tsn: message.tsn,
    cumTsn: message.cumTsn,
    unordered: message.unordered,
    context: message.context,
    length: message.data.length,
    fnv: fnv1a(message.data),
    from: textOf(message.from),
    ...(next && {
      next: {
        stream: next.streamId,
        ppid: next.ppid,
        unordered: next.unordered,
        notification: next.isNotification,
        length: next.length,
      },
    }),
  };
}

/** Reports a notification. */
export function notificationReport(event: SctpNotification): NotificationReport {
  const report = (name: string, fields: Record<string, unknown> = {}): NotificationReport => ({
    type: "notification",
    event: name,
    association: "associationId" in event ? event.associationId : 0,
    ...fields,
  });
  switch (event.type) {
    case "association":
      return report("SCTP_ASSOC_CHANGE", {
        state: CHANGES[event.state],
        error: event.error,
        outbound: event.outboundStreams,
        inbound: event.inboundStreams,
        info: hex(event.info),
      });
    case "address":
      return report("SCTP_PEER_ADDR_CHANGE", {
        state: PATH_STATES[event.state],
        error: event.error,
        address: event.address && textOf(event.address),
      });
    case "send-failed":
      return report("SCTP_SEND_FAILED_EVENT", {
        sent: event.sent,
        error: event.error,
        stream: event.streamId,
        ppid: event.ppid,
        context: event.context,
        length: event.data.length,
        fnv: fnv1a(event.data),
      });
    case "remote-error":
      return report("SCTP_REMOTE_ERROR", { error: event.cause.code, info: hex(event.cause.data) });
    case "shutdown":
      return report("SCTP_SHUTDOWN_EVENT");
    case "partial-delivery":
      return report("SCTP_PARTIAL_DELIVERY_EVENT", { stream: event.streamId, sequence: event.sequence });
    case "adaptation":
      return report("SCTP_ADAPTATION_INDICATION", { adaptation: event.indication });
    case "authentication":
      return report("SCTP_AUTHENTICATION_EVENT", { indication: KEY_STATES[event.indication], key: event.keyId });
    case "sender-dry":
      return report("SCTP_SENDER_DRY_EVENT");
    case "stream-reset":
      return report("SCTP_STREAM_RESET_EVENT", {
        flags: flags(event.incoming, event.outgoing, event.denied, event.failed),
        streams: event.streamIds,
      });
    case "association-reset":
      return report("SCTP_ASSOC_RESET_EVENT", {
        flags: flags(false, false, event.denied, event.failed),
        localTsn: event.localTsn,
        remoteTsn: event.remoteTsn,
      });
    case "stream-change":
      return report("SCTP_STREAM_CHANGE_EVENT", {
        flags: flags(false, false, event.denied, event.failed),
        inbound: event.inboundStreams,
        outbound: event.outboundStreams,
      });
    case "unknown":
      return report("unknown", { number: event.notificationType });
  }
}

/** Reports who is at both ends of an association. */
export function upReport(local: SctpAddress, peer: SctpAddress, status: SctpStatus): UpReport {
  return {
    type: "up",
    local: textsOf(local),
    peer: textsOf(peer),
    inbound: status.inboundStreams,
    outbound: status.outboundStreams,
    primary: textOf(status.primary.address),
  };
}

/** The flags of RFC 6525, sections 6.1.1 to 6.1.3. */
function flags(incoming: boolean, outgoing: boolean, denied: boolean, failed: boolean): number {
  return (incoming ? 1 : 0) | (outgoing ? 2 : 0) | (denied ? 4 : 0) | (failed ? 8 : 0);
}

function textsOf(address: SctpAddress): string[] {
  return address.addresses.map((ip) => ip.includes(":") ? `[${ip}]:${address.port}` : `${ip}:${address.port}`);
}

function textOf({ family, address, port }: SctpTransportAddress): string {
  return family === "inet6" ? `[${address}]:${port}` : `${address}:${port}`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
