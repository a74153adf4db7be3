/**
 * Socket options as bytes: what a socket has to offer for them, and the shapes that many of them share.
 *
 * @module
 */

import { SystemError, UnsupportedError } from "../../../common/errors.ts";
import { IPPROTO_SCTP } from "../../../ffi/constants.ts";
import { readInt32, readUint32, writeUint32 } from "../bytes.ts";
import { SCTP_LAYOUT } from "../layout.ts";

/** The two system calls that options need. */
export interface OptionSocket {
  /**
   * Reads an option, getsockopt(2).
   *
   * @param value What the kernel wants to know beforehand; it is overwritten with the answer.
   * @returns How many bytes the answer has.
   * @throws {SystemError} The kernel refuses.
   */
  getsockopt(level: number, name: number, value: Uint8Array): number;
  /**
   * Sets an option, setsockopt(2).
   *
   * @throws {SystemError} The kernel refuses.
   */
  setsockopt(level: number, name: number, value: Uint8Array): void;
}

const ASSOC_VALUE = SCTP_LAYOUT.sctp_assoc_value;

/**
 * Reads an SCTP option.
 *
 * @param needs What the option needs of the kernel, where not every kernel has it; for the error's message.
 * @throws {UnsupportedError} The kernel does not know the option.
 * @throws {SystemError} The kernel refuses.
 */
export function getOption(socket: OptionSocket, name: number, value: Uint8Array, needs?: string): number {
  try {
    return socket.getsockopt(IPPROTO_SCTP, name, value);
  } catch (error) {
    throw explained(error, name, needs);
  }
}

/**
 * Sets an SCTP option.
 *
 * @param needs What the option needs of the kernel, where not every kernel has it; for the error's message.
 * @throws {UnsupportedError} The kernel does not know the option.
 * @throws {SystemError} The kernel refuses.
 */
export function setOption(socket: OptionSocket, name: number, value: Uint8Array, needs?: string): void {
  try {
    socket.setsockopt(IPPROTO_SCTP, name, value);
  } catch (error) {
    throw explained(error, name, needs);
  }
}

function explained(error: unknown, name: number, needs: string | undefined): unknown {
  if (!(error instanceof SystemError) || error.code !== "ENOPROTOOPT") return error;
  const remedy = needs === undefined ? "" : `; it needs ${needs}`;
  return new UnsupportedError(`the kernel does not know SCTP's socket option ${name}${remedy}`, { cause: error });
}

/** Whether an error is the system's, with the code given. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof SystemError && error.code === code;
}

/** Reads an option that is a C `int`. */
export function getInt(socket: OptionSocket, name: number, needs?: string): number {
  const value = new Uint8Array(4);
  getOption(socket, name, value, needs);
  return readInt32(value, 0);
}

/** Sets an option that is a C `int`. */
export function setInt(socket: OptionSocket, name: number, given: number, needs?: string): void {
  const value = new Uint8Array(4);
  writeUint32(value, 0, given);
  setOption(socket, name, value, needs);
}

/** Reads an option that is a C `int` and means yes or no. */
export function getFlag(socket: OptionSocket, name: number, needs?: string): boolean {
  return getInt(socket, name, needs) !== 0;
}

/** Sets an option that is a C `int` and means yes or no. */
export function setFlag(socket: OptionSocket, name: number, on: boolean, needs?: string): void {
  setInt(socket, name, on ? 1 : 0, needs);
}

/** Reads an option that is one number per association, `struct sctp_assoc_value`. */
export function getAssociationValue(
  socket: OptionSocket,
  name: number,
  associationId: number,
  needs?: string,
): number {
  const value = new Uint8Array(ASSOC_VALUE.size);
  writeUint32(value, ASSOC_VALUE.fields.assoc_id, associationId);
  getOption(socket, name, value, needs);
  return readUint32(value, ASSOC_VALUE.fields.assoc_value);
}

/** Sets an option that is one number per association, `struct sctp_assoc_value`. */
export function setAssociationValue(
  socket: OptionSocket,
  name: number,
  associationId: number,
  given: number,
  needs?: string,
): void {
  const value = new Uint8Array(ASSOC_VALUE.size);
  writeUint32(value, ASSOC_VALUE.fields.assoc_id, associationId);
  writeUint32(value, ASSOC_VALUE.fields.assoc_value, given);
  setOption(socket, name, value, needs);
}
