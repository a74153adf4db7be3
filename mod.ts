/**
 * Sockeye: the message-oriented transports that TypeScript lacks.
 *
 * Each module is also an entry point of its own, `@sockeye/sockeye/sctp`, `@sockeye/sockeye/qos` and
 * `@sockeye/sockeye/ffi`; here they are namespaces, beside every error class.
 *
 * @example Which kind of error was it?
 * ```ts
 * import { AddressError, sctp } from "@sockeye/sockeye";
 *
 * try {
 *   sctp.SctpAddress.parse("sctp://10.0.0.1:99999");
 * } catch (error) {
 *   if (error instanceof AddressError) console.log(error.code, error.message);
 * }
 * ```
 *
 * @module
 */

export * as ffi from "./ffi/mod.ts";
export * as qos from "./qos/mod.ts";
export * as sctp from "./sctp/mod.ts";
export * as sp from "./sp/mod.ts";
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
} from "./common/errors.ts";
