/** Reads the address of a unix socket from the command line. @module */

import { encodeSockaddr } from "@sockeye/sockeye/ffi";
import type { UnixAddress } from "@sockeye/sockeye/qos";
import { UsageError } from "../usage_error.ts";

/**
 * The address: a path, or an abstract name after `@`. A path that begins so is written `./@name`.
 *
 * @throws {UsageError} It is empty, or longer than such an address can be.
 */
export function readUnixAddress(text: string): UnixAddress {
  const address: UnixAddress = text.startsWith("@")
    ? { family: "unix", abstract: text.slice(1) }
    : { family: "unix", path: text };
  try {
    encodeSockaddr(address);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return address;
}
