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
import { COPIED_PAYLOAD_BYTES } from "./arenas.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL, SO_MEMINFO, SOL_SOCKET } from "./constants.ts";
import { ERRNO, systemError } from "./errno.ts";
import { shrunkError } from "./lent_memory.ts";
import { isUncertain, lastErrno, type Libc, libc } from "./libc.ts";
import type { OutgoingMessage, SendOptions } from "./message.ts";
import type { Segmentation } from "./segmentation.ts";
import { SendBatch } from "./send_batch.ts";
import { decodeSockaddr, formatSocketAddress } from "./sockaddr.ts";

const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
const CONNECTED: SendOptions = Object.freeze({});

/** linux/sock_diag.h: how many words SO_MEMINFO gives, and which of them is the memory of packets on their way. */
const MEMINFO_WORDS = 9;
const WMEM_ALLOC = 2;

/** What became of one call into the kernel. */
export type Outcome =
  /** Everything that was asked for is in the kernel. */
  | "sent"
  /** The kernel's buffer is full; try again when the descriptor is writable. */
  | "blocked";

/** What a {@linkcode SendQueue} is made for. */
export interface SendQueueOptions {
  /** Messages per system call, where those that the kernel cuts out of one count as one. */
  readonly batch: number;
  /** Room for control messages, in bytes. */
  readonly controlBytes: number;
  /** Messages that may wait. */
  readonly limit: number;
  /** What the kernel is known to cut, where it may. */
  readonly segmentation?: Segmentation;
  /** Puts the descriptor into a mode. */
  readonly setMode?: (fd: number, mode: number) => void;
  /** The mode for messages of a mode that the kernel cuts out of one. */
  readonly segmentedMode?: (mode: number) => number;
  /** Tells of an error, -1 for one that shortened a call; true when it has nothing to do with the call that reported it. */
  readonly onError?: (errno: number, message?: SendOptions) => boolean;
}

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
  /** How many bytes it had. */
  readonly length: number;
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
  readonly #batch: SendBatch;
  readonly #limit: number;
  readonly #setMode: SendQueueOptions["setMode"];
  readonly #segmentedMode: SendQueueOptions["segmentedMode"];
  readonly #onError: SendQueueOptions["onError"];
  readonly #queue: Queued[] = [];
  /** The first of the queue that is left; what is in front has been dealt with. */
  #head = 0;
  /** The mode that the descriptor is in. */
  #mode = 0;
  /** The last call was refused for want of room, while nothing was on its way that took it. */
  #wasShort = false;
  /** Why the last call failed. */
  #errno = 0;

  /** Makes an empty queue. */
  constructor({ batch, controlBytes, limit, segmentation, setMode, segmentedMode, onError }: SendQueueOptions) {
    this.#batch = new SendBatch(batch, controlBytes, segmentation);
    this.#limit = limit;
    this.#setMode = setMode;
    this.#segmentedMode = segmentedMode;
    this.#onError = onError;
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
      const remedy = typeof data === "string" ? "; new TextEncoder().encode(text) makes one" : "";
      throw new ArgumentError(`${argument}data`, `must be a Uint8Array, got ${typeof data}${remedy}`);
    }
    const { control, mode = 0 } = options;
    if (mode !== 0 && (this.#setMode === undefined || !Number.isInteger(mode))) {
      const allowed = this.#setMode === undefined ? "0 on a socket without setMode" : "an integer";
      throw new ArgumentError(`${argument}mode`, `must be ${allowed}, got ${mode}`);
    }
    if (control !== undefined && control.length > this.#batch.controlBytes) {
      throw new ArgumentError(
        `${argument}control`,
        `must be at most ${this.#batch.controlBytes} bytes, got ${control.length}; open the socket with more controlBytes`,
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
    const flags = (options.flags ?? 0) & ~MSG_DONTWAIT | dontWait | MSG_NOSIGNAL;
    for (;;) {
      this.enterMode(fd, options.mode);
      this.#batch.set(0, data, options);
      let result = this.#libc.symbols.sendmsg(fd, this.#batch.headers, flags);
      if (result === -1 && this.#isInDoubt()) {
        result = this.#libc.symbols.sendmsg(fd, this.#batch.headers, flags);
        if (result === -1) this.#errno = lastErrno();
      }
      if (data.length > COPIED_PAYLOAD_BYTES) this.#batch.release(0);
      if (result >= 0) {
        this.#count(data);
        return "sent";
      }
      const errno = this.#errno;
      if (this.#isFull(fd, errno)) {
        this.sendsBlocked++;
        return "blocked";
      }
      if (!this.#isElsewhere(errno, options) && !this.#isFirstShortage(errno)) throw sendError(errno, data, options);
    }
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
      const { flags, mode } = messages[next];
      this.#batch.clear(flags);
      for (let i = next; i < messages.length; i++) {
        const message = messages[i];
        if (message.flags !== flags || message.mode !== mode || !this.#batch.add(message.data, message)) break;
      }
      const sent = this.#sendFilled(fd, flags, mode);
      if (sent === -1) {
        const errno = this.#errno;
        if (this.#isFull(fd, errno)) break;
        if (this.#isToRepeat(errno, messages[next])) continue;
        throw sendError(errno, messages[next].data, messages[next]);
      }
      for (let i = 0; i < sent; i++) this.#count(messages[next + i].data);
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
    this.#queue.push({ data, length: data.length, options, completion });
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
      const { data } = messages[i];
      this.#queue.push({ data, length: data.length, options: messages[i], completion });
    }
    return completion.promise;
  }

  /** Hands over as much of the line as the kernel takes. Refused messages settle with their error. */
  flush(fd: number): Outcome {
    for (;;) {
      if (!this.#fillFromQueue()) return "sent";
      const first = this.#queue[this.#head];
      let sent: number;
      try {
        sent = this.#sendFilled(fd, first.options.flags, first.options.mode);
      } catch (error) {
        first.completion.fail(error);
        this.#discard(1);
        continue;
      }
      if (sent === -1) {
        const errno = this.#errno;
        if (this.#isFull(fd, errno)) {
          this.sendsBlocked++;
          return "blocked";
        }
        if (this.#isToRepeat(errno, first.options)) continue;
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

  /** Puts the descriptor into a mode, unless it is in it already. */
  enterMode(fd: number, mode = 0): void {
    if (mode === this.#mode) return;
    this.#setMode!(fd, mode);
    this.#mode = mode;
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

  /** Whether the error came from elsewhere than this call, so that the call is made again. */
  #isElsewhere(errno: number, message: SendOptions): boolean {
    return this.#onError?.(errno, message) ?? false;
  }

  /**
   * Whether there is no room until what was sent before has left. Raw sockets, and all for the fragments of one packet, say
   * so by ENOBUFS (`__ip_append_data` in net/ipv4/ip_output.c), also where the call is to wait.
   */
  #isFull(fd: number, errno: number): boolean {
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return true;
    return errno === ERRNO.ENOBUFS && this.#isOnItsWay(fd);
  }

  /** What was on its way may have left just now: one more attempt tells whether there is room at all. */
  #isFirstShortage(errno: number): boolean {
    return this.#wasShort = errno === ERRNO.ENOBUFS && !this.#wasShort;
  }

  /** Whether packets of the socket wait in an interface's queue, which `SO_MEMINFO` of socket(7) tells. */
  #isOnItsWay(fd: number): boolean {
    const memory = new Uint32Array(MEMINFO_WORDS);
    const bytes = new Uint8Array(memory.buffer);
    const length = new Uint8Array(Uint32Array.of(bytes.length).buffer);
    return this.#libc.symbols.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, bytes, length) === 0 && memory[WMEM_ALLOC] > 0;
  }

  /** Whether the call is made again, with what is different now. */
  #isToRepeat(errno: number, first: SendOptions): boolean {
    return this.#isElsewhere(errno, first) || this.#isFirstShortage(errno) || this.#batch.refused(errno);
  }

  /** Fills a batch with the first of the line, up to a change of flags or mode; false when there is nothing. */
  #fillFromQueue(): boolean {
    while (this.#head < this.#queue.length && !isThere(this.#queue[this.#head])) this.#discard(1);
    if (this.length === 0) return false;
    const { flags, mode } = this.#queue[this.#head].options;
    this.#batch.clear(flags);
    for (let i = this.#head; i < this.#queue.length; i++) {
      const { data, options } = this.#queue[i];
      if (!isThere(this.#queue[i]) || options.flags !== flags || options.mode !== mode) break;
      if (!this.#batch.add(data, options)) break;
    }
    return true;
  }

  /** Takes note of why a call failed; true when that is not certain, and the call is to be made again. */
  #isInDoubt(): boolean {
    this.#errno = lastErrno();
    return isUncertain(this.#errno);
  }

  /** Hands the batch, or its first slots, to the kernel in their mode: how many messages it took, or -1 with `#errno`. */
  #sendFilled(fd: number, flags = 0, mode = 0): number {
    this.#batch.endRun();
    let { slots } = this.#batch;
    const segmentedMode = this.#segmentedMode?.(mode) ?? mode;
    if (segmentedMode === mode) this.enterMode(fd, mode);
    else {
      this.enterMode(fd, this.#batch.isShared ? segmentedMode : mode);
      slots = this.#batch.slotsAlike();
    }
    let sent = this.#libc.symbols.sendmmsg(fd, this.#batch.headers, slots, flags | SEND_FLAGS);
    if (sent === -1 && this.#isInDoubt()) {
      sent = this.#libc.symbols.sendmmsg(fd, this.#batch.headers, slots, flags | SEND_FLAGS);
      if (sent === -1) this.#errno = lastErrno();
    }
    if (sent === -1) return -1;
    // The kernel tells of an error by sending less, and forgets it: of many in a row nobody else would be told.
    if (sent < slots) this.#onError?.(-1);
    return this.#batch.messagesIn(sent);
  }

  #count(data: Uint8Array): void {
    this.#wasShort = false;
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
    `send: ${data.length} bytes are more than the socket takes in one message; send less at a time, raise the send buffer ` +
      "(SO_SNDBUF), or, where it must not be fragmented, keep below the MTU of the path",
    { cause: error },
  );
}

/** Whether a message is still to be sent; one whose memory was given away meanwhile fails. */
function isThere({ data, length, completion }: Queued): boolean {
  if (data.length < length) completion.fail(shrunkError(data, length, "data"));
  return !completion.isAbandoned;
}
