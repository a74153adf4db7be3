/**
 * The options of an SCTP socket and of its associations, and what can be read back from them.
 *
 * Names are those of RFC 6458 in camel case, durations are milliseconds, sizes are bytes.
 *
 * @module
 */

import type { SctpPartialReliability, SctpSendInfo, SctpTransportAddress } from "./message.ts";

/** What an association asks for when it is set up (SCTP_INITMSG); RFC 6458, section 8.1.3. */
export interface SctpInitMsg {
  /**
   * How many streams to send on, 1 to 65535.
   *
   * @default {10}
   */
  numOstreams?: number;
  /**
   * How many streams the peer may send on, 1 to 65535.
   *
   * @default {65535}
   */
  maxInstreams?: number;
  /**
   * How often to send INIT or COOKIE ECHO before giving up, 1 to 65535.
   *
   * @default {8}
   */
  maxAttempts?: number;
  /**
   * The longest wait between two of these attempts, in milliseconds, 1 to 65535.
   *
   * @default {60_000}
   */
  maxInitTimeout?: number;
}

/** The bounds of the retransmission timeout (SCTP_RTOINFO); RFC 6458, section 8.1.1. */
export interface SctpRtoInfo {
  /**
   * The first timeout, in milliseconds.
   *
   * @default {3000}
   */
  initial?: number;
  /**
   * The longest, in milliseconds.
   *
   * @default {60_000}
   */
  max?: number;
  /**
   * The shortest, in milliseconds.
   *
   * @default {1000}
   */
  min?: number;
}

/** What can be set about an association as a whole (SCTP_ASSOCINFO); RFC 6458, section 8.1.2. */
export interface SctpAssociationParameters {
  /**
   * How many retransmissions in a row end the association, 1 to 65535; at most the sum of the paths' own limits.
   *
   * @default {10}
   */
  maxRetransmissions?: number;
  /**
   * How long a state cookie is valid, in milliseconds, 1 to 4294967295.
   *
   * @default {60_000}
   */
  cookieLife?: number;
}

/** What can be read about an association as a whole (SCTP_ASSOCINFO). */
export interface SctpAssociationInfo extends Required<SctpAssociationParameters> {
  /** How many addresses the peer has. */
  peerDestinations: number;
  /** The peer's receiver window, in bytes. */
  peerRwnd: number;
  /** Our last receiver window sent to the peer, in bytes. */
  localRwnd: number;
}

/** What can be set about the paths to a peer (SCTP_PEER_ADDR_PARAMS); RFC 6458, section 8.1.12. */
export interface SctpPeerAddressParameters {
  /**
   * Whether idle paths are probed by heartbeats.
   *
   * @default {true}
   */
  heartbeat?: boolean;
  /**
   * The time between two heartbeats, in milliseconds, added to the path's RTO; 0 to 2147483647.
   *
   * @default {30_000}
   */
  heartbeatInterval?: number;
  /**
   * How many retransmissions in a row make the path inactive, 1 to 65535.
   *
   * @default {5}
   */
  pathMaxRetransmissions?: number;
  /**
   * Whether the path MTU is discovered.
   *
   * @default {true}
   */
  pathMtuDiscovery?: boolean;
  /** The path MTU in bytes, 512 or more; setting it turns discovery off. 0, where read, is that of the route. */
  pathMtu?: number;
  /** The differentiated services code point of packets on the path, 0 to 63. */
  dscp?: number;
  /** The flow label of IPv6 packets on the path, 0 to 1048575. */
  flowLabel?: number;
}

/** What can be read about the paths to a peer (SCTP_PEER_ADDR_PARAMS). */
export interface SctpPeerAddressSettings extends Required<SctpPeerAddressParameters> {
  /** The delay of acknowledgements on this path, in milliseconds; 0 if they are not delayed. */
  sackDelay: number;
}

/** When a path is given up, and when the primary moves (SCTP_PEER_ADDR_THLDS_V2); RFC 7829, section 7.2. */
export interface SctpPeerAddressThresholds {
  /** How many retransmissions in a row make the path inactive, 1 to 65535. */
  pathMaxRetransmissions?: number;
  /** How many make it potentially failed, 0 to 65535; at or above `pathMaxRetransmissions` it never is. */
  potentiallyFailed?: number;
  /** How many make the primary path move to another address; 65535 is never. At least `potentiallyFailed`. */
  primarySwitchover?: number;
}

/** When received data is acknowledged (SCTP_DELAYED_SACK); RFC 6458, section 8.1.19. */
export interface SctpDelayedSack {
  /**
   * The longest delay, in milliseconds, 1 to 500.
   *
   * @default {200}
   */
  delay?: number;
  /**
   * After how many packets at the latest; 1 acknowledges each packet at once.
   *
   * @default {2}
   */
  frequency?: number;
}

