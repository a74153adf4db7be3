/**
 * What all sockets of the Scalability Protocols have in common, and the three shapes that they come in: those that send,
 * those that receive, those that do both.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import { SpMessage } from "../message.ts";
import type { Engine, Receiver, Sender } from "../protocol/engine.ts";
import { type EndpointFailure, type Listener, type PipeEvent, SocketCore, type SocketStats } from "../socket/core.ts";
import { ReceiveLine, SendLine } from "../socket/lines.ts";
import { type EndpointOptions, type SocketOptions, waitTimeout } from "../socket/options.ts";
import type { SpPipe } from "../socket/pipe.ts";

/** What can be sent: bytes, text that goes out as UTF-8, or a whole message. */
export type Sendable = Uint8Array | string | SpMessage;

/** How to dial. */
export interface DialOptions extends EndpointOptions, WaitOptions {
  /** Whether to wait for the first connection; otherwise it is made in the background. @default {true} */
  wait?: boolean;
  /**
   * Whether to try again as long as there was no connection; otherwise the first attempt that fails rejects, as nng_dial(3)
   * has it. Once there was one it always comes back.
   *
   * @default {true}
   */
  retry?: boolean;
}

/** How to listen. */
export interface ListenOptions extends EndpointOptions, WaitOptions {}

/** What keeps a connection to an address. */
export interface DialerHandle {
  /** The address. */
  readonly url: string;
  /** Whether there is a connection now. */
  readonly isConnected: boolean;
  /** Makes no further connection; the one that there is goes on. */
  close(): void;
}

/** The longest wait of a blocking call. */
export interface SyncOptions {
  /** Milliseconds; without it as the socket is set up. */
  timeout?: number;
}

const NO_OPTIONS = Object.freeze({});

/**
 * The message that something to send stands for. Nothing is copied: bytes must not change until they are sent.
 *
 * @throws {ArgumentError} If it is nothing that can be sent.
 */
export function messageOf(data: Sendable): SpMessage {
  if (data instanceof SpMessage) return data;
  if (typeof data === "string" || data instanceof Uint8Array) return SpMessage.of(data);
  throw new ArgumentError("data", `must be a Uint8Array, a string or an SpMessage, got ${typeof data}`);
}

const cores = new WeakMap<SpSocket, SocketCore>();

/** The driver of a socket, for devices. */
export function coreOf(socket: SpSocket): SocketCore {
  const core = cores.get(socket);
  if (core !== undefined) return core;
  throw new ArgumentError("socket", "must be a socket of this module");
}

/** The base of all sockets. */
export abstract class SpSocket implements Disposable, AsyncDisposable {
  readonly #core: SocketCore;

  /** For the patterns only. */
  protected constructor(core: SocketCore) {
    this.#core = core;
    cores.set(this, core);
  }

  /** The name of the pattern: `"req"`, `"rep"`, … */
  get pattern(): string {
    return this.#core.engine.info.name;
  }

  /** Whether headers are the user's business. */
  get isRaw(): boolean {
    return this.#core.engine.isRaw;
  }

  /** True once the socket is closed, also while it lingers. */
  get isClosed(): boolean {
    return this.#core.isClosed;
  }

  /** The connections, the oldest first. */
  get pipes(): SpPipe[] {
    return this.#core.pipes;
  }

  /**
   * Lets peers connect; any number of times on one socket.
   *
   * @param url Where, for instance `"tcp://127.0.0.1:0"` or `"ipc:///run/clock.ipc"`.
   * @param options How its connections are set up; what is left out is as in the socket.
   * @returns The listener, whose `url` has the real port.
   * @throws {AddressError} When the URL can't be understood, or its host not be found.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {ClosedError} When the socket is closed.
   * @throws {SystemError} As in bind(2) and listen(2): `EADDRINUSE`, `EACCES`, …
   */
  listen(url: string, options: ListenOptions = NO_OPTIONS): Promise<Listener> {
    return this.#core.listen(url, options);
  }

