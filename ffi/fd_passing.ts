/**
 * Open descriptors in messages of unix sockets: SCM_RIGHTS, unix(7).
 *
 * It knows the control message, and sees to it that each descriptor that arrives has an owner or is closed. Which socket
 * carries it is not its business.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { readInt32, writeInt32 } from "./bytes.ts";
import { controlMessages, controlSpace, encodeControlMessages } from "./cmsg.ts";
import { SCM_RIGHTS, SOL_SOCKET } from "./constants.ts";
import { Descriptor } from "./descriptor.ts";
import { close } from "./syscalls.ts";

/** The most descriptors that the kernel takes in one message: `SCM_MAX_FD`, unix(7). */
export const MAX_DESCRIPTORS = 253;

/** Room for the control message with {@linkcode MAX_DESCRIPTORS} descriptors, in bytes. */
export const DESCRIPTORS_CONTROL_BYTES: number = controlSpace(4 * MAX_DESCRIPTORS);

/** Anything with a descriptor: a `Descriptor`, a socket, a `SharedMemory`, an `EventCounter`. */
export interface DescriptorHolder {
  /** The descriptor, open. */
  readonly fd: number;
}

/**
 * The control message that hands copies of descriptors to the peer of a unix socket, for `MessageSocket.send`.
 *
 * The peer gets descriptors of its own for the same open files, as with dup(2). The originals stay ours; they must stay
 * open until the send has settled. A socket that receives them needs the option `descriptors`.
 *
 * @param holders What to hand over, 1 to 253.
 * @param argument What to call them in errors. @default {"holders"}
 * @returns Encoded control messages; the socket's `controlBytes` must be as many.
 * @throws {ArgumentError} When there are none, or too many.
 * @throws {ClosedError} When one of them is closed.
 *
 * @example Hand over one end of a pipe
 * ```ts
 * import { close, encodeDescriptors, MessageSocket, pipe2, read, write } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const [left, right] = MessageSocket.pair({ descriptors: true });
 * const [reader, writer] = pipe2();
 * await left.send(new TextEncoder().encode("a pipe"), { control: encodeDescriptors([{ fd: writer }]) });
 * const { descriptors } = await right.receive({ timeout: 1000 });
 *
 * write(descriptors[0].fd, Uint8Array.of(7));
 * const buffer = new Uint8Array(1);
 * read(reader, buffer);
 * assert.equal(buffer[0], 7);
 *
 * descriptors[0].close();
 * close(reader);
 * close(writer);
 * await using _ = left, __ = right;
 * ```
 */
export function encodeDescriptors(
  holders: readonly DescriptorHolder[],
  argument = "holders",
): Uint8Array<ArrayBuffer> {
  requireDescriptors(holders, argument);
  const data = new Uint8Array(4 * holders.length);
  holders.forEach((holder, index) => writeInt32(data, 4 * index, holder.fd));
  return encodeControlMessages([{ level: SOL_SOCKET, type: SCM_RIGHTS, data }]);
}

/**
 * Refuses what can't be handed over.
 *
 * @throws {ArgumentError} When there are none, or too many.
 * @throws {ClosedError} When one of them is closed.
 */
export function requireDescriptors(holders: readonly DescriptorHolder[], argument = "holders"): void {
  if (!(holders.length >= 1 && holders.length <= MAX_DESCRIPTORS)) {
    throw new ArgumentError(argument, `must be 1 to ${MAX_DESCRIPTORS}, got ${holders.length}; send several messages`);
  }
  holders.forEach(({ fd }, index) => {
    if (Number.isInteger(fd) && fd >= 0) return;
    throw new ArgumentError(`${argument}[${index}]`, `must have an open descriptor as \`fd\`, got ${String(fd)}`);
  });
}

/**
 * Gives each descriptor that came with a message an owner.
 *
 * The kernel has opened them already: whoever receives control messages calls this, or {@linkcode closeDescriptors}, once.
 *
 * @param control What recvmsg(2) stored.
 * @param limit How many are wanted; the rest is closed.
 */
export function takeDescriptors(control: Uint8Array, limit: number = MAX_DESCRIPTORS): Descriptor[] {
  const taken: Descriptor[] = [];
  for (const fd of received(control)) {
    if (taken.length < limit) taken.push(Descriptor.adopt(fd, "received descriptor"));
    else close(fd);
  }
  return taken;
}

/** Closes every descriptor that came with a message. */
export function closeDescriptors(control: Uint8Array): void {
  for (const fd of received(control)) close(fd);
}

function received(control: Uint8Array): number[] {
  const all: number[] = [];
  for (const { level, type, data } of controlMessages(control)) {
    if (level !== SOL_SOCKET || type !== SCM_RIGHTS) continue;
    for (let offset = 0; offset + 4 <= data.length; offset += 4) all.push(readInt32(data, offset));
  }
  return all;
}