/** A shared key for authentication (SCTP_AUTH_KEY); RFC 6458, section 8.3.3. */
export interface SctpAuthKey {
  /** The key's number, 0 to 65535. */
  keyId: number;
  /** The shared secret; empty is the null key. */
  key: Uint8Array;
}

/** The hash functions of authentication; RFC 4895, section 3.3. */
export type SctpAuthHmac = "sha1" | "sha256";

/** Chunk authentication; RFC 4895, and RFC 6458, section 8.3. */
export interface SctpAuthOptions {
  /**
   * Whether the extension is offered to peers (SCTP_AUTH_SUPPORTED); Linux 5.4 or later.
   *
   * @default {the sysctl net.sctp.auth_enable}
   */
  supported?: boolean;
  /**
   * The chunk types that the peer must authenticate: 0 is DATA. INIT (1), INIT ACK (2), SHUTDOWN COMPLETE (14) and AUTH
   * (15) are not allowed.
   */
  chunks?: readonly number[];
  /**
   * The hash functions that we accept, best first; `"sha1"` is always among them (RFC 4895, section 6.1).
   *
   * @default {["sha1"]}
   */
  hmacs?: readonly SctpAuthHmac[];
  /** The shared keys. */
  keys?: readonly SctpAuthKey[];
  /**
   * The key that authenticates what we send.
   *
   * @default {0}
   */
  activeKeyId?: number;
}

/** Which reconfigurations the peer may ask for, and we may (SCTP_ENABLE_STREAM_RESET); RFC 6525, section 6.3.1. */
export interface SctpStreamResetOptions {
  /**
   * Reset streams.
   *
   * @default {false}
   */
  streams?: boolean;
  /**
   * Reset the association.
   *
   * @default {false}
   */
  association?: boolean;
  /**
   * Add streams.
   *
   * @default {false}
   */
  addStreams?: boolean;
}

/**
 * How the next message is chosen when several streams have one (SCTP_STREAM_SCHEDULER); RFC 8260, section 3.
 *
 * | name | chooses | stream value |
 * | --- | --- | --- |
 * | `"fcfs"` | the oldest | none |
 * | `"priority"` | the stream of the smallest value | its priority |
 * | `"round-robin"` | the streams in turn | none |
 * | `"fair-capacity"` | the stream that has sent the fewest bytes (Linux 6.4) | none |
 * | `"weighted-fair-queueing"` | the same, by weight (Linux 6.4) | its weight |
 */
export type SctpStreamScheduler = "fcfs" | "priority" | "round-robin" | "fair-capacity" | "weighted-fair-queueing";

/** Whether potentially failed paths are shown as such, or as active (SCTP_EXPOSE_PF_STATE); RFC 7829, section 7.3. */
export type SctpPotentiallyFailedExposure = "default" | "hide" | "expose";

/** What is sent with each message that says nothing else (SCTP_DEFAULT_SNDINFO); RFC 6458, section 8.1.31. */
export type SctpDefaultSendInfo = SctpSendInfo;

/**
 * What may be set on a socket when it is created, and, but for a few, later.
 *
 * What is left out keeps the kernel's default; most of the defaults are sysctls under `net.sctp`. On a one-to-many socket
 * the values are for the associations to come.
 */