  /**
   * Connects to a peer, and again whenever the connection is lost; any number of times on one socket.
   *
   * It goes on trying until there is a connection, so that the peer may come later: `timeout` and `signal` say for how long,
   * and then the dialer is closed. With `wait: false` it goes on in the background.
   *
   * @param url Where.
   * @param options How the connection is set up, and whether to wait for it.
   * @returns The dialer.
   * @throws {AddressError} When the URL can't be understood, or its host not be found.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {ProtocolError} When the peer is of another pattern.
   * @throws {SystemError} With `retry: false`, as in connect(2): `ECONNREFUSED`, …
   * @throws {TimeoutError} When there is no connection in time.
   */
  dial(url: string, options: DialOptions = NO_OPTIONS): Promise<DialerHandle> {
    return this.#core.dial(url, options);
  }

  /**
   * Tells of connections that come and go.
   *
   * @param listener Called with each event, from within the socket: it should be quick. While a pipe is being added it may
   * call `refuse()` of the event.
   * @returns Ends it.
   */
  onPipe(listener: (event: PipeEvent) => void): () => void {
    return this.#core.onPipe(listener);
  }

  /**
   * Tells of connections that did not come about: nobody listens, a peer of another pattern, garbage instead of a greeting.
   * Listeners and dialers go on; these are for logs.
   *
   * @param listener Called with each failure, from within the socket: it should be quick.
   * @returns Ends it.
   */
  onFailure(listener: (failure: EndpointFailure) => void): () => void {
    return this.#core.onFailure(listener);
  }

  /** Counters since the socket was made. */
  stats(): SocketStats {
    return this.#core.stats();
  }

  /**
   * Closes the socket: no new connections and calls from now on, and the end when what was sent has left, or the time for
   * that is over. What is pending then gets a `ClosedError`.
   *
   * @param options `linger`: how long that may take, in milliseconds. @default as the socket is set up
   */
  close(options: { linger?: number } = NO_OPTIONS): Promise<void> {
    return this.#core.close(options.linger);
  }

  /** Closes the socket at once, for `using`. */
  [Symbol.dispose](): void {
    void this.#core.close(0);
  }

