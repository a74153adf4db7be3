/**
 * Sending past all that waits: what ends an association must not queue behind the messages that it gives up.
 *
 * @module
 */

import { foreignRuntime, libc, MessageArena, MSG_DONTWAIT, MSG_NOSIGNAL, systemError } from "../../ffi/mod.ts";

/** An ABORT chunk travels in one packet, so its reason has to be smaller; the kernel refuses what is too large. */
export const LARGEST_REASON = 65_000;

let arena: MessageArena | undefined;

/**
 * Hands one message with control messages to the kernel at once, sendmsg(2).
 *
 * @param data The message, possibly empty.
 * @throws {SystemError} As in sendmsg(2).
 */
export function sendUrgently(fd: number, data: Uint8Array, control: Uint8Array): void {
  const runtime = foreignRuntime();
  arena ??= new MessageArena(
    { slots: 1, payloadBytes: LARGEST_REASON, controlBytes: 64 },
    (buffer) => runtime.addressOf(buffer),
  );
  arena.prepareSend(0, data, undefined, control);
  const { symbols } = libc();
  if (symbols.sendmsg(fd, arena.headers, MSG_DONTWAIT | MSG_NOSIGNAL) !== -1) return;
  throw systemError(runtime.errno(), "sendmsg");
}
