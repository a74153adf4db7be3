/**
 * The driver: one engine, its pipes, and the listeners and dialers that make them.
 *
 * It knows neither patterns nor transports: engines decide what happens to messages, transports how they travel, and this
 * tells each what the other did.
 *
 * @module
 */

import {
  BufferFullError,
  ClosedError,
  NoPeerError,
  type SockeyeError,
  StateError,
  TimeoutError,
} from "../../common/errors.ts";
import { checkTimeout, timeoutError, WaitList, type WaitOptions } from "../../common/wait.ts";
import { Reactor } from "../../ffi/reactor.ts";
import type { SpPipe } from "../pipe.ts";
import type { Engine, EngineStats, PipeStats } from "../protocol/engine.ts";
import { transportOf } from "../transport/registry.ts";
import type { Connection, Greeting, Listening, Transport } from "../transport/transport.ts";
import { parseSpUrl, type SpUrl } from "../transport/url.ts";
import { Dialer } from "./dialer.ts";
import { concerning } from "./errors.ts";
import type { LineOwner } from "./lines.ts";
import { duration, type EndpointOptions, endpointSettings, type SocketOptions } from "./options.ts";
import { type PipeOwner, SocketPipe } from "./pipe.ts";
import { later } from "./steps.ts";
import { timers } from "./timers.ts";

/** Something that happened to a pipe. */
export interface PipeEvent {
  /**
   * `"adding"`: it is connected, and may still be refused. `"added"`: messages go through it. `"removed"`: it is gone.
   */
  readonly type: "adding" | "added" | "removed";
  /** The pipe. */
  readonly pipe: SpPipe;
  /** Why it is gone, unless somebody just closed it. */
  readonly error?: SockeyeError;
  /** Refuses a pipe while it is being added, as closing it does. */
  refuse(): void;
}

/** A handshake or an attempt to connect that went wrong. */
export interface EndpointFailure {
  /** The address that is listened on or dialed. */
  readonly url: string;
  /** What went wrong. */
  readonly error: SockeyeError;
}

/** What a listener is to its user. */
export interface Listener extends Disposable {
  /** Where it listens: port and address are the real ones. */
  readonly url: string;
  /** Ends it; connections that were accepted go on. */
  close(): void;
}

/** What a socket has done, and what it holds. */
export interface SocketStats extends EngineStats {
  /** Connections that were accepted or made. */
  connections: number;
  /** Handshakes and attempts to connect that went wrong. */
  failedConnections: number;
  /** Listeners and dialers at work. */
  endpoints: number;
  /** The bytes of the messages handed to pipes: headers and bodies, without what carriers add. */
  sentBytes: number;
  /** The bytes of all messages that came, those included that were dropped. */
  receivedBytes: number;
  /** Bytes that were handed to pipes, and that the kernel has not taken yet, with what carriers add. */
  unsentBytes: number;
}

/** How {@linkcode SocketCore.dial} does it. */
export interface DialSettings extends EndpointOptions, WaitOptions {
  /** Whether to wait for the first connection. @default {true} */
  wait?: boolean;
  /** Whether to try again as long as there was no connection. @default {true} */
  retry?: boolean;
}

/** How often it is looked whether everything has left, while lingering, in milliseconds. */
const LINGER_LOOK_MS = 5;
const MAX_PIPE_ID = 0x7fffffff;

let lastSocketId = 0;

/** The engine of a socket, and everything around it. */
export class SocketCore implements LineOwner, PipeOwner {
  readonly engine: Engine;
  /** Tells sockets of one pattern apart, for people: `"req 3"`. */
  readonly label: string;
  /** Questions that were taken, and that a function is answering: whoever lingers waits for it. */
  answersDue = 0;
  readonly #usesClock: boolean;
  readonly #defaults: EndpointOptions;
  readonly #lingerMs: number;
  readonly #reactor: Reactor | undefined = reactorIfAny();
  readonly #pipes = new Map<number, SocketPipe>();
  readonly #onGone = new Map<SocketPipe, () => void>();
  readonly #listening = new Set<Listening>();
  readonly #dialers = new Set<Dialer>();
  readonly #pipeListeners = new Set<(event: PipeEvent) => void>();
  readonly #failureListeners = new Set<(failure: EndpointFailure) => void>();
  readonly #failLines = new Set<(error: unknown) => void>();
  #nextPipeId = 1 + Math.floor(Math.random() * (MAX_PIPE_ID - 1));
  /** Of pipes that have gone. */
  readonly #past = { sentBytes: 0, receivedBytes: 0, dropped: 0 };
  #connections = 0;
  #failedConnections = 0;
  #armedAt = Infinity;
  #disarm: () => void = () => {};
  #isClosing = false;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #closeNow: () => void = () => {};

