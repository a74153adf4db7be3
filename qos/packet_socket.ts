/**
 * What UDP, raw IP and unix datagram sockets have in common: packets out, each with its own options, and packets and errors
 * in.
 *
 * It knows how options, labels and errors join the messages of a `MessageSocket`, which does the rest: order, batches and
 * backpressure. What addresses look like, and which options there are, each kind of socket brings along.
 *
 * @module
 */

import { ArgumentError, ClosedError } from "../common/errors.ts";
import type { WaitOptions } from "../common/wait.ts";
import { AF_UNSPEC } from "../ffi/constants.ts";
import type { Message, MessageSocketStats, OutgoingMessage, SendOptions as MessageOptions } from "../ffi/message.ts";
import type { MessageSocket } from "../ffi/message_socket.ts";
import { SOCKADDR_IN_SIZE, type SocketAddress } from "../ffi/sockaddr.ts";
import type { Datagram, ReceivedInto } from "./datagram.ts";
import { type Destination, shownAddress, type Target } from "./destination.ts";
import type { ErrorQueueStats } from "./error_queue.ts";
import type { PacketError } from "./packet_error.ts";
import type { PacketSocketKind } from "./packet_socket_kind.ts";
import { copyInto, ReceivedPackets } from "./received_packets.ts";
import type { OutgoingDatagram, SendOptions } from "./send_options.ts";
import type { LabelledOptions, SocketErrors } from "./socket_errors.ts";

/** Whether errors are wanted among what is received. */
export interface ReceiveOptions extends WaitOptions {
  /** Whether an error that a packet of ours caused is received like a packet, see {@linkcode PacketError}. @default {false} */
  errors?: boolean;
}

/** Counters of a packet socket, since it was opened. */
export interface PacketSocketStats extends MessageSocketStats, ErrorQueueStats {}

const NO_OPTIONS: Readonly<Record<string, never>> = Object.freeze({});
const CONNECTED: MessageOptions = Object.freeze({});

/** connect(2): with this address a datagram socket loses its peer. */
const NO_PEER = new Uint8Array(SOCKADDR_IN_SIZE).fill(AF_UNSPEC);

/**
 * A socket that sends and receives packets: {@linkcode UdpSocket}, {@linkcode UnixDatagramSocket} or
 * {@linkcode RawIpSocket}.
 *
 * Options travel with the one packet that they are given for, also while it waits for room in the kernel's buffer, in
 * batches of unequal options, and when several sockets send at the same time. What can't be is refused before anything is
 * sent.
 *
 * A send that finds the queue empty goes out at once; those that follow in the same turn of the event loop leave together.
 * `receive` gives packets that the caller owns, `receiveInto` fills the caller's buffer, `receiveBatch` hands over what one
 * wake-up brought. The calls that end in `Sync` block the thread, for Workers.
 */
export abstract class PacketSocket implements AsyncIterable<Datagram>, Disposable, AsyncDisposable {
  readonly #socket: MessageSocket;
  readonly #kind: PacketSocketKind;
  readonly #errors: SocketErrors;
  readonly #received: ReceivedPackets;
  /** The peer of a connected socket. */
  #peer: Target | undefined;
  /** A socket without a peer of that name may be connected all the same, as with socketpair(2). */
  #isConnected: boolean;

  /** For the three kinds of socket only. */
  protected constructor(
    socket: MessageSocket,
    kind: PacketSocketKind,
    errors: SocketErrors,
    isConnected = false,
  ) {
    this.#socket = socket;
    this.#kind = kind;
    this.#errors = errors;
    this.#received = new ReceivedPackets(kind);
    this.#isConnected = isConnected;
  }

  /**
   * The descriptor, for system calls that this class doesn't make.
   *
   * @throws {ClosedError} When the socket is closed.
   */
  get fd(): number {
    return this.#socket.fd;
  }

  /** True once the socket is closed. */
  get isClosed(): boolean {
    return this.#socket.isClosed;
  }

