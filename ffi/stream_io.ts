/**
 * Reading and writing a stream socket: one system call each, none of which blocks or raises SIGPIPE.
 *
 * It needs to know nothing of readiness: `undefined` says that the call would block.
 *
 * @module
 */

import { MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_DONTWAIT, MSG_NOSIGNAL } from "./constants.ts";
import type { Descriptor } from "./descriptor.ts";
import { DESCRIPTORS_CONTROL_BYTES, takeDescriptors } from "./fd_passing.ts";
import { IOV_MAX, IoVector } from "./iovec.ts";
import { type Libc, libc, unlessBlocked } from "./libc.ts";
import { MessageArena } from "./message_arena.ts";

/** Writes up to this size are copied behind the header, which is cheaper than to ask for their address. */
const COPIED_BYTES = 2048;

const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
const RECEIVE_FLAGS = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;

/** What every stream socket of an isolate shares: filling it, the call and reading it back are one synchronous step. */
interface Shared {
  readonly libc: Libc;
  readonly arena: MessageArena;
}

let shared: Shared | undefined;

function prepared(): Shared {
  if (shared === undefined) {
    const opened = libc();
    const options = { slots: 1, payloadBytes: COPIED_BYTES, nameBytes: 0, controlBytes: DESCRIPTORS_CONTROL_BYTES };
    shared = { libc: opened, arena: new MessageArena(options, (buffer) => opened.runtime.addressOf(buffer)) };
  }
  return shared;
}

/**
 * Writes bytes, and hands over descriptors with the first of them.
 *
 * @returns How many bytes were written.
 */
export function sendSome(fd: number, bytes: Uint8Array, control?: Uint8Array): number | undefined {
  const { libc, arena } = prepared();
  const isCopied = bytes.length <= COPIED_BYTES;
  if (isCopied) arena.setPayload(0, bytes);
  else arena.pointPayload(0, bytes);
  arena.setControl(0, control);
  try {
    return unlessBlocked(() => libc.symbols.sendmsg(fd, arena.headers, SEND_FLAGS), "sendmsg");
  } finally {
    if (!isCopied) arena.releasePayload(0);
  }
}

/** Writes from several buffers, and goes past what was written. */
export function sendVector(fd: number, vector: IoVector): number | undefined {
  const { libc, arena } = prepared();
  vector.requireMemory();
  arena.pointPayloadVector(0, vector);
  arena.setControl(0, undefined);
  let written;
  try {
    written = unlessBlocked(() => libc.symbols.sendmsg(fd, arena.headers, SEND_FLAGS), "sendmsg");
  } finally {
    arena.releasePayload(0);
  }
  if (written !== undefined) vector.advance(written);
  return written;
}

/** What {@linkcode receiveWithDescriptors} gives. */
export interface Received {
  length: number;
  descriptors: Descriptor[];
  isTruncated: boolean;
}

/** Reads bytes, and takes the descriptors that were sent with them, up to a limit; no other is left open. */
export function receiveWithDescriptors(fd: number, buffer: Uint8Array, limit: number): Received | undefined {
  const { libc, arena } = prepared();
  arena.prepareReceive(1);
  arena.pointPayload(0, buffer);
  let length;
  try {
    length = unlessBlocked(() => libc.symbols.recvmsg(fd, arena.headers, RECEIVE_FLAGS), "recvmsg");
  } finally {
    arena.releasePayload(0);
  }
  if (length === undefined) return undefined;
  const control = arena.control(0);
  const isCut = (arena.messageFlags(0) & MSG_CTRUNC) !== 0;
  if (control.length === 0) return { length, descriptors: [], isTruncated: isCut };
  const all = takeDescriptors(control);
  const surplus = all.splice(limit);
  for (const descriptor of surplus) descriptor.close();
  return { length, descriptors: all, isTruncated: isCut || surplus.length > 0 };
}

/** An iovec over the first buffers of a list that one system call takes. */
export function vectorOf(buffers: readonly Uint8Array[], from = 0): IoVector {
  const { runtime } = libc();
  const end = Math.min(buffers.length, from + IOV_MAX);
  const vector = new IoVector(Math.max(1, end - from), (buffer) => runtime.addressOf(buffer));
  for (let i = from; i < end; i++) vector.push(buffers[i]);
  return vector;
}
