/**
 * The options of a socket or of an association, each under one name for creating, reading and writing.
 *
 * @module
 */

import type { SctpPartialReliabilityQuery, SctpStreamsToAdd, SctpStreamsToReset } from "./option_map.ts";
import type { OptionAccess, SctpPath } from "./option_access.ts";
import { SctpOptionValues } from "./option_values.ts";
import type {
  SctpAuthKey,
  SctpPartialReliabilityStatus,
  SctpPathInfo,
  SctpPeerAddressParameters,
  SctpPeerAddressSettings,
  SctpPeerAddressThresholds,
  SctpStatistics,
  SctpStatus,
} from "./options.ts";

/**
 * The options of a socket or of an association.
 *
 * Each has the name that it has in {@linkcode SctpSocketOptions}, where its meaning, range and default are: read it, or
 * assign to it. Of a structure that is assigned, what is left out stays as it is, except for `defaultSendInfo`, where
 * it becomes the default. What concerns a single path or stream, and what is done rather than set, are methods.
 *
 * `association.options` are the association's. `endpoint.options` are for the associations to come, and
 * `endpoint.optionsOf(id)` those of one; options that the stack has once per socket (`nodelay`, `autoclose`,
 * `disableFragments`, `fragmentInterleave`, `partialDeliveryPoint`, `v4Mapped`, buffers and others) are the same
 * through both.
 *
 * Every access throws a `ClosedError` once the socket is closed, an `UnsupportedError` where the stack lacks the
 * option, a `SystemError` where it refuses (`EINVAL`: not for this association or not in this state; `EACCES`: the
 * extension is off), and an `ArgumentError` for a value out of range.
 *
 * @example
 * ```ts
 * import { isSctpAvailable, SctpEndpoint } from "@sockeye/sockeye/sctp";
 * import assert from "node:assert/strict";
 *
 * if (isSctpAvailable()) {
 *   using endpoint = SctpEndpoint.listen("sctp://127.0.0.1:0", { nodelay: true, rtoinfo: { initial: 500, min: 200 } });
 *   assert.equal(endpoint.options.nodelay, true);
 *   assert.deepEqual(endpoint.options.rtoinfo, { initial: 500, min: 200, max: 60_000 });
 *
 *   endpoint.options.rtoinfo = { max: 5_000 };
 *   assert.equal(endpoint.options.rtoinfo.max, 5_000);
 * }
 * ```
 */
export class SctpSocketControls extends SctpOptionValues {
  readonly #access: OptionAccess;

  /** @ignore Handles make their own. */
  constructor(access: OptionAccess) {
    super(access);
    this.#access = access;
  }
  /**
   * Heartbeats, path MTU, DSCP and flow label of one path (SCTP_PEER_ADDR_PARAMS); RFC 6458 section 8.1.12.
   *
   * @param path The peer's address on the path.
   */
  peerAddressParametersOf(path: SctpPath): SctpPeerAddressSettings {
    return this.#access.get("peerAddressParameters", this.#access.path(path));
  }

  /**
   * Sets heartbeats, path MTU, DSCP and flow label of one path (SCTP_PEER_ADDR_PARAMS); RFC 6458 section 8.1.12.
   *
   * @param path The peer's address on the path.
   * @param value What to set; what is left out stays as it is.
   */
  setPeerAddressParametersOf(path: SctpPath, value: SctpPeerAddressParameters): void {
    this.#access.set("peerAddressParameters", value, this.#access.path(path));
  }

  /**
   * When one path is given up (SCTP_PEER_ADDR_THLDS_V2); RFC 7829 section 7.2.
   *
   * @param path The peer's address on the path.
   */
  peerAddressThresholdsOf(path: SctpPath): Required<SctpPeerAddressThresholds> {
    return this.#access.get("peerAddressThresholds", this.#access.path(path));
  }

  /**
   * Sets when one path is given up (SCTP_PEER_ADDR_THLDS_V2); RFC 7829 section 7.2.
   *
   * @param path The peer's address on the path.
   * @param value What to set; what is left out stays as it is.
   */
  setPeerAddressThresholdsOf(path: SctpPath, value: SctpPeerAddressThresholds): void {
    this.#access.set("peerAddressThresholds", value, this.#access.path(path));
  }

  /**
   * The UDP port of the peer on one path, 0 for plain SCTP (SCTP_REMOTE_UDP_ENCAPS_PORT); RFC 6951 section 6.1.
   *
   * @param path The peer's address on the path.
   */
  remoteUdpEncapsPortOf(path: SctpPath): number {
    return this.#access.get("remoteUdpEncapsPort", this.#access.path(path));
  }

  /**
   * Sets the UDP port of the peer on one path (SCTP_REMOTE_UDP_ENCAPS_PORT); RFC 6951 section 6.1.
   *
   * @param path The peer's address on the path.
   * @param port The port, 0 to 65535; 0 is plain SCTP.
   */
  setRemoteUdpEncapsPortOf(path: SctpPath, port: number): void {
    this.#access.set("remoteUdpEncapsPort", port, this.#access.path(path));
  }

  /**
   * The milliseconds between two probes of a path's MTU, 0 for none (SCTP_PLPMTUD_PROBE_INTERVAL); RFC 8899.
   *
   * @param path The peer's address on the path.
   */
  plpmtudProbeIntervalOf(path: SctpPath): number {
    return this.#access.get("plpmtudProbeInterval", this.#access.path(path));
  }

