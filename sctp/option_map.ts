/**
 * The options of a socket by name, and what is read and written under each: the table that every stack implements.
 *
 * @module
 */

import type { SctpPartialReliability, SctpSendInfo, SctpTransportAddress } from "./message.ts";
import type {
  SctpAssociationInfo,
  SctpAssociationParameters,
  SctpAuthHmac,
  SctpAuthKey,
  SctpAuthOptions,
  SctpDelayedSack,
  SctpInitMsg,
  SctpPartialReliabilityStatus,
  SctpPathInfo,
  SctpPeerAddressParameters,
  SctpPeerAddressSettings,
  SctpPeerAddressThresholds,
  SctpPotentiallyFailedExposure,
  SctpRtoInfo,
  SctpStatistics,
  SctpStatus,
  SctpStreamResetOptions,
  SctpStreamScheduler,
} from "./options.ts";

/** An option that is read as it is written. */
interface Plain<T> {
  read: T;
  written: T;
}

/** An option of which the writer may leave out parts, and the reader sees all. */
interface Completed<T> {
  read: Required<T>;
  written: T;
}

/** What can only be read. */
interface Readable<T> {
  read: T;
  written: never;
}

/** What can only be written, or is carried out. */
interface Writable<T> {
  read: never;
  written: T;
}

/** Which streams to reset, and in which directions; RFC 6525 section 6.3.2. */
export interface SctpStreamsToReset {
  /**
   * Those on which we receive.
   *
   * @default {false}
   */
  incoming?: boolean;
  /**
   * Those on which we send.
   *
   * @default {false}
   */
  outgoing?: boolean;
  /**
   * The streams, each 0 to 65535; empty stands for all.
   *
   * @default {[]}
   */
  streamIds?: readonly number[];
}

/** How many streams to add; RFC 6525 section 6.3.4. */
export interface SctpStreamsToAdd {
  /**
   * Streams on which we receive, 0 to 65535.
   *
   * @default {0}
   */
  inbound?: number;
  /**
   * Streams on which we send, 0 to 65535.
   *
   * @default {0}
   */
  outbound?: number;
}

/** Which messages to count: those of one PR-SCTP policy, of one stream or of all; RFC 7496 section 4.3. */
export interface SctpPartialReliabilityQuery {
  /**
   * The policy.
   *
   * @default {all of them together}
   */
  policy?: SctpPartialReliability["policy"];
  /**
   * The stream, 0 to 65535.
   *
   * @default {all of them together}
   */
  streamId?: number;
}

/** Every option: its name, what reading gives, what writing takes. */
export interface SctpOptionMap {
  initmsg: Completed<SctpInitMsg>;
  nodelay: Plain<boolean>;
  rtoinfo: Completed<SctpRtoInfo>;
  assocInfo: { read: SctpAssociationInfo; written: SctpAssociationParameters };
  autoclose: Plain<number>;
  peerAddressParameters: { read: SctpPeerAddressSettings; written: SctpPeerAddressParameters };
  peerAddressThresholds: Completed<SctpPeerAddressThresholds>;
  heartbeatNow: Writable<true>;
  primaryAddress: Plain<SctpTransportAddress>;
  peerPrimaryAddress: Writable<SctpTransportAddress>;
  delayedSack: Completed<SctpDelayedSack>;
  maxseg: Plain<number>;
  maxBurst: Plain<number>;
  fragmentInterleave: Plain<0 | 1 | 2>;
  interleaving: Plain<boolean>;
  partialDeliveryPoint: Plain<number>;
  disableFragments: Plain<boolean>;
  v4Mapped: Plain<boolean>;
  adaptationIndication: Plain<number>;
  defaultSendInfo: Completed<SctpSendInfo>;
  defaultPartialReliability: Plain<SctpPartialReliability | null>;
  partialReliabilitySupported: Plain<boolean>;
  partialReliabilityStatus: Readable<SctpPartialReliabilityStatus>;
  context: Plain<number>;
  auth: Writable<SctpAuthOptions>;
  authSupported: Plain<boolean>;
  authChunk: Writable<number>;
  authHmacs: { read: SctpAuthHmac[]; written: readonly SctpAuthHmac[] };
  authKey: Writable<SctpAuthKey>;
  activeAuthKey: Plain<number>;
  deactivateAuthKey: Writable<number>;
  deleteAuthKey: Writable<number>;
  localAuthChunks: Readable<number[]>;
  peerAuthChunks: Readable<number[]>;
  asconf: Plain<boolean>;
  autoAsconf: Plain<boolean>;
  reconfigSupported: Plain<boolean>;
  streamReset: Completed<SctpStreamResetOptions>;
  resetStreams: Writable<SctpStreamsToReset>;
  resetAssociation: Writable<true>;
  addStreams: Writable<SctpStreamsToAdd>;
  streamScheduler: Plain<SctpStreamScheduler>;
  streamSchedulerValue: Plain<number>;
  reusePort: Plain<boolean>;
  ecn: Plain<boolean>;
  potentiallyFailedExposure: Plain<SctpPotentiallyFailedExposure>;
  remoteUdpEncapsPort: Plain<number>;
  plpmtudProbeInterval: Plain<number>;
  receiveNextInfo: Plain<boolean>;
  sendBufferSize: Plain<number>;
  receiveBufferSize: Plain<number>;
  status: Readable<SctpStatus>;
  statistics: Readable<SctpStatistics>;
  pathInfo: Readable<SctpPathInfo>;
}

/** The name of an option. */
export type SctpOptionName = keyof SctpOptionMap;
/** What reading an option gives. */
export type SctpOptionRead<Name extends SctpOptionName> = SctpOptionMap[Name]["read"];
/** What writing an option takes. */
export type SctpOptionWritten<Name extends SctpOptionName> = SctpOptionMap[Name]["written"];
/** What an option is about besides the association: one path, one stream, or a question. */
export type SctpOptionParameter = SctpTransportAddress | number | SctpPartialReliabilityQuery;
