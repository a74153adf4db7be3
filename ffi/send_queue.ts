/**
 * Messages on their way into the kernel: at once when nothing is in front of them, else in order and in batches.
 *
 * It knows how to fill an arena and what sendmmsg(2) answers. It needs to know nothing of readiness: its owner calls
 * {@linkcode SendQueue.flush} when the descriptor may take more.
 *
 * @module
 */

import { ArgumentError, BufferFullError, type ClosedError, MessageTooLargeError } from "../common/errors.ts";
import type { SockeyeError } from "../common/errors.ts";
import { timeoutError, type WaitOptions } from "../common/wait.ts";
import { DestinationCache } from "./address_cache.ts";
import { COPIED_PAYLOAD_BYTES, sendArena } from "./arenas.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL } from "./constants.ts";
import { ERRNO, systemError } from "./errno.ts";
import { lastErrno, type Libc, libc } from "./libc.ts";
import type { OutgoingMessage, SendOptions } from "./message.ts";
import type { MessageArena } from "./msghdr.ts";
import { decodeSockaddr, formatSocketAddress } from "./sockaddr.ts";

const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
const CONNECTED: SendOptions = Object.freeze({});

/** What became of one call into the kernel. */
export type Outcome =
  /** Everything that was asked for is in the kernel. */
  | "sent"
  /** The kernel's buffer is full; try again when the descriptor is writable. */
  | "blocked";

/** One promise for one or several queued messages. */
class Completion {
  readonly promise: Promise<void>;
  /** Messages of it that are not in the kernel yet. */
  left: number;
  /** Settled early, by an error or by its signal: what is left of it is not sent any more. */
  isAbandoned = false;
  #resolve!: () => void;
  #reject!: (reason: unknown) => void;
  #release: () => void = () => {};

  constructor(left: number) {
    this.left = left;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  limit({ signal, timeout }: WaitOptions): void {
    if (signal === undefined && timeout === undefined) return;
    const onAbort = () => this.fail(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = timeout === undefined
      ? undefined
      : setTimeout(() => this.fail(timeoutError("send", timeout)), timeout);
    this.#release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
  }

  succeedOne(): void {
    if (--this.left > 0) return;
    this.#release();
    this.#resolve();
  }

  fail(reason: unknown): void {
    if (this.isAbandoned) return;
    this.isAbandoned = true;
    this.#release();
    this.#reject(reason);
  }
}

interface Queued {
  readonly data: Uint8Array;
  readonly options: SendOptions;
  readonly completion: Completion;
}

/** Ordered sending over one descriptor. */
export class SendQueue {
  /** Messages that the kernel accepted. */
  messagesSent = 0;
  /** Their payload, in bytes. */
  bytesSent = 0;
  /** How often the kernel's buffer was full. */
  sendsBlocked = 0;

  readonly #libc: Libc = libc();
  readonly #arena: MessageArena;
  readonly #destinations = new DestinationCache();
  readonly #limit: number;
  readonly #queue: Queued[] = [];
  /** The first of the queue that is left; what is in front has been dealt with. */
  #head = 0;

  /**
   * @param batch Messages per system call.
   * @param controlBytes Room for control messages.
   * @param limit Messages that may wait.
   */
  constructor(batch: number, controlBytes: number, limit: number) {
    this.#arena = sendArena(batch, controlBytes);
    this.#limit = limit;
  }

  /** Messages that wait. */
  get length(): number {
    return this.#queue.length - this.#head;
  }

  /**
   * Refuses what can't be sent, before anything is done.
   *
   * @throws {ArgumentError} Naming the argument.
   */
  check(data: Uint8Array, options: SendOptions, argument = ""): void {
    if (!(data instanceof Uint8Array)) {
      throw new ArgumentError(`${argument}data`, `must be a Uint8Array, got ${typeof data}`);
    }
    const { control } = options;
    if (control !== undefined && control.length > this.#arena.controlBytes) {
      throw new ArgumentError(
        `${argument}control`,
        `must be at most ${this.#arena.controlBytes} bytes, got ${control.length}; open the socket with more controlBytes`,
      );
    }
  }

  /**
   * Hands one message to the kernel, past the queue, which must be empty.
   *
   * @param dontWait `MSG_DONTWAIT`, or 0 to let the call wait on a descriptor that does. @default MSG_DONTWAIT
   * @throws {SockeyeError} When the kernel refuses it.
   */
  sendNow(fd: number, data: Uint8Array, options: SendOptions, dontWait: number = MSG_DONTWAIT): Outcome {
    this.#fill(0, data, options);
    const flags = (options.flags ?? 0) & ~MSG_DONTWAIT | dontWait | MSG_NOSIGNAL;
    const result = this.#libc.symbols.sendmsg(fd, this.#arena.headerAddress(0), flags);
    if (data.length > COPIED_PAYLOAD_BYTES) this.#arena.releasePayload(0);
    if (result >= 0) {
      this.#count(data);
      return "sent";
    }
    const errno = lastErrno();
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) {
      this.sendsBlocked++;
      return "blocked";
    }
    throw sendError(errno, data, options);
  }

  /**
   * Hands a batch to the kernel, past the queue, which must be empty.
   *
   * @returns How many of them are in the kernel; fewer than all when it would block.
   * @throws {SockeyeError} When the kernel refuses the first that is left.
   */
  sendManyNow(fd: number, messages: readonly OutgoingMessage[], from: number): number {
    let next = from;
    while (next < messages.length) {
      const count = Math.min(messages.length - next, this.#arena.slots);
      for (let slot = 0; slot < count; slot++) {
        const message = messages[next + slot];
        this.#fill(slot, message.data, message);
      }
      const sent = this.#sendFilled(fd, count, messages[next].flags);
      if (sent === -1) {
        const errno = lastErrno();
        if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) break;
        throw sendError(errno, messages[next].data, messages[next]);
      }
      for (let slot = 0; slot < sent; slot++) this.#count(messages[next + slot].data);
      next += sent;
    }
    if (next < messages.length) this.sendsBlocked++;
    return next - from;
  }

  /**
   * Puts one message in line.
   *
   * @returns Settles when it is in the kernel, or refused.
   * @throws {BufferFullError} When the line is at its limit.
   */
  enqueue(data: Uint8Array, options: SendOptions & WaitOptions): Promise<void> {
    this.#requireRoom(1);
    const completion = new Completion(1);
    completion.limit(options);
    this.#queue.push({ data, options, completion });
    return completion.promise;
  }

  /**
   * Puts messages in line that settle together.
   *
   * @throws {BufferFullError} When they would exceed the limit; none of them is in line then.
   */
  enqueueMany(messages: readonly OutgoingMessage[], from: number, options: WaitOptions): Promise<void> {
    // A batch may exceed the limit by itself: the line was empty, and its caller waits for all of it.
    if (this.length > 0) this.#requireRoom(messages.length - from);
    const completion = new Completion(messages.length - from);
    completion.limit(options);
    for (let i = from; i < messages.length; i++) {
      this.#queue.push({ data: messages[i].data, options: messages[i], completion });
    }
    return completion.promise;
  }

  /** Hands over as much of the line as the kernel takes. Refused messages settle with their error. */
  flush(fd: number): Outcome {
    for (;;) {
      const count = this.#fillFromQueue();
      if (count === 0) return "sent";
      const first = this.#queue[this.#head];
      const sent = this.#sendFilled(fd, count, first.options.flags);
      if (sent === -1) {
        const errno = lastErrno();
        if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) {
          this.sendsBlocked++;
          return "blocked";
        }
        first.completion.fail(sendError(errno, first.data, first.options));
        this.#discard(1);
        continue;
      }
      for (let i = 0; i < sent; i++) {
        const { data, completion } = this.#queue[this.#head + i];
        this.#count(data);
        completion.succeedOne();
      }
      this.#discard(sent);
    }
  }

