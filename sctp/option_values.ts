/**
 * The options that have a value of their own, each under the name that it has when a socket is created.
 *
 * @module
 */

import type { SctpPartialReliability, SctpSendInfo, SctpTransportAddress } from "./message.ts";
import type { OptionAccess, SctpPath } from "./option_access.ts";
import type {
  SctpAssociationInfo,
  SctpAssociationParameters,
  SctpAuthHmac,
  SctpDelayedSack,
  SctpInitMsg,
  SctpPeerAddressParameters,
  SctpPeerAddressSettings,
  SctpPeerAddressThresholds,
  SctpPotentiallyFailedExposure,
  SctpRtoInfo,
  SctpStreamResetOptions,
  SctpStreamScheduler,
} from "./options.ts";

/** The options that are read and assigned; {@linkcode SctpSocketControls} adds what is done. */
export abstract class SctpOptionValues {
  readonly #access: OptionAccess;

  /** @ignore Handles make their own. */
  constructor(access: OptionAccess) {
    this.#access = access;
  }

  /** What associations ask for when they are set up (SCTP_INITMSG); RFC 6458 section 8.1.3. */
  get initmsg(): Required<SctpInitMsg> {
    return this.#access.get("initmsg");
  }
  set initmsg(value: SctpInitMsg) {
    this.#access.set("initmsg", value);
  }

  /** Whether small messages leave at once (SCTP_NODELAY); RFC 6458 section 8.1.5. */
  get nodelay(): boolean {
    return this.#access.get("nodelay");
  }
  set nodelay(value: boolean) {
    this.#access.set("nodelay", value);
  }

  /** The bounds of the retransmission timeout (SCTP_RTOINFO); RFC 6458 section 8.1.1. */
  get rtoinfo(): Required<SctpRtoInfo> {
    return this.#access.get("rtoinfo");
  }
  set rtoinfo(value: SctpRtoInfo) {
    this.#access.set("rtoinfo", value);
  }

  /** Retransmission limit and cookie life, and the windows (SCTP_ASSOCINFO); RFC 6458 section 8.1.2. */
  get assocInfo(): SctpAssociationInfo {
    return this.#access.get("assocInfo");
  }
  set assocInfo(value: SctpAssociationParameters) {
    this.#access.set("assocInfo", value);
  }

  /**
   * After how many idle milliseconds an association is shut down, 0 for never (SCTP_AUTOCLOSE); RFC 6458 section 8.1.8.
   */
  get autoclose(): number {
    return this.#access.get("autoclose");
  }
  set autoclose(value: number) {
    this.#access.set("autoclose", value);
  }

  /** Heartbeats, path MTU, DSCP and flow label of all paths (SCTP_PEER_ADDR_PARAMS); RFC 6458 section 8.1.12. */
  get peerAddressParameters(): SctpPeerAddressSettings {
    return this.#access.get("peerAddressParameters");
  }
  set peerAddressParameters(value: SctpPeerAddressParameters) {
    this.#access.set("peerAddressParameters", value);
  }

  /** When all paths are given up (SCTP_PEER_ADDR_THLDS_V2); RFC 7829 section 7.2. */
  get peerAddressThresholds(): Required<SctpPeerAddressThresholds> {
    return this.#access.get("peerAddressThresholds");
  }
  set peerAddressThresholds(value: SctpPeerAddressThresholds) {
    this.#access.set("peerAddressThresholds", value);
  }

  /** The peer's address that messages go to first (SCTP_PRIMARY_ADDR); RFC 6458 section 8.1.9. */
  get primaryAddress(): SctpTransportAddress {
    return this.#access.get("primaryAddress");
  }
  set primaryAddress(value: SctpPath) {
    this.#access.set("primaryAddress", this.#access.path(value));
  }

  /** When received data is acknowledged (SCTP_DELAYED_SACK); RFC 6458 section 8.1.19. */
  get delayedSack(): Required<SctpDelayedSack> {
    return this.#access.get("delayedSack");
  }
  set delayedSack(value: SctpDelayedSack) {
    this.#access.set("delayedSack", value);
  }

  /**
   * The largest piece that messages are cut into, in bytes, 0 for what the path takes (SCTP_MAXSEG); RFC 6458 section
   * 8.1.16.
   */
  get maxseg(): number {
    return this.#access.get("maxseg");
  }
  set maxseg(value: number) {
    this.#access.set("maxseg", value);
  }

  /** How many packets may leave in one burst, 0 for any number (SCTP_MAX_BURST); RFC 6458 section 8.1.24. */
  get maxBurst(): number {
    return this.#access.get("maxBurst");
  }
  set maxBurst(value: number) {
    this.#access.set("maxBurst", value);
  }

