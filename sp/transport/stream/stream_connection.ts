/**
 * A connection over a stream, after its handshake: what does not depend on whose sockets carry it.
 *
 * Messages that are sent are written at once, unless the connection is busy: then those of one turn of the event loop leave
 * together. Messages that are read are delivered in the memory that they were read into.
 *
 * @module
 */

import { ProtocolError, type SockeyeError } from "../../../common/errors.ts";
import type { SocketAddress, UnixCredentials } from "../../../ffi/mod.ts";
import type { FrameFormat } from "./frame_format.ts";
import { FrameReader } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import type { Connection, ConnectionEvents } from "../transport.ts";
import type { Turns, TurnTaker } from "./turn.ts";

/** What is known of a connection when its handshake is over. */
export interface StreamConnectionDetails {
  /** The frames of the transport. */
  readonly format: FrameFormat;
  /** The longest message that may come, in bytes; 0 for no limit. */
  readonly maxReceiveSize: number;
  readonly localAddress: SocketAddress | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  readonly credentials: UnixCredentials | undefined;
  /** The peer, for people. */
  readonly url: string;
  /** Called once, when the connection is gone, for whatever reason. */
  readonly onGone: () => void;
}

/** What a peer that takes nothing any more is still listened to: it might go on sending for ever. */
const LAST_READS = 64;

const IGNORED: ConnectionEvents = { message() {}, writable() {}, closed() {} };

/** The base of connections over streams. */
export abstract class StreamConnection implements Connection, TurnTaker {
  readonly localAddress: SocketAddress | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  readonly credentials: UnixCredentials | undefined;
  readonly url: string;
  readonly maxSendSize = Infinity;
  readonly dropped = 0;
  /** What has been read. */
  protected readonly reader: FrameReader;
  /** What is to be written. */
  protected readonly writer: FrameWriter;
  /** Whether nothing can be written until the socket says so. */
  protected isBlocked = false;
  readonly #turns: Turns;
  readonly #onGone: () => void;
  #events: ConnectionEvents = IGNORED;
  #isPaused = true;
  /** What was read before the pause is to be delivered when the turn is over. */
  #isResumed = false;
  #isOver = false;
  /** A message was refused, and somebody wants to know when there is room. */
  #isRefused = false;
  /** Messages are gathered until the turn is over. */
  #isGathering = false;
  #isListed = false;
  #writeError: SockeyeError | undefined;

  /** Makes a connection that reads nothing until it is started. */
  constructor(details: StreamConnectionDetails, turns: Turns) {
    this.localAddress = details.localAddress;
    this.remoteAddress = details.remoteAddress;
    this.credentials = details.credentials;
    this.url = details.url;
    this.#onGone = details.onGone;
    this.#turns = turns;
    this.reader = new FrameReader(details.format, details.maxReceiveSize);
    this.writer = new FrameWriter(details.format);
  }

  /** Whether it is closed, or broken. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get unsentBytes(): number {
    return this.writer.unsentBytes;
  }

  /** Whether messages are delivered. */
  protected get isReading(): boolean {
    return !this.#isPaused;
  }

  /** Whether something was read that is not delivered yet. */
  protected get hasUnread(): boolean {
    return this.reader.hasBytes;
  }

  start(events: ConnectionEvents): void {
    this.#events = events;
    this.resume();
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    if (this.#isOver || this.#writeError !== undefined) return false;
    if (!this.writer.put(header, body) && !this.#putAfterWriting(header, body)) return false;
    if (this.isBlocked) return true;
    if (!this.#isGathering || this.writer.isFull) this.write();
    if (!this.#isGathering) {
      this.#isGathering = true;
      this.#list();
    }
    return true;
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (!this.#isOver) this.updateInterest();
  }

  resume(): void {
    if (!this.#isPaused || this.#isOver) return;
    this.#isPaused = false;
    if (this.hasUnread) {
      this.#isResumed = true;
      this.#list();
    }
    this.updateInterest();
  }

  takeTurn(): void {
    this.#isListed = false;
    if (this.#isOver) return;
    if (this.#writeError !== undefined) return this.#endAfterReading(this.#writeError);
    if (this.#isResumed) this.#deliverOn();
    if (this.#isOver || !this.#isGathering) return;
    if (this.isBlocked || this.writer.isEmpty) {
      this.#isGathering = false;
      return;
    }
    this.write();
    this.#list();
  }

  reclaim(): Uint8Array[] {
    return this.writer.reclaim();
  }

  close(): void {
    this.#end();
  }

  /** Writes what there is, as far as it goes; sets `isBlocked`, and calls `writeFailed`. Nobody is told of anything. */
  protected abstract write(): void;

  /** `isReading` or `isBlocked` has changed. */
  protected abstract updateInterest(): void;

  /** Reads and delivers what is there, as long as `isReading`, but not too much at once; true if there may be more. */
  protected abstract read(): boolean;

  /** Closes the socket. */
  protected abstract release(): void;

  /** Nothing more can be written; told in a later step. */
  protected writeFailed(error: SockeyeError): void {
    this.#writeError = error;
    this.#list();
  }

  /** The socket takes bytes again. */
  protected writeOn(): void {
    this.isBlocked = false;
    this.write();
    if (this.isBlocked || this.#writeError !== undefined || !this.#isRefused) return;
    this.#isRefused = false;
    this.#events.writable();
  }

  /** Delivers what has been read, until there is nothing more, or nobody wants more. */
  protected deliver(): void {
    const { reader } = this;
    while (!this.#isPaused && !this.#isOver) {
      let message;
      try {
        message = reader.next();
      } catch (error) {
        return this.fail(error as SockeyeError);
      }
      if (message === undefined) return;
      this.#events.message(message);
    }
  }

  /** The peer has ended the stream. */
  protected endOfStream(): void {
    this.fail(
      this.reader.hasBytes ? new ProtocolError(`${this.url}: the peer's stream ended in mid-message`) : undefined,
    );
  }

  /** The connection is gone, and whoever uses it is told. */
  protected fail(error: SockeyeError | undefined): void {
    if (this.#isOver) return;
    this.#end();
    this.#events.closed(error);
  }

  #putAfterWriting(header: Uint8Array, body: Uint8Array): boolean {
    if (!this.isBlocked) this.write();
    if (!this.isBlocked && this.#writeError === undefined && this.writer.put(header, body)) return true;
    this.#isRefused = true;
    return false;
  }

  /** What the peer sent before it went is still read. */
  #endAfterReading(error: SockeyeError): void {
    for (let budget = LAST_READS; budget > 0 && !this.#isPaused && !this.#isOver && this.read(); budget--);
    this.fail(error);
  }

  #deliverOn(): void {
    this.#isResumed = false;
    this.deliver();
    if (!this.#isPaused && !this.#isOver) this.read();
  }

  #list(): void {
    if (this.#isListed) return;
    this.#isListed = true;
    this.#turns.add(this);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.reader.clear();
    try {
      this.release();
    } finally {
      this.#onGone();
    }
  }
}
