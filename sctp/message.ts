/**
 * What one SCTP message carries besides its bytes, on the way out and on the way in.
 *
 * @module
 */

import type { Inet6Address, InetAddress } from "../ffi/sockaddr.ts";
import type { SctpAddress } from "./address.ts";
import type { SctpInitMsg } from "./options.ts";

/**
 * One transport address of an SCTP endpoint: one IP address and the SCTP port (RFC 9260, section 1.3).
 *
 * An SCTP endpoint has one port and possibly several of these; the whole set is an {@linkcode SctpAddress}.
 */
export type SctpTransportAddress = InetAddress | Inet6Address;

/**
 * How long a message is worth delivering: the partial reliability (PR-SCTP) policy of one message.
 *
 * | policy | value |
 * | --- | --- |
 * | `"ttl"` | lifetime in milliseconds: not sent, or not sent again, once it is over (RFC 3758) |
 * | `"retransmissions"` | how often the message may be retransmitted; 0 sends it once (RFC 7496, section 4.1) |
 * | `"priority"` | 0 is the highest; when the send buffer is full, messages with a larger value are dropped first (RFC 7496, section 4.2) |
 *
 * The peer has to support PR-SCTP; otherwise every message is reliable. A message whose lifetime is over before any of
 * it was sent comes back as a `"send-failed"` notification. Linux does not tell of one that is given up later, nor of one that
 * made room for a message of higher priority; `partialReliabilityStatus()` counts them.
 */
export interface SctpPartialReliability {
  /** Which measure decides when the message is given up. */
  policy: "ttl" | "retransmissions" | "priority";
  /** The policy's value: milliseconds, a count, or a priority; 0 to 4294967295. */
  value: number;
}

/** The metadata of an outgoing message; RFC 6458, sections 5.3.4, 5.3.7 and 5.3.8. */
export interface SctpSendInfo {
  /**
   * The stream, 0 to 65535, below the number of outbound streams that was negotiated.
   *
   * @default {0}
   */
  streamId?: number;
  /**
   * The payload protocol identifier, 0 to 4294967295, as IANA lists them. It goes out in network byte order.
   *
   * @default {0}
   */
  ppid?: number;
  /**
   * Deliver as soon as it arrives, regardless of the order within the stream.
   *
   * @default {false}
   */
  unordered?: boolean;
  /**
   * A number of the sender's own, 0 to 4294967295, that comes back in a `"send-failed"` notification of this message. It
   * is not sent.
   *
   * @default {0}
   */
  context?: number;
  /**
   * Ask the peer to acknowledge at once instead of waiting for its delayed SACK timer (RFC 7053).
   *
   * @default {false}
   */
  sackImmediately?: boolean;
}

/** Options of one `send` on an association. */
export interface SctpSendOptions extends SctpSendInfo {
  /**
   * Shut the association down gracefully after this message (SCTP_EOF). With empty data there is only the shutdown.
   *
   * @default {false}
   */
  eof?: boolean;
  /**
   * Abort the association; the data becomes the reason that the peer sees (SCTP_ABORT).
   *
   * @default {false}
   */
  abort?: boolean;
  /**
   * Send to this address of the peer instead of the primary path (SCTP_ADDR_OVER): an address of one IP, or the IP alone.
   *
   * @default {the association's primary path}
   */
  addressOverride?: SctpAddress | SctpTransportAddress | string;
  /**
   * When to give up on this message; `null` never does.
   *
   * @default {the default policy of the socket, which is fully reliable unless set}
   */
  partialReliability?: SctpPartialReliability | null;
  /**
   * The shared key, 0 to 65535, that authenticates the packet which carries the message (SCTP_AUTHINFO).
   *
   * @default {the association's active key}
   */
  authKeyId?: number;
  /** Gives up waiting for room in the send buffer, with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Milliseconds to wait for room in the send buffer before a `TimeoutError`.
   *
   * @default {as long as it takes}
   */
  timeout?: number;
}

/** Options of one `send` on a one-to-many endpoint. */
export interface SctpEndpointSendOptions extends SctpSendOptions {
  /** The association to send on. */
  associationId?: number;
  /**
   * The peer to send to, where no `associationId` is given. An association is set up if there is none yet, with all of the
   * addresses.
   */
  to?: SctpAddress | SctpTransportAddress | string;
  /**
   * Send to every association of the endpoint (SCTP_SENDALL); `associationId` and `to` stay away.
   *
   * @default {false}
   */
  sendAll?: boolean;
  /** What the association that this send sets up asks for, instead of the endpoint's own `initmsg` (SCTP_INIT). */
  initmsg?: SctpInitMsg;
}

/** What is known of the message after this one, when `receiveNextInfo` is on; RFC 6458, section 5.3.6. */
export interface SctpNextInfo {
  /** Its stream. */
  streamId: number;
  /** Its payload protocol identifier; with message interleaving only if the message begins here. */
  ppid: number;
  /** How many of its bytes are there already. */
  length: number;
  /** Whether it was sent unordered. */
  unordered: boolean;
  /** Its association. */
  associationId: number;
  /** Whether it is a notification; the other fields then mean nothing. */
  isNotification: boolean;
  /** Whether all of it has arrived; `undefined` where the stack does not tell, as Linux does not. */
  complete: boolean | undefined;
}

/** The metadata of a received message; RFC 6458, section 5.3.5. */
export interface SctpReceiveInfo {
  /** The stream on which it came. */
  streamId: number;
  /** The stream sequence number; with message interleaving the low 16 bits of the message identifier. Means nothing when `unordered`. */
  ssn: number;
  /** The payload protocol identifier, read in network byte order. */
  ppid: number;
  /** The transmission sequence number of one of its DATA chunks; of the first, for a message in one chunk. */
  tsn: number;
  /** The cumulative TSN at delivery, if the message was sent unordered; 0 otherwise, on Linux. */
  cumTsn: number;
  /** The context set by the `context` option of the association. */
  context: number;
  /** Whether it was sent unordered. */
  unordered: boolean;
  /** The flags as the stack gave them (`rcv_flags`). */
  flags: number;
  /** The association on which it came. */
  associationId: number;
}

/** A message received: the bytes as one `send` of the peer gave them, and their metadata. */
export interface SctpMessage extends SctpReceiveInfo {
  /** Tells a message from the notifications. */
  type: "message";
  /** The bytes; they belong to the caller. */
  data: Uint8Array;
  /** The peer's address that the message came from. */
  from: SctpTransportAddress;
  /** What comes after this message: only with `receiveNextInfo`, and only if it is there already; else `undefined`. */
  next: SctpNextInfo | undefined;
}
