/**
 * Control messages, also called ancillary data: what travels beside the payload of sendmsg(2) and recvmsg(2), cmsg(3).
 *
 * Each is a `struct cmsghdr` and its data, padded to 8 bytes (CMSG_ALIGN on 64-bit Linux). Nothing here knows what the
 * data mean.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { readInt32, writeInt32 } from "./bytes.ts";

/** Offsets in `struct cmsghdr`, cmsg(3). */
export const CMSGHDR: { readonly cmsg_len: 0; readonly cmsg_level: 8; readonly cmsg_type: 12 } = {
  cmsg_len: 0,
  cmsg_level: 8,
  cmsg_type: 12,
};
/** Bytes of `struct cmsghdr`, after which the data begin. */
export const CMSGHDR_SIZE = 16;

/** One control message. */
export interface ControlMessage {
  /** The protocol that it belongs to, for instance SOL_SOCKET or IPPROTO_IP. */
  readonly level: number;
  /** What it is, in the terms of that protocol, for instance SCM_RIGHTS or IP_TTL. */
  readonly type: number;
  /** Its data, without header and padding. */
  readonly data: Uint8Array;
}

function align(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/**
 * The bytes that a control message takes in all, header and padding included: CMSG_SPACE of cmsg(3).
 *
 * @param dataLength Bytes of data.
 * @returns Bytes in the buffer.
 *
 * @example
 * ```ts
 * import { controlSpace } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(controlSpace(4), 24);
 * ```
 */
export function controlSpace(dataLength: number): number {
  return CMSGHDR_SIZE + align(dataLength);
}

/**
 * The bytes of several control messages, as sendmsg(2) takes them.
 *
 * @param messages The messages, in order.
 * @returns A new array; empty if there are none.
 * @throws {ArgumentError} if a level or type is not a 32-bit integer.
 *
 * @example
 * ```ts
 * import { controlMessages, encodeControlMessages, IP_TTL, IPPROTO_IP } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const control = encodeControlMessages([{ level: IPPROTO_IP, type: IP_TTL, data: new Uint8Array([3, 0, 0, 0]) }]);
 * assert.equal(control.length, 24);
 * assert.equal([...controlMessages(control)][0].data[0], 3);
 * ```
 */
export function encodeControlMessages(messages: readonly ControlMessage[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const message of messages) length += controlSpace(message.data.length);
  const target = new Uint8Array(length);
  const encoder = new ControlEncoder(target);
  for (const message of messages) encoder.push(message.level, message.type, message.data);
  return target;
}

/**
 * Writes control messages one after the other into memory that is there already, for paths where nothing may be
 * allocated.
 *
 * @example
 * ```ts
 * import { ControlEncoder, IP_TOS, IP_TTL, IPPROTO_IP } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const encoder = new ControlEncoder(new Uint8Array(64));
 * encoder.pushInt32(IPPROTO_IP, IP_TTL, 3);
 * encoder.pushInt32(IPPROTO_IP, IP_TOS, 0xb8);
 * assert.equal(encoder.length, 48);
 *
 * encoder.reset(); // the next message
 * assert.equal(encoder.length, 0);
 * ```
 */
export class ControlEncoder {
  readonly #target: Uint8Array;
  #length = 0;

  /**
   * Writes into a target from its start.
   *
   * @param target Where to write; {@linkcode controlSpace} tells how much each message takes.
   */
  constructor(target: Uint8Array) {
    this.#target = target;
  }

  /** Bytes written so far, padding included: the `msg_controllen` for the call. */
  get length(): number {
    return this.#length;
  }

  /** Starts anew at the beginning of the target. */
  reset(): void {
    this.#length = 0;
  }

  /**
   * What was written so far, as a view on the target.
   *
   * @returns The encoded control messages.
   */
  encoded(): Uint8Array {
    return this.#target.subarray(0, this.#length);
  }

  /**
   * Appends a control message.
   *
   * @param level The protocol, for instance SOL_SOCKET.
   * @param type The kind, for instance SCM_RIGHTS.
   * @param data The data, copied.
   * @throws {ArgumentError} if the target has not that much room left, or level or type are not 32-bit integers.
   */
  push(level: number, type: number, data: Uint8Array): void {
    this.#target.set(data, this.allocate(level, type, data.length));
  }

  /**
   * Appends a control message whose data are one 32-bit integer in the machine's byte order.
   *
   * @param level The protocol, for instance IPPROTO_IP.
   * @param type The kind, for instance IP_TTL.
   * @param value The integer; the low 32 bits are taken.
   * @throws {ArgumentError} if the target has not 24 bytes left, or level or type are not 32-bit integers.
   */
  pushInt32(level: number, type: number, value: number): void {
    writeInt32(this.#target, this.allocate(level, type, 4), value);
  }

  /**
   * Appends a control message whose data the caller then writes in place.
   *
   * @param level The protocol, for instance IPPROTO_SCTP.
   * @param type The kind.
   * @param dataLength Bytes of data; they are zero until written.
   * @returns Where in the target the data begin.
   * @throws {ArgumentError} if the target has not that much room left, or level or type are not 32-bit integers.
   */
  allocate(level: number, type: number, dataLength: number): number {
    requireInt32("level", level);
    requireInt32("type", type);
    const start = this.#length;
    const space = controlSpace(dataLength);
    if (!(dataLength >= 0 && start + space <= this.#target.length)) {
      throw new ArgumentError("data", `takes ${space} bytes, the target has ${this.#target.length - start} left`);
    }
    const target = this.#target;
    target.fill(0, start + CMSGHDR_SIZE, start + space);
    writeInt32(target, start + CMSGHDR.cmsg_len, CMSGHDR_SIZE + dataLength);
    writeInt32(target, start + CMSGHDR.cmsg_len + 4, 0);
    writeInt32(target, start + CMSGHDR.cmsg_level, level);
    writeInt32(target, start + CMSGHDR.cmsg_type, type);
    this.#length = start + space;
    return start + CMSGHDR_SIZE;
  }
}

function requireInt32(argument: string, value: number): void {
  if ((value | 0) !== value) throw new ArgumentError(argument, `must be a 32-bit integer, not ${value}`);
}

/**
 * `cmsg_len` of the control message at `offset`, or 0 where no whole message is left.
 *
 * The same conditions as the kernel's CMSG_OK: neither shorter than its header nor longer than what is there.
 */
function boundedLength(control: Uint8Array, offset: number): number {
  const left = control.length - offset;
  if (left < CMSGHDR_SIZE || readInt32(control, offset + CMSGHDR.cmsg_len + 4) !== 0) return 0;
  const length = readInt32(control, offset + CMSGHDR.cmsg_len) >>> 0;
  return length >= CMSGHDR_SIZE && length <= left ? length : 0;
}

/**
 * The control messages in a buffer, as recvmsg(2) fills it.
 *
 * Takes any bytes: whatever the lengths inside claim, nothing outside the buffer is read, and iteration ends at the
 * first message that is not whole.
 *
 * @param control The buffer, cut at `msg_controllen`.
 * @returns The messages in order; their data are views on the buffer.
 *
 * @example
 * ```ts
 * import { controlMessages, IP_TTL, IPPROTO_IP } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const control = new Uint8Array([20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
 * for (const { level, type, data } of controlMessages(control)) {
 *   assert.equal(level, IPPROTO_IP);
 *   assert.equal(type, IP_TTL);
 *   assert.deepEqual([...data], [3, 0, 0, 0]);
 * }
 * ```
 */
export function* controlMessages(control: Uint8Array): IterableIterator<ControlMessage> {
  let offset = 0;
  for (let length; (length = boundedLength(control, offset)) > 0; offset += align(length)) {
    yield {
      level: readInt32(control, offset + CMSGHDR.cmsg_level),
      type: readInt32(control, offset + CMSGHDR.cmsg_type),
      data: control.subarray(offset + CMSGHDR_SIZE, offset + length),
    };
  }
}

/**
 * The data of the first control message of one kind, found without walking an iterator.
 *
 * @param control The buffer, cut at `msg_controllen`; any bytes, as for {@linkcode controlMessages}.
 * @param level The protocol, for instance IPPROTO_IP.
 * @param type The kind, for instance IP_TTL.
 * @returns A view on the data, or `undefined` if there is no such message.
 *
 * @example
 * ```ts
 * import { encodeControlMessages, findControlMessage, IP_TTL, IPPROTO_IP } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const control = encodeControlMessages([{ level: IPPROTO_IP, type: IP_TTL, data: new Uint8Array([3, 0, 0, 0]) }]);
 * assert.equal(findControlMessage(control, IPPROTO_IP, IP_TTL)?.[0], 3);
 * assert.equal(findControlMessage(control, IPPROTO_IP, 99), undefined);
 * ```
 */
export function findControlMessage(control: Uint8Array, level: number, type: number): Uint8Array | undefined {
  let offset = 0;
  for (let length; (length = boundedLength(control, offset)) > 0; offset += align(length)) {
    if (
      readInt32(control, offset + CMSGHDR.cmsg_level) === level &&
      readInt32(control, offset + CMSGHDR.cmsg_type) === type
    ) {
      return control.subarray(offset + CMSGHDR_SIZE, offset + length);
    }
  }
  return undefined;
}
