/**
 * Arenas: headers, addresses, control messages and payloads of many messages, in memory that stays where it is.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { addressOfBytes, IOV_BASE_WORD, IOV_LEN_WORD, IOVEC_SIZE, IOVEC_WORDS, IoVector, writeWide } from "./iovec.ts";
import { MMSGHDR, MMSGHDR_SIZE, MSGHDR } from "./msghdr.ts";
import { SOCKADDR_STORAGE_SIZE } from "./sockaddr.ts";

/** The most messages that the kernel takes in one sendmmsg(2) or recvmmsg(2). */
const UIO_MAXIOV = 1024;

// Field positions in 32-bit words, for views on Uint32Array.
const MMSGHDR_WORDS = MMSGHDR_SIZE / 4;
const NAME = MSGHDR.msg_name / 4;
const NAMELEN = MSGHDR.msg_namelen / 4;
const IOV = MSGHDR.msg_iov / 4;
const IOVLEN = MSGHDR.msg_iovlen / 4;
const CONTROL = MSGHDR.msg_control / 4;
const CONTROLLEN = MSGHDR.msg_controllen / 4;
const FLAGS = MSGHDR.msg_flags / 4;
const LEN = MMSGHDR.msg_len / 4;

const CACHE_LINE = 64;

/** What a {@linkcode MessageArena} has room for. */
export interface MessageArenaOptions {
  /** Messages per call, 1 to 1024. */
  readonly slots: number;
  /** Bytes of payload per message; 0 for an arena whose slots always point at other memory. */
  readonly payloadBytes: number;
  /** Bytes of address per message; 0 for none. @default {128} */
  readonly nameBytes?: number;
  /** Bytes of control messages per message, rounded up to a multiple of 8; 0 for none. @default {256} */
  readonly controlBytes?: number;
}

/**
 * Headers, addresses, control messages and payloads of several messages in one buffer whose address never changes.
 *
 * A slot is one message: its `struct mmsghdr` (which begins with the `struct msghdr`, so that a slot serves sendmsg(2)
 * and recvmsg(2) as well), one iovec, and three regions. All pointers are written once, when the arena is made; what
 * follows only sets lengths. A slot may also point at memory elsewhere, which the arena then keeps alive. The arena
 * itself must be held for as long as the kernel may use its addresses.
 *
 * To receive: {@linkcode MessageArena.prepareReceive}, the call, then the readers of each slot that was filled.
 * To send: {@linkcode MessageArena.prepareSend} for each slot, then the call.
 *
 * @example Fill a slot, and read it back
 * ```ts
 * import { MessageArena } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const addressOf = () => 0x7f00_0000_0000; // stands for the runtime's own function
 * const arena = new MessageArena({ slots: 4, payloadBytes: 2048 }, addressOf);
 *
 * arena.prepareSend(0, new TextEncoder().encode("hello"));
 * assert.equal(arena.headerAddress(1) - arena.headerAddress(0), 64);
 *
 * arena.setMessageLength(0, 5); // the kernel does this, or the caller after recvmsg(2)
 * assert.equal(new TextDecoder().decode(arena.payload(0)), "hello");
 * ```
 */
export class MessageArena {
  /** Messages that fit. */
  readonly slots: number;
  /** Bytes of payload that fit one slot. */
  readonly payloadBytes: number;
  /** Bytes of address that fit one slot. */
  readonly nameBytes: number;
  /** Bytes of control messages that fit one slot. */
  readonly controlBytes: number;
  /** The memory, all of it. */
  readonly buffer: ArrayBuffer;
  /** The memory as bytes: what {@linkcode MessageArena.nameOffset} counts in. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * The headers of all slots, from the first on: what sendmsg(2) and its kin take by reference, which is faster on Deno
   * than {@linkcode MessageArena.headerAddress}, and keeps the memory.
   */
  readonly headers: Uint8Array<ArrayBuffer>;

  readonly #addressOf: (buffer: ArrayBuffer) => number;
  readonly #base: number;
  readonly #words: Uint32Array;
  readonly #iovecs: number;
  readonly #names: number;
  readonly #nameStride: number;
  readonly #controlRegions: Uint8Array<ArrayBuffer>[] = [];
  readonly #payloadRegions: Uint8Array<ArrayBuffer>[] = [];
  /** What each slot's iovec points at; the arena's own region, or the caller's memory, held here against collection. */
  readonly #payloads: (Uint8Array | IoVector)[] = [];

