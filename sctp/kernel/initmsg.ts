/**
 * `struct sctp_initmsg`, which is both a socket option and a control message; RFC 6458, sections 5.3.1 and 8.1.3.
 *
 * @module
 */

import type { SctpInitMsg } from "../options.ts";
import { requireInteger } from "./arguments.ts";
import { readUint16, writeUint16 } from "./bytes.ts";
import { SCTP_LAYOUT } from "./layout.ts";

const { fields } = SCTP_LAYOUT.sctp_initmsg;

/**
 * Writes the struct; a field of 0 leaves the kernel's value as it is.
 *
 * @throws {ArgumentError} A field is out of range.
 */
export function encodeInitMsgInto(value: SctpInitMsg, argument: string, target: Uint8Array, offset: number): void {
  const put = (field: number, given: number | undefined, name: string) =>
    writeUint16(
      target,
      offset + field,
      given === undefined ? 0 : requireInteger(given, `${argument}.${name}`, 1, 0xffff),
    );
  put(fields.sinit_num_ostreams, value.numOstreams, "numOstreams");
  put(fields.sinit_max_instreams, value.maxInstreams, "maxInstreams");
  put(fields.sinit_max_attempts, value.maxAttempts, "maxAttempts");
  put(fields.sinit_max_init_timeo, value.maxInitTimeout, "maxInitTimeout");
}

/** Reads the struct. */
export function decodeInitMsg(bytes: Uint8Array): Required<SctpInitMsg> {
  return {
    numOstreams: readUint16(bytes, fields.sinit_num_ostreams),
    maxInstreams: readUint16(bytes, fields.sinit_max_instreams),
    maxAttempts: readUint16(bytes, fields.sinit_max_attempts),
    maxInitTimeout: readUint16(bytes, fields.sinit_max_init_timeo),
  };
}
