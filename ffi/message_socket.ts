/**
 * Sockets of messages: unix datagrams, UDP, raw IP, SCTP.
 *
 * One descriptor with its two ways, {@linkcode MessageReceiver} and {@linkcode MessageSender}, and the calls that block.
 * What a message means is not its business.
 *
 * @module
 */

import { ClosedError } from "../common/errors.ts";
import type { WaitOptions } from "../common/wait.ts";
import { BlockingCalls } from "./blocking_calls.ts";
import { AF_UNIX, EPOLLERR, SO_DOMAIN, SO_ERROR, SOCK_DGRAM, SOL_SOCKET } from "./constants.ts";
import { Descriptor } from "./descriptor.ts";
import type { Message, MessageSocketStats, OutgoingMessage, ReceivedInto, SendOptions } from "./message.ts";
import { MessageReceiver } from "./message_receiver.ts";
import { MessageSender } from "./message_sender.ts";
import { type MessageSocketOptions, sizesOf } from "./message_socket_options.ts";
import { Reactor, READABLE, type Watch, WRITABLE } from "./reactor.ts";
import { ReceiveQueue } from "./receive_queue.ts";
import { coalesce, Segmentation } from "./segmentation.ts";
import { SendQueue } from "./send_queue.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { bind, connect, getpeername, getsockname, getsockoptInt, socket, socketpair } from "./syscalls.ts";