  /** Rejects everything that waits. */
  fail(reason: ClosedError): void {
    for (let i = this.#head; i < this.#queue.length; i++) this.#queue[i].completion.fail(reason);
    this.#queue.length = 0;
    this.#head = 0;
  }

  #requireRoom(count: number): void {
    if (this.length + count <= this.#limit) return;
    throw new BufferFullError(
      `send: ${this.length} messages wait already, the limit is ${this.#limit}; ` +
        "await each send, or open the socket with a larger sendQueue",
    );
  }

  /** Fills the arena with the first of the line, up to a change of flags, which are the whole call's. */
  #fillFromQueue(): number {
    while (this.#head < this.#queue.length && this.#queue[this.#head].completion.isAbandoned) this.#discard(1);
    const limit = Math.min(this.length, this.#arena.slots);
    let count = 0;
    while (count < limit) {
      const { data, options, completion } = this.#queue[this.#head + count];
      if (completion.isAbandoned || options.flags !== this.#queue[this.#head].options.flags) break;
      this.#fill(count++, data, options);
    }
    return count;
  }

  #sendFilled(fd: number, count: number, flags = 0): number {
    return this.#libc.symbols.sendmmsg(fd, this.#arena.headerAddress(0), count, flags | SEND_FLAGS);
  }

  #fill(slot: number, data: Uint8Array, options: SendOptions): void {
    if (data.length <= COPIED_PAYLOAD_BYTES) this.#arena.setPayload(slot, data);
    else this.#arena.pointPayload(slot, data);
    this.#arena.setName(slot, this.#destinations.encode(options.to));
    this.#arena.setControl(slot, options.control);
  }

  #count(data: Uint8Array): void {
    this.messagesSent++;
    this.bytesSent += data.length;
  }

  #discard(count: number): void {
    this.#head += count;
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

/** The error for a message that the kernel refuses. */
function sendError(errno: number, data: Uint8Array, { to }: SendOptions = CONNECTED): SockeyeError {
  const address = to instanceof Uint8Array ? decodeSockaddr(to) : to;
  const text = address === undefined ? undefined : formatSocketAddress(address);
  const error = systemError(errno, "sendmsg", text);
  if (errno !== ERRNO.EMSGSIZE) return error;
  return new MessageTooLargeError(
    `send: ${data.length} bytes are more than the socket takes in one message; ` +
      "send less at a time, or raise the send buffer (SO_SNDBUF)",
    { cause: error },
  );
}
