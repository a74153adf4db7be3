/**
 * Arenas for batched system calls, shared by all sockets of an isolate.
 *
 * Filling an arena, the call and reading it back happen in one synchronous step, so one arena of a shape serves every
 * socket, and ten thousand sockets cost no more buffer than one. Pages that no message touches are never resident.
 *
 * @module
 */

import { libc } from "./libc.ts";
import { MessageArena } from "./msghdr.ts";

/** Payloads up to this size are copied into the arena; larger ones are sent from where they are. */
export const COPIED_PAYLOAD_BYTES = 2048;

const arenas = new Map<string, MessageArena>();

function arena(use: "receive" | "send", slots: number, payloadBytes: number, controlBytes: number): MessageArena {
  const shape = `${use}/${slots}/${payloadBytes}/${controlBytes}`;
  let found = arenas.get(shape);
  if (found === undefined) {
    const { runtime } = libc();
    found = new MessageArena({ slots, payloadBytes, controlBytes }, (buffer) => runtime.addressOf(buffer));
    arenas.set(shape, found);
  }
  return found;
}

/** The arena for receiving messages of up to `payloadBytes`. */
export function receiveArena(slots: number, payloadBytes: number, controlBytes: number): MessageArena {
  return arena("receive", slots, payloadBytes, controlBytes);
}

/** The arena for sending. */
export function sendArena(slots: number, controlBytes: number): MessageArena {
  return arena("send", slots, COPIED_PAYLOAD_BYTES, controlBytes);
}
