/**
 * The messages of one call into the kernel: an arena filled slot by slot, where messages that differ in nothing but their
 * payload may share a slot.
 *
 * It knows how many messages are in which slot, so that its owner can tell what a call that did a part has done. It needs
 * to know nothing of descriptors, modes and errors.
 *
 * @module
 */

import { DestinationCache } from "./address_cache.ts";
import { COPIED_PAYLOAD_BYTES, type SegmentMemory, segmentMemory, sendArena } from "./arenas.ts";
import { MSG_CONFIRM, MSG_DONTROUTE, MSG_DONTWAIT, MSG_NOSIGNAL } from "./constants.ts";
import type { SendOptions } from "./message.ts";
import type { MessageArena } from "./message_arena.ts";
import {
  hasSegmentControl,
  MAX_SEGMENTED_BYTES,
  MAX_SEGMENTS,
  SEGMENT_CONTROL_BYTES,
  type Segmentation,
  writeSegmentControl,
} from "./segmentation.ts";

/** Flags that mean the same for a message that is cut as for each of its segments. */
const GATHERED_FLAGS = MSG_CONFIRM | MSG_DONTROUTE | MSG_DONTWAIT | MSG_NOSIGNAL;

/** The most messages that share slots in one call: when the first is refused, all others are filled in again. */
const MAX_GATHERED = 2 * MAX_SEGMENTS;

/** Messages on their way into one sendmmsg(2). */
export class SendBatch {
  /** Room for each message's control messages, in bytes. */
  readonly controlBytes: number;
  /** How many slots are filled. */
  slots = 0;

  readonly #arena: MessageArena;
  readonly #destinations = new DestinationCache();
  readonly #segmentation: Segmentation | undefined;
  readonly #memory: SegmentMemory | undefined;
  /** How many messages each filled slot holds. */
  readonly #counts: number[] = [];
  /** The largest message that may share a slot, in bytes. */
  #largest = 0;
  /** How much of the memory for segments is filled, and by how many messages. */
  #used = 0;
  #gathered = 0;

  // The run: the messages of the last slot, while others may join them.
  #isRunOpen = false;
  /** Where they begin in the memory for segments. */
  #start = 0;
  /** What all of them have, but for the last, which may be shorter; of the first slot, kept for its refusal. */
  #segmentBytes = 0;
  #firstSegmentBytes = 0;
  #to: SendOptions["to"];
  #name: Uint8Array | undefined;
  #control: Uint8Array | undefined;

  /**
   * @param batch The most slots.
   * @param controlBytes Room for each message's control messages.
   * @param segmentation What the kernel is known to cut, where messages may share slots.
   */
  constructor(batch: number, controlBytes: number, segmentation: Segmentation | undefined) {
    const room = segmentation === undefined ? 0 : SEGMENT_CONTROL_BYTES;
    this.#arena = sendArena(batch, controlBytes + room);
    this.#segmentation = segmentation;
    this.#memory = segmentation && segmentMemory();
    this.controlBytes = this.#arena.controlBytes - room;
  }

  /** The headers of the slots, for the kernel. */
  get headers(): Uint8Array {
    return this.#arena.headers;
  }

