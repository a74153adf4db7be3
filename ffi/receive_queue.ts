/**
 * Messages on their way out of the kernel: fetched in batches, handed out one by one or all at once.
 *
 * It knows how to read an arena and what recvmmsg(2) answers. It needs to know nothing of readiness, nor of who waits.
 *
 * @module
 */

import { SenderCache } from "./address_cache.ts";
import { type ReceiveArena, receiveArena } from "./arenas.ts";
import { MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_TRUNC } from "./constants.ts";
import type { Descriptor } from "./descriptor.ts";
import { ERRNO, systemError } from "./errno.ts";
import { closeDescriptors, takeDescriptors } from "./fd_passing.ts";
import { isUncertain, lastErrno } from "./libc.ts";
import { Message, type ReceivedInto } from "./message.ts";
import { copyPooled } from "./payload_pool.ts";
import { COALESCED_CONTROL_BYTES, coalescedSize, MAX_COALESCED_BYTES, withoutCoalescedSize } from "./segmentation.ts";

/** What a {@linkcode ReceiveQueue} is made for. */
export interface ReceiveQueueOptions {
  /** Messages per system call. */
  batch: number;
  /** The largest message that is received whole, in bytes. */
  payloadBytes: number;
  /** Room for control messages, in bytes. */
  controlBytes: number;
  /** Whether it is a unix socket: only those bring descriptors, unix(7). */
  isUnix: boolean;
  /** Whether descriptors are kept for whoever receives the message. */
  keepsDescriptors: boolean;
  /** Whether small payloads share their memory. */
  isPooled: boolean;
  /** Whether the kernel may hand over several datagrams in one. */
  coalesces: boolean;
  /** Tells of an error; true when it is taken care of, and there may be something to receive behind it. */
  onError?: (errno: number) => boolean;
}

const NO_CONTROL: Uint8Array<ArrayBuffer> = new Uint8Array(0);
const NO_DESCRIPTORS: readonly Descriptor[] = Object.freeze([]);

/** Receiving from one descriptor. */
export class ReceiveQueue {
  /** Messages that were received. */
  messagesReceived = 0;
  /** Their payload, in bytes. */
  bytesReceived = 0;
  /** Messages that were larger than the room for them. */
  messagesTruncated = 0;

  readonly #arena: ReceiveArena;
  readonly #senders = new SenderCache();
  readonly #flags: number;
  readonly #isUnix: boolean;
  readonly #keepsDescriptors: boolean;
  readonly #isPooled: boolean;
  readonly #coalesces: boolean;
  readonly #batch: number;
  readonly #payloadBytes: number;
  readonly #onError: ((errno: number) => boolean) | undefined;
  #messages: Message[] = [];
  #head = 0;

  /** Makes an empty queue. */
  constructor(options: ReceiveQueueOptions) {
    const { batch, payloadBytes, controlBytes, isUnix, keepsDescriptors, isPooled, coalesces, onError } = options;
    this.#arena = coalesces
      ? receiveArena(batch, Math.max(payloadBytes, MAX_COALESCED_BYTES), controlBytes + COALESCED_CONTROL_BYTES)
      : receiveArena(batch, payloadBytes, controlBytes);
    this.#batch = batch;
    this.#payloadBytes = payloadBytes;
    this.#coalesces = coalesces;
    this.#flags = isUnix ? MSG_CMSG_CLOEXEC : 0;
    this.#isUnix = isUnix;
    this.#keepsDescriptors = keepsDescriptors;
    this.#isPooled = isPooled;
    this.#onError = onError;
  }

  /** Messages that were fetched and not taken yet. */
  get length(): number {
    return this.#messages.length - this.#head;
  }

  /** Takes the first message, which must be there. */
  takeOne(): Message {
    const message = this.#messages[this.#head++];
    if (this.#head === this.#messages.length) {
      this.#messages.length = 0;
      this.#head = 0;
    }
    return message;
  }

  /** Takes all messages, at most a batch. */
  takeAll(): Message[] {
    if (this.length > this.#batch) {
      this.#head += this.#batch;
      return this.#messages.slice(this.#head - this.#batch, this.#head);
    }
    const messages = this.#head === 0 ? this.#messages : this.#messages.slice(this.#head);
    this.#messages = [];
    this.#head = 0;
    return messages;
  }

