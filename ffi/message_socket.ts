/**
 * Sockets of messages: unix datagrams, UDP, raw IP, SCTP.
 *
 * It moves messages in batches between the kernel and those who wait, under backpressure. What a message means is not its
 * business.
 *
 * @module
 */

import { ArgumentError, ClosedError, MessageTooLargeError } from "../common/errors.ts";
import { checkTimeout, timeoutError, WaitList, type WaitOptions } from "../common/wait.ts";
import { BlockingMode } from "./blocking_mode.ts";
import { AF_UNIX, EPOLLERR, MSG_WAITFORONE, SO_DOMAIN, SO_ERROR, SOCK_DGRAM, SOL_SOCKET } from "./constants.ts";
import { Descriptor } from "./descriptor.ts";
import { requireAttached } from "./lent_memory.ts";
import { libc } from "./libc.ts";
import type { Message, MessageSocketStats, OutgoingMessage, ReceivedInto, SendOptions } from "./message.ts";
import { Reactor, READABLE, type Watch, WRITABLE } from "./reactor.ts";
import { copyInto, discard, ReceiveQueue } from "./receive_queue.ts";
import { coalesce, Segmentation } from "./segmentation.ts";
import { SendQueue } from "./send_queue.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { bind, connect, getpeername, getsockname, getsockoptInt, socket, socketpair } from "./syscalls.ts";

/** How a {@linkcode MessageSocket} is set up. */
export interface MessageSocketOptions {
  /**
   * The largest message that is received whole, in bytes.
   *
   * @default {65536}, for unix datagrams 262144
   */
  payloadBytes?: number;
  /** Room for control messages in bytes, each way. @default {256} */
  controlBytes?: number;
  /**
   * The most messages per system call, 1 to 1024; what the kernel cuts or coalesces counts as one.
   *
   * @default {32}
   */
  batch?: number;
  /**
   * How long a receive that finds nothing looks again before it waits, in microseconds. It saves the 30 to 50
   * microseconds that a wake-up costs, and occupies the thread meanwhile.
   *
   * @default {0}
   */
  busyPoll?: number;
  /** The most messages that may wait to be sent. @default {1024} */
  sendQueue?: number;
  /**
   * Whether payloads of up to 2 KiB lie beside each other in ArrayBuffers of 16 KiB, as Node's Buffers do. That saves
   * about half of the time that such a message takes. Such an ArrayBuffer can't be transferred, and stays in memory as
   * long as any payload in it; `data.slice()` makes a payload independent.
   *
   * @default {false}
   */
  pooled?: boolean;
  /**
   * Whether descriptors that arrive over a unix socket are kept, in {@linkcode Message.descriptors}. Otherwise they are
   * closed at once, so that a peer can't make this process run out of them. As many arrive as `controlBytes` has room
   * for: 60 in the default 256, and the most that the kernel sends, 253, in 1032.
   *
   * @default {false}
   */
  descriptors?: boolean;
  /**
   * Whether messages that a UDP socket sends together may be handed to the kernel as one, for it to cut: `UDP_SEGMENT` in
   * udp(7). That takes a fraction of the time. They are gathered where they have at most 2 KiB, equal length (the last of
   * them may be shorter), and the same destination, control messages, flags and mode; where the kernel doesn't take them so,
   * they are sent one by one. Receivers can't tell; a capture on the sending machine shows what was gathered as one packet.
   *
   * @default {false}
   */
  segmentation?: boolean;
  /**
   * Whether a UDP socket takes datagrams of equal length that arrived one behind the other from the kernel as one:
   * `UDP_GRO` in udp(7). They are received one by one all the same; those that came together share their control messages,
   * and so a timestamp.
   *
   * @default {false}
   */
  coalescing?: boolean;
  /**
   * Puts the descriptor into a mode, which is what the messages' own `mode` says, for what the kernel knows only per
   * socket. It is called in the same synchronous step as the system call that hands the messages over, and only when the
   * mode changes: a message sees no mode but its own. 0 is what the socket is in at first, and what a message without a
   * mode is sent in.
   */
  setMode?: (fd: number, mode: number) => void;
  /**
   * The mode for messages of a mode that leave as one for the kernel to cut, where it would otherwise treat the one
   * differently from what it is made of. Called for each batch.
   *
   * @default the messages' own mode
   */
  segmentedMode?: (mode: number) => number;
  /**
   * Told of an error that the kernel reports, before anybody else is: its number, 0 when the reactor tells that there is one,
   * or -1 when a call took fewer messages than it was given, so that there may be one, and goes on with the others. Where
   * sending failed, `message` is the one that failed, if the error is its own: the very options that it was sent with. True means that it is taken care of, and had nothing to do with the call that reported it; the call is then made
   * again. It must not say so twice for one error. For sockets with an error queue: IP_RECVERR in ip(7).
   */
  onError?: (errno: number, message?: SendOptions) => boolean;
}