  /** Empties it, for messages that are all sent with these flags. */
  clear(flags = 0): void {
    this.slots = 0;
    this.#used = 0;
    this.#gathered = 0;
    this.#isRunOpen = false;
    this.#largest = this.#segmentation === undefined || (flags & ~GATHERED_FLAGS) !== 0
      ? 0
      : Math.min(this.#segmentation.largest, COPIED_PAYLOAD_BYTES);
  }

  /** Takes one more message; false when there is no room for it. */
  add(data: Uint8Array, options: SendOptions): boolean {
    // Nothing can't be a segment.
    if (data.length <= this.#largest && data.length > 0) return this.#gather(data, options);
    this.endRun();
    if (this.slots === this.#arena.slots) return false;
    this.#counts[this.slots] = 1;
    this.set(this.slots++, data, options);
    return true;
  }

  /** Makes a slot one message. */
  set(slot: number, data: Uint8Array, options: SendOptions): void {
    if (data.length <= COPIED_PAYLOAD_BYTES) this.#arena.setPayload(slot, data);
    else this.#arena.pointPayload(slot, data);
    this.#arena.setName(slot, this.#destinations.encode(options.to));
    this.#arena.setControl(slot, options.control);
  }

  /** Lets go of the caller's memory that a slot points at. */
  release(slot: number): void {
    this.#arena.releasePayload(slot);
  }

  /** How many slots are like the first: each holds one message, or each several. */
  slotsAlike(): number {
    let slot = 1;
    while (slot < this.slots && (this.#counts[slot] > 1) === (this.#counts[0] > 1)) slot++;
    return Math.min(slot, this.slots);
  }

  /** Whether the first slot holds several messages. */
  get isShared(): boolean {
    return this.#counts[0] > 1;
  }

  /** How many messages are in the first so many slots. */
  messagesIn(slots: number): number {
    let count = 0;
    for (let slot = 0; slot < slots; slot++) count += this.#counts[slot];
    return count;
  }

  /**
   * Learns that the kernel refused the first slot.
   *
   * @returns True when that may be because messages share it; the next time they won't.
   */
  refused(errno: number): boolean {
    if (this.#counts[0] > 1) return this.#segmentation!.refused(errno, this.#firstSegmentBytes);
    this.#segmentation?.refusedAlone(errno);
    return false;
  }

  /** Completes the last slot. Nobody joins it any more. */
  endRun(): void {
    if (!this.#isRunOpen) return;
    this.#isRunOpen = false;
    const slot = this.slots - 1;
    const { bytes, address } = this.#memory!;
    this.#arena.pointPayload(slot, bytes, address + this.#start, this.#used - this.#start);
    if (this.#counts[slot] === 1) return;
    const offset = this.#control === undefined ? 0 : Math.ceil(this.#control.length / 8) * 8;
    writeSegmentControl(this.#arena.controlRegion(slot), offset, this.#segmentBytes);
    this.#arena.setControlLength(slot, offset + SEGMENT_CONTROL_BYTES);
  }

  #gather(data: Uint8Array, options: SendOptions): boolean {
    const name = this.#isRunOpen && options.to === this.#to ? this.#name : this.#destinations.encode(options.to);
    if (this.#isRunOpen && this.#continuesRun(data.length, name, options.control)) {
      this.#append(data);
      this.#counts[this.slots - 1]++;
      if (data.length < this.#segmentBytes) this.endRun();
      return true;
    }
    this.endRun();
    if (this.slots === this.#arena.slots || !this.#hasRoom(data.length)) return false;
    this.#beginRun(data, options, name);
    return true;
  }

  #continuesRun(length: number, name: Uint8Array | undefined, control: Uint8Array | undefined): boolean {
    const count = this.#counts[this.slots - 1];
    return length <= this.#segmentBytes && count < MAX_SEGMENTS &&
      this.#used + length - this.#start <= MAX_SEGMENTED_BYTES && this.#hasRoom(length) &&
      areEqual(name, this.#name) && areEqual(control, this.#control) &&
      !(count === 1 && control !== undefined && hasSegmentControl(control));
  }

  #hasRoom(length: number): boolean {
    return this.#gathered < MAX_GATHERED && this.#used + length <= this.#memory!.bytes.length;
  }

  #beginRun(data: Uint8Array, { to, control }: SendOptions, name: Uint8Array | undefined): void {
    const slot = this.slots++;
    this.#arena.setName(slot, name);
    this.#arena.setControl(slot, control);
    this.#counts[slot] = 1;
    this.#start = this.#used;
    this.#append(data);
    this.#segmentBytes = data.length;
    if (slot === 0) this.#firstSegmentBytes = data.length;
    this.#to = to;
    this.#name = name;
    this.#control = control;
    this.#isRunOpen = true;
  }

  #append(data: Uint8Array): void {
    this.#memory!.bytes.set(data, this.#used);
    this.#used += data.length;
    this.#gathered++;
  }
}

function areEqual(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined || left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i]) return false;
  }
  return true;
}