  /** Lets go of what was fetched and not taken. */
  clear(): void {
    for (let i = this.#head; i < this.#messages.length; i++) discard(this.#messages[i]);
    this.#messages = [];
    this.#head = 0;
  }

  /**
   * Fetches a batch from the kernel into the queue, which must be empty.
   *
   * @param wait `MSG_DONTWAIT`, or `MSG_WAITFORONE` to let the call wait on a descriptor that does.
   *   @default MSG_DONTWAIT
   * @returns How many messages it was; 0 when there is nothing.
   * @throws {SystemError} As in recv(2).
   */
  fetch(fd: number, wait: number = MSG_DONTWAIT): number {
    const slots = this.#arena;
    let count = slots.receive(fd, this.#flags | wait);
    if (count === -1) {
      let errno = lastErrno();
      if (isUncertain(errno)) {
        count = slots.receive(fd, this.#flags | MSG_DONTWAIT);
        errno = lastErrno();
      }
      // Behind an error that is taken care of there may be messages; whoever lets the call wait looks again by itself.
      if (count === -1) return this.#failed(errno, "recvmmsg") && wait === MSG_DONTWAIT ? this.fetch(fd, wait) : 0;
    }
    for (let slot = 0; slot < count; slot++) {
      const control = slots.hasControl(slot) ? slots.arena.control(slot) : NO_CONTROL;
      const size = this.#coalesces && control !== NO_CONTROL ? coalescedSize(control) : 0;
      if (size > 0) this.#split(slot, size, withoutCoalescedSize(control));
      else this.#push(slot, 0, slots.payloadLength(slot), copyOf(control));
    }
    return this.length;
  }

  /** Adds each datagram of a slot; they share the rest of their control messages. */
  #split(slot: number, size: number, control: Uint8Array): void {
    const end = this.#arena.payloadLength(slot);
    let from = 0;
    do this.#push(slot, from, Math.min(size, end - from), control); while ((from += size) < end);
  }

  /** Adds a message of a part of a slot's payload. */
  #push(slot: number, from: number, length: number, control: Uint8Array): void {
    const slots = this.#arena;
    const nameLength = slots.nameLength(slot);
    const address = nameLength === 0
      ? undefined
      : this.#senders.decode(slots.arena.bytes, slots.nameOffset(slot), nameLength);
    // The kernel gives this one back as it got it.
    let flags = slots.flags(slot) & ~MSG_CMSG_CLOEXEC;
    if (length > this.#payloadBytes) flags |= MSG_TRUNC;
    const data = slots.copyPayload(slot, from, Math.min(length, this.#payloadBytes), this.#isPooled);
    if ((flags & MSG_TRUNC) !== 0) this.messagesTruncated++;
    this.messagesReceived++;
    this.bytesReceived += data.length;
    const descriptors = control.length === 0 ? NO_DESCRIPTORS : this.#ownDescriptors(control);
    this.#messages.push(new Message(data, address, flags, control, descriptors));
  }

  /**
   * Fetches one message into the caller's buffer, past the queue, which must be empty.
   *
   * @returns `undefined` when there is nothing.
   * @throws {SystemError} As in recv(2).
   */
  fetchInto(fd: number, buffer: Uint8Array): ReceivedInto | undefined {
    // The kernel may hand over more than one datagram.
    if (this.#coalesces) return this.fetch(fd) === 0 ? undefined : copyInto(this.takeOne(), buffer);
    const slots = this.#arena;
    let length = slots.receiveInto(fd, buffer, this.#flags | MSG_DONTWAIT);
    if (length === -1) {
      let errno = lastErrno();
      if (isUncertain(errno)) {
        length = slots.receiveInto(fd, buffer, this.#flags | MSG_DONTWAIT);
        errno = lastErrno();
      }
      if (length === -1) return this.#failed(errno, "recvmsg") ? this.fetchInto(fd, buffer) : undefined;
    }
    if (this.#isUnix && slots.hasControl(0)) closeDescriptors(slots.arena.control(0));
    const address = this.#senders.decode(slots.arena.bytes, slots.nameOffset(0), slots.nameLength(0));
    const flags = slots.flags(0) & ~MSG_CMSG_CLOEXEC;
    this.messagesReceived++;
    this.bytesReceived += length;
    if ((flags & MSG_TRUNC) !== 0) this.messagesTruncated++;
    return { length, address, flags };
  }

  /**
   * What a call that failed means: false when there is nothing, true when an error was in the way.
   *
   * @throws {SystemError} It is nobody else's error.
   */
  #failed(errno: number, syscall: string): boolean {
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return false;
    if (this.#onError?.(errno)) return true;
    throw systemError(errno, syscall);
  }

  /** The kernel has opened them already, so that each gets an owner here, or is closed. */
  #ownDescriptors(control: Uint8Array): readonly Descriptor[] {
    if (!this.#isUnix) return NO_DESCRIPTORS;
    if (this.#keepsDescriptors) return takeDescriptors(control);
    closeDescriptors(control);
    return NO_DESCRIPTORS;
  }
}

/** Control messages are small, and nobody transfers them, so that they always share their memory. */
function copyOf(control: Uint8Array<ArrayBuffer>): Uint8Array {
  return control.length === 0 ? NO_CONTROL : copyPooled(control, 0, control.length);
}

/** Lets go of what came with a message that nobody gets. */
export function discard(message: Message): void {
  for (const descriptor of message.descriptors) descriptor.close();
}

/** Copies a message that was fetched into the caller's buffer. */
export function copyInto(message: Message, buffer: Uint8Array): ReceivedInto {
  discard(message);
  const length = Math.min(message.data.length, buffer.length);
  buffer.set(length === message.data.length ? message.data : message.data.subarray(0, length));
  const isCut = length < message.data.length;
  return { length, address: message.address, flags: isCut ? message.flags | MSG_TRUNC : message.flags };
}