  /** The same as {@linkcode SpSocket.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#core.close(undefined);
  }
}

/** Sending, for sockets and contexts. */
export interface SendCalls {
  /** Sends a message; waits while nobody can take it. */
  send(data: Sendable, options?: WaitOptions): Promise<void>;
  /** Sends a message if that is possible at once. */
  trySend(data: Sendable): boolean;
  /** Sends a message, and blocks the thread meanwhile. */
  sendSync(data: Sendable, options?: SyncOptions): void;
}

/** Receiving, for sockets and contexts. */
export interface ReceiveCalls extends AsyncIterable<SpMessage> {
  /** Receives a message. */
  receive(options?: WaitOptions): Promise<SpMessage>;
  /** Receives a message if one is there. */
  tryReceive(): SpMessage | undefined;
  /** Receives a message, and blocks the thread meanwhile. */
  receiveSync(options?: SyncOptions): SpMessage;
}

/** The line of those who send by an engine or context of a socket; who has it fails it at the end. */
export function sendLine(sender: Sender, core: SocketCore, { sendTimeout }: SocketOptions): SendLine {
  return new SendLine(sender, core, waitTimeout("sendTimeout", sendTimeout));
}

/** The line of those who receive from an engine or context of a socket; who has it fails it at the end. */
export function receiveLine(
  receiver: Receiver,
  core: SocketCore,
  { receiveTimeout }: SocketOptions,
  onAbandoned?: () => void,
): ReceiveLine {
  return new ReceiveLine(receiver, core, waitTimeout("receiveTimeout", receiveTimeout), onAbandoned);
}

/** A stream of messages to send. */
function writableOf(line: SendLine, close: () => Promise<void>): WritableStream<Sendable> {
  return new WritableStream({
    write: (chunk, controller) => line.send(messageOf(chunk), { signal: controller.signal }),
    close,
    abort: close,
  });
}

/** A stream of the messages received; nothing is taken that nobody asked for. */
function readableOf(line: ReceiveLine, close: () => Promise<void>): ReadableStream<SpMessage> {
  const messages = line.iterate();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await messages.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

/** A socket that sends. */
export abstract class SendingSocket extends SpSocket implements SendCalls {
  readonly #sends: SendLine;
  #writable: WritableStream<Sendable> | undefined;

  /** For the patterns only. */
  protected constructor(engine: Engine & Sender, options: SocketOptions) {
    const core = new SocketCore(engine, options);
    super(core);
    this.#sends = sendLine(engine, core, options);
    core.onClose((error) => this.#sends.fail(error));
  }

  /** What is written here is sent; closing it closes the socket. */
  get writable(): WritableStream<Sendable> {
    return this.#writable ??= writableOf(this.#sends, () => this.close());
  }

  /**
   * Sends a message. Settled, it is on its way, or in the socket's buffer.
   *
   * @param data The message; bytes must not change until they are sent.
   * @param options How long to wait while nobody can take it.
   * @throws {ArgumentError} When it is nothing that can be sent.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {MessageTooLargeError} When no peer takes so large a message; with none connected it waits.
   * @throws {TimeoutError} When the wait takes too long; the message is not sent then.
   */
  send(data: Sendable, options?: WaitOptions): Promise<void> {
    try {
      return this.#sends.send(messageOf(data), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a message if that is possible at once.
   *
   * @param data The message.
   * @returns False, and nothing sent, when it would have to wait.
   * @throws As {@linkcode SendingSocket.send}, without waiting.
   */
  trySend(data: Sendable): boolean {
    return this.#sends.trySend(messageOf(data));
  }

  /**
   * Sends a message, and blocks the thread while nobody can take it. For Workers.
   *
   * @param data The message.
   * @param options The longest wait.
   * @throws As {@linkcode SendingSocket.send}.
   */
  sendSync(data: Sendable, options: SyncOptions = NO_OPTIONS): void {
    this.#sends.sendSync(messageOf(data), options.timeout);
  }
}

/** A socket that receives. */
export abstract class ReceivingSocket extends SpSocket implements ReceiveCalls {
  readonly #receives: ReceiveLine;
  #readable: ReadableStream<SpMessage> | undefined;

  /** For the patterns only. */
  protected constructor(engine: Engine & Receiver, options: SocketOptions) {
    const core = new SocketCore(engine, options);
    super(core);
    this.#receives = receiveLine(engine, core, options);
    core.onClose((error) => this.#receives.fail(error));
  }

  /** The messages received; cancelling it closes the socket. */
  get readable(): ReadableStream<SpMessage> {
    return this.#readable ??= readableOf(this.#receives, () => this.close());
  }

  /**
   * Receives a message.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing comes in time.
   */
  receive(options?: WaitOptions): Promise<SpMessage> {
    return this.#receives.receive(options);
  }

  /**
   * Receives a message if one is there.
   *
   * @returns The message, or `undefined`.
   * @throws {ClosedError} When the socket is closed.
   */
  tryReceive(): SpMessage | undefined {
    return this.#receives.tryReceive();
  }

  /**
   * Receives a message, and blocks the thread until one is there. For Workers.
   *
   * @param options The longest wait.
   * @throws As {@linkcode ReceivingSocket.receive}.
   */
  receiveSync(options: SyncOptions = NO_OPTIONS): SpMessage {
    return this.#receives.receiveSync(options.timeout);
  }

  /** Message after message, until the socket is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SpMessage> {
    return this.#receives.iterate();
  }
}

/** What a socket that sends and receives is made of. */
export interface DuplexParts {
  /** The driver. */
  readonly core: SocketCore;
  /** Those who send. */
  readonly sends: SendLine;
  /** Those who receive. */
  readonly receives: ReceiveLine;
}

/** The parts of a socket whose engine sends and receives. */
export function duplexParts(
  engine: Engine & Sender & Receiver,
  options: SocketOptions,
  usesClock = false,
  onAbandoned?: () => void,
): DuplexParts {
  const core = new SocketCore(engine, options, usesClock);
  const sends = sendLine(engine, core, options);
  const receives = receiveLine(engine, core, options, onAbandoned);
  core.onClose((error) => {
    sends.fail(error);
    receives.fail(error);
  });
  return { core, sends, receives };
}

/** A socket that sends and receives. */
export abstract class DuplexSocket extends SpSocket implements SendCalls, ReceiveCalls {
  readonly #sends: SendLine;
  readonly #receives: ReceiveLine;
  #readable: ReadableStream<SpMessage> | undefined;
  #writable: WritableStream<Sendable> | undefined;

  /** For the patterns only. */
  protected constructor({ core, sends, receives }: DuplexParts) {
    super(core);
    this.#sends = sends;
    this.#receives = receives;
  }

  /** The messages received; cancelling it closes the socket. */
  get readable(): ReadableStream<SpMessage> {
    return this.#readable ??= readableOf(this.#receives, () => this.close());
  }

  /** What is written here is sent; closing it closes the socket. */
  get writable(): WritableStream<Sendable> {
    return this.#writable ??= writableOf(this.#sends, () => this.close());
  }

  /**
   * Sends a message. Settled, it is on its way, or in the socket's buffer.
   *
   * @param data The message; bytes must not change until they are sent.
   * @param options How long to wait while nobody can take it.
   * @throws {ArgumentError} When it is nothing that can be sent.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {MessageTooLargeError} When the peer that it is for, or each that it could go to, doesn't take so large a message.
   * @throws {StateError} When it is not this side's turn, as for a reply without a request.
   * @throws {TimeoutError} When the wait takes too long; the message is not sent then.
   */
  send(data: Sendable, options?: WaitOptions): Promise<void> {
    try {
      return this.#sends.send(messageOf(data), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a message if that is possible at once.
   *
   * @param data The message.
   * @returns False, and nothing sent, when it would have to wait.
   * @throws As {@linkcode DuplexSocket.send}, without waiting.
   */
  trySend(data: Sendable): boolean {
    return this.#sends.trySend(messageOf(data));
  }

  /**
   * Sends a message, and blocks the thread while nobody can take it. For Workers.
   *
   * @param data The message.
   * @param options The longest wait.
   * @throws As {@linkcode DuplexSocket.send}.
   */
  sendSync(data: Sendable, options: SyncOptions = NO_OPTIONS): void {
    this.#sends.sendSync(messageOf(data), options.timeout);
  }

  /**
   * Receives a message.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {StateError} When there is nothing to wait for, as for a reply without a request.
   * @throws {TimeoutError} When nothing comes in time.
   */
  receive(options?: WaitOptions): Promise<SpMessage> {
    return this.#receives.receive(options);
  }

  /**
   * Receives a message if one is there.
   *
   * @returns The message, or `undefined`.
   * @throws As {@linkcode DuplexSocket.receive}, without waiting.
   */
  tryReceive(): SpMessage | undefined {
    return this.#receives.tryReceive();
  }

  /**
   * Receives a message, and blocks the thread until one is there. For Workers.
   *
   * @param options The longest wait.
   * @throws As {@linkcode DuplexSocket.receive}.
   */
  receiveSync(options: SyncOptions = NO_OPTIONS): SpMessage {
    return this.#receives.receiveSync(options.timeout);
  }

  /** Message after message, until the socket is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SpMessage> {
    return this.#receives.iterate();
  }
}
