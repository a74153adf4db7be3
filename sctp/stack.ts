/**
 * The choice of an SCTP implementation.
 *
 * @module
 */

import { ArgumentError, UnsupportedError } from "../common/errors.ts";
import type { SctpStack } from "./driver.ts";
import { kernelStack } from "./kernel/stack.ts";

/**
 * Which implementation of SCTP to use: the kernel's, one in userspace, or the best that there is.
 *
 * There is none in userspace yet: `"userspace"` is an `UnsupportedError`, and `"auto"` means the kernel's.
 */
export type SctpStackName = "auto" | "kernel" | "userspace";

/**
 * The implementation of that name. It may not be available: its first call tells.
 *
 * @throws {ArgumentError} There is no such name.
 * @throws {UnsupportedError} There is no such implementation yet.
 */
export function selectStack(name: SctpStackName = "auto"): SctpStack {
  switch (name) {
    case "auto":
    case "kernel":
      return kernelStack;
    case "userspace":
      throw new UnsupportedError('SCTP in userspace is not available yet: use stack "auto" or "kernel"');
    default:
      throw new ArgumentError("options.stack", `must be "auto", "kernel" or "userspace", not ${JSON.stringify(name)}`);
  }
}

/**
 * Why SCTP can't be used here.
 *
 * @param stack The implementation in question. @default {"auto"}
 * @returns The error that the first call would throw, with the remedy; `undefined` where SCTP can be used.
 * @throws {ArgumentError} There is no such stack.
 *
 * @example
 * ```ts
 * import { sctpUnavailableReason } from "@sockeye/sockeye/sctp";
 *
 * const reason = sctpUnavailableReason();
 * console.log(reason === undefined ? "SCTP is there" : reason.message);
 * ```
 */
export function sctpUnavailableReason(stack: SctpStackName = "auto"): UnsupportedError | undefined {
  try {
    selectStack(stack).probe();
    return undefined;
  } catch (error) {
    if (error instanceof UnsupportedError) return error;
    throw error;
  }
}

/**
 * Whether SCTP can be used here.
 *
 * @param stack The implementation in question. @default {"auto"}
 * @throws {ArgumentError} There is no such stack.
 *
 * @example
 * ```ts
 * import { isSctpAvailable, SctpEndpoint } from "@sockeye/sockeye/sctp";
 *
 * if (isSctpAvailable()) {
 *   using endpoint = SctpEndpoint.listen("sctp://127.0.0.1:0");
 *   console.log(`listening on ${endpoint.localAddresses()}`);
 * }
 * ```
 */
export function isSctpAvailable(stack: SctpStackName = "auto"): boolean {
  return sctpUnavailableReason(stack) === undefined;
}