  /**
   * How pieces of partially delivered messages may mix (SCTP_FRAGMENT_INTERLEAVE); RFC 6458 section 8.1.20. Linux tells
   * 1 for 2.
   */
  get fragmentInterleave(): 0 | 1 | 2 {
    return this.#access.get("fragmentInterleave");
  }
  set fragmentInterleave(value: 0 | 1 | 2) {
    this.#access.set("fragmentInterleave", value);
  }

  /**
   * Whether messages of different streams may interleave on the wire (SCTP_INTERLEAVING_SUPPORTED); RFC 8260 section
   * 4.3.
   */
  get interleaving(): boolean {
    return this.#access.get("interleaving");
  }
  set interleaving(value: boolean) {
    this.#access.set("interleaving", value);
  }

  /**
   * How much of an incomplete message makes its delivery begin, in bytes (SCTP_PARTIAL_DELIVERY_POINT); RFC 6458
   * section 8.1.21.
   */
  get partialDeliveryPoint(): number {
    return this.#access.get("partialDeliveryPoint");
  }
  set partialDeliveryPoint(value: number) {
    this.#access.set("partialDeliveryPoint", value);
  }

  /** Whether messages that exceed a packet are refused (SCTP_DISABLE_FRAGMENTS); RFC 6458 section 8.1.11. */
  get disableFragments(): boolean {
    return this.#access.get("disableFragments");
  }
  set disableFragments(value: boolean) {
    this.#access.set("disableFragments", value);
  }

  /**
   * Whether IPv4 peers of an IPv6 socket are shown as mapped addresses (SCTP_I_WANT_MAPPED_V4_ADDR); RFC 6458 section
   * 8.1.15.
   */
  get v4Mapped(): boolean {
    return this.#access.get("v4Mapped");
  }
  set v4Mapped(value: boolean) {
    this.#access.set("v4Mapped", value);
  }

  /** What peers are told of our adaptation layer (SCTP_ADAPTATION_LAYER); RFC 6458 section 8.1.10. */
  get adaptationIndication(): number {
    return this.#access.get("adaptationIndication");
  }
  set adaptationIndication(value: number) {
    this.#access.set("adaptationIndication", value);
  }

  /** What is sent with each message that says nothing else (SCTP_DEFAULT_SNDINFO); RFC 6458 section 8.1.31. */
  get defaultSendInfo(): Required<SctpSendInfo> {
    return this.#access.get("defaultSendInfo");
  }
  set defaultSendInfo(value: SctpSendInfo) {
    this.#access.set("defaultSendInfo", value);
  }

  /**
   * The PR-SCTP policy of messages that name none, `null` for full reliability (SCTP_DEFAULT_PRINFO); RFC 6458 section
   * 8.1.32.
   */
  get defaultPartialReliability(): SctpPartialReliability | null {
    return this.#access.get("defaultPartialReliability");
  }
  set defaultPartialReliability(value: SctpPartialReliability | null) {
    this.#access.set("defaultPartialReliability", value);
  }

  /** Whether PR-SCTP is offered, or in use (SCTP_PR_SUPPORTED); RFC 7496 section 4.5. */
  get partialReliabilitySupported(): boolean {
    return this.#access.get("partialReliabilitySupported");
  }
  set partialReliabilitySupported(value: boolean) {
    this.#access.set("partialReliabilitySupported", value);
  }

  /** The `context` of messages received (SCTP_CONTEXT); RFC 6458 section 8.1.25. */
  get context(): number {
    return this.#access.get("context");
  }
  set context(value: number) {
    this.#access.set("context", value);
  }

  /** Whether chunk authentication is offered, or in use (SCTP_AUTH_SUPPORTED). */
  get authSupported(): boolean {
    return this.#access.get("authSupported");
  }
  set authSupported(value: boolean) {
    this.#access.set("authSupported", value);
  }

  /** The hash functions that we accept, best first (SCTP_HMAC_IDENT); RFC 6458 section 8.1.17. */
  get authHmacs(): SctpAuthHmac[] {
    return this.#access.get("authHmacs");
  }
  set authHmacs(value: readonly SctpAuthHmac[]) {
    this.#access.set("authHmacs", value);
  }

  /** The number of the key that authenticates what we send (SCTP_AUTH_ACTIVE_KEY); RFC 6458 section 8.1.18. */
  get activeAuthKey(): number {
    return this.#access.get("activeAuthKey");
  }
  set activeAuthKey(value: number) {
    this.#access.set("activeAuthKey", value);
  }

  /** The chunk types that the peer has to authenticate (SCTP_LOCAL_AUTH_CHUNKS); RFC 6458 section 8.2.4. */
  get localAuthChunks(): readonly number[] {
    return this.#access.get("localAuthChunks");
  }

