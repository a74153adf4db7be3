/**
 * PR-SCTP policies by name; RFC 7496, section 4.
 *
 * @module
 */

import type { SctpPartialReliability } from "../message.ts";
import { requireName, requireUint32 } from "./arguments.ts";
import { SCTP_PR_SCTP_PRIO, SCTP_PR_SCTP_RTX, SCTP_PR_SCTP_TTL } from "./constants.ts";

/** The kernel's numbers of the policies. */
export const POLICY_CODES: Readonly<Record<SctpPartialReliability["policy"], number>> = {
  ttl: SCTP_PR_SCTP_TTL,
  retransmissions: SCTP_PR_SCTP_RTX,
  priority: SCTP_PR_SCTP_PRIO,
};

/**
 * The kernel's number of a policy, once its name and value are found to be allowed.
 *
 * @throws {ArgumentError} The name is unknown, or the value out of range.
 */
export function partialReliabilityPolicy(given: SctpPartialReliability, argument: string): number {
  const code = requireName(given.policy, `${argument}.policy`, POLICY_CODES);
  requireUint32(given.value, `${argument}.value`);
  return code;
}

/** The policy of a number and a value; `null` for none, which is fully reliable. */
export function partialReliabilityOf(code: number, value: number): SctpPartialReliability | null {
  switch (code) {
    case SCTP_PR_SCTP_TTL:
      return { policy: "ttl", value };
    case SCTP_PR_SCTP_RTX:
      return { policy: "retransmissions", value };
    case SCTP_PR_SCTP_PRIO:
      return { policy: "priority", value };
    default:
      return null;
  }
}
