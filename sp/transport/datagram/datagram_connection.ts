/**
 * A connection over datagrams that may be lost: what is agreed with one peer, and when it was heard last.
 *
 * It is a state machine: headers and times come in, and datagrams go out through a {@linkcode Link}. It needs to know
 * nothing of sockets.
 *
 * @module
 */

import { ProtocolError, type SockeyeError, TimeoutError } from "../../../common/errors.ts";
import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import type { Connection, ConnectionEvents, Greeting } from "../transport.ts";
import { disconnected, wrongPattern } from "../refusal.ts";
import {
  HEADER_BYTES,
  MAX_PARAMETER,
  OPCODE,
  readFirst,
  readOpcode,
  readProtocol,
  readSecond,
  REASON,
  writeHeader,
} from "./header.ts";

/** The largest message that nng accepts over udp, and so do we. */
export const MAX_MESSAGE_BYTES = 65000;
/** Seconds between two signs of life, unless the peer wants them more often. */
export const REFRESH_SECONDS = 5;
/** Milliseconds between two requests while there is no answer. */
export const RETRY_MS = 200;
/** Intervals of silence after which a peer is gone. */
export const SILENT_INTERVALS = 5;

/** Messages, and their bytes, that wait at most for a pattern that wants none just now; then the oldest goes. */
const MAX_INBOX = 4096;
const MAX_INBOX_BYTES = 1024 * 1024;

/** Milliseconds, and what is to be done then. */
export interface Clock {
  now(): number;
  at(time: number, callback: (now: number) => void): () => void;
  /** Has something done in a later step, before anybody waits. */
  soon(step: () => void): void;
}

/** The way to one peer. */
export interface Link {
  readonly localAddress: SocketAddress | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  /** The peer, for people. */
  readonly url: string;
  /** Bytes that are left free in front of each datagram, for the carrier to fill in. */
  readonly prefixBytes: number;
  /** The largest message that one packet carries, in bytes. */
  readonly maxMessageBytes: number;
  readonly unsentBytes: number;
  /** Takes a datagram; false when there is no room. */
  send(datagram: Uint8Array, connection: DatagramConnection): boolean;
  /** Takes a datagram that is nothing but a header, or loses it where there is no room. */
  post(datagram: Uint8Array): void;
  /** Takes back datagrams that the kernel has not got. */
  reclaim(connection: DatagramConnection): Uint8Array[];
  /** Leaves datagrams to the kernel for a while, since the pattern wants none just now. */
  hold(connection: DatagramConnection): void;
  /** The pattern wants them again. */
  unhold(connection: DatagramConnection): void;
  /** The connection is over. */
  release(connection: DatagramConnection): void;
}

/** What both have agreed on. */
export interface Agreement {
  readonly role: "listener" | "dialer";
  readonly greeting: Greeting;
  /** The largest message that we accept. */
  readonly maxReceiveSize: number;
  /** The largest message that the peer accepts. */
  readonly maxSendSize: number;
  /** Seconds between two signs of life. */
  readonly refresh: number;
}

const IGNORED: ConnectionEvents = { message() {}, writable() {}, closed() {} };

/** The largest message to be announced: an option says what the user wants, and 0 means no limit. */
export function announcedSize(maxReceiveSize: number): number {
  return maxReceiveSize === 0 ? MAX_MESSAGE_BYTES : Math.min(maxReceiveSize, MAX_MESSAGE_BYTES);
}

/** One peer. */
export class DatagramConnection implements Connection {
  readonly localAddress: SocketAddress | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  readonly credentials: undefined = undefined;
  readonly url: string;
  /** Messages that came while nobody wanted any, and too many to keep. */
  droppedUnread = 0;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #role: "listener" | "dialer";
  readonly #greeting: Greeting;
  readonly #maxReceiveSize: number;
  #maxSendSize: number;
  #dropped = 0;
  #refreshMs: number;
  #heardAt: number;
  #cancelExpiry: () => void = () => {};
  #cancelRefresh: () => void = () => {};
  /** Requests without an answer since it was said that nobody is there; 0 as long as that wasn't said. */
  #doubts = 0;
  #events: ConnectionEvents = IGNORED;
  #isPaused = true;
  #isOver = false;
  #isRefused = false;
  #isListed = false;
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;