  /** The chunk types that we have to authenticate (SCTP_PEER_AUTH_CHUNKS); RFC 6458 section 8.2.3. */
  get peerAuthChunks(): readonly number[] {
    return this.#access.get("peerAuthChunks");
  }

  /** Whether addresses may be added and removed during an association (SCTP_ASCONF_SUPPORTED); RFC 5061. */
  get asconf(): boolean {
    return this.#access.get("asconf");
  }
  set asconf(value: boolean) {
    this.#access.set("asconf", value);
  }

  /**
   * Whether a socket bound to the wildcard follows the machine's addresses by itself (SCTP_AUTO_ASCONF); RFC 6458
   * section 8.1.23.
   */
  get autoAsconf(): boolean {
    return this.#access.get("autoAsconf");
  }
  set autoAsconf(value: boolean) {
    this.#access.set("autoAsconf", value);
  }

  /** Whether reconfiguration is offered, or in use (SCTP_RECONFIG_SUPPORTED); RFC 6525. */
  get reconfigSupported(): boolean {
    return this.#access.get("reconfigSupported");
  }
  set reconfigSupported(value: boolean) {
    this.#access.set("reconfigSupported", value);
  }

  /** Which reconfigurations are allowed (SCTP_ENABLE_STREAM_RESET); RFC 6525 section 6.3.1. */
  get streamReset(): Required<SctpStreamResetOptions> {
    return this.#access.get("streamReset");
  }
  set streamReset(value: SctpStreamResetOptions) {
    this.#access.set("streamReset", value);
  }

  /** How the next message is chosen when several streams have one (SCTP_STREAM_SCHEDULER); RFC 8260 section 4.3.2. */
  get streamScheduler(): SctpStreamScheduler {
    return this.#access.get("streamScheduler");
  }
  set streamScheduler(value: SctpStreamScheduler) {
    this.#access.set("streamScheduler", value);
  }

  /** Whether several one-to-one sockets may bind the same address (SCTP_REUSE_PORT); RFC 6458 section 8.1.27. */
  get reusePort(): boolean {
    return this.#access.get("reusePort");
  }
  set reusePort(value: boolean) {
    this.#access.set("reusePort", value);
  }

  /** Whether explicit congestion notification is offered, or in use (SCTP_ECN_SUPPORTED). */
  get ecn(): boolean {
    return this.#access.get("ecn");
  }
  set ecn(value: boolean) {
    this.#access.set("ecn", value);
  }

  /** Whether potentially failed paths are shown (SCTP_EXPOSE_PF_STATE); RFC 7829 section 7.3. */
  get potentiallyFailedExposure(): SctpPotentiallyFailedExposure {
    return this.#access.get("potentiallyFailedExposure");
  }
  set potentiallyFailedExposure(value: SctpPotentiallyFailedExposure) {
    this.#access.set("potentiallyFailedExposure", value);
  }

  /** The UDP port of the peer on all paths, 0 for plain SCTP (SCTP_REMOTE_UDP_ENCAPS_PORT); RFC 6951 section 6.1. */
  get remoteUdpEncapsPort(): number {
    return this.#access.get("remoteUdpEncapsPort");
  }
  set remoteUdpEncapsPort(value: number) {
    this.#access.set("remoteUdpEncapsPort", value);
  }

  /**
   * The milliseconds between two probes of the path MTU, 0 for none, on all paths (SCTP_PLPMTUD_PROBE_INTERVAL); RFC
   * 8899.
   */
  get plpmtudProbeInterval(): number {
    return this.#access.get("plpmtudProbeInterval");
  }
  set plpmtudProbeInterval(value: number) {
    this.#access.set("plpmtudProbeInterval", value);
  }

  /** Whether messages tell of the one after them, as their `next` (SCTP_RECVNXTINFO); RFC 6458 section 8.1.30. */
  get receiveNextInfo(): boolean {
    return this.#access.get("receiveNextInfo");
  }
  set receiveNextInfo(value: boolean) {
    this.#access.set("receiveNextInfo", value);
  }

  /** The send buffer, in bytes (SO_SNDBUF, socket(7)); the kernel doubles what is set, and tells the double. */
  get sendBufferSize(): number {
    return this.#access.get("sendBufferSize");
  }
  set sendBufferSize(value: number) {
    this.#access.set("sendBufferSize", value);
  }

  /** The receive buffer, in bytes (SO_RCVBUF, socket(7)); the kernel doubles what is set, and tells the double. */
  get receiveBufferSize(): number {
    return this.#access.get("receiveBufferSize");
  }
  set receiveBufferSize(value: number) {
    this.#access.set("receiveBufferSize", value);
  }
}