const NO_OPTIONS = Object.freeze({});
/** The default send buffer of Linux bounds a unix datagram to somewhat less, unix(7). */
const DEFAULT_UNIX_PAYLOAD_BYTES = 262144;

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
  readonly #received: ReceiveQueue;
  readonly #receiver: MessageReceiver;
  readonly #sends: SendQueue;
  readonly #sender: MessageSender;
  readonly #blocking: BlockingCalls;
  readonly #segmentation: Segmentation | undefined;
  readonly #onError: MessageSocketOptions["onError"];
  /** Somebody waits for errors. */
  #isWatchingErrors = false;
  /** How often the owner has taken care of an error. */
  #errorsTaken = 0;

  private constructor(descriptor: Descriptor, options: MessageSocketOptions) {
    const sizes = sizesOf(options);
    const { batch, payloadBytes, controlBytes, sendQueue } = sizes;
    const { descriptors = false, pooled = false, segmentation = false, coalescing = false, onError } = options;
    this.#onError = onError && ((errno, message) => {
      const isTaken = onError(errno, message);
      if (isTaken) this.#errorsTaken++;
      return isTaken;
    });
    this.#descriptor = descriptor;
    this.#received = new ReceiveQueue({
      batch,
      payloadBytes,
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
      setMode: options.setMode,
      segmentedMode: options.segmentedMode,
      onError: this.#onError,
    });
    const interestChanged = () => this.#updateInterest();
    const [received, sends] = [this.#received, this.#sends];
    const receiver = this.#receiver = new MessageReceiver(descriptor, received, sizes, interestChanged);
    const sender = this.#sender = new MessageSender(descriptor, sends, interestChanged);
    this.#blocking = new BlockingCalls({ descriptor, received, receiver, sends, sender, interestChanged });
    this.#onReady = (events) => this.#ready(events);
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
      ...options,
      payloadBytes: options.payloadBytes ?? (domain === AF_UNIX ? DEFAULT_UNIX_PAYLOAD_BYTES : undefined),
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
    return this.#sender.send(data, options);
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
    return this.#sender.trySend(data, options);
  }

  /**
   * Sends several messages in order, with as few system calls as possible.
   *
   * @param messages The messages; their payloads must not change until the promise has settled.
   * @param options How long to wait while the kernel's buffer is full.
   * @throws As {@linkcode MessageSocket.send}, for the first message that is refused; those behind it are not sent.
   */
  sendBatch(messages: readonly OutgoingMessage[], options: WaitOptions = NO_OPTIONS): Promise<void> {
    return this.#sender.sendBatch(messages, options);
  }

  /**
   * Sends a message, and blocks the thread while the kernel's buffer is full. For Workers.
   *
   * @param data The payload.
   * @param options The destination and what else goes with it, and the longest wait.
   * @throws As {@linkcode MessageSocket.send}.
   */
  sendSync(data: Uint8Array, options: SendOptions & { timeout?: number } = NO_OPTIONS): void {
    this.#blocking.send(data, options);
  }

  /**
   * Resolves when no message waits to be sent any more.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the socket is closed meanwhile.
   * @throws {TimeoutError} When the wait takes too long.
   */
  flush(options: WaitOptions = NO_OPTIONS): Promise<void> {
    return this.#sender.flush(options);
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
    return this.#receiver.receive(options);
  }

  /**
   * Receives one message if one is there.
   *
   * @returns The message, or `undefined`.
   * @throws As {@linkcode MessageSocket.receive}, without waiting.
   */
  tryReceive(): Message | undefined {
    return this.#receiver.tryReceive();
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
    return this.#receiver.receiveBatch(options);
  }

  /**
   * Receives what is there, without waiting.
   *
   * @returns At least one message, or `undefined`.
   * @throws As {@linkcode MessageSocket.receiveBatch}.
   */
  tryReceiveBatch(): Message[] | undefined {
    return this.#receiver.tryReceiveBatch();
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
    return this.#receiver.receiveInto(buffer, options);
  }

  /**
   * Receives one message into the caller's buffer, if one is there.
   *
   * @param buffer Where the payload goes.
   * @returns What was received, or `undefined`.
   * @throws As {@linkcode MessageSocket.receiveInto}.
   */
  tryReceiveInto(buffer: Uint8Array): ReceivedInto | undefined {
    return this.#receiver.tryReceiveInto(buffer);
  }

  /**
   * Resolves when a message is there, and leaves it where it is; `tryReceive` and its kin then find it.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing arrives in time.
   * @throws {SystemError} As in recv(2).
   */
  untilReadable(options: WaitOptions = NO_OPTIONS): Promise<void> {
    return this.#receiver.untilReadable(options);
  }

  /**
   * Blocks the thread until a message is there, and leaves it where it is. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds; with `errors` it also ends when an error has been taken care
   * of by the option `onError`.
   * @throws As {@linkcode MessageSocket.untilReadable}.
   */
  untilReadableSync(options: { timeout?: number; errors?: boolean } = NO_OPTIONS): void {
    const { lookForAny } = this.#receiver;
    const errorsBefore = this.#errorsTaken;
    const look = options.errors ? () => lookForAny() || this.#errorsTaken !== errorsBefore || undefined : lookForAny;
    this.#blocking.receive(look, "untilReadableSync", options.timeout);
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
    return this.#blocking.receive(this.#receiver.lookForOne, "receiveSync", options.timeout);
  }

  /**
   * Receives what is there, at least one message, and blocks the thread until then. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode MessageSocket.receiveBatch}.
   */
  receiveBatchSync(options: { timeout?: number } = NO_OPTIONS): Message[] {
    return this.#blocking.receive(this.#receiver.lookForBatch, "receiveBatchSync", options.timeout);
  }

  /**
   * Receives one message into the caller's buffer, and blocks the thread until one is there. For Workers.
   *
   * @param buffer Where the payload goes.
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode MessageSocket.receiveInto}.
   */
  receiveIntoSync(buffer: Uint8Array, options: { timeout?: number } = NO_OPTIONS): ReceivedInto {
    return this.#blocking.receive(() => this.tryReceiveInto(buffer), "receiveIntoSync", options.timeout);
  }

  /** Message after message, until the socket is closed. Other errors of {@linkcode MessageSocket.receive} are thrown. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.#receiver.iterate();
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
    const error = new ClosedError("the message socket was closed; open a new one");
    try {
      this.#descriptor.close();
    } finally {
      this.#sender.close(error);
      this.#receiver.close(error);
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

  #updateInterest(): void {
    let events = this.#blocking.wanted;
    if (this.#isWatchingErrors) events |= EPOLLERR;
    if (this.#receiver.isWaitedFor) events |= READABLE;
    if (this.#sender.wantsRoom) events |= WRITABLE;
    this.#watch.want(events);
  }

  #ready(events: number): void {
    if ((events & EPOLLERR) !== 0 && this.#onError !== undefined) this.#takeError();
    if ((events & ~READABLE) !== 0) this.#sender.ready(events);
    if ((events & ~WRITABLE) !== 0) this.#receiver.deliver();
    if (!this.isClosed) this.#updateInterest();
  }

  /** Tells the owner of an error; one that is nobody's must not be reported without end. */
  #takeError(): void {
    if (this.#onError!(0) || this.isClosed || this.#receiver.isWaitedFor || this.#sends.length > 0) return;
    if (this.#blocking.wanted === 0) getsockoptInt(this.#descriptor.fd, SOL_SOCKET, SO_ERROR);
  }
}
