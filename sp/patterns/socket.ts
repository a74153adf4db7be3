/**
 * What all sockets of the Scalability Protocols have in common, and what the calls of sockets and contexts are made of.
 *
 * @module
 */

import { ArgumentError, UnsupportedError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import type { Sendable, SpMessage } from "../message.ts";
import type { Receiver, Sender } from "../protocol/engine.ts";
import type { EndpointFailure, Listener, PipeEvent, SocketCore, SocketStats } from "../socket/core.ts";
import { concerned, concerning } from "../socket/errors.ts";
import { ReceiveLine, SendLine } from "../socket/lines.ts";
import { checkFunction, type EndpointOptions, type SocketOptions, waitTimeout } from "../socket/options.ts";
import type { SpPipe } from "../pipe.ts";

/** How to dial. */
export interface DialOptions extends EndpointOptions, WaitOptions {
  /** Whether to wait for the first connection; otherwise it is made in the background. @default {true} */
  wait?: boolean;
  /**
   * Whether to try again as long as there was no connection; otherwise the first attempt that fails rejects, as nng_dial(3)
   * has it. Once there was one it always comes back, and with `wait: false` it always tries again: nobody waits for the
   * rejection.
   *
   * @default {true}
   */
  retry?: boolean;
}

/** How to listen. */
export interface ListenOptions extends EndpointOptions, WaitOptions {}

/** What keeps a connection to an address. */
export interface DialerHandle extends Disposable {
  /** The address. */
  readonly url: string;
  /** Whether there is a connection now. */
  readonly isConnected: boolean;
  /** Makes no further connection; the one that there is goes on. */
  close(): void;
}

/** The longest wait of a blocking call. */
export interface SyncOptions {
  /** Milliseconds, `Infinity` for any time; without it as the socket is set up. */
  timeout?: number;
}

const NO_OPTIONS = Object.freeze({});

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
   * call `refuse()` of the event. What it throws is reported like any error that nobody catches.
   * @returns Ends it.
   * @throws {ArgumentError} When it is no function.
   */
  onPipe(listener: (event: PipeEvent) => void): () => void {
    concerned(this.#core.label, () => checkFunction("listener", listener));
    return this.#core.onPipe(listener);
  }

  /**
   * Tells of connections that did not come about: nobody listens, a peer of another pattern, garbage instead of a greeting.
   * Listeners and dialers go on; these are for logs.
   *
   * @param listener Called with each failure, from within the socket: it should be quick. What it throws is reported like
   * any error that nobody catches.
   * @returns Ends it.
   * @throws {ArgumentError} When it is no function.
   */
  onFailure(listener: (failure: EndpointFailure) => void): () => void {
    concerned(this.#core.label, () => checkFunction("listener", listener));
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
   * @throws {ArgumentError} When that is none.
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

/**
 * The engine of a socket that is not raw, for what only such have.
 *
 * @param kind The class that the engine has then.
 * @throws {ClosedError} When the socket is closed.
 * @throws {UnsupportedError} In raw mode.
 */
export function cooked<E>(core: SocketCore, kind: abstract new (...options: never[]) => E, operation: string): E {
  core.checkOpen(operation);
  if (core.engine instanceof kind) return core.engine;
  const text = `${operation}: a raw ${core.engine.info.name} socket has no such thing; leave out the option raw`;
  throw concerning(new UnsupportedError(text), core.label);
}