export interface SctpSocketOptions {
  /** What associations ask for when they are set up (SCTP_INITMSG). */
  initmsg?: SctpInitMsg;
  /**
   * Send small messages at once, without waiting to bundle them (SCTP_NODELAY).
   *
   * @default {false}
   */
  nodelay?: boolean;
  /** The bounds of the retransmission timeout (SCTP_RTOINFO). */
  rtoinfo?: SctpRtoInfo;
  /** Retransmission limit and cookie life (SCTP_ASSOCINFO). */
  assocInfo?: SctpAssociationParameters;
  /**
   * Shut an idle association down after this time (SCTP_AUTOCLOSE), in milliseconds; the kernel counts in seconds, so it is
   * rounded up to the next full one. 0 never does. One-to-many sockets only.
   *
   * @default {0}
   */
  autoclose?: number;
  /** Heartbeats, path MTU, DSCP, flow label (SCTP_PEER_ADDR_PARAMS). */
  peerAddressParameters?: SctpPeerAddressParameters;
  /** When paths are given up (SCTP_PEER_ADDR_THLDS_V2). */
  peerAddressThresholds?: SctpPeerAddressThresholds;
  /** When received data is acknowledged (SCTP_DELAYED_SACK). */
  delayedSack?: SctpDelayedSack;
  /**
   * The largest piece that messages are cut into, in bytes (SCTP_MAXSEG); 0 leaves it to the path MTU.
   *
   * @default {0}
   */
  maxseg?: number;
  /**
   * How many packets may leave in one burst (SCTP_MAX_BURST); 0 does not limit them.
   *
   * @default {4}
   */
  maxBurst?: number;
  /**
   * How pieces of partially delivered messages may mix at the receiver (SCTP_FRAGMENT_INTERLEAVE): 0 not at all, 1 those of
   * different associations, 2 also those of different streams. Messages are put together again at each level.
   *
   * @default {0}
   */
  fragmentInterleave?: 0 | 1 | 2;
  /**
   * Use I-DATA chunks, so that a large message does not block other streams (SCTP_INTERLEAVING_SUPPORTED, RFC 8260). The
   * sysctl `net.sctp.intl_enable` has to be 1; `fragmentInterleave` is raised to 1 where it is 0 or left out.
   *
   * @default {false}
   */
  interleaving?: boolean;
  /**
   * How much of an incomplete message makes the kernel begin to deliver it, in bytes (SCTP_PARTIAL_DELIVERY_POINT); 0 leaves
   * it to the receive buffer.
   *
   * @default {0}
   */
  partialDeliveryPoint?: number;
  /**
   * Refuse messages that do not fit into one packet, instead of fragmenting them (SCTP_DISABLE_FRAGMENTS).
   *
   * @default {false}
   */
  disableFragments?: boolean;
  /**
   * Show IPv4 peers of an IPv6 socket as mapped IPv6 addresses, `::ffff:192.0.2.1` (SCTP_I_WANT_MAPPED_V4_ADDR).
   *
   * @default {true}
   */
  v4Mapped?: boolean;
  /**
   * The adaptation layer indication that peers are told, 0 to 4294967295 (SCTP_ADAPTATION_LAYER).
   *
   * @default {0}
   */
  adaptationIndication?: number;
  /** What is sent with each message that says nothing else (SCTP_DEFAULT_SNDINFO). */
  defaultSendInfo?: SctpDefaultSendInfo;
  /** The PR-SCTP policy of messages that name none (SCTP_DEFAULT_PRINFO); `null` is fully reliable. */
  defaultPartialReliability?: SctpPartialReliability | null;
  /**
   * Whether PR-SCTP is offered to peers (SCTP_PR_SUPPORTED).
   *
   * @default {the sysctl net.sctp.prsctp_enable}
   */
  partialReliabilitySupported?: boolean;
  /**
   * The `context` of messages received (SCTP_CONTEXT), 0 to 4294967295.
   *
   * @default {0}
   */
  context?: number;
  /** Chunk authentication. */
  auth?: SctpAuthOptions;
  /**
   * Whether addresses may be added and removed during an association (SCTP_ASCONF_SUPPORTED, RFC 5061); Linux 5.4 or later.
   *
   * @default {the sysctl net.sctp.addip_enable}
   */
  asconf?: boolean;
  /**
   * Follow the machine's addresses by itself, for a socket bound to the wildcard address (SCTP_AUTO_ASCONF).
   *
   * @default {the sysctl net.sctp.default_auto_asconf}
   */
  autoAsconf?: boolean;
  /**
   * Whether reconfiguration is offered to peers (SCTP_RECONFIG_SUPPORTED, RFC 6525).
   *
   * @default {the sysctl net.sctp.reconf_enable}
   */
  reconfigSupported?: boolean;
  /** Which reconfigurations are allowed (SCTP_ENABLE_STREAM_RESET). */
  streamReset?: SctpStreamResetOptions;
  /**
   * How the next message is chosen when several streams have one (SCTP_STREAM_SCHEDULER).
   *
   * @default {"fcfs"}
   */
  streamScheduler?: SctpStreamScheduler;
  /**
   * Let several one-to-one sockets bind the same address (SCTP_REUSE_PORT); set it before binding.
   *
   * @default {false}
   */
  reusePort?: boolean;
  /**
   * Whether explicit congestion notification is offered (SCTP_ECN_SUPPORTED).
   *
   * @default {the sysctl net.sctp.ecn_enable}
   */
  ecn?: boolean;
  /**
   * Whether potentially failed paths are shown (SCTP_EXPOSE_PF_STATE); Linux 5.5 or later.
   *
   * @default {"default"}
   */
  potentiallyFailedExposure?: SctpPotentiallyFailedExposure;
  /**
   * The UDP port of peers, for SCTP in UDP (SCTP_REMOTE_UDP_ENCAPS_PORT, RFC 6951), 0 to 65535; 0 is plain SCTP. The sysctl
   * `net.sctp.udp_port` has to be set for packets to come back. Linux 5.11 or later.
   *
   * @default {the sysctl net.sctp.encap_port}
   */
  remoteUdpEncapsPort?: number;
  /**
   * The time between two path MTU probes, in milliseconds (SCTP_PLPMTUD_PROBE_INTERVAL, RFC 8899); 0 sends none, else 5000
   * or more. Linux 5.14 or later.
   *
   * @default {the sysctl net.sctp.plpmtud_probe_interval}
   */
  plpmtudProbeInterval?: number;
  /**
   * Whether messages tell of the one after them (SCTP_RECVNXTINFO), as their `next`.
   *
   * @default {false}
   */
  receiveNextInfo?: boolean;
  /** The socket's send buffer, in bytes (SO_SNDBUF); the kernel doubles it, and caps it at `net.core.wmem_max`. */
  sendBufferSize?: number;
  /** The socket's receive buffer, in bytes (SO_RCVBUF); the kernel doubles it, and caps it at `net.core.rmem_max`. */
  receiveBufferSize?: number;
}

