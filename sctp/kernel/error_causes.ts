/**
 * Error causes, the TLVs of ABORT and ERROR chunks; RFC 9260, section 3.3.10.
 *
 * @module
 */

import type { SctpErrorCause, SctpErrorCauseName } from "../notification.ts";
import { readNetworkUint16 } from "./bytes.ts";

const CAUSE_NAMES: ReadonlyMap<number, SctpErrorCauseName> = new Map<number, SctpErrorCauseName>([
  [0, "none"],
  [1, "invalid-stream-identifier"],
  [2, "missing-mandatory-parameter"],
  [3, "stale-cookie"],
  [4, "out-of-resource"],
  [5, "unresolvable-address"],
  [6, "unrecognized-chunk-type"],
  [7, "invalid-mandatory-parameter"],
  [8, "unrecognized-parameters"],
  [9, "no-user-data"],
  [10, "cookie-received-while-shutting-down"],
  [11, "restart-with-new-addresses"],
  [12, "user-initiated-abort"],
  [13, "protocol-violation"],
  // RFC 5061, section 4.3.
  [0x00a0, "delete-last-address"],
  [0x00a1, "out-of-resource-for-asconf"],
  [0x00a2, "delete-source-address"],
  [0x00a3, "illegal-asconf-ack"],
  [0x00a4, "no-authorization"],
  // RFC 4895, section 4.
  [0x0105, "unsupported-hmac"],
]);

/** Cause code and length, 16 bits each in network byte order; the length counts these four bytes too. */
const CAUSE_HEADER_SIZE = 4;

/** The name of a cause code. */
export function causeName(code: number): SctpErrorCauseName {
  return CAUSE_NAMES.get(code) ?? "unknown";
}

/** The causes one after another; ends at the first that does not fit. */
export function decodeCauses(bytes: Uint8Array): SctpErrorCause[] {
  const causes: SctpErrorCause[] = [];
  let offset = 0;
  while (offset + CAUSE_HEADER_SIZE <= bytes.length) {
    const code = readNetworkUint16(bytes, offset);
    const length = readNetworkUint16(bytes, offset + 2);
    if (length < CAUSE_HEADER_SIZE || offset + length > bytes.length) break;
    causes.push({ code, name: causeName(code), data: bytes.subarray(offset + CAUSE_HEADER_SIZE, offset + length) });
    offset += (length + 3) & ~3;
  }
  return causes;
}
