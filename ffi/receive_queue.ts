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
import { lastErrno } from "./libc.ts";
import { Message, type ReceivedInto } from "./message.ts";

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
}

const NO_CONTROL: Uint8Array = new Uint8Array(0);
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
  #messages: Message[] = [];
  #head = 0;

  /** Makes an empty queue. */
  constructor({ batch, payloadBytes, controlBytes, isUnix, keepsDescriptors, isPooled }: ReceiveQueueOptions) {
    this.#arena = receiveArena(batch, payloadBytes, controlBytes);
    this.#flags = isUnix ? MSG_CMSG_CLOEXEC : 0;
    this.#isUnix = isUnix;
    this.#keepsDescriptors = keepsDescriptors;
    this.#isPooled = isPooled;
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

  /** Takes all messages. */
  takeAll(): Message[] {
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
    const count = slots.receive(fd, this.#flags | wait);
    if (count === -1) return nothing("recvmmsg");
    const { arena } = slots;
    const { bytes } = arena;
    let byteCount = 0;
    for (let slot = 0; slot < count; slot++) {
      const data = slots.copyPayload(slot, this.#isPooled);
      const nameLength = slots.nameLength(slot);
      const address = nameLength === 0 ? undefined : this.#senders.decode(bytes, slots.nameOffset(slot), nameLength);
      // The kernel gives this one back as it got it.
      const flags = slots.flags(slot) & ~MSG_CMSG_CLOEXEC;
      byteCount += data.length;
      if ((flags & MSG_TRUNC) !== 0) this.messagesTruncated++;
      this.#messages.push(
        slots.hasControl(slot)
          ? new Message(data, address, flags, arena.control(slot).slice(), this.#ownDescriptors(arena.control(slot)))
          : new Message(data, address, flags, NO_CONTROL, NO_DESCRIPTORS),
      );
    }
    this.messagesReceived += count;
    this.bytesReceived += byteCount;
    return count;
  }

  /**
   * Fetches one message into the caller's buffer, past the queue, which must be empty.
   *
   * @returns `undefined` when there is nothing.
   * @throws {SystemError} As in recv(2).
   */
  fetchInto(fd: number, buffer: Uint8Array): ReceivedInto | undefined {
    const slots = this.#arena;
    const length = slots.receiveInto(fd, buffer, this.#flags | MSG_DONTWAIT);
    if (length === -1) {
      nothing("recvmsg");
      return undefined;
    }
    if (this.#isUnix && slots.hasControl(0)) closeDescriptors(slots.arena.control(0));
    const address = this.#senders.decode(slots.arena.bytes, slots.nameOffset(0), slots.nameLength(0));
    const flags = slots.flags(0) & ~MSG_CMSG_CLOEXEC;
    this.messagesReceived++;
    this.bytesReceived += length;
    if ((flags & MSG_TRUNC) !== 0) this.messagesTruncated++;
    return { length, address, flags };
  }

  /** The kernel has opened them already, so that each gets an owner here, or is closed. */
  #ownDescriptors(control: Uint8Array): readonly Descriptor[] {
    if (!this.#isUnix) return NO_DESCRIPTORS;
    if (this.#keepsDescriptors) return takeDescriptors(control);
    closeDescriptors(control);
    return NO_DESCRIPTORS;
  }
}

/** Lets go of what came with a message that nobody gets. */
export function discard(message: Message): void {
  for (const descriptor of message.descriptors) descriptor.close();
}

function nothing(syscall: string): 0 {
  const errno = lastErrno();
  // recv(2) knows no ENOENT: the runtime made a call of its own before errno was read (seen once). The reactor tells again.
  if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR || errno === ERRNO.ENOENT) return 0;
  throw systemError(errno, syscall);
}