  /**
   * Allocates the memory, and writes all pointers.
   *
   * @param options How many messages, and how large.
   * @param addressOf The address of a buffer's first byte, below 2^53.
   * @throws {ArgumentError} if an option is out of range.
   */
  constructor(options: MessageArenaOptions, addressOf: (buffer: ArrayBuffer) => number) {
    const { slots, payloadBytes, nameBytes = SOCKADDR_STORAGE_SIZE, controlBytes = 256 } = options;
    if (!(Number.isInteger(slots) && slots >= 1 && slots <= UIO_MAXIOV)) {
      throw new ArgumentError("options.slots", `must be an integer from 1 to ${UIO_MAXIOV}, not ${slots}`);
    }
    requireSize("options.payloadBytes", payloadBytes);
    requireSize("options.nameBytes", nameBytes);
    requireSize("options.controlBytes", controlBytes);
    this.slots = slots;
    this.payloadBytes = payloadBytes;
    this.nameBytes = nameBytes;
    this.controlBytes = roundUp(controlBytes, 8);
    this.#addressOf = addressOf;
    this.#nameStride = roundUp(nameBytes, 8);

    this.#iovecs = slots * MMSGHDR_SIZE;
    this.#names = roundUp(this.#iovecs + slots * IOVEC_SIZE, CACHE_LINE);
    const controls = roundUp(this.#names + slots * this.#nameStride, CACHE_LINE);
    const payloads = roundUp(controls + slots * this.controlBytes, CACHE_LINE);
    const payloadStride = roundUp(payloadBytes, CACHE_LINE);
    this.buffer = new ArrayBuffer(payloads + slots * payloadStride);
    this.bytes = new Uint8Array(this.buffer);
    this.headers = this.bytes.subarray(0, slots * MMSGHDR_SIZE);
    this.#words = new Uint32Array(this.buffer, 0, this.#names / 4);
    this.#base = addressOf(this.buffer);

    for (let slot = 0; slot < slots; slot++) {
      const control = controls + slot * this.controlBytes;
      const payload = payloads + slot * payloadStride;
      this.#controlRegions.push(this.bytes.subarray(control, control + this.controlBytes));
      this.#payloadRegions.push(this.bytes.subarray(payload, payload + payloadBytes));
      const header = slot * MMSGHDR_WORDS;
      if (nameBytes > 0) writeWide(this.#words, header + NAME, this.#base + this.nameOffset(slot));
      if (this.controlBytes > 0) writeWide(this.#words, header + CONTROL, this.#base + control);
      this.#pointAtRegion(slot, payloadBytes);
    }
  }

  /**
   * The address of a slot's `struct mmsghdr`, and so of its `struct msghdr`; the slots that follow lie behind it.
   *
   * @param slot Which message, from 0.
   * @returns The address, to hand to sendmmsg(2) and its kin.
   * @throws {ArgumentError} if there is no such slot.
   */
  headerAddress(slot = 0): number {
    this.#requireSlot(slot);
    return this.#base + slot * MMSGHDR_SIZE;
  }

  /**
   * Makes slots ready for receiving: full name and control capacity, no flags, no length.
   *
   * Where their payloads go is left alone: see {@linkcode MessageArena.pointPayload}.
   *
   * @param count How many slots; fewer, when only those have been used since the last time. @default all
   * @param first The first of them. @default {0}
   * @throws {ArgumentError} if there are no such slots.
   */
  prepareReceive(count: number = this.slots, first = 0): void {
    if (count === 0) return;
    this.#requireSlot(first);
    this.#requireSlot(first + count - 1);
    const words = this.#words;
    const end = (first + count) * MMSGHDR_WORDS;
    for (let header = first * MMSGHDR_WORDS; header < end; header += MMSGHDR_WORDS) {
      words[header + NAMELEN] = this.nameBytes;
      words[header + CONTROLLEN] = this.controlBytes;
      words[header + CONTROLLEN + 1] = 0;
      words[header + FLAGS] = 0;
      words[header + LEN] = 0;
    }
  }

  /**
   * The length that the kernel reported for a slot: what sendmmsg(2) sent or recvmmsg(2) received, in bytes.
   *
   * With MSG_TRUNC among the flags of the call it is the message's real length, which may exceed what was stored.
   *
   * @param slot Which message, from 0.
   * @returns `msg_len`.
   * @throws {ArgumentError} if there is no such slot.
   */
  messageLength(slot: number): number {
    this.#requireSlot(slot);
    return this.#words[slot * MMSGHDR_WORDS + LEN];
  }

  /**
   * Records a length that came as the result of recvmsg(2), which knows no `msg_len`.
   *
   * @param slot Which message, from 0.
   * @param length Bytes received.
   * @throws {ArgumentError} if there is no such slot.
   */
  setMessageLength(slot: number, length: number): void {
    this.#requireSlot(slot);
    this.#words[slot * MMSGHDR_WORDS + LEN] = length;
  }

  /**
   * The flags that the kernel reported for a slot, for instance MSG_EOR or MSG_TRUNC.
   *
   * @param slot Which message, from 0.
   * @returns `msg_flags`.
   * @throws {ArgumentError} if there is no such slot.
   */
  messageFlags(slot: number): number {
    this.#requireSlot(slot);
    return this.#words[slot * MMSGHDR_WORDS + FLAGS];
  }

  /**
   * Bytes of address in a slot, never more than fit.
   *
   * @param slot Which message, from 0.
   * @returns `msg_namelen`, for {@linkcode decodeSockaddr} beside {@linkcode MessageArena.bytes} and
   * {@linkcode MessageArena.nameOffset}.
   * @throws {ArgumentError} if there is no such slot.
   */
  nameLength(slot: number): number {
    this.#requireSlot(slot);
    // The kernel reports an address's full length, also when it stored less of it.
    return Math.min(this.#words[slot * MMSGHDR_WORDS + NAMELEN], this.nameBytes);
  }

  /**
   * Where in {@linkcode MessageArena.bytes} a slot's address begins.
   *
   * @param slot Which message, from 0.
   * @returns The offset in bytes.
   * @throws {ArgumentError} if there is no such slot.
   */
  nameOffset(slot: number): number {
    this.#requireSlot(slot);
    return this.#names + slot * this.#nameStride;
  }

  /**
   * The address in a slot, as a view: it changes when the slot is used again.
   *
   * @param slot Which message, from 0.
   * @returns The encoded sockaddr; empty if there is none.
   * @throws {ArgumentError} if there is no such slot.
   */
  name(slot: number): Uint8Array<ArrayBuffer> {
    const offset = this.nameOffset(slot);
    return this.bytes.subarray(offset, offset + this.nameLength(slot));
  }

  /**
   * The control messages in a slot, as a view: it changes when the slot is used again.
   *
   * @param slot Which message, from 0.
   * @returns The bytes, for {@linkcode controlMessages}; empty if there are none.
   * @throws {ArgumentError} if there is no such slot.
   */
  control(slot: number): Uint8Array<ArrayBuffer> {
    this.#requireSlot(slot);
    return this.#controlRegions[slot].subarray(0, this.#words[slot * MMSGHDR_WORDS + CONTROLLEN]);
  }

  /**
   * The memory for a slot's control messages, all of it; the same view each time, so that a {@linkcode ControlEncoder}
   * made over it once serves all messages.
   *
   * @param slot Which message, from 0.
   * @returns The bytes; tell with {@linkcode MessageArena.setControlLength} how many are used.
   * @throws {ArgumentError} if there is no such slot.
   */
  controlRegion(slot: number): Uint8Array<ArrayBuffer> {
    this.#requireSlot(slot);
    return this.#controlRegions[slot];
  }

  /**
   * What a slot received, as a view: it changes when the slot is used again, unless it points at the caller's memory.
   *
   * @param slot Which message, from 0.
   * @returns The payload, cut at what fits where the slot points.
   * @throws {ArgumentError} if there is no such slot, or if it points at an {@linkcode IoVector}.
   */
  payload(slot: number): Uint8Array {
    this.#requireSlot(slot);
    const target = this.#payloads[slot];
    if (target instanceof IoVector) throw new ArgumentError("slot", `slot ${slot} points at several buffers`);
    return target.subarray(0, this.#words[slot * MMSGHDR_WORDS + LEN]);
  }

  /**
   * Fills a slot for sending: payload, address and control messages are copied.
   *
   * @param slot Which message, from 0.
   * @param payload The message.
   * @param name The encoded sockaddr of the destination, if the socket is not connected. @default none
   * @param control Encoded control messages. @default none
   * @throws {ArgumentError} if there is no such slot, or something exceeds the slot's room.
   */
  prepareSend(slot: number, payload: Uint8Array, name?: Uint8Array, control?: Uint8Array): void {
    this.setPayload(slot, payload);
    this.setName(slot, name);
    this.setControl(slot, control);
  }

  /**
   * Copies a payload into a slot, and points the slot at its own region if it pointed elsewhere.
   *
   * @param slot Which message, from 0.
   * @param payload The message.
   * @throws {ArgumentError} if there is no such slot, or the payload exceeds {@linkcode MessageArena.payloadBytes}.
   */
  setPayload(slot: number, payload: Uint8Array): void {
    this.#requireSlot(slot);
    const length = payload.length;
    if (length > this.payloadBytes) {
      throw new ArgumentError("payload", `has ${length} bytes, a slot takes ${this.payloadBytes}: use pointPayload`);
    }
    this.#payloadRegions[slot].set(payload);
    this.#setPayloadLength(slot, length);
  }

  /**
   * Declares how much of a slot's own region is the message, for payloads that were written there in place.
   *
   * @param slot Which message, from 0.
   * @param length Bytes, from the region's start; for receiving, the most that may be stored.
   * @throws {ArgumentError} if there is no such slot, or the length exceeds {@linkcode MessageArena.payloadBytes}.
   */
  setPayloadLength(slot: number, length: number): void {
    this.#requireSlot(slot);
    requireAtMost("length", length, this.payloadBytes);
    this.#setPayloadLength(slot, length);
  }

  /**
   * The memory for a slot's payload, all of it, to write a message in place.
   *
   * @param slot Which message, from 0.
   * @returns The bytes; tell with {@linkcode MessageArena.setPayloadLength} how many are used.
   * @throws {ArgumentError} if there is no such slot.
   */
  payloadRegion(slot: number): Uint8Array<ArrayBuffer> {
    this.#requireSlot(slot);
    return this.#payloadRegions[slot];
  }

  /**
   * Points a slot at the caller's memory, to send from it or to receive into it without a copy.
   *
   * The arena keeps the memory alive until the slot points elsewhere: {@linkcode MessageArena.releasePayload},
   * {@linkcode MessageArena.setPayload}, or another call of this.
   *
   * @param slot Which message, from 0.
   * @param bytes The memory; not to be detached or resized meanwhile.
   * @param address The address of the payload's first byte. @default asked of the runtime
   * @param length How many bytes from there on are the payload. @default all
   * @throws {ArgumentError} if there is no such slot.
   */
  pointPayload(
    slot: number,
    bytes: Uint8Array,
    address: number = addressOfBytes(bytes, this.#addressOf),
    length: number = bytes.length,
  ): void {
    this.#requireSlot(slot);
    if (this.#payloads[slot] instanceof IoVector) this.#pointAtRegion(slot, 0);
    const iovec = this.#iovecs / 4 + slot * IOVEC_WORDS;
    writeWide(this.#words, iovec + IOV_BASE_WORD, address);
    writeWide(this.#words, iovec + IOV_LEN_WORD, length);
    this.#payloads[slot] = bytes;
  }

  /**
   * Points a slot at several pieces of memory, which the kernel gathers into one message or fills one after the other.
   *
   * The arena keeps the vector alive until the slot points elsewhere. Set it again after changing the vector.
   *
   * @param slot Which message, from 0.
   * @param vector The pieces.
   * @throws {ArgumentError} if there is no such slot.
   */
  pointPayloadVector(slot: number, vector: IoVector): void {
    this.#requireSlot(slot);
    const header = slot * MMSGHDR_WORDS;
    writeWide(this.#words, header + IOV, vector.address);
    writeWide(this.#words, header + IOVLEN, vector.count);
    this.#payloads[slot] = vector;
  }

  /**
   * Points a slot at its own region again, with room for the largest payload, and lets go of the caller's memory.
   *
   * @param slot Which message, from 0.
   * @throws {ArgumentError} if there is no such slot.
   */
  releasePayload(slot: number): void {
    this.#requireSlot(slot);
    this.#pointAtRegion(slot, this.payloadBytes);
  }

  /**
   * Copies a destination into a slot.
   *
   * @param slot Which message, from 0.
   * @param name The encoded sockaddr, or `undefined` for none.
   * @throws {ArgumentError} if there is no such slot, or the name exceeds {@linkcode MessageArena.nameBytes}.
   */
  setName(slot: number, name: Uint8Array | undefined): void {
    const length = name === undefined ? 0 : name.length;
    this.setNameLength(slot, length);
    if (name !== undefined) this.bytes.set(name, this.nameOffset(slot));
  }

  /**
   * Declares how many bytes of address are in a slot, after {@linkcode encodeSockaddrInto} at
   * {@linkcode MessageArena.nameOffset}.
   *
   * @param slot Which message, from 0.
   * @param length Bytes; 0 for no address.
   * @throws {ArgumentError} if there is no such slot, or the length exceeds {@linkcode MessageArena.nameBytes}.
   */
  setNameLength(slot: number, length: number): void {
    this.#requireSlot(slot);
    requireAtMost("name", length, this.nameBytes);
    this.#words[slot * MMSGHDR_WORDS + NAMELEN] = length;
  }

  /**
   * Copies control messages into a slot.
   *
   * @param slot Which message, from 0.
   * @param control The encoded control messages, or `undefined` for none.
   * @throws {ArgumentError} if there is no such slot, or they exceed {@linkcode MessageArena.controlBytes}.
   */
  setControl(slot: number, control: Uint8Array | undefined): void {
    const length = control === undefined ? 0 : control.length;
    this.setControlLength(slot, length);
    if (control !== undefined) this.#controlRegions[slot].set(control);
  }

  /**
   * Declares how many bytes of control messages are in a slot's {@linkcode MessageArena.controlRegion}.
   *
   * @param slot Which message, from 0.
   * @param length Bytes; 0 for none.
   * @throws {ArgumentError} if there is no such slot, or the length exceeds {@linkcode MessageArena.controlBytes}.
   */
  setControlLength(slot: number, length: number): void {
    this.#requireSlot(slot);
    requireAtMost("control", length, this.controlBytes);
    const header = slot * MMSGHDR_WORDS;
    this.#words[header + CONTROLLEN] = length;
    this.#words[header + CONTROLLEN + 1] = 0;
  }

  #setPayloadLength(slot: number, length: number): void {
    if (this.#payloads[slot] === this.#payloadRegions[slot]) {
      this.#words[this.#iovecs / 4 + slot * IOVEC_WORDS + IOV_LEN_WORD] = length;
    } else {
      this.#pointAtRegion(slot, length);
    }
  }

  #pointAtRegion(slot: number, length: number): void {
    const region = this.#payloadRegions[slot];
    const header = slot * MMSGHDR_WORDS;
    const iovec = this.#iovecs + slot * IOVEC_SIZE;
    writeWide(this.#words, header + IOV, this.#base + iovec);
    writeWide(this.#words, header + IOVLEN, 1);
    writeWide(this.#words, iovec / 4 + IOV_BASE_WORD, this.#base + region.byteOffset);
    writeWide(this.#words, iovec / 4 + IOV_LEN_WORD, length);
    this.#payloads[slot] = region;
  }

  /** A slot that is not there would have its lengths written over another's pointers. */
  #requireSlot(slot: number): void {
    if (slot >>> 0 !== slot || slot >= this.slots) {
      throw new ArgumentError("slot", `must be an integer from 0 to ${this.slots - 1}, not ${slot}`);
    }
  }
}

function requireSize(argument: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= 0x7fffffff)) {
    throw new ArgumentError(argument, `must be an integer from 0 to 2147483647 bytes, not ${value}`);
  }
}

function requireAtMost(argument: string, length: number, limit: number): void {
  if (!(Number.isInteger(length) && length >= 0 && length <= limit)) {
    throw new ArgumentError(argument, `has ${length} bytes, a slot takes ${limit}`);
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
