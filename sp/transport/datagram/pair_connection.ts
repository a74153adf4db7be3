/**
 * A connection over one end of a pair of unix sockets: send(2), recv(2), and the reactor to say when.
 *
 * A message goes out at once, unless one has gone in this turn of the event loop already: those that follow in the same turn
 * leave together. Whoever handed the descriptor over may still have it, and could change its file status flags; so every call
 * says by itself that it must not wait.
 *
 * @module
 */

import { ProtocolError, type SockeyeError } from "../../../common/errors.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_TRUNC } from "../../../ffi/constants.ts";
import type { Descriptor } from "../../../ffi/descriptor.ts";
import { ERRNO, systemError } from "../../../ffi/errno.ts";
import { isUncertain, lastErrno, libc } from "../../../ffi/libc.ts";
import { Reactor, READABLE, type Watch, WRITABLE } from "../../../ffi/reactor.ts";
import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import type { UnixCredentials } from "../../../ffi/ucred.ts";
import type { Connection, ConnectionEvents } from "../transport.ts";
import { MAX_WIDE } from "./header.ts";
import { Packer } from "./packer.ts";
import { Unpacker } from "./unpacker.ts";

/** Datagrams received in a row, so that one busy connection starves no other. */
const RECEIVE_BUDGET = 8;
/** Datagrams of a peer that nothing can be sent to: more than fit a socket's buffer, so that none is left behind. */
const LAST_RECEIVE_BUDGET = 16384;

const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
const RECEIVE_FLAGS = MSG_DONTWAIT | MSG_TRUNC;

const IGNORED: ConnectionEvents = { message() {}, writable() {}, closed() {} };

/** What is known of a connection when its handshake is over. */
export interface PairConnectionDetails {
  /** Our protocol number. */
  readonly protocol: number;
  /** The peer's. */
  readonly peer: number;
  /** The longest message that may come, in bytes; 0 for no limit. */
  readonly maxReceiveSize: number;
  /** The longest message that the peer accepts, in bytes; 0 for no limit. */
  readonly maxSendSize: number;
  readonly localAddress: SocketAddress | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  readonly credentials: UnixCredentials | undefined;
  /** The peer, for people. */
  readonly url: string;
  /** Called once, when the connection is gone, for whatever reason. */
  readonly onGone: () => void;
}

/** One end of a pair of sockets whose handshake is over. */
export class PairConnection implements Connection {
  readonly localAddress: SocketAddress | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  readonly credentials: UnixCredentials | undefined;
  readonly url: string;
  readonly maxSendSize: number;
  /** Larger than the peer accepts. */
  dropped = 0;
  readonly #descriptor: Descriptor;
  readonly #fd: number;
  readonly #symbols = libc().symbols;
  readonly #reactor = Reactor.current();
  readonly #watch: Watch;
  /** Held here because the reactor holds it weakly. */
  readonly #onReady = (events: number): void => this.#ready(events);
  readonly #onTurn = (): void => this.#takeTurn();
  readonly #onGone: () => void;
  readonly #packer: Packer;
  readonly #unpacker: Unpacker;
  #events: ConnectionEvents = IGNORED;
  #isPaused = true;
  #isOver = false;
  /** The kernel takes nothing until it says so. */
  #isBlocked = false;
  /** A message was refused, and somebody wants to know when there is room. */
  #isRefused = false;
  /** Messages are gathered until the turn is over. */
  #isGathering = false;
  /** A turn has been asked for. */
  #isListed = false;
  /** Why nothing can be sent any more, or nothing comes. */
  #error: SockeyeError | undefined;

  /** @param descriptor Behind the handshake; owned from now on. */
  constructor(descriptor: Descriptor, details: PairConnectionDetails) {
    this.localAddress = details.localAddress;
    this.remoteAddress = details.remoteAddress;
    this.credentials = details.credentials;
    this.url = details.url;
    this.maxSendSize = details.maxSendSize === 0 ? MAX_WIDE : details.maxSendSize;
    this.#onGone = details.onGone;
    this.#packer = new Packer(details.protocol);
    this.#unpacker = new Unpacker(details.peer, details.maxReceiveSize);
    this.#descriptor = descriptor;
    this.#fd = descriptor.fd;
    this.#watch = this.#reactor.watch(this.#fd, this.#onReady);
  }

  get unsentBytes(): number {
    return this.#packer.unsentBytes;
  }