  /** @param usesClock Whether the pattern looks at the time. */
  constructor(engine: Engine, options: SocketOptions, usesClock = false) {
    this.engine = engine;
    this.label = `${engine.info.name} ${++lastSocketId}`;
    this.#usesClock = usesClock;
    this.#defaults = options;
    this.#lingerMs = duration("linger", options.linger, 1000);
    endpointSettings(options);
  }

  /** True once `close` was called. */
  get isClosed(): boolean {
    return this.#isClosing;
  }

  /** The pipes, the oldest first. */
  get pipes(): SpPipe[] {
    return [...this.#pipes.values()];
  }

  now(): number {
    return this.#usesClock ? performance.now() : 0;
  }

  takeTurn(): Promise<void> | undefined {
    return this.#reactor?.takeTurn();
  }

  engineMoved(): void {
    const { deadline } = this.engine;
    if (deadline === this.#armedAt) return;
    // A deadline that has moved back costs one look too early.
    if (deadline > this.#armedAt && deadline !== Infinity) return;
    this.#disarm();
    this.#armedAt = deadline;
    this.#disarm = timers.at(deadline, (now) => {
      this.#armedAt = Infinity;
      if (this.#isClosed) return;
      this.engine.expire(now);
      this.engineMoved();
    });
  }

  /** Has those who wait told when the socket is closed, until the function that it gives is called. */
  onClose(fail: (error: unknown) => void): () => void {
    this.#failLines.add(fail);
    return () => void this.#failLines.delete(fail);
  }

  /**
   * Refuses what is asked of a closed socket.
   *
   * @throws {ClosedError} When it is closed.
   */
  checkOpen(operation: string): void {
    if (!this.#isClosing) return;
    throw concerning(new ClosedError(`${operation}: the socket ${this.label} is closed; open a new one`), this.label);
  }

  timedOut(operation: "send" | "receive", timeoutMs: number): TimeoutError {
    const { message } = timeoutError(`${operation} on ${this.label}`, timeoutMs);
    const [only] = this.#pipes.values();
    let cause: SockeyeError | undefined;
    if (only === undefined) {
      cause = concerning(new NoPeerError("nobody is connected"), this.label);
    } else if (operation === "send") {
      const pipe = this.#pipes.size === 1 ? only : undefined;
      cause = concerning(new BufferFullError("the buffers are full of whoever could take it"), this.label, pipe);
    }
    const text = cause === undefined ? message : `${message} (${cause.message})`;
    return concerning(new TimeoutError(text, { cause }), this.label);
  }

  async listen(text: string, options: EndpointOptions & WaitOptions): Promise<Listener> {
    try {
      return await this.#listen(text, options);
    } catch (error) {
      throw concerning(error, this.label);
    }
  }

  async #listen(text: string, options: EndpointOptions & WaitOptions): Promise<Listener> {
    this.checkOpen("listen");
    checkTimeout(options.timeout);
    if (options.signal?.aborted) throw options.signal.reason;
    const url = parseSpUrl(text);
    const transport = transportOf(url);
    transport.check(url, "listen");
    const settings = endpointSettings(options, this.#defaults);
    const resolved = await this.#resolve(transport, url, options);
    const listening = transport.listen(resolved, this.#greeting, settings, {
      accepted: (connection) => {
        if (!this.#listening.has(listening)) connection.close();
        else {
          const refusal = this.adopt(connection, "listener", () => {});
          if (refusal !== undefined) this.attemptFailed(text, refusal);
        }
      },
      failed: (error) => this.attemptFailed(text, error),
    });
    this.#listening.add(listening);
    try {
      await untilSettled(listening.ready, `listen ${text}`, options);
    } catch (error) {
      if (this.#listening.delete(listening)) listening.close();
      throw error;
    }
    const close = () => {
      if (this.#listening.delete(listening)) listening.close();
    };
    return { url: listening.url, close, [Symbol.dispose]: close };
  }

  async dial(text: string, options: DialSettings): Promise<Dialer> {
    try {
      return await this.#dial(text, options);
    } catch (error) {
      throw concerning(error, this.label);
    }
  }

  async #dial(text: string, options: DialSettings): Promise<Dialer> {
    this.checkOpen("dial");
    checkTimeout(options.timeout);
    if (options.signal?.aborted) throw options.signal.reason;
    const url = parseSpUrl(text);
    const transport = transportOf(url);
    transport.check(url, "dial");
    const settings = endpointSettings(options, this.#defaults);
    const resolved = await this.#resolve(transport, url, options);
    const dialer = new Dialer(transport, url, resolved, this.#greeting, settings, this);
    this.#dialers.add(dialer);
    const connected = options.wait === false ? undefined : dialer.untilConnected(options);
    dialer.start(options.retry);
    try {
      await connected;
    } catch (error) {
      dialer.close();
      throw error;
    }
    return dialer;
  }

  /** Tells of handshakes and attempts to connect that went wrong, until the function that it gives is called. */
  onFailure(listener: (failure: EndpointFailure) => void): () => void {
    this.#failureListeners.add(listener);
    return () => void this.#failureListeners.delete(listener);
  }

  /** Tells of pipes that come and go, until the function that it gives is called. */
  onPipe(listener: (event: PipeEvent) => void): () => void {
    this.#pipeListeners.add(listener);
    return () => void this.#pipeListeners.delete(listener);
  }

  adopt(connection: Connection, role: "listener" | "dialer", onGone: () => void): SockeyeError | undefined {
    const pipe = new SocketPipe(this.#takePipeId(), role, connection, this);
    const refusal = this.#refusalOf(pipe);
    if (refusal !== undefined) {
      connection.close();
      pipe.isClosed = true;
      return concerning(refusal, this.label, pipe);
    }
    this.#connections++;
    this.#pipes.set(pipe.id, pipe);
    this.#onGone.set(pipe, onGone);
    connection.start({
      message: (bytes) => {
        pipe.receivedBytes += bytes.length;
        this.engine.receive(pipe, bytes, this.now());
        if (this.#usesClock) this.engineMoved();
      },
      writable: () => {
        this.engine.writable(pipe, this.now());
        if (this.#usesClock) this.engineMoved();
      },
      closed: (error) => {
        pipe.isClosed = true;
        this.#remove(pipe, error);
      },
    });
    this.#tell("added", pipe);
    return undefined;
  }

  attemptFailed(url: string, error: SockeyeError): void {
    if (this.#isClosed) return;
    this.#failedConnections++;
    concerning(error, this.label);
    tellAll(this.#failureListeners, { url, error });
  }

  dialerClosed(dialer: Dialer): void {
    this.#dialers.delete(dialer);
  }

  pipeClosed(pipe: SocketPipe, reason: SockeyeError | undefined): void {
    later(() => this.#remove(pipe, reason));
  }

  pipeStats(pipe: SocketPipe): PipeStats | undefined {
    return this.engine.pipeStats(pipe);
  }

  stats(): SocketStats {
    const { dropped, ...counted } = this.engine.stats();
    let { sentBytes, receivedBytes } = this.#past;
    let unsentBytes = 0;
    dropped.carrier += this.#past.dropped;
    for (const pipe of this.#pipes.values()) {
      sentBytes += pipe.sentBytes;
      receivedBytes += pipe.receivedBytes;
      unsentBytes += pipe.connection.unsentBytes;
      dropped.carrier += pipe.givenUp;
    }
    return {
      ...counted,
      connections: this.#connections,
      failedConnections: this.#failedConnections,
      endpoints: this.#listening.size + this.#dialers.size,
      sentBytes,
      receivedBytes,
      unsentBytes,
      dropped,
    };
  }

  /**
   * Closes the socket, once what was sent has left, or the time is over.
   *
   * @param lingerMs How long that may take, in milliseconds; without it as the socket is set up.
   */
  close(lingerMs: number | undefined): Promise<void> {
    let limitMs: number;
    try {
      limitMs = duration("linger", lingerMs, this.#lingerMs);
    } catch (error) {
      return Promise.reject(concerning(error, this.label));
    }
    if (this.#closing !== undefined) {
      if (limitMs === 0) this.#closeNow();
      return this.#closing;
    }
    this.#isClosing = true;
    this.#closing = new Promise((resolve) => {
      this.#closeNow = () => {
        this.#end();
        resolve();
      };
    });
    for (const listening of this.#listening) listening.close();
    this.#listening.clear();
    if (this.#isDrained || limitMs === 0) this.#closeNow();
    else this.#lingerUntil(performance.now() + limitMs);
    return this.#closing;
  }

  get #isDrained(): boolean {
    if (this.answersDue > 0 || this.engine.unsent > 0) return false;
    for (const { connection } of this.#pipes.values()) if (connection.unsentBytes > 0) return false;
    return true;
  }

  #lingerUntil(deadline: number): void {
    timers.at(performance.now() + LINGER_LOOK_MS, (now) => {
      if (this.#isClosed) return;
      if (this.#isDrained || now >= deadline) this.#closeNow();
      else this.#lingerUntil(deadline);
    });
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#disarm();
    for (const dialer of [...this.#dialers]) dialer.close();
    for (const pipe of this.#pipes.values()) this.#keepCounts(pipe);
    this.engine.close();
    for (const pipe of this.#pipes.values()) {
      pipe.isClosed = true;
      pipe.connection.close();
    }
    this.#pipes.clear();
    for (const onGone of this.#onGone.values()) onGone();
    this.#onGone.clear();
    const error = concerning(new ClosedError(`the socket ${this.label} was closed; open a new one`), this.label);
    for (const fail of this.#failLines) fail(error);
  }

  get #greeting(): Greeting {
    return this.engine.info;
  }

  async #resolve(transport: Transport, url: SpUrl, options: WaitOptions): Promise<SpUrl> {
    const resolved = await transport.resolve?.(url, options) ?? url;
    if (options.signal?.aborted) throw options.signal.reason;
    this.checkOpen("resolve");
    return resolved;
  }

  #takePipeId(): number {
    do this.#nextPipeId = this.#nextPipeId === MAX_PIPE_ID ? 1 : this.#nextPipeId + 1; while (
      this.#pipes.has(this.#nextPipeId)
    );
    return this.#nextPipeId;
  }

  /** Adds a pipe to the engine, or says why not. */
  #refusalOf(pipe: SocketPipe): SockeyeError | undefined {
    let isRefused = false;
    if (!this.#isClosed) this.#tell("adding", pipe, undefined, () => isRefused = true);
    if (this.#isClosed) return new ClosedError(`${pipe.url}: the socket ${this.label} was closed meanwhile`);
    if (isRefused || pipe.isClosed) {
      return new StateError(`${pipe.url}: the connection was refused while it was being added`);
    }
    if (this.engine.attach(pipe, this.now())) return undefined;
    return new StateError(`${pipe.url}: ${this.engine.info.name} takes no other peer beside the one that it has`);
  }

  #remove(pipe: SocketPipe, error: SockeyeError | undefined): void {
    if (this.#isClosed || !this.#pipes.delete(pipe.id)) return;
    this.#keepCounts(pipe);
    const onGone = this.#onGone.get(pipe)!;
    this.#onGone.delete(pipe);
    this.engine.detach(pipe, this.now());
    if (this.#usesClock) this.engineMoved();
    onGone();
    this.#tell("removed", pipe, concerning(error, this.label, pipe));
  }

  #keepCounts(pipe: SocketPipe): void {
    pipe.keepCounts();
    const { sentBytes, receivedBytes, givenUp } = pipe;
    this.#past.sentBytes += sentBytes;
    this.#past.receivedBytes += receivedBytes;
    this.#past.dropped += givenUp;
  }

  #tell(type: PipeEvent["type"], pipe: SocketPipe, error?: SockeyeError, refuse = () => {}): void {
    if (this.#pipeListeners.size > 0) tellAll(this.#pipeListeners, { type, pipe, error, refuse });
  }
}

/** Tells everybody. What a listener throws is its own, and reported like any error that nobody catches. */
function tellAll<T>(listeners: ReadonlySet<(event: T) => void>, event: T): void {
  for (const listener of listeners) {
    try {
      listener(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** Waits for something that takes neither signal nor timeout. */
async function untilSettled(what: Promise<void> | undefined, name: string, options: WaitOptions): Promise<void> {
  if (what === undefined) return;
  const waiting = new WaitList<void>();
  const settled = waiting.wait(name, options, undefined);
  what.then(() => waiting.resolveAll(undefined), (error) => waiting.rejectAll(error));
  await settled;
}

/** Where there is no libc, the runtime's own sockets have to do. */
function reactorIfAny(): Reactor | undefined {
  try {
    return Reactor.current();
  } catch {
    return undefined;
  }
}