  /**
   * The address that the socket is bound to, getsockname(2).
   *
   * @throws {ClosedError} When the socket is closed.
   */
  localAddress(): SocketAddress {
    // Frozen, it is encoded once, however often somebody sends there.
    return Object.freeze(shownAddress(this.#socket.localAddress()!));
  }

  /** The address that the socket is connected to; `undefined` when it is not connected, or its peer has no name. */
  remoteAddress(): SocketAddress | undefined {
    return this.#peer?.address;
  }

  /**
   * Sets the peer, connect(2): packets without `to` go there, and nobody else is heard. On UDP sockets, errors that come
   * back are reported without labels too.
   *
   * An IP socket that isn't bound to an address of this machine gets the one from which the peer is reached, and then hears
   * only what comes for that one, whatever the options `source` and `interface` of packets are.
   *
   * @param to The peer.
   * @throws {AddressError} When it can't be understood.
   * @throws {ArgumentError} When a socket of this kind can't send there.
   * @throws {SystemError} As in connect(2).
   */
  connect(to: Destination): void {
    const peer = this.#kind.destinations.find(to, "to");
    this.#socket.connect(peer.bare.to!);
    // Of the caller's object a copy: what it says later is no news of the peer.
    this.#peer = { ...peer, address: Object.freeze({ ...peer.address }) };
    this.#isConnected = true;
  }

  /**
   * Gives up the peer: everybody is heard again, and each packet needs a `to`. A port that `connect` chose is given up too.
   *
   * @throws {SystemError} As in connect(2).
   */
  disconnect(): void {
    this.#socket.connect(NO_PEER);
    this.#peer = undefined;
    this.#isConnected = false;
  }

  /**
   * Sends a packet. Settled, it is in the kernel, or refused.
   *
   * @param data The payload; it must not change until the promise has settled.
   * @param to Where it goes; needed unless the socket is connected.
   * @param options How it is sent, and how long to wait while the kernel's buffer is full.
   * @throws {AddressError} When the destination can't be understood.
   * @throws {ArgumentError} When an option is out of range; nothing is sent then.
   * @throws {MessageTooLargeError} When it doesn't fit into a packet, or with `dontFragment` into the path.
   * @throws {BufferFullError} When `sendQueue` packets wait already.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When the wait takes too long; the packet is not sent then.
   * @throws {SystemError} As in send(2), for instance `ECONNREFUSED` for an earlier packet, unless errors go to
   * {@linkcode PacketSocket.errors}.
   */
  send(data: Uint8Array, to?: Destination, options?: SendOptions & WaitOptions): Promise<void> {
    try {
      return this.#socket.send(data, this.#prepare(data, to, options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a packet if that is possible at once.
   *
   * @param data The payload.
   * @param to Where it goes; needed unless the socket is connected.
   * @param options How it is sent.
   * @returns False, and nothing sent, when the kernel's buffer is full or other packets wait.
   * @throws As {@linkcode PacketSocket.send}, without waiting.
   */
  trySend(data: Uint8Array, to?: Destination, options?: SendOptions): boolean {
    return this.#socket.trySend(data, this.#prepare(data, to, options));
  }

  /**
   * Sends a packet, and blocks the thread while the kernel's buffer is full. For Workers.
   *
   * @param data The payload.
   * @param to Where it goes; needed unless the socket is connected.
   * @param options How it is sent, and the longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode PacketSocket.send}.
   */
  sendSync(data: Uint8Array, to?: Destination, options?: SendOptions & { timeout?: number }): void {
    this.#socket.sendSync(data, this.#prepare(data, to, options));
  }

  /**
   * Sends several packets in order, each with its own options, with as few system calls as possible.
   *
   * @param messages The packets; their payloads must not change until the promise has settled.
   * @param options How long to wait while the kernel's buffer is full.
   * @throws As {@linkcode PacketSocket.send}, for the first packet that the kernel refuses; those behind it are not sent.
   * When an option or a destination is wrong, none is sent.
   */
  sendBatch(messages: readonly OutgoingDatagram[], options: WaitOptions = NO_OPTIONS): Promise<void> {
    try {
      const prepared = new Array<OutgoingMessage>(messages.length);
      for (let i = 0; i < messages.length; i++) prepared[i] = this.#prepareOneOf(messages, i);
      // Those in front of the first labelled packet too: errors about them must not be taken for its own.
      if (messages.some(({ label }) => label !== undefined)) this.#errors.enable();
      if (this.#errors.areEnabled) {
        for (const { data, to, label } of messages) this.#register(data, label, this.#target(to, "to"));
      }
      return this.#socket.sendBatch(prepared, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Resolves when no packet waits to be sent any more.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the socket is closed meanwhile.
   * @throws {TimeoutError} When the wait takes too long.
   */
  flush(options: WaitOptions = NO_OPTIONS): Promise<void> {
    return this.#socket.flush(options);
  }

  /**
   * Receives one packet.
   *
   * @param options How long to wait.
   * @throws {MessageTooLargeError} When a packet was larger than `payloadBytes`; the next receive gives the next one.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing arrives in time.
   * @throws {SystemError} As in recv(2), for instance `ECONNREFUSED` after a send to nobody, unless errors go to
   * {@linkcode PacketSocket.errors}.
   */
  receive(options?: WaitOptions & { errors?: false }): Promise<Datagram>;
  /**
   * Receives one packet, or one error that a packet of ours caused, whichever comes first.
   *
   * @param options `errors: true`, and how long to wait.
   * @throws As without errors.
   */
  receive(options: WaitOptions & { errors: true }): Promise<Datagram | PacketError>;
  receive(options: ReceiveOptions = NO_OPTIONS): Promise<Datagram | PacketError> {
    if (!options.errors) return this.#socket.receive(options).then(this.#received.toDatagram);
    return this.#errors.receive("receive", options, () => this.tryReceive());
  }

  /**
   * Receives one packet if one is there.
   *
   * @returns The packet, or `undefined`.
   * @throws As {@linkcode PacketSocket.receive}, without waiting.
   */
  tryReceive(): Datagram | undefined {
    const message = this.#socket.tryReceive();
    return message && this.#received.toDatagram(message);
  }

  /**
   * Receives one packet, and blocks the thread until one is there. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode PacketSocket.receive}.
   */
  receiveSync(options?: { timeout?: number; errors?: false }): Datagram;
  /**
   * Receives one packet, or one error that a packet of ours caused, and blocks the thread until then. For Workers.
   *
   * @param options `errors: true`, and the longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode PacketSocket.receive}.
   */
  receiveSync(options: { timeout?: number; errors: true }): Datagram | PacketError;
  receiveSync(options: { timeout?: number; errors?: boolean } = NO_OPTIONS): Datagram | PacketError {
    if (!options.errors) return this.#received.toDatagram(this.#socket.receiveSync(options));
    return this.#errors.receiveSync("receiveSync", options, () => this.tryReceive());
  }

  /**
   * Receives what is there, at least one packet and at the most `batch`.
   *
   * A packet that was larger than `payloadBytes` is among them with `isTruncated`.
   *
   * @param options How long to wait for the first.
   * @throws As {@linkcode PacketSocket.receive}.
   */
  receiveBatch(options: WaitOptions = NO_OPTIONS): Promise<Datagram[]> {
    return this.#socket.receiveBatch(options).then(this.#received.toDatagrams);
  }

  /**
   * Receives what is there, without waiting.
   *
   * @returns At least one packet, or `undefined`.
   * @throws As {@linkcode PacketSocket.receiveBatch}.
   */
  tryReceiveBatch(): Datagram[] | undefined {
    const messages = this.#socket.tryReceiveBatch();
    return messages && this.#received.toDatagrams(messages);
  }

  /**
   * Receives what is there, at least one packet, and blocks the thread until then. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode PacketSocket.receiveBatch}.
   */
  receiveBatchSync(options: { timeout?: number } = NO_OPTIONS): Datagram[] {
    return this.#received.toDatagrams(this.#socket.receiveBatchSync(options));
  }

  /**
   * Receives one packet into the caller's buffer. Descriptors that come with it are closed; what the option `info` asks for
   * comes with {@linkcode PacketSocket.receive} only.
   *
   * @param buffer Where the payload goes; what doesn't fit is lost.
   * @param options How long to wait.
   * @throws As {@linkcode PacketSocket.receive}.
   */
  receiveInto(buffer: Uint8Array, options: WaitOptions = NO_OPTIONS): Promise<ReceivedInto> {
    if (this.#kind.headerLength === undefined) {
      return this.#socket.receiveInto(buffer, options).then(this.#received.toInto);
    }
    return this.receive(options as { errors?: false }).then((datagram) => copyInto(datagram, buffer));
  }

  /**
   * Receives one packet into the caller's buffer, if one is there.
   *
   * @param buffer Where the payload goes.
   * @returns What was received, or `undefined`.
   * @throws As {@linkcode PacketSocket.receiveInto}, without waiting.
   */
  tryReceiveInto(buffer: Uint8Array): ReceivedInto | undefined {
    if (this.#kind.headerLength !== undefined) {
      const datagram = this.tryReceive();
      return datagram && copyInto(datagram, buffer);
    }
    const received = this.#socket.tryReceiveInto(buffer);
    return received && this.#received.toInto(received);
  }

  /**
   * Receives one packet into the caller's buffer, and blocks the thread until one is there. For Workers.
   *
   * @param buffer Where the payload goes.
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode PacketSocket.receiveInto}.
   */
  receiveIntoSync(buffer: Uint8Array, options: { timeout?: number } = NO_OPTIONS): ReceivedInto {
    if (this.#kind.headerLength === undefined) {
      return this.#received.toInto(this.#socket.receiveIntoSync(buffer, options));
    }
    return copyInto(this.#received.toDatagram(this.#socket.receiveSync(options)), buffer);
  }

  /**
   * Resolves when a packet is there, and leaves it where it is; `tryReceive` and its kin then find it.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing arrives in time.
   * @throws {SystemError} As in recv(2).
   */
  untilReadable(options: WaitOptions = NO_OPTIONS): Promise<void> {
    return this.#socket.untilReadable(options);
  }

  /**
   * Blocks the thread until a packet is there, and leaves it where it is. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode PacketSocket.untilReadable}.
   */
  untilReadableSync(options: { timeout?: number } = NO_OPTIONS): void {
    this.#socket.untilReadableSync({ timeout: options.timeout });
  }

  /**
   * Errors that packets of this socket caused, one after the other, until the socket is closed: ICMP errors from routers
   * and hosts, and what this machine itself reports. Those of labelled packets have the label.
   *
   * From the first call on, or the first labelled packet, or with the option `errors`, such errors no longer fail the next
   * operation. They wait here, up to a limit, until somebody takes them. On unix sockets there are none.
   *
   * @param options Ends the iteration: what it waits for rejects with the signal's reason.
   * @throws {ClosedError} When the socket is closed already.
   */
  errors(options: { signal?: AbortSignal } = NO_OPTIONS): AsyncIterableIterator<PacketError> {
    return this.#errors.iterate(options);
  }

  /**
   * Takes one error that a packet of this socket caused, if there is one; see {@linkcode PacketSocket.errors}.
   *
   * @returns The error, or `undefined`.
   * @throws {ClosedError} When the socket is closed.
   */
  tryError(): PacketError | undefined {
    return this.#errors.tryTake();
  }

  /** Packet after packet, until the socket is closed. Other errors of {@linkcode PacketSocket.receive} are thrown. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Datagram> {
    const messages = this.#socket[Symbol.asyncIterator]();
    const convert = (result: IteratorResult<Message>): IteratorResult<Datagram> =>
      result.done ? result : { done: false, value: this.#received.toDatagram(result.value) };
    return {
      next: () => messages.next().then(convert),
      return: (): Promise<IteratorResult<Datagram>> => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Counters since the socket was opened. */
  stats(): PacketSocketStats {
    return { ...this.#socket.stats(), ...this.#errors.stats() };
  }

  /** Closes the socket. What is pending gets a `ClosedError`; does nothing the second time. */
  close(): void {
    if (this.#socket.isClosed) return;
    try {
      this.#socket.close();
    } finally {
      this.#errors.close(new ClosedError(`the ${this.#kind.label} was closed; open a new one`));
    }
  }

  /** The same as {@linkcode PacketSocket.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the socket, and resolves when no thread waits for it any more, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#socket[Symbol.asyncDispose]();
  }

  /** What `MessageSocket` wants for a message; nothing is made for those that have a remembered destination only. */
  #prepare(
    data: Uint8Array,
    to: Destination | undefined,
    options: SendOptions & WaitOptions | undefined,
  ): LabelledOptions & WaitOptions {
    const target = this.#target(to, "to");
    if (options === undefined) {
      this.#register(data, undefined, target);
      return target?.bare ?? CONNECTED;
    }
    const { control, mode } = this.#kind.encode(options, target?.family ?? "unix", "options");
    this.#register(data, options.label, target);
    const { label, signal, timeout } = options;
    return { to: target?.bare.to, control, mode, label, signal, timeout };
  }

  #prepareOneOf(messages: readonly OutgoingDatagram[], index: number): OutgoingMessage {
    try {
      return this.#prepareMessage(messages[index], "to", "options");
    } catch {
      // Once more, to be told where among the messages it is.
      return this.#prepareMessage(messages[index], `messages[${index}].to`, `messages[${index}]`);
    }
  }

  #prepareMessage(
    message: OutgoingDatagram,
    toArgument: string,
    optionsArgument: string,
  ): OutgoingMessage & LabelledOptions {
    const target = this.#target(message.to, toArgument);
    const { control, mode } = this.#kind.encode(message, target?.family ?? "unix", optionsArgument);
    return { data: message.data, to: target?.bare.to, control, mode, label: message.label };
  }

  /** Where a message goes; `undefined` for a peer that has no name. */
  #target(to: Destination | undefined, argument: string): Target | undefined {
    return to === undefined ? this.#peer ?? this.#unnamedPeer(argument) : this.#kind.destinations.find(to, argument);
  }

  #unnamedPeer(argument: string): undefined {
    if (this.#isConnected) return;
    void this.#socket.fd; // says so where the socket is closed
    throw new ArgumentError(argument, "is needed, for the socket is not connected");
  }

  /**
   * Remembers a packet, before it is sent: the error may be there when the call returns. Those without a label are
   * remembered too, for an error may be about them.
   */
  #register(data: Uint8Array, label: unknown, target: Target | undefined): void {
    if (label === undefined && !this.#errors.areEnabled) return;
    if (target === undefined || !(data instanceof Uint8Array)) return;
    this.#errors.register(label, target.address, data);
  }
}
