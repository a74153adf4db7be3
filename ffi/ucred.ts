/**
 * Who is at the other end of a unix socket: `struct ucred`, the data of SCM_CREDENTIALS and SO_PEERCRED, unix(7).
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { readInt32, writeInt32 } from "./bytes.ts";

/** Offsets in `struct ucred`, unix(7). */
export const UCRED: { readonly pid: 0; readonly uid: 4; readonly gid: 8 } = { pid: 0, uid: 4, gid: 8 };
/** Bytes of `struct ucred`. */
export const UCRED_SIZE = 12;

/** Process, user and group at the other end of a unix socket, as the kernel vouches for them. */
export interface UnixCredentials {
  /** The process; 0 if it is not visible from here (another PID namespace). */
  readonly pid: number;
  /** The user. */
  readonly uid: number;
  /** The group. */
  readonly gid: number;
}

/**
 * The bytes of a `struct ucred`, to send in SCM_CREDENTIALS.
 *
 * @param credentials Process, user and group.
 * @returns A new array of 12 bytes.
 * @throws {ArgumentError} if a number is out of range.
 *
 * @example
 * ```ts
 * import { decodeUcred, encodeUcred } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const bytes = encodeUcred({ pid: 1234, uid: 1000, gid: 100 });
 * assert.deepEqual(decodeUcred(bytes), { pid: 1234, uid: 1000, gid: 100 });
 * ```
 */
export function encodeUcred(credentials: UnixCredentials): Uint8Array<ArrayBuffer> {
  const { pid, uid, gid } = credentials;
  if ((pid | 0) !== pid) throw new ArgumentError("credentials.pid", `must be a 32-bit integer, not ${pid}`);
  requireId("credentials.uid", uid);
  requireId("credentials.gid", gid);
  const bytes = new Uint8Array(UCRED_SIZE);
  writeInt32(bytes, UCRED.pid, pid);
  writeInt32(bytes, UCRED.uid, uid);
  writeInt32(bytes, UCRED.gid, gid);
  return bytes;
}

/**
 * The credentials in a `struct ucred`.
 *
 * Takes any bytes: it never throws.
 *
 * @param bytes Holds the struct, for instance the data of a control message SCM_CREDENTIALS.
 * @param offset Where in `bytes` it begins. @default {0}
 * @returns The credentials, or `undefined` if there are fewer than 12 bytes.
 *
 * @example
 * ```ts
 * import { decodeUcred } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const bytes = new Uint8Array([210, 4, 0, 0, 232, 3, 0, 0, 100, 0, 0, 0]);
 * assert.deepEqual(decodeUcred(bytes), { pid: 1234, uid: 1000, gid: 100 });
 * ```
 */
export function decodeUcred(bytes: Uint8Array, offset = 0): UnixCredentials | undefined {
  if (!(Number.isInteger(offset) && offset >= 0 && offset + UCRED_SIZE <= bytes.length)) return undefined;
  return {
    pid: readInt32(bytes, offset + UCRED.pid),
    uid: readInt32(bytes, offset + UCRED.uid) >>> 0,
    gid: readInt32(bytes, offset + UCRED.gid) >>> 0,
  };
}

function requireId(argument: string, id: number): void {
  if (id >>> 0 !== id) throw new ArgumentError(argument, `must be an integer from 0 to 4294967295, not ${id}`);
}
