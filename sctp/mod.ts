/**
 * SCTP: messages on many streams, over several paths at once (RFC 9260), by the API of RFC 6458.
 *
 * {@linkcode SctpEndpoint} is one-to-many: one socket, many associations, one typed stream of messages and
 * notifications. {@linkcode SctpListener} and {@linkcode SctpAssociation} are one-to-one. Addresses are URLs such as
 * `sctp://10.0.0.1,10.0.1.1:3868`.
 *
 * It needs a Linux kernel with SCTP (`modprobe sctp`); {@linkcode isSctpAvailable} tells. Elsewhere everything can be
 * imported, and the first call throws an `UnsupportedError` with the remedy.
 *
 * @example
 * ```ts
 * import { isSctpAvailable, SctpAssociation, SctpListener } from "@sockeye/sockeye/sctp";
 *
 * if (isSctpAvailable()) {
 *   using listener = SctpListener.listen("sctp://127.0.0.1:0");
 *   await using client = await SctpAssociation.connect(listener.localAddresses());
 *   await using server = await listener.accept();
 *
 *   await client.send("hello", { streamId: 1, ppid: 46 });
 *   const { data, streamId, ppid } = await server.receive();
 *   console.log(new TextDecoder().decode(data), streamId, ppid);
 * }
 * ```
 *
 * @module
 */

export {
  resolveSctpAddress,
  type ResolveSctpAddressOptions,
  SctpAddress,
  type SctpAddressLike,
  type SctpNetwork,
} from "./address.ts";
export { SctpAssociation, type SctpConnectOptions } from "./association.ts";
export { SctpSocketControls } from "./controls.ts";
export type { SctpEvent, SctpOptionScope, SctpOversizedMessage } from "./driver.ts";
export { SctpEndpoint } from "./endpoint.ts";
export { SctpListener } from "./listener.ts";
export type {
  SctpEndpointSendOptions,
  SctpMessage,
  SctpNextInfo,
  SctpPartialReliability,
  SctpReceiveInfo,
  SctpSendInfo,
  SctpSendOptions,
  SctpTransportAddress,
} from "./message.ts";
export {
  SCTP_EVENT_NAMES,
  type SctpAdaptationNotification,
  type SctpAddressChange,
  type SctpAddressNotification,
  type SctpAssociationChange,
  type SctpAssociationNotification,
  type SctpAssociationResetNotification,
  type SctpAuthenticationNotification,
  type SctpErrorCause,
  type SctpErrorCauseName,
  type SctpEventName,
  type SctpFeature,
  type SctpNotification,
  type SctpPartialDeliveryNotification,
  type SctpRemoteErrorNotification,
  type SctpSenderDryNotification,
  type SctpSendFailedNotification,
  type SctpShutdownNotification,
  type SctpStreamChangeNotification,
  type SctpStreamResetNotification,
  type SctpUnknownNotification,
} from "./notification.ts";
export type { SctpOpeningOptions } from "./opening.ts";
export type { SctpPath } from "./option_access.ts";
export { SctpOptionValues } from "./option_values.ts";
export type { SctpPartialReliabilityQuery, SctpStreamsToAdd, SctpStreamsToReset } from "./option_map.ts";
export type {
  SctpAssociationInfo,
  SctpAssociationParameters,
  SctpAssociationState,
  SctpAuthHmac,
  SctpAuthKey,
  SctpAuthOptions,
  SctpDefaultSendInfo,
  SctpDelayedSack,
  SctpInitMsg,
  SctpPartialReliabilityStatus,
  SctpPathInfo,
  SctpPathState,
  SctpPeerAddressParameters,
  SctpPeerAddressSettings,
  SctpPeerAddressThresholds,
  SctpPotentiallyFailedExposure,
  SctpRtoInfo,
  SctpSocketOptions,
  SctpStatistics,
  SctpStatus,
  SctpStreamResetOptions,
  SctpStreamScheduler,
} from "./options.ts";
export type { SctpOutgoingMessage, SctpPayload } from "./payload.ts";
export type { SctpAssociationStats, SctpEndpointStats, SctpListenerStats } from "./stats.ts";
export { isSctpAvailable, type SctpStackName, sctpUnavailableReason } from "./stack.ts";
export { SctpStream, type SctpStreamSendOptions } from "./stream.ts";
export type { WaitOptions } from "../common/wait.ts";
export type { Inet6Address, InetAddress } from "../ffi/mod.ts";
export {
  AddressError,
  ArgumentError,
  BufferFullError,
  ClosedError,
  MessageTooLargeError,
  NoPeerError,
  ProtocolError,
  SockeyeError,
  type SockeyeErrorOptions,
  StateError,
  SystemError,
  type SystemErrorDetails,
  TimeoutError,
  UnsupportedError,
} from "../common/errors.ts";