  /** Begins with a peer that has just been heard. */
  constructor(link: Link, clock: Clock, agreement: Agreement) {
    this.localAddress = link.localAddress;
    this.remoteAddress = link.remoteAddress;
    this.url = link.url;
    this.#link = link;
    this.#clock = clock;
    this.#role = agreement.role;
    this.#greeting = agreement.greeting;
    this.#maxReceiveSize = agreement.maxReceiveSize;
    this.#maxSendSize = Math.min(agreement.maxSendSize, link.maxMessageBytes);
    this.#refreshMs = agreement.refresh * 1000;
    this.#heardAt = clock.now();
    this.#watchSilence();
    if (this.#role === "dialer") this.#refreshLater();
  }

  get unsentBytes(): number {
    return this.#link.unsentBytes;
  }

  get maxSendSize(): number {
    return this.#maxSendSize;
  }

  /** Larger than the peer accepts, as nng does it, or refused by the kernel. */
  get dropped(): number {
    return this.#dropped;
  }

  start(events: ConnectionEvents): void {
    this.#events = events;
    this.resume();
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    if (this.#isOver) return false;
    const length = header.length + body.length;
    if (length > this.#maxSendSize) {
      this.#dropped++;
      return true;
    }
    const { prefixBytes } = this.#link;
    const datagram = new Uint8Array(prefixBytes + HEADER_BYTES + length);
    const at = writeHeader(datagram, prefixBytes, OPCODE.DATA, this.#greeting.protocol, length);
    datagram.set(header, at);
    datagram.set(body, at + header.length);
    if (this.#link.send(datagram, this)) return true;
    this.#isRefused = true;
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused || this.#isOver) return;
    this.#isPaused = false;
    if (this.#inbox.length === 0 || this.#isListed) return;
    this.#isListed = true;
    this.#clock.soon(() => {
      this.#isListed = false;
      this.#deliver();
    });
  }

  reclaim(): Uint8Array[] {
    const start = this.#link.prefixBytes + HEADER_BYTES;
    return this.#link.reclaim(this).map((datagram) => datagram.subarray(start));
  }

  close(): void {
    this.#disconnect(REASON.CLOSED);
  }

  /** There is room again, for whoever was refused. */
  becameWritable(): void {
    if (!this.#isRefused || this.#isOver) return;
    this.#isRefused = false;
    this.#events.writable();
  }

  /** The kernel has refused a message, which is lost. */
  lost(): void {
    this.#dropped++;
  }

  /** It is said that nobody is there, which may be a lie: the peer is asked, and has less time to answer than usual. */
  doubt(): void {
    if (this.#isOver || this.#role !== "dialer" || this.#doubts > 0) return;
    this.#doubts = 1;
    this.#cancelRefresh();
    this.#ask();
  }

  /** A datagram of the peer has come: `bytes` from `at` on, with a header of our version. */
  receive(bytes: Uint8Array, at: number): void {
    if (this.#isOver) return;
    switch (readOpcode(bytes, at)) {
      case OPCODE.DATA:
        return this.#receiveData(bytes, at);
      case OPCODE.CREQ:
        return this.#receiveRequest(bytes, at);
      case OPCODE.CACK:
        return this.#receiveAnswer(bytes, at);
      case OPCODE.DISC:
        return this.#receiveEnd(bytes, at);
      default:
        this.#post(OPCODE.DISC, REASON.PROTOCOL);
    }
  }

  #receiveData(bytes: Uint8Array, at: number): void {
    if (!this.#isRightPattern(bytes, at)) return;
    const length = readFirst(bytes, at);
    const available = bytes.length - at - HEADER_BYTES;
    if (length > available || length > this.#maxReceiveSize) {
      const error = new ProtocolError(
        `${this.url}: the peer sent a message of ${length} bytes in ${available}, and ${this.#maxReceiveSize} are accepted`,
      );
      return this.#fail(error, REASON.MESSAGE_SIZE);
    }
    this.#heard();
    const message = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    if (!this.#isPaused && this.#inbox.length === 0) this.#events.message(message);
    else this.#keep(message);
  }

  #receiveRequest(bytes: Uint8Array, at: number): void {
    // Dialers take no requests, as in nng.
    if (this.#role === "dialer") return this.#post(OPCODE.DISC, REASON.REFUSED);
    if (!this.#isRightPattern(bytes, at) || !this.#agree(bytes, at)) return;
    this.#heard();
    this.#post(OPCODE.CACK, this.#maxReceiveSize, this.#refreshMs / 1000);
  }

  #receiveAnswer(bytes: Uint8Array, at: number): void {
    if (this.#role === "listener") return;
    const before = this.#refreshMs;
    if (!this.#isRightPattern(bytes, at) || !this.#agree(bytes, at)) return;
    const hadDoubts = this.#doubts > 0;
    this.#heard();
    if (hadDoubts || this.#refreshMs < before) {
      this.#cancelRefresh();
      this.#refreshLater();
    }
  }

  #receiveEnd(bytes: Uint8Array, at: number): void {
    const reason = readFirst(bytes, at);
    this.#end();
    this.#events.closed(reason === REASON.CLOSED ? undefined : disconnected(this.url, reason));
  }

  #isRightPattern(bytes: Uint8Array, at: number): boolean {
    const protocol = readProtocol(bytes, at);
    if (protocol === this.#greeting.peer) return true;
    this.#fail(wrongPattern(this.url, protocol, this.#greeting), REASON.TYPE);
    return false;
  }

  /** What a request or an answer says once more, or differently. */
  #agree(bytes: Uint8Array, at: number): boolean {
    const refresh = readSecond(bytes, at);
    if (refresh === 0) {
      this.#fail(new ProtocolError(`${this.url}: the peer gives no time between signs of life`), REASON.NEGOTIATION);
      return false;
    }
    this.#maxSendSize = Math.min(readFirst(bytes, at), this.#link.maxMessageBytes);
    if (refresh * 1000 < this.#refreshMs) {
      this.#refreshMs = refresh * 1000;
      this.#cancelExpiry();
      this.#watchSilence();
    }
    return true;
  }

  #heard(): void {
    this.#heardAt = this.#clock.now();
    this.#doubts = 0;
  }

  #keep(message: Uint8Array): void {
    if (this.#inbox.length === 0) this.#link.hold(this);
    this.#inbox.push(message);
    this.#inboxBytes += message.length;
    while (this.#inbox.length > MAX_INBOX || this.#inboxBytes > MAX_INBOX_BYTES) {
      this.#inboxBytes -= this.#inbox.shift()!.length;
      this.droppedUnread++;
    }
  }

  #deliver(): void {
    const inbox = this.#inbox;
    let done = 0;
    while (!this.#isPaused && !this.#isOver && done < inbox.length) {
      const message = inbox[done++];
      this.#inboxBytes -= message.length;
      this.#events.message(message);
    }
    if (this.#isOver) return;
    inbox.splice(0, done);
    if (inbox.length === 0) this.#link.unhold(this);
  }

  /** Looks when the peer would be gone if nothing more came, and again if something has. */
  #watchSilence(): void {
    const limitMs = SILENT_INTERVALS * this.#refreshMs;
    this.#cancelExpiry = this.#clock.at(this.#heardAt + limitMs, (now) => {
      if (now < this.#heardAt + SILENT_INTERVALS * this.#refreshMs) return this.#watchSilence();
      const seconds = (SILENT_INTERVALS * this.#refreshMs) / 1000;
      this.#fail(new TimeoutError(`${this.url}: nothing was heard of the peer for ${seconds} s`), REASON.INACTIVE);
    });
  }

  #refreshLater(): void {
    this.#cancelRefresh = this.#clock.at(this.#clock.now() + this.#refreshMs, () => this.#ask());
  }

  /** Asks the listener to say that it is there. */
  #ask(): void {
    if (this.#doubts > SILENT_INTERVALS) {
      return this.#fail(new TimeoutError(`${this.url}: the peer is gone`), REASON.INACTIVE);
    }
    this.#post(OPCODE.CREQ, this.#maxReceiveSize, this.#refreshMs / 1000);
    if (this.#doubts === 0) return this.#refreshLater();
    this.#doubts++;
    this.#cancelRefresh = this.#clock.at(this.#clock.now() + RETRY_MS, () => this.#ask());
  }

  #post(opcode: number, first: number, second = 0): void {
    const { prefixBytes } = this.#link;
    const datagram = new Uint8Array(prefixBytes + HEADER_BYTES);
    writeHeader(
      datagram,
      prefixBytes,
      opcode,
      this.#greeting.protocol,
      Math.min(first, MAX_PARAMETER),
      Math.min(Math.ceil(second), MAX_PARAMETER),
    );
    this.#link.post(datagram);
  }

  #fail(error: SockeyeError, reason: number): void {
    if (this.#isOver) return;
    this.#disconnect(reason);
    this.#events.closed(error);
  }

  #disconnect(reason: number): void {
    if (this.#isOver) return;
    this.#post(OPCODE.DISC, reason);
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelExpiry();
    this.#cancelRefresh();
    this.#inbox = [];
    this.#link.unhold(this);
    this.#link.release(this);
  }
}
