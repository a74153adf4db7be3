/**
 * Arenas for batched system calls, shared by all sockets of an isolate.
 *
 * Filling an arena, the call and reading it back happen in one synchronous step, so one arena of a shape serves every
 * socket, and ten thousand sockets cost no more buffer than one. Pages that no message touches are never resident.
 *
 * @module
 */

import { libc } from "./libc.ts";
import { addressOfBytes } from "./iovec.ts";
import { MessageArena } from "./message_arena.ts";
import { MMSGHDR, MMSGHDR_SIZE, MSGHDR } from "./msghdr.ts";
import { copyPooled } from "./payload_pool.ts";

/** Payloads up to this size are copied into the arena; larger ones are sent from where they are. */
export const COPIED_PAYLOAD_BYTES = 2048;

/** Room for the payloads of messages that share slots, in one system call: two of the largest. */
const SEGMENT_MEMORY_BYTES = 2 * 65536;

const HEADER_WORDS = MMSGHDR_SIZE / 4;
const NAMELEN_WORD = MSGHDR.msg_namelen / 4;
const CONTROLLEN_WORD = MSGHDR.msg_controllen / 4;
const FLAGS_WORD = MSGHDR.msg_flags / 4;
const LEN_WORD = MMSGHDR.msg_len / 4;

/**
 * An arena to receive with, and a view of its headers for the one loop that runs for each message: the arena's own
 * methods check the slot each time.
 */
export class ReceiveArena {
  /** The memory. */
  readonly arena: MessageArena;
  readonly #libc = libc();
  readonly #headers: Uint32Array;
  readonly #payloads: readonly number[];
  readonly #names: readonly number[];
  readonly #nameBytes: number;
  readonly #payloadBytes: number;
  /** The buffer that was received into last, and its address, which holds as long as the buffer lives. */
  #lastBuffer: WeakRef<Uint8Array> | undefined;
  #lastAddress = 0;
  /** How many slots, from the first, the kernel has written since they were prepared. */
  #used: number;

  /** Makes one of an arena whose slots point at their own regions. */
  constructor(arena: MessageArena) {
    const slots = Array.from({ length: arena.slots }, (_, slot) => slot);
    this.arena = arena;
    this.#headers = new Uint32Array(arena.buffer, 0, arena.slots * HEADER_WORDS);
    this.#payloads = slots.map((slot) => arena.payloadRegion(slot).byteOffset);
    this.#names = slots.map((slot) => arena.nameOffset(slot));
    this.#nameBytes = arena.nameBytes;
    this.#payloadBytes = arena.payloadBytes;
    this.#used = arena.slots;
  }

  /** recvmmsg(2) into all slots: how many were filled, or -1. */
  receive(fd: number, flags: number): number {
    if (this.#used > 0) this.arena.prepareReceive(this.#used);
    this.#used = 0;
    const count = this.#libc.symbols.recvmmsg(fd, this.arena.headers, this.#payloads.length, flags, null);
    if (count > 0) this.#used = count;
    return count;
  }

  /** recvmsg(2) into the caller's memory, by the first slot: the message's length, or -1. */
  receiveInto(fd: number, buffer: Uint8Array, flags: number): number {
    this.arena.prepareReceive(1);
    this.#used = Math.max(this.#used, 1);
    this.arena.pointPayload(0, buffer, this.#addressOf(buffer));
    const length = this.#libc.symbols.recvmsg(fd, this.arena.headers, flags);
    this.arena.releasePayload(0);
    return length;
  }

  /** Most callers use one buffer again and again, and to ask for its address takes as long as half a system call. */
  #addressOf(buffer: Uint8Array): number {
    if (this.#lastBuffer?.deref() !== buffer) {
      this.#lastAddress = addressOfBytes(buffer, (bytes) => this.#libc.runtime.addressOf(bytes));
      this.#lastBuffer = new WeakRef(buffer);
    }
    return this.#lastAddress;
  }

  /** Where in the arena's bytes a filled slot's address begins. */
  nameOffset(slot: number): number {
    return this.#names[slot];
  }

  /** How many bytes of address a filled slot has. */
  nameLength(slot: number): number {
    return Math.min(this.#headers[slot * HEADER_WORDS + NAMELEN_WORD], this.#nameBytes);
  }

  /** Whether a filled slot has control messages. */
  hasControl(slot: number): boolean {
    return this.#headers[slot * HEADER_WORDS + CONTROLLEN_WORD] !== 0;
  }

  /** The flags that the kernel reported for a filled slot. */
  flags(slot: number): number {
    return this.#headers[slot * HEADER_WORDS + FLAGS_WORD];
  }

  /** How many bytes a filled slot received. */
  payloadLength(slot: number): number {
    return Math.min(this.#headers[slot * HEADER_WORDS + LEN_WORD], this.#payloadBytes);
  }

  /** A copy of a part of what a filled slot received, pooled or in an ArrayBuffer of its own. */
  copyPayload(slot: number, offset: number, length: number, isPooled: boolean): Uint8Array<ArrayBuffer> {
    const from = this.#payloads[slot] + offset;
    return isPooled ? copyPooled(this.arena.bytes, from, length) : this.arena.bytes.slice(from, from + length);
  }
}

/** Memory where messages that share a slot lie behind each other. */
export interface SegmentMemory {
  /** The memory. */
  readonly bytes: Uint8Array;
  /** The address of its first byte. */
  readonly address: number;
}

let segments: SegmentMemory | undefined;

const receiveArenas = new Map<string, ReceiveArena>();
const sendArenas = new Map<string, MessageArena>();

function arena(slots: number, payloadBytes: number, controlBytes: number): MessageArena {
  const { runtime } = libc();
  return new MessageArena({ slots, payloadBytes, controlBytes }, (buffer) => runtime.addressOf(buffer));
}

/** The arena for receiving messages of up to `payloadBytes`. */
export function receiveArena(slots: number, payloadBytes: number, controlBytes: number): ReceiveArena {
  const shape = `${slots}/${payloadBytes}/${controlBytes}`;
  let found = receiveArenas.get(shape);
  if (found === undefined) {
    found = new ReceiveArena(arena(slots, payloadBytes, controlBytes));
    receiveArenas.set(shape, found);
  }
  return found;
}

/** The arena for sending. */
export function sendArena(slots: number, controlBytes: number): MessageArena {
  const shape = `${slots}/${controlBytes}`;
  let found = sendArenas.get(shape);
  if (found === undefined) {
    found = arena(slots, COPIED_PAYLOAD_BYTES, controlBytes);
    sendArenas.set(shape, found);
  }
  return found;
}

/** The memory for messages that share slots of a send arena. */
export function segmentMemory(): SegmentMemory {
  if (segments === undefined) {
    const buffer = new ArrayBuffer(SEGMENT_MEMORY_BYTES);
    segments = { bytes: new Uint8Array(buffer), address: libc().runtime.addressOf(buffer) };
  }
  return segments;
}