type Answer = Message | Message[] | ReceivedInto | true;
/** What a waiting receiver wants: one message, all there are, one in its own buffer, or to know that there is one. */
type Wish = "one" | "batch" | "readiness" | Uint8Array;

const NO_OPTIONS = Object.freeze({});
const DONE: Promise<void> = Promise.resolve();
const DEFAULT_PAYLOAD_BYTES = 65536;
/** The default send buffer of Linux bounds a unix datagram to somewhat less, unix(7). */
const DEFAULT_UNIX_PAYLOAD_BYTES = 262144;
/** How often `busyPoll` looks before it offers the processor to others, sched_yield(2): for about 40 microseconds. */
const LOOKS_PER_YIELD = 128;
/** Waits between attempts where a socket says writable and is not, in milliseconds. */
const RETRY_MIN_MS = 1;
const RETRY_MAX_MS = 32;

function checkInteger(argument: string, value: number, min: number, max: number): void {
  if (!(Number.isInteger(value) && value >= min && value <= max)) {
    throw new ArgumentError(argument, `must be an integer from ${min} to ${max}, got ${String(value)}`);
  }
}

/**
 * A socket that carries messages, whole or not at all.
 *
 * `receive` gives messages that the caller owns, `receiveInto` fills the caller's buffer, `receiveBatch` hands over what
 * one wake-up brought. A send that finds the queue empty goes out at once; those that follow in the same turn of the event
 * loop leave together. The calls that end in `Sync` block the thread, for Workers.
 *
 * @example Two connected sockets
 * ```ts
 * import { MessageSocket } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const [left, right] = MessageSocket.pair();
 * await left.send(new TextEncoder().encode("hello"));
 * const message = await right.receive({ timeout: 1000 });
 * assert.equal(new TextDecoder().decode(message.data), "hello");
 * await using _ = left, __ = right;
 * ```
 */
export class MessageSocket implements AsyncIterable<Message>, Disposable, AsyncDisposable {
  readonly #descriptor: Descriptor;
  readonly #reactor: Reactor = Reactor.current();
  readonly #watch: Watch;
  /** Held here because the reactor holds it weakly. */
  readonly #onReady: (events: number) => void;
  readonly #endTurn: () => void;
  readonly #lookForOne = (): Message | undefined => this.tryReceive();
  readonly #lookForAny = (): true | undefined => this.#hasAny() || undefined;
  readonly #lookForBatch = (): Message[] | undefined => this.tryReceiveBatch();
  readonly #received: ReceiveQueue;
  readonly #sends: SendQueue;
  readonly #segmentation: Segmentation | undefined;
  readonly #batch: number;
  readonly #blocking = new BlockingMode();
  readonly #busyPollMs: number;
  readonly #receivers: WaitList<Answer, Wish>;
  readonly #flushers: WaitList<void>;