  /**
   * Sets the time between two probes of a path's MTU (SCTP_PLPMTUD_PROBE_INTERVAL); RFC 8899.
   *
   * @param path The peer's address on the path.
   * @param ms Milliseconds, 5000 or more; 0 sends none.
   */
  setPlpmtudProbeIntervalOf(path: SctpPath, ms: number): void {
    this.#access.set("plpmtudProbeInterval", ms, this.#access.path(path));
  }

  /**
   * Sends a heartbeat on a path at once (SPP_HB_DEMAND); RFC 6458 section 8.1.12.
   *
   * @param path The peer's address on the path.
   */
  sendHeartbeat(path: SctpPath): void {
    this.#access.set("heartbeatNow", true, this.#access.path(path));
  }

  /**
   * Asks the peer to send to one of our addresses first (SCTP_SET_PEER_PRIMARY_ADDR); RFC 6458 section 8.3.1. Both
   * sides need `asconf`.
   *
   * @param address The local address.
   */
  setPeerPrimaryAddress(address: SctpPath): void {
    this.#access.set("peerPrimaryAddress", this.#access.local(address));
  }

  /**
   * Asks that peers authenticate a chunk type, in the associations to come (SCTP_AUTH_CHUNK); RFC 6458 section 8.3.2.
   *
   * @param chunkType The type, for instance 0 for DATA; not INIT (1), INIT ACK (2), SHUTDOWN COMPLETE (14) or AUTH
   *   (15).
   */
  addAuthChunk(chunkType: number): void {
    this.#access.set("authChunk", chunkType);
  }

  /**
   * Adds a shared key, or replaces it (SCTP_AUTH_KEY); RFC 6458 section 8.3.3.
   *
   * @param key Its number and its bytes.
   */
  setAuthKey(key: SctpAuthKey): void {
    this.#access.set("authKey", key);
  }

  /**
   * Uses a key for nothing new; an `"authentication"` notification tells when it is free (SCTP_AUTH_DEACTIVATE_KEY);
   * RFC 6458 section 8.3.4.
   *
   * @param keyId The key's number; not that of the active key.
   */
  deactivateAuthKey(keyId: number): void {
    this.#access.set("deactivateAuthKey", keyId);
  }

  /**
   * Deletes a key (SCTP_AUTH_DELETE_KEY); RFC 6458 section 8.3.5.
   *
   * @param keyId The key's number; not that of the active key.
   */
  deleteAuthKey(keyId: number): void {
    this.#access.set("deleteAuthKey", keyId);
  }

  /**
   * Resets streams: their sequence numbers begin again at 0 (SCTP_RESET_STREAMS); RFC 6525 section 6.3.2. A
   * `"stream-reset"` notification tells the outcome.
   *
   * @param streams Which streams, in which directions.
   */
  resetStreams(streams: SctpStreamsToReset): void {
    this.#access.set("resetStreams", streams);
  }

  /**
   * Resets all streams and the TSNs (SCTP_RESET_ASSOC); RFC 6525 section 6.3.3. An `"association-reset"` notification
   * tells the outcome.
   */
  resetAssociation(): void {
    this.#access.set("resetAssociation", true);
  }

  /**
   * Adds streams (SCTP_ADD_STREAMS); RFC 6525 section 6.3.4. A `"stream-change"` notification tells the outcome.
   *
   * @param streams How many, in each direction.
   */
  addStreams(streams: SctpStreamsToAdd): void {
    this.#access.set("addStreams", streams);
  }

  /**
   * What the scheduler knows of a stream: its priority, or its weight (SCTP_STREAM_SCHEDULER_VALUE); RFC 8260 section
   * 4.3.3.
   *
   * @param streamId The stream.
   */
  streamSchedulerValueOf(streamId: number): number {
    return this.#access.get("streamSchedulerValue", streamId);
  }

  /**
   * Sets what the scheduler knows of a stream (SCTP_STREAM_SCHEDULER_VALUE); RFC 8260 section 4.3.3.
   *
   * @param streamId The stream.
   * @param value Its priority, or its weight, 0 to 65535.
   */
  setStreamSchedulerValueOf(streamId: number, value: number): void {
    this.#access.set("streamSchedulerValue", value, streamId);
  }

  /**
   * How many messages PR-SCTP has given up (SCTP_PR_ASSOC_STATUS, SCTP_PR_STREAM_STATUS); RFC 7496 section 4.3.
   *
   * @param query Of which policy, and of which stream.
   */
  partialReliabilityStatus(query: SctpPartialReliabilityQuery = {}): SctpPartialReliabilityStatus {
    return this.#access.get("partialReliabilityStatus", query);
  }

  /** How the association stands (SCTP_STATUS); RFC 6458 section 8.2.1. */
  status(): SctpStatus {
    return this.#access.get("status");
  }

  /** What the protocol has counted for the association (SCTP_GET_ASSOC_STATS). */
  statistics(): SctpStatistics {
    return this.#access.get("statistics");
  }

  /**
   * How a path stands (SCTP_GET_PEER_ADDR_INFO); RFC 6458 section 8.2.2.
   *
   * @param path The peer's address on the path.
   */
  pathInfo(path: SctpPath): SctpPathInfo {
    return this.#access.get("pathInfo", this.#access.path(path));
  }
}