/** The state of a path (`spinfo_state`). */
export type SctpPathState = "inactive" | "potentially-failed" | "active" | "unconfirmed" | "unknown";

/** One path of an association (SCTP_GET_PEER_ADDR_INFO); RFC 6458, section 8.2.2. */
export interface SctpPathInfo {
  /** The association. */
  associationId: number;
  /** The peer's address. */
  address: SctpTransportAddress;
  /** Whether it can be used. */
  state: SctpPathState;
  /** The congestion window, in bytes. */
  cwnd: number;
  /** The smoothed round trip time, in milliseconds. */
  srtt: number;
  /** The retransmission timeout, in milliseconds. */
  rto: number;
  /** The path MTU, in bytes. */
  mtu: number;
}

/** The state of an association (`sstat_state`); RFC 9260, section 4. */
export type SctpAssociationState =
  | "empty"
  | "closed"
  | "cookie-wait"
  | "cookie-echoed"
  | "established"
  | "shutdown-pending"
  | "shutdown-sent"
  | "shutdown-received"
  | "shutdown-ack-sent"
  | "unknown";

/** How an association stands (SCTP_STATUS); RFC 6458, section 8.2.1. */
export interface SctpStatus {
  /** The association. */
  associationId: number;
  /** Its state. */
  state: SctpAssociationState;
  /** The peer's receiver window as we know it, in bytes. */
  rwnd: number;
  /** DATA chunks sent and not acknowledged. */
  unackedData: number;
  /** DATA chunks received and not yet handed to the user. */
  pendingData: number;
  /** How many streams there are to receive on. */
  inboundStreams: number;
  /** How many streams there are to send on. */
  outboundStreams: number;
  /** Up to this size a message travels in one chunk, in bytes. */
  fragmentationPoint: number;
  /** The primary path. */
  primary: SctpPathInfo;
}

/** What an association has counted since it began (SCTP_GET_ASSOC_STATS). */
export interface SctpStatistics {
  /** The association. */
  associationId: number;
  /** The largest RTO since the last call, in milliseconds; 0 if it did not change. */
  maxRto: number;
  /** The path of `maxRto`; `undefined` if it did not change. */
  maxRtoAddress: SctpTransportAddress | undefined;
  /** SACK chunks received. */
  sacksReceived: number;
  /** SACK chunks sent. */
  sacksSent: number;
  /** Packets sent. */
  packetsSent: number;
  /** Packets received. */
  packetsReceived: number;
  /** Chunks sent again. */
  retransmittedChunks: number;
  /** TSNs that came before their turn. */
  outOfSequenceTsns: number;
  /** DATA chunks that came twice. */
  duplicateChunksReceived: number;
  /** Gap acknowledgements received. */
  gapAcksReceived: number;
  /** Unordered DATA chunks sent. */
  unorderedChunksSent: number;
  /** Unordered DATA chunks received. */
  unorderedChunksReceived: number;
  /** Ordered DATA chunks sent. */
  orderedChunksSent: number;
  /** Ordered DATA chunks received. */
  orderedChunksReceived: number;
  /** Control chunks sent. */
  controlChunksSent: number;
  /** Control chunks received. */
  controlChunksReceived: number;
}

/** How many messages PR-SCTP has given up (SCTP_PR_ASSOC_STATUS, SCTP_PR_STREAM_STATUS); RFC 7496, section 4.3. */
export interface SctpPartialReliabilityStatus {
  /** Given up before any of it was sent. */
  abandonedUnsent: number;
  /** Given up after some of it was sent. */
  abandonedSent: number;
}