  /** A message has gone out in this turn of the event loop; further ones are gathered until its end. */
  #isTurnTaken = false;
  /** The kernel's buffer was full at the last attempt. */
  #isBlocked = false;
  /** What a blocking call waits for. */
  #syncWish = 0;
  readonly #onError: MessageSocketOptions["onError"];
  /** Somebody waits for errors. */
  #isWatchingErrors = false;
  /** How often the owner has taken care of an error. */
  #errorsTaken = 0;
  #retryMs = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  private constructor(descriptor: Descriptor, options: MessageSocketOptions) {
    const {
      payloadBytes,
      controlBytes = 256,
      batch = 32,
      busyPoll = 0,
      sendQueue = 1024,
      descriptors = false,
      pooled = false,
      segmentation = false,
      coalescing = false,
      setMode,
      segmentedMode,
      onError,
    } = options;
    checkInteger("options.batch", batch, 1, 1024);
    checkInteger("options.controlBytes", controlBytes, 0, 65536);
    checkInteger("options.sendQueue", sendQueue, 1, 0x7fffffff);
    if (!(busyPoll >= 0 && busyPoll <= 1e9)) {
      throw new ArgumentError("options.busyPoll", `must be microseconds from 0 to 1000000000, got ${busyPoll}`);
    }
    const largest = payloadBytes ?? DEFAULT_PAYLOAD_BYTES;
    checkInteger("options.payloadBytes", largest, 1, 0x4000000);

