/**
 * The options of a socket or of an association, each under one name for creating, reading and writing.
 *
 * @module
 */

import type { SctpAddressLike } from "./address.ts";
import type { SctpOptionScope, SctpSocketDriver } from "./driver.ts";
import type { SctpPartialReliability, SctpSendInfo, SctpTransportAddress } from "./message.ts";
import type {
  SctpOptionName,
  SctpOptionParameter,
  SctpOptionRead,
  SctpOptionWritten,
  SctpPartialReliabilityQuery,
  SctpStreamsToAdd,
  SctpStreamsToReset,
} from "./option_map.ts";
import type {
  SctpAssociationInfo,
  SctpAssociationParameters,
  SctpAuthHmac,
  SctpAuthKey,
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
import { transportAddressOf } from "./transport_address.ts";

/** A path: the peer's address on it, as an address of one IP, or the IP alone. */
export type SctpPath = SctpTransportAddress | SctpAddressLike;

/**
 * The options of a socket or of an association.
 *
 * Each has the name that it has in {@linkcode SctpSocketOptions}, where its meaning, range and default are: read it, or assign to
 * it. Of a structure that is assigned, what is left out stays as it is, except for `defaultSendInfo`, where it becomes the default.
 * What concerns a single path or stream, and what is done rather than set, are methods.
 *
 * `association.options` are the association's. `endpoint.options` are for the associations to come, and
 * `endpoint.optionsOf(id)` those of one; options that the stack has once per socket (`nodelay`, `autoclose`,
 * `disableFragments`, `fragmentInterleave`, `partialDeliveryPoint`, `v4Mapped`, buffers and others) are the same through both.
 *
 * Every access throws a `ClosedError` once the socket is closed, an `UnsupportedError` where the stack lacks the option, a
 * `SystemError` where it refuses (`EINVAL`: not for this association or not in this state; `EACCES`: the extension is off), and
 * an `ArgumentError` for a value out of range.
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
export class SctpSocketControls {
  readonly #driver: SctpSocketDriver;
  readonly #scope: SctpOptionScope;

  /** @ignore Handles make their own. */
  constructor(driver: SctpSocketDriver, scope: SctpOptionScope) {
    this.#driver = driver;
    this.#scope = scope;
  }

  /** What associations ask for when they are set up (SCTP_INITMSG); RFC 6458 section 8.1.3. */
  get initmsg(): Required<SctpInitMsg> {
    return this.#get("initmsg");
  }
  set initmsg(value: SctpInitMsg) {
    this.#set("initmsg", value);
  }

  /** Whether small messages leave at once (SCTP_NODELAY); RFC 6458 section 8.1.5. */
  get nodelay(): boolean {
    return this.#get("nodelay");
  }
  set nodelay(value: boolean) {
    this.#set("nodelay", value);
  }

  /** The bounds of the retransmission timeout (SCTP_RTOINFO); RFC 6458 section 8.1.1. */
  get rtoinfo(): Required<SctpRtoInfo> {
    return this.#get("rtoinfo");
  }
  set rtoinfo(value: SctpRtoInfo) {
    this.#set("rtoinfo", value);
  }

  /** Retransmission limit and cookie life, and the windows (SCTP_ASSOCINFO); RFC 6458 section 8.1.2. */
  get assocInfo(): SctpAssociationInfo {
    return this.#get("assocInfo");
  }
  set assocInfo(value: SctpAssociationParameters) {
    this.#set("assocInfo", value);
  }

  /** After how many idle milliseconds an association is shut down, 0 for never (SCTP_AUTOCLOSE); RFC 6458 section 8.1.8. */
  get autoclose(): number {
    return this.#get("autoclose");
  }
  set autoclose(value: number) {
    this.#set("autoclose", value);
  }

  /** Heartbeats, path MTU, DSCP and flow label of all paths (SCTP_PEER_ADDR_PARAMS); RFC 6458 section 8.1.12. */
  get peerAddressParameters(): SctpPeerAddressSettings {
    return this.#get("peerAddressParameters");
  }
  set peerAddressParameters(value: SctpPeerAddressParameters) {
    this.#set("peerAddressParameters", value);
  }

  /** When all paths are given up (SCTP_PEER_ADDR_THLDS_V2); RFC 7829 section 7.2. */
  get peerAddressThresholds(): Required<SctpPeerAddressThresholds> {
    return this.#get("peerAddressThresholds");
  }
  set peerAddressThresholds(value: SctpPeerAddressThresholds) {
    this.#set("peerAddressThresholds", value);
  }

  /** The peer's address that messages go to first (SCTP_PRIMARY_ADDR); RFC 6458 section 8.1.9. */
  get primaryAddress(): SctpTransportAddress {
    return this.#get("primaryAddress");
  }
  set primaryAddress(value: SctpPath) {
    this.#set("primaryAddress", this.#path(value));
  }

  /** When received data is acknowledged (SCTP_DELAYED_SACK); RFC 6458 section 8.1.19. */
  get delayedSack(): Required<SctpDelayedSack> {
    return this.#get("delayedSack");
  }
  set delayedSack(value: SctpDelayedSack) {
    this.#set("delayedSack", value);
  }

  /** The largest piece that messages are cut into, in bytes, 0 for what the path takes (SCTP_MAXSEG); RFC 6458 section 8.1.16. */
  get maxseg(): number {
    return this.#get("maxseg");
  }
  set maxseg(value: number) {
    this.#set("maxseg", value);
  }

  /** How many packets may leave in one burst, 0 for any number (SCTP_MAX_BURST); RFC 6458 section 8.1.24. */
  get maxBurst(): number {
    return this.#get("maxBurst");
  }
  set maxBurst(value: number) {
    this.#set("maxBurst", value);
  }

  /** How pieces of partially delivered messages may mix (SCTP_FRAGMENT_INTERLEAVE); RFC 6458 section 8.1.20. Linux tells 1 for 2. */
  get fragmentInterleave(): 0 | 1 | 2 {
    return this.#get("fragmentInterleave");
  }
  set fragmentInterleave(value: 0 | 1 | 2) {
    this.#set("fragmentInterleave", value);
  }

  /** Whether messages of different streams may interleave on the wire (SCTP_INTERLEAVING_SUPPORTED); RFC 8260 section 4.3. */
  get interleaving(): boolean {
    return this.#get("interleaving");
  }
  set interleaving(value: boolean) {
    this.#set("interleaving", value);
  }

  /** How much of an incomplete message makes its delivery begin, in bytes (SCTP_PARTIAL_DELIVERY_POINT); RFC 6458 section 8.1.21. */
  get partialDeliveryPoint(): number {
    return this.#get("partialDeliveryPoint");
  }
  set partialDeliveryPoint(value: number) {
    this.#set("partialDeliveryPoint", value);
  }

  /** Whether messages that exceed a packet are refused (SCTP_DISABLE_FRAGMENTS); RFC 6458 section 8.1.11. */
  get disableFragments(): boolean {
    return this.#get("disableFragments");
  }
  set disableFragments(value: boolean) {
    this.#set("disableFragments", value);
  }

  /** Whether IPv4 peers of an IPv6 socket are shown as mapped addresses (SCTP_I_WANT_MAPPED_V4_ADDR); RFC 6458 section 8.1.15. */
  get v4Mapped(): boolean {
    return this.#get("v4Mapped");
  }
  set v4Mapped(value: boolean) {
    this.#set("v4Mapped", value);
  }

  /** What peers are told of our adaptation layer (SCTP_ADAPTATION_LAYER); RFC 6458 section 8.1.10. */
  get adaptationIndication(): number {
    return this.#get("adaptationIndication");
  }
  set adaptationIndication(value: number) {
    this.#set("adaptationIndication", value);
  }

  /** What is sent with each message that says nothing else (SCTP_DEFAULT_SNDINFO); RFC 6458 section 8.1.31. */
  get defaultSendInfo(): Required<SctpSendInfo> {
    return this.#get("defaultSendInfo");
  }
  set defaultSendInfo(value: SctpSendInfo) {
    this.#set("defaultSendInfo", value);
  }

  /** The PR-SCTP policy of messages that name none, `null` for full reliability (SCTP_DEFAULT_PRINFO); RFC 6458 section 8.1.32. */
  get defaultPartialReliability(): SctpPartialReliability | null {
    return this.#get("defaultPartialReliability");
  }
  set defaultPartialReliability(value: SctpPartialReliability | null) {
    this.#set("defaultPartialReliability", value);
  }

  /** Whether PR-SCTP is offered, or in use (SCTP_PR_SUPPORTED); RFC 7496 section 4.5. */
  get partialReliabilitySupported(): boolean {
    return this.#get("partialReliabilitySupported");
  }
  set partialReliabilitySupported(value: boolean) {
    this.#set("partialReliabilitySupported", value);
  }

  /** The `context` of messages received (SCTP_CONTEXT); RFC 6458 section 8.1.25. */
  get context(): number {
    return this.#get("context");
  }
  set context(value: number) {
    this.#set("context", value);
  }

  /** Whether chunk authentication is offered, or in use (SCTP_AUTH_SUPPORTED). */
  get authSupported(): boolean {
    return this.#get("authSupported");
  }
  set authSupported(value: boolean) {
    this.#set("authSupported", value);
  }

  /** The hash functions that we accept, best first (SCTP_HMAC_IDENT); RFC 6458 section 8.1.17. */
  get authHmacs(): SctpAuthHmac[] {
    return this.#get("authHmacs");
  }
  set authHmacs(value: readonly SctpAuthHmac[]) {
    this.#set("authHmacs", value);
  }

  /** The number of the key that authenticates what we send (SCTP_AUTH_ACTIVE_KEY); RFC 6458 section 8.1.18. */
  get activeAuthKey(): number {
    return this.#get("activeAuthKey");
  }
  set activeAuthKey(value: number) {
    this.#set("activeAuthKey", value);
  }

  /** The chunk types that the peer has to authenticate (SCTP_LOCAL_AUTH_CHUNKS); RFC 6458 section 8.2.4. */
  get localAuthChunks(): readonly number[] {
    return this.#get("localAuthChunks");
  }

  /** The chunk types that we have to authenticate (SCTP_PEER_AUTH_CHUNKS); RFC 6458 section 8.2.3. */
  get peerAuthChunks(): readonly number[] {
    return this.#get("peerAuthChunks");
  }

  /** Whether addresses may be added and removed during an association (SCTP_ASCONF_SUPPORTED); RFC 5061. */
  get asconf(): boolean {
    return this.#get("asconf");
  }
  set asconf(value: boolean) {
    this.#set("asconf", value);
  }

  /** Whether a socket bound to the wildcard follows the machine's addresses by itself (SCTP_AUTO_ASCONF); RFC 6458 section 8.1.23. */
  get autoAsconf(): boolean {
    return this.#get("autoAsconf");
  }
  set autoAsconf(value: boolean) {
    this.#set("autoAsconf", value);
  }

  /** Whether reconfiguration is offered, or in use (SCTP_RECONFIG_SUPPORTED); RFC 6525. */
  get reconfigSupported(): boolean {
    return this.#get("reconfigSupported");
  }
  set reconfigSupported(value: boolean) {
    this.#set("reconfigSupported", value);
  }

  /** Which reconfigurations are allowed (SCTP_ENABLE_STREAM_RESET); RFC 6525 section 6.3.1. */
  get streamReset(): Required<SctpStreamResetOptions> {
    return this.#get("streamReset");
  }
  set streamReset(value: SctpStreamResetOptions) {
    this.#set("streamReset", value);
  }

  /** How the next message is chosen when several streams have one (SCTP_STREAM_SCHEDULER); RFC 8260 section 4.3.2. */
  get streamScheduler(): SctpStreamScheduler {
    return this.#get("streamScheduler");
  }
  set streamScheduler(value: SctpStreamScheduler) {
    this.#set("streamScheduler", value);
  }

  /** Whether several one-to-one sockets may bind the same address (SCTP_REUSE_PORT); RFC 6458 section 8.1.27. */
  get reusePort(): boolean {
    return this.#get("reusePort");
  }
  set reusePort(value: boolean) {
    this.#set("reusePort", value);
  }

  /** Whether explicit congestion notification is offered, or in use (SCTP_ECN_SUPPORTED). */
  get ecn(): boolean {
    return this.#get("ecn");
  }
  set ecn(value: boolean) {
    this.#set("ecn", value);
  }

  /** Whether potentially failed paths are shown (SCTP_EXPOSE_PF_STATE); RFC 7829 section 7.3. */
  get potentiallyFailedExposure(): SctpPotentiallyFailedExposure {
    return this.#get("potentiallyFailedExposure");
  }
  set potentiallyFailedExposure(value: SctpPotentiallyFailedExposure) {
    this.#set("potentiallyFailedExposure", value);
  }

  /** The UDP port of the peer on all paths, 0 for plain SCTP (SCTP_REMOTE_UDP_ENCAPS_PORT); RFC 6951 section 6.1. */
  get remoteUdpEncapsPort(): number {
    return this.#get("remoteUdpEncapsPort");
  }
  set remoteUdpEncapsPort(value: number) {
    this.#set("remoteUdpEncapsPort", value);
  }

  /** The milliseconds between two probes of the path MTU, 0 for none, on all paths (SCTP_PLPMTUD_PROBE_INTERVAL); RFC 8899. */
  get plpmtudProbeInterval(): number {
    return this.#get("plpmtudProbeInterval");
  }
  set plpmtudProbeInterval(value: number) {
    this.#set("plpmtudProbeInterval", value);
  }

  /** Whether messages tell of the one after them, as their `next` (SCTP_RECVNXTINFO); RFC 6458 section 8.1.30. */
  get receiveNextInfo(): boolean {
    return this.#get("receiveNextInfo");
  }
  set receiveNextInfo(value: boolean) {
    this.#set("receiveNextInfo", value);
  }

  /** The send buffer, in bytes (SO_SNDBUF, socket(7)); the kernel doubles what is set, and tells the double. */
  get sendBufferSize(): number {
    return this.#get("sendBufferSize");
  }
  set sendBufferSize(value: number) {
    this.#set("sendBufferSize", value);
  }

  /** The receive buffer, in bytes (SO_RCVBUF, socket(7)); the kernel doubles what is set, and tells the double. */
  get receiveBufferSize(): number {
    return this.#get("receiveBufferSize");
  }
  set receiveBufferSize(value: number) {
    this.#set("receiveBufferSize", value);
  }

  /**
   * Heartbeats, path MTU, DSCP and flow label of one path (SCTP_PEER_ADDR_PARAMS); RFC 6458 section 8.1.12.
   *
   * @param path The peer's address on the path.
   */
  peerAddressParametersOf(path: SctpPath): SctpPeerAddressSettings {
    return this.#get("peerAddressParameters", this.#path(path));
  }

  /**
   * Sets heartbeats, path MTU, DSCP and flow label of one path (SCTP_PEER_ADDR_PARAMS); RFC 6458 section 8.1.12.
   *
   * @param path The peer's address on the path.
   * @param value What to set; what is left out stays as it is.
   */
  setPeerAddressParametersOf(path: SctpPath, value: SctpPeerAddressParameters): void {
    this.#set("peerAddressParameters", value, this.#path(path));
  }

  /**
   * When one path is given up (SCTP_PEER_ADDR_THLDS_V2); RFC 7829 section 7.2.
   *
   * @param path The peer's address on the path.
   */
  peerAddressThresholdsOf(path: SctpPath): Required<SctpPeerAddressThresholds> {
    return this.#get("peerAddressThresholds", this.#path(path));
  }

  /**
   * Sets when one path is given up (SCTP_PEER_ADDR_THLDS_V2); RFC 7829 section 7.2.
   *
   * @param path The peer's address on the path.
   * @param value What to set; what is left out stays as it is.
   */
  setPeerAddressThresholdsOf(path: SctpPath, value: SctpPeerAddressThresholds): void {
    this.#set("peerAddressThresholds", value, this.#path(path));
  }

  /**
   * The UDP port of the peer on one path, 0 for plain SCTP (SCTP_REMOTE_UDP_ENCAPS_PORT); RFC 6951 section 6.1.
   *
   * @param path The peer's address on the path.
   */
  remoteUdpEncapsPortOf(path: SctpPath): number {
    return this.#get("remoteUdpEncapsPort", this.#path(path));
  }

  /**
   * Sets the UDP port of the peer on one path (SCTP_REMOTE_UDP_ENCAPS_PORT); RFC 6951 section 6.1.
   *
   * @param path The peer's address on the path.
   * @param port The port, 0 to 65535; 0 is plain SCTP.
   */
  setRemoteUdpEncapsPortOf(path: SctpPath, port: number): void {
    this.#set("remoteUdpEncapsPort", port, this.#path(path));
  }

  /**
   * The milliseconds between two probes of a path's MTU, 0 for none (SCTP_PLPMTUD_PROBE_INTERVAL); RFC 8899.
   *
   * @param path The peer's address on the path.
   */
  plpmtudProbeIntervalOf(path: SctpPath): number {
    return this.#get("plpmtudProbeInterval", this.#path(path));
  }

  /**
   * Sets the time between two probes of a path's MTU (SCTP_PLPMTUD_PROBE_INTERVAL); RFC 8899.
   *
   * @param path The peer's address on the path.
   * @param ms Milliseconds, 5000 or more; 0 sends none.
   */
  setPlpmtudProbeIntervalOf(path: SctpPath, ms: number): void {
    this.#set("plpmtudProbeInterval", ms, this.#path(path));
  }

  /**
   * Sends a heartbeat on a path at once (SPP_HB_DEMAND); RFC 6458 section 8.1.12.
   *
   * @param path The peer's address on the path.
   */
  sendHeartbeat(path: SctpPath): void {
    this.#set("heartbeatNow", true, this.#path(path));
  }

  /**
   * Asks the peer to send to one of our addresses first (SCTP_SET_PEER_PRIMARY_ADDR); RFC 6458 section 8.3.1. Both sides need
   * `asconf`.
   *
   * @param address The local address.
   */
  setPeerPrimaryAddress(address: SctpPath): void {
    const local = transportAddressOf(address, () => this.#driver.localAddress(this.#id()).port);
    this.#set("peerPrimaryAddress", local);
  }

  /**
   * Asks that peers authenticate a chunk type, in the associations to come (SCTP_AUTH_CHUNK); RFC 6458 section 8.3.2.
   *
   * @param chunkType The type, for instance 0 for DATA; not INIT (1), INIT ACK (2), SHUTDOWN COMPLETE (14) or AUTH (15).
   */
  addAuthChunk(chunkType: number): void {
    this.#set("authChunk", chunkType);
  }

  /**
   * Adds a shared key, or replaces it (SCTP_AUTH_KEY); RFC 6458 section 8.3.3.
   *
   * @param key Its number and its bytes.
   */
  setAuthKey(key: SctpAuthKey): void {
    this.#set("authKey", key);
  }

  /**
   * Uses a key for nothing new; an `"authentication"` notification tells when it is free (SCTP_AUTH_DEACTIVATE_KEY); RFC 6458
   * section 8.3.4.
   *
   * @param keyId The key's number; not that of the active key.
   */
  deactivateAuthKey(keyId: number): void {
    this.#set("deactivateAuthKey", keyId);
  }

  /**
   * Deletes a key (SCTP_AUTH_DELETE_KEY); RFC 6458 section 8.3.5.
   *
   * @param keyId The key's number; not that of the active key.
   */
  deleteAuthKey(keyId: number): void {
    this.#set("deleteAuthKey", keyId);
  }

  /**
   * Resets streams: their sequence numbers begin again at 0 (SCTP_RESET_STREAMS); RFC 6525 section 6.3.2. A `"stream-reset"`
   * notification tells the outcome.
   *
   * @param streams Which streams, in which directions.
   */
  resetStreams(streams: SctpStreamsToReset): void {
    this.#set("resetStreams", streams);
  }

  /**
   * Resets all streams and the TSNs (SCTP_RESET_ASSOC); RFC 6525 section 6.3.3. An `"association-reset"` notification tells the
   * outcome.
   */
  resetAssociation(): void {
    this.#set("resetAssociation", true);
  }

  /**
   * Adds streams (SCTP_ADD_STREAMS); RFC 6525 section 6.3.4. A `"stream-change"` notification tells the outcome.
   *
   * @param streams How many, in each direction.
   */
  addStreams(streams: SctpStreamsToAdd): void {
    this.#set("addStreams", streams);
  }

  /**
   * What the scheduler knows of a stream: its priority, or its weight (SCTP_STREAM_SCHEDULER_VALUE); RFC 8260 section 4.3.3.
   *
   * @param streamId The stream.
   */
  streamSchedulerValueOf(streamId: number): number {
    return this.#get("streamSchedulerValue", streamId);
  }

  /**
   * Sets what the scheduler knows of a stream (SCTP_STREAM_SCHEDULER_VALUE); RFC 8260 section 4.3.3.
   *
   * @param streamId The stream.
   * @param value Its priority, or its weight, 0 to 65535.
   */
  setStreamSchedulerValueOf(streamId: number, value: number): void {
    this.#set("streamSchedulerValue", value, streamId);
  }

  /**
   * How many messages PR-SCTP has given up (SCTP_PR_ASSOC_STATUS, SCTP_PR_STREAM_STATUS); RFC 7496 section 4.3.
   *
   * @param query Of which policy, and of which stream.
   */
  partialReliabilityStatus(query: SctpPartialReliabilityQuery = {}): SctpPartialReliabilityStatus {
    return this.#get("partialReliabilityStatus", query);
  }

  /** How the association stands (SCTP_STATUS); RFC 6458 section 8.2.1. */
  status(): SctpStatus {
    return this.#get("status");
  }

  /** What the protocol has counted for the association (SCTP_GET_ASSOC_STATS). */
  statistics(): SctpStatistics {
    return this.#get("statistics");
  }

  /**
   * How a path stands (SCTP_GET_PEER_ADDR_INFO); RFC 6458 section 8.2.2.
   *
   * @param path The peer's address on the path.
   */
  pathInfo(path: SctpPath): SctpPathInfo {
    return this.#get("pathInfo", this.#path(path));
  }

  #get<Name extends SctpOptionName>(name: Name, parameter?: SctpOptionParameter): SctpOptionRead<Name> {
    return this.#driver.getOption(name, this.#scope, parameter);
  }

  #set<Name extends SctpOptionName>(
    name: Name,
    value: SctpOptionWritten<Name>,
    parameter?: SctpOptionParameter,
  ): void {
    this.#driver.setOption(name, value, this.#scope, parameter);
  }

  #path(path: SctpPath): SctpTransportAddress {
    return transportAddressOf(path, () => this.#driver.peerAddress(this.#id()).port);
  }

  #id(): number {
    return typeof this.#scope === "number" ? this.#scope : 0;
  }
}
