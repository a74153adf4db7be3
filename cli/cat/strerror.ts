/** What went wrong, in nngcat's words. @module */

import {
  AddressError,
  BufferFullError,
  ClosedError,
  MessageTooLargeError,
  ProtocolError,
  StateError,
  SystemError,
  TimeoutError,
} from "@sockeye/sockeye";

/** nng's words for what the operating system says; for the rest ours do. */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address in use",
  EADDRNOTAVAIL: "Address invalid",
  ECONNABORTED: "Connection aborted",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset",
  EHOSTUNREACH: "Destination unreachable",
  EMFILE: "Out of files",
  ENAMETOOLONG: "Address invalid",
  ENETUNREACH: "Destination unreachable",
  ENOENT: "Entry not found",
  ENOMEM: "Out of memory",
  EPERM: "Permission denied",
  EPIPE: "Connection reset",
  ETIMEDOUT: "Timed out",
};

/** nng_strerror(3), as far as it knows of such an error; the error's own message otherwise. */
export function strerror(error: unknown): string {
  if (error instanceof SystemError) return SYSTEM[error.code] ?? error.message;
  if (error instanceof TimeoutError) return "Timed out";
  if (error instanceof AddressError) return "Address invalid";
  if (error instanceof ClosedError) return "Object closed";
  if (error instanceof StateError) return "Incorrect state";
  if (error instanceof MessageTooLargeError) return "Message too large";
  if (error instanceof BufferFullError) return "Try again";
  if (error instanceof ProtocolError) return "Protocol error";
  return error instanceof Error ? error.message : String(error);
}