  start(events: ConnectionEvents): void {
    this.#events = events;
    this.resume();
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    if (this.#isOver || this.#error !== undefined) return false;
    if (header.length + body.length > this.maxSendSize) {
      this.dropped++;
      return true;
    }
    if (!this.#packer.put(header, body) && !this.#putAfterSending(header, body)) return false;
    if (this.#isBlocked) return true;
    if (!this.#isGathering || this.#packer.isFull) this.#flush();
    if (!this.#isGathering) {
      this.#isGathering = true;
      this.#list();
    }
    return true;
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (!this.#isOver) this.#updateInterest();
  }

  resume(): void {
    if (!this.#isPaused || this.#isOver) return;
    this.#isPaused = false;
    if (this.#unpacker.hasFrames) this.#list();
    this.#updateInterest();
  }

  reclaim(): Uint8Array[] {
    return this.#packer.reclaim();
  }

  close(): void {
    this.#end();
  }

  #putAfterSending(header: Uint8Array, body: Uint8Array): boolean {
    if (!this.#isBlocked) this.#flush();
    if (!this.#isBlocked && this.#error === undefined && this.#packer.put(header, body)) return true;
    this.#isRefused = true;
    return false;
  }

  /** Hands over what there is, as far as the kernel takes it. Nobody is told of anything. */
  #flush(): void {
    const packer = this.#packer;
    let isSecond = false;
    while (!packer.isEmpty) {
      let datagram;
      try {
        datagram = packer.datagram;
      } catch (error) {
        this.#error = error as SockeyeError;
        this.#list();
        return;
      }
      if (this.#symbols.send(this.#fd, datagram, datagram.length, SEND_FLAGS) !== -1) {
        packer.advance();
        continue;
      }
      const errno = lastErrno();
      if (errno === ERRNO.EINTR) continue;
      // ENOBUFS: the kernel finds no memory just now; what is on its way makes room like what fills the buffer.
      if (errno === ERRNO.EAGAIN || errno === ERRNO.ENOBUFS) {
        this.#isBlocked = true;
        this.#updateInterest();
        return;
      }
      if (!isSecond && isUncertain(errno)) {
        isSecond = true;
        continue;
      }
      this.#error = systemError(errno, "send", this.url);
      this.#list();
      return;
    }
  }

  #updateInterest(): void {
    this.#watch.want((this.#isPaused ? 0 : READABLE) | (this.#isBlocked ? WRITABLE : 0));
  }

  #ready(events: number): void {
    if ((events & ~READABLE) !== 0 && this.#isBlocked) this.#sendOn();
    if ((events & ~WRITABLE) !== 0 && !this.#isOver && !this.#isPaused) this.#receive(RECEIVE_BUDGET);
    if (!this.#isOver) this.#updateInterest();
  }

  #sendOn(): void {
    this.#isBlocked = false;
    this.#flush();
    if (this.#isBlocked || this.#error !== undefined || !this.#isRefused) return;
    this.#isRefused = false;
    this.#events.writable();
  }

  /** Receives what is there and delivers it, as long as somebody wants it. */
  #receive(budget: number): void {
    let isSecond = false;
    for (this.#deliver(); budget > 0 && !this.#isPaused && !this.#isOver; budget--) {
      const space = this.#unpacker.space();
      const length = this.#symbols.recv(this.#fd, space, space.length, RECEIVE_FLAGS);
      if (length > space.length) {
        return this.#fail(
          new ProtocolError(`${this.url}: the peer sent ${length} bytes where ${space.length} were due`),
        );
      }
      if (length > 0) {
        this.#unpacker.commit(length);
        this.#deliver();
        continue;
      }
      if (length === 0) return this.#endOfMessages();
      const errno = lastErrno();
      if (errno === ERRNO.EINTR) continue;
      if (errno === ERRNO.EAGAIN) return;
      if (!isSecond && isUncertain(errno)) {
        isSecond = true;
        continue;
      }
      // The peer went and left messages of ours unread. Those that it sent before are still there.
      this.#error ??= systemError(errno, "recv", this.url);
      if (errno !== ERRNO.ECONNRESET) return this.#fail(this.#error);
    }
  }

  #deliver(): void {
    const unpacker = this.#unpacker;
    while (!this.#isPaused && !this.#isOver) {
      let message;
      try {
        message = unpacker.next();
      } catch (error) {
        return this.#fail(error as SockeyeError);
      }
      if (message === undefined) return;
      this.#events.message(message);
    }
  }

  #endOfMessages(): void {
    this.#fail(
      this.#unpacker.isMidMessage
        ? new ProtocolError(`${this.url}: the peer went in mid-message`, { cause: this.#error })
        : this.#error,
    );
  }

  #takeTurn(): void {
    this.#isListed = false;
    if (this.#isOver) return;
    // Nothing can be sent any more: what the peer sent before it went is still received.
    if (this.#error !== undefined) {
      if (!this.#isPaused) this.#receive(LAST_RECEIVE_BUDGET);
      return this.#fail(this.#error);
    }
    if (!this.#isPaused) this.#deliver();
    if (this.#isOver || !this.#isGathering) return;
    if (this.#isBlocked || this.#packer.isEmpty) {
      this.#isGathering = false;
      return;
    }
    this.#flush();
    this.#list();
  }

  #list(): void {
    if (this.#isListed) return;
    this.#isListed = true;
    this.#reactor.soon(this.#onTurn);
  }

  /** The connection is gone, and whoever uses it is told. */
  #fail(error: SockeyeError | undefined): void {
    if (this.#isOver) return;
    this.#end();
    this.#events.closed(error);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unpacker.clear();
    try {
      this.#watch.close();
      this.#descriptor.close();
    } finally {
      this.#onGone();
    }
  }
}
