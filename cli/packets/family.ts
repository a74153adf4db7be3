/** `-4` and `-6`. @module */

import { flag } from "../option.ts";
import { UsageError } from "../usage_error.ts";

/** The options that choose between IPv4 and IPv6. */
export const familyOptions = {
  ipv4: flag("use IPv4", "4"),
  ipv6: flag("use IPv6", "6"),
};

/**
 * The family that the options ask for, if they do.
 *
 * @throws {UsageError} They ask for both.
 */
export function familyOf({ ipv4, ipv6 }: { ipv4: boolean; ipv6: boolean }): "inet" | "inet6" | undefined {
  if (ipv4 && ipv6) throw new UsageError("give -4 or -6, not both");
  return ipv4 ? "inet" : ipv6 ? "inet6" : undefined;
}