    this.#onError = onError && ((errno, message) => {
      const isTaken = onError(errno, message);
      if (isTaken) this.#errorsTaken++;
      return isTaken;
    });
    this.#descriptor = descriptor;
    this.#busyPollMs = busyPoll / 1000;
    this.#batch = batch;
    this.#received = new ReceiveQueue({
      batch,
      payloadBytes: largest,
      controlBytes,
      isUnix: getsockoptInt(descriptor.fd, SOL_SOCKET, SO_DOMAIN) === AF_UNIX,
      keepsDescriptors: descriptors,
      isPooled: pooled,
      coalesces: coalescing && coalesce(descriptor.fd),
      onError: this.#onError,
    });
    this.#segmentation = segmentation && Segmentation.isKnownTo(descriptor.fd) ? new Segmentation() : undefined;
    this.#sends = new SendQueue({
      batch,
      controlBytes,
      limit: sendQueue,
      segmentation: this.#segmentation,
      setMode,
      segmentedMode,
      onError: this.#onError,
    });
    this.#onReady = (events) => this.#ready(events);
    this.#endTurn = () => {
      this.#isTurnTaken = false;
      this.#flush();
    };
    this.#receivers = new WaitList(() => this.#updateInterest());
    this.#flushers = new WaitList();
    this.#watch = this.#reactor.watch(descriptor.fd, this.#onReady);
  }

  /**
   * Opens a socket, socket(2).
   *
   * @param domain The address family, for instance `AF_INET`.
   * @param type The socket type, for instance `SOCK_DGRAM`.
   * @param protocol The protocol number. @default 0
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {SystemError} As in socket(2).
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static open(domain: number, type: number, protocol = 0, options: MessageSocketOptions = NO_OPTIONS): MessageSocket {
    return MessageSocket.adopt(Descriptor.adopt(socket(domain, type, protocol), "message socket"), {
      payloadBytes: domain === AF_UNIX ? DEFAULT_UNIX_PAYLOAD_BYTES : DEFAULT_PAYLOAD_BYTES,
      ...options,
    });
  }

  /**
   * Makes a message socket of an open, non-blocking descriptor, which it owns from now on, also when this fails.
   *
   * @param descriptor The descriptor.
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {ClosedError} When the descriptor is closed.
   */
  static adopt(descriptor: Descriptor, options: MessageSocketOptions = NO_OPTIONS): MessageSocket {
    try {
      return new MessageSocket(descriptor, options);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  /**
   * Opens two connected unix sockets, socketpair(2).
   *
   * @param options How both are set up.
   * @param type `SOCK_DGRAM`, or `SOCK_SEQPACKET`. @default SOCK_DGRAM
   * @throws {SystemError} As in socketpair(2).
   */
  static pair(options: MessageSocketOptions = NO_OPTIONS, type: number = SOCK_DGRAM): [MessageSocket, MessageSocket] {
    const descriptors = socketpair(AF_UNIX, type).map((fd) => Descriptor.adopt(fd, "message socket"));
    const both: MessageSocket[] = [];
    try {
      for (const descriptor of descriptors) {
        both.push(MessageSocket.adopt(descriptor, { payloadBytes: DEFAULT_UNIX_PAYLOAD_BYTES, ...options }));
      }
    } catch (error) {
      for (const descriptor of descriptors) descriptor.close();
      throw error;
    }
    return both as [MessageSocket, MessageSocket];
  }

  /**
   * The descriptor, for system calls that this class doesn't make.
   *
   * @throws {ClosedError} When the socket is closed.
   */
  get fd(): number {
    const { fd } = this.#descriptor;
    this.#blocking.turnOff(fd);
    this.#sends.enterMode(fd, 0);
    return fd;
  }

  /** True once the socket is closed. */
  get isClosed(): boolean {
    return this.#descriptor.isClosed;
  }

  /**
   * Binds the socket to a local address, bind(2).
   *
   * @param address The address, or its encoded sockaddr.
   * @throws {SystemError} As in bind(2).
   */
  bind(address: SocketAddress | Uint8Array): void {
    bind(this.fd, address);
  }

  /**
   * Sets the peer of a datagram socket, connect(2): sends without `to` go there, and nobody else is heard.
   *
   * @param address The peer, or its encoded sockaddr.
   * @returns False when the connection is still being set up, as with SCTP.
   * @throws {SystemError} As in connect(2).
   */
  connect(address: SocketAddress | Uint8Array): boolean {
    return connect(this.fd, address);
  }

  /**
   * The address that the socket is bound to, getsockname(2).
   *
   * @throws {ClosedError} When the socket is closed.
   */
  localAddress(): SocketAddress | undefined {
    return getsockname(this.fd);
  }

  /**
   * The address that the socket is connected to, getpeername(2).
   *
   * @throws {SystemError} `ENOTCONN` when it isn't connected.
   */
  peerAddress(): SocketAddress | undefined {
    return getpeername(this.fd);
  }

  /**
   * Sends a message. Settled, it is in the kernel, or refused.
   *
   * @param data The payload; it must not change until the promise has settled.
   * @param options The destination and what else goes with it; how long to wait while the kernel's buffer is full.
   * @throws {MessageTooLargeError} When the kernel does not take that much in one message.
   * @throws {BufferFullError} When `sendQueue` messages wait already.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When the wait takes too long; the message is not sent then.
   * @throws {SystemError} As in send(2).
   */
  send(data: Uint8Array, options: SendOptions & WaitOptions = NO_OPTIONS): Promise<void> {
    try {
      const { fd } = this.#descriptor;
      this.#sends.check(data, options);
      checkTimeout(options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      if (!this.#isTurnTaken && this.#sends.length === 0) {
        if (this.#sends.sendNow(fd, data, options) === "sent") {
          this.#isTurnTaken = true;
          queueMicrotask(this.#endTurn);
          return this.#reactor.takeTurn() ?? DONE;
        }
        this.#isBlocked = true;
      }
      const settled = this.#sends.enqueue(data, options);
      this.#updateInterest();
      return settled;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a message if that is possible at once.
   *
   * @param data The payload.
   * @param options The destination and what else goes with it.
   * @returns False, and nothing sent, when the kernel's buffer is full or other messages wait.
   * @throws {MessageTooLargeError} When the kernel does not take that much in one message.
   * @throws {ClosedError} When the socket is closed.
   * @throws {SystemError} As in send(2).
   */
  trySend(data: Uint8Array, options: SendOptions = NO_OPTIONS): boolean {
    const { fd } = this.#descriptor;
    this.#sends.check(data, options);
    if (this.#sends.length > 0 && !this.#flush()) return false;
    return this.#sends.sendNow(fd, data, options) === "sent";
  }

  /**
   * Sends several messages in order, with as few system calls as possible.
   *
   * @param messages The messages; their payloads must not change until the promise has settled.
   * @param options How long to wait while the kernel's buffer is full.
   * @throws As {@linkcode MessageSocket.send}, for the first message that is refused; those behind it are not sent.
   */
  sendBatch(messages: readonly OutgoingMessage[], options: WaitOptions = NO_OPTIONS): Promise<void> {
    try {
      const { fd } = this.#descriptor;
      for (let i = 0; i < messages.length; i++) this.#sends.check(messages[i].data, messages[i], `messages[${i}].`);
      checkTimeout(options.timeout);
      if (options.signal?.aborted) return Promise.reject(options.signal.reason);
      let sent = 0;
      if (this.#sends.length === 0) {
        sent = this.#sends.sendManyNow(fd, messages, 0);
        this.#isBlocked = sent < messages.length;
      }
      if (sent === messages.length) return this.#reactor.takeTurn() ?? DONE;
      const settled = this.#sends.enqueueMany(messages, sent, options);
      this.#updateInterest();
      return settled;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a message, and blocks the thread while the kernel's buffer is full. For Workers.
   *
   * @param data The payload.
   * @param options The destination and what else goes with it, and the longest wait.
   * @throws As {@linkcode MessageSocket.send}.
   */
  sendSync(data: Uint8Array, options: SendOptions & { timeout?: number } = NO_OPTIONS): void {
    checkTimeout(options.timeout);
    const deadline = deadlineAfter(options.timeout);
    let pauseMs = 0;
    while (!this.trySend(data, options)) {
      // A call that waits itself was interrupted, or is one of a raw socket, which doesn't.
      const mayWait = this.#sends.length === 0 && !this.#reactor.isWaitedFor;
      if (mayWait && this.#sendWaiting(data, options, deadline)) return;
      // Writable and yet full: a unix socket that isn't connected says so, and would make this a busy loop.
      this.#block(pauseMs === 0 ? WRITABLE : 0, deadline, "sendSync", options.timeout, pauseMs || Infinity);
      pauseMs = nextRetryMs(pauseMs);
    }
  }

  /**
   * Resolves when no message waits to be sent any more.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the socket is closed meanwhile.
   * @throws {TimeoutError} When the wait takes too long.
   */
  flush(options: WaitOptions = NO_OPTIONS): Promise<void> {
    if (this.#sends.length === 0 || this.#flush()) return DONE;
    return this.#flushers.wait("flush", options, undefined);
  }

  /**
   * Receives one message.
   *
   * @param options How long to wait.
   * @throws {MessageTooLargeError} When a message was larger than `payloadBytes`; the next receive gives the next one.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing arrives in time.
   * @throws {SystemError} As in recv(2), for instance `ECONNREFUSED` after a send to nobody.
   */
  receive(options: WaitOptions = NO_OPTIONS): Promise<Message> {
    try {
      const message = this.#receivers.size === 0 ? this.#spin(this.#lookForOne) : undefined;
      if (message !== undefined) return this.#inTurn(message);
      return this.#wait("receive", "one", options) as Promise<Message>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives one message if one is there.
   *
   * @returns The message, or `undefined`.
   * @throws As {@linkcode MessageSocket.receive}, without waiting.
   */
  tryReceive(): Message | undefined {
    return this.#hasAny() ? whole(this.#received.takeOne()) : undefined;
  }

  /**
   * Receives what is there, at least one message and at the most `batch`.
   *
   * A message that was larger than `payloadBytes` is among them with `isTruncated`.
   *
   * @param options How long to wait for the first.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing arrives in time.
   * @throws {SystemError} As in recv(2).
   */
  receiveBatch(options: WaitOptions = NO_OPTIONS): Promise<Message[]> {
    try {
      const messages = this.#receivers.size === 0 ? this.#spin(this.#lookForBatch) : undefined;
      if (messages !== undefined) return this.#inTurn(messages);
      return this.#wait("receiveBatch", "batch", options) as Promise<Message[]>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives what is there, without waiting.
   *
   * @returns At least one message, or `undefined`.
   * @throws As {@linkcode MessageSocket.receiveBatch}.
   */
  tryReceiveBatch(): Message[] | undefined {
    return this.#hasAny() ? this.#received.takeAll() : undefined;
  }

  /**
   * Receives one message into the caller's buffer. Descriptors that come with it are closed.
   *
   * @param buffer Where the payload goes; what doesn't fit is lost, and `flags` has `MSG_TRUNC`. Not to be transferred
   * before the promise has settled.
   * @param options How long to wait.
   * @throws {ArgumentError} When the buffer was transferred; no message is lost then.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing arrives in time.
   * @throws {SystemError} As in recv(2).
   */
  receiveInto(buffer: Uint8Array, options: WaitOptions = NO_OPTIONS): Promise<ReceivedInto> {
    try {
      const received = this.#receivers.size === 0 ? this.#spin(() => this.tryReceiveInto(buffer)) : undefined;
      if (received !== undefined) return this.#inTurn(received);
      return this.#wait("receiveInto", buffer, options) as Promise<ReceivedInto>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives one message into the caller's buffer, if one is there.
   *
   * @param buffer Where the payload goes.
   * @returns What was received, or `undefined`.
   * @throws As {@linkcode MessageSocket.receiveInto}.
   */
  tryReceiveInto(buffer: Uint8Array): ReceivedInto | undefined {
    if (buffer.length === 0) requireAttached(buffer, "buffer");
    if (this.#received.length === 0) return this.#received.fetchInto(this.#descriptor.fd, buffer);
    return copyInto(this.#received.takeOne(), buffer);
  }

  /**
   * Resolves when a message is there, and leaves it where it is; `tryReceive` and its kin then find it.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing arrives in time.
   * @throws {SystemError} As in recv(2).
   */
  async untilReadable(options: WaitOptions = NO_OPTIONS): Promise<void> {
    if (this.#receivers.size === 0 && this.#spin(this.#lookForAny)) return this.#inTurn(undefined);
    await this.#wait("untilReadable", "readiness", options);
  }

  /**
   * Blocks the thread until a message is there, and leaves it where it is. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds; with `errors` it also ends when an error has been taken care
   * of by the option `onError`.
   * @throws As {@linkcode MessageSocket.untilReadable}.
   */
  untilReadableSync(options: { timeout?: number; errors?: boolean } = NO_OPTIONS): void {
    const errorsBefore = this.#errorsTaken;
    const look = options.errors
      ? () => this.#hasAny() || this.#errorsTaken !== errorsBefore || undefined
      : this.#lookForAny;
    this.#blockFor(look, "untilReadableSync", options.timeout);
  }

  /**
   * Ends what the option `segmentation` began: each message is handed over by itself from now on. For those who want to
   * know what became of each, since a message that was gathered shares its ICMP error with the others wherever a packet is
   * cut only behind the place where it fails, as on loopback, between containers and in virtual networks.
   */
  stopSegmentation(): void {
    this.#segmentation?.stop();
  }

  /**
   * Whether the option `onError` is told of errors also while nobody sends or receives. As long as that is so, the socket
   * keeps the program alive.
   *
   * @param isWatching Whether it is from now on.
   * @throws {ClosedError} When the socket is closed.
   */
  watchErrors(isWatching: boolean): void {
    if (isWatching === this.#isWatchingErrors) return;
    this.#isWatchingErrors = isWatching;
    if (isWatching || !this.isClosed) this.#updateInterest();
  }

  /**
   * Receives one message, and blocks the thread until one is there. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode MessageSocket.receive}.
   */
  receiveSync(options: { timeout?: number } = NO_OPTIONS): Message {
    return this.#blockFor(this.#lookForOne, "receiveSync", options.timeout);
  }

  /**
   * Receives what is there, at least one message, and blocks the thread until then. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode MessageSocket.receiveBatch}.
   */
  receiveBatchSync(options: { timeout?: number } = NO_OPTIONS): Message[] {
    return this.#blockFor(this.#lookForBatch, "receiveBatchSync", options.timeout);
  }

  /**
   * Receives one message into the caller's buffer, and blocks the thread until one is there. For Workers.
   *
   * @param buffer Where the payload goes.
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode MessageSocket.receiveInto}.
   */
  receiveIntoSync(buffer: Uint8Array, options: { timeout?: number } = NO_OPTIONS): ReceivedInto {
    return this.#blockFor(() => this.tryReceiveInto(buffer), "receiveIntoSync", options.timeout);
  }

  /** Message after message, until the socket is closed. Other errors of {@linkcode MessageSocket.receive} are thrown. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    const more = (value: Message): IteratorResult<Message> => ({ done: false, value });
    const end = (error: unknown): IteratorResult<Message> => {
      if (error instanceof ClosedError) return { done: true, value: undefined };
      throw error;
    };
    return {
      next: () => {
        // What was fetched already needs no chain of promises.
        if (this.#received.length === 0 || this.#receivers.size > 0) return this.receive().then(more, end);
        try {
          return this.#inTurn(more(whole(this.#received.takeOne())));
        } catch (error) {
          return Promise.reject(error);
        }
      },
      return: (): Promise<IteratorResult<Message>> => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Counters since the socket was opened. */
  stats(): MessageSocketStats {
    return {
      messagesSent: this.#sends.messagesSent,
      bytesSent: this.#sends.bytesSent,
      messagesReceived: this.#received.messagesReceived,
      bytesReceived: this.#received.bytesReceived,
      messagesTruncated: this.#received.messagesTruncated,
      sendsBlocked: this.#sends.sendsBlocked,
      sendQueueLength: this.#sends.length,
      inboxLength: this.#received.length,
    };
  }

  /** Closes the socket. What is pending gets a `ClosedError`; does nothing the second time. */
  close(): void {
    if (this.#descriptor.isClosed) return;
    this.#watch.close();
    clearTimeout(this.#retryTimer);
    const error = new ClosedError("the message socket was closed; open a new one");
    try {
      this.#descriptor.close();
    } finally {
      this.#received.clear();
      this.#sends.fail(error);
      this.#receivers.rejectAll(error);
      this.#flushers.rejectAll(error);
    }
  }

  /** The same as {@linkcode MessageSocket.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the socket, and resolves when no thread waits for it any more, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#reactor.idle();
  }

  /** What is there already, unless it is the event loop's turn. */
  #inTurn<T>(found: T): Promise<T> {
    const turn = this.#reactor.takeTurn();
    return turn === undefined ? Promise.resolve(found) : turn.then(() => found);
  }

  #wait(what: string, wish: Wish, options: WaitOptions): Promise<Answer> {
    checkTimeout(options.timeout);
    const answer = this.#receivers.wait(what, options, wish);
    this.#updateInterest();
    return answer;
  }

  /** Looks once, and with `busyPoll` again and again until that is over. */
  #spin<T>(take: () => T | undefined): T | undefined {
    const found = take();
    if (found !== undefined || this.#busyPollMs === 0) return found;
    const end = performance.now() + this.#busyPollMs;
    do {
      for (let looks = 0; looks < LOOKS_PER_YIELD; looks++) {
        const later = take();
        if (later !== undefined) return later;
      }
      // Whoever is waited for may want this very processor.
      libc().symbols.sched_yield();
    } while (performance.now() < end);
    return undefined;
  }

  #blockFor<T>(take: () => T | undefined, what: string, timeoutMs: number | undefined): T {
    checkTimeout(timeoutMs);
    const deadline = deadlineAfter(timeoutMs);
    for (let isFirst = true;; isFirst = false) {
      const isAlone = !this.#reactor.isWaitedFor;
      // Where the call itself can wait, to look first would be one system call too many.
      if (!isFirst || !isAlone || timeoutMs === 0 || this.#busyPollMs > 0 || this.#received.length > 0) {
        const found = this.#spin(take);
        if (found !== undefined) return found;
      }
      if (!isAlone) {
        this.#block(READABLE, deadline, what, timeoutMs);
        continue;
      }
      const leftMs = isFirst ? timeoutMs ?? Infinity : leftUntil(deadline, what, timeoutMs);
      if (leftMs === 0) throw timeoutError(what, 0);
      const { fd } = this.#descriptor;
      this.#blocking.waitToReceive(fd, leftMs);
      this.#received.fetch(fd, MSG_WAITFORONE);
    }
  }

  /** Sends with a call that waits itself; false when it didn't, or was interrupted. */
  #sendWaiting(data: Uint8Array, options: SendOptions & { timeout?: number }, deadline: number): boolean {
    const { fd } = this.#descriptor;
    this.#blocking.waitToSend(fd, leftUntil(deadline, "sendSync", options.timeout));
    return this.#sends.sendNow(fd, data, options, 0) === "sent";
  }

  /** Blocks the thread until something happened or the pause is over, or throws at the deadline. */
  #block(events: number, deadline: number, what: string, timeoutMs: number | undefined, pauseMs = Infinity): void {
    const waitMs = Math.min(leftUntil(deadline, what, timeoutMs), pauseMs);
    this.#syncWish = events;
    this.#reactor.blocking(() => {
      try {
        this.#updateInterest();
        this.#reactor.poll(waitMs === Infinity ? -1 : waitMs);
      } finally {
        this.#syncWish = 0;
        if (!this.isClosed) this.#updateInterest();
      }
    });
  }

  #updateInterest(): void {
    let events = this.#syncWish;
    if (this.#isWatchingErrors) events |= EPOLLERR;
    if (this.#receivers.size > 0) events |= READABLE;
    if (this.#isBlocked && this.#sends.length > 0 && this.#retryTimer === undefined) events |= WRITABLE;
    this.#watch.want(events);
  }

  #ready(events: number): void {
    if ((events & EPOLLERR) !== 0 && this.#onError !== undefined) this.#takeError();
    if ((events & ~READABLE) !== 0 && this.#isBlocked) {
      const before = this.#sends.messagesSent;
      if (!this.#flush() && this.#sends.messagesSent === before && (events & WRITABLE) !== 0) this.#retryLater();
    }
    if ((events & ~WRITABLE) !== 0 && this.#receivers.size > 0) this.#deliver();
    if (!this.isClosed) this.#updateInterest();
  }

  /** Tells the owner of an error; one that is nobody's must not be reported without end. */
  #takeError(): void {
    if (this.#onError!(0) || this.isClosed || this.#receivers.size > 0 || this.#sends.length > 0) return;
    if (this.#syncWish === 0) getsockoptInt(this.#descriptor.fd, SOL_SOCKET, SO_ERROR);
  }

  /** A unix datagram socket that isn't connected is always writable, also when the peer's queue is full: unix(7). */
  #retryLater(): void {
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#flush();
      if (!this.isClosed) this.#updateInterest();
    }, this.#retryMs = nextRetryMs(this.#retryMs));
  }

  /** Hands the queue to the kernel; true when it is empty now. */
  #flush(): boolean {
    if (this.#sends.length === 0 || this.isClosed) return true;
    const before = this.#sends.messagesSent;
    this.#isBlocked = this.#sends.flush(this.#descriptor.fd) === "blocked";
    if (this.#sends.messagesSent > before) this.#retryMs = 0;
    if (this.#isBlocked) {
      this.#updateInterest();
      return false;
    }
    this.#flushers.resolveAll();
    return true;
  }

  /** Gives those who wait what is there; one call's worth, so that one busy socket starves no other. */
  #deliver(): void {
    let budget = this.#batch;
    while (this.#receivers.size > 0 && budget-- > 0) {
      try {
        const wish = this.#receivers.nextTag!;
        const answer = wish === "one"
          ? this.tryReceive()
          : wish === "batch"
          ? this.tryReceiveBatch()
          : wish === "readiness"
          ? this.#lookForAny()
          : this.tryReceiveInto(wish);
        if (answer === undefined) return;
        this.#receivers.resolveNext(answer);
      } catch (error) {
        this.#receivers.rejectNext(error);
      }
    }
  }

  /** True when a message was fetched before, or could be fetched now. */
  #hasAny(): boolean {
    return this.#received.length > 0 || this.#received.fetch(this.#descriptor.fd) > 0;
  }
}

function deadlineAfter(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
}

/** The time that is left, in milliseconds, or a `TimeoutError`. */
function leftUntil(deadline: number, what: string, timeoutMs: number | undefined): number {
  if (deadline === Infinity) return Infinity;
  const leftMs = deadline - performance.now();
  if (leftMs <= 0) throw timeoutError(what, timeoutMs!);
  return leftMs;
}

function nextRetryMs(beforeMs: number): number {
  return Math.min(Math.max(RETRY_MIN_MS, beforeMs * 2), RETRY_MAX_MS);
}

function whole(message: Message): Message {
  if (!message.isTruncated) return message;
  discard(message);
  throw new MessageTooLargeError(
    `receive: a message was larger than the ${message.data.length} bytes that fit, and is lost; ` +
      "open the socket with more payloadBytes",
  );
}
