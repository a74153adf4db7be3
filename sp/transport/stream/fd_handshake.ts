/**
 * The first bytes of a connection on a descriptor: our greeting goes, the peer's comes, in a bounded time.
 *
 * @module
 */

import { type SockeyeError, TimeoutError } from "../../../common/errors.ts";
import {
  type Descriptor,
  getpeername,
  getsockname,
  getsockopt,
  Reactor,
  read,
  READABLE,
  SO_PEERCRED,
  type SocketAddress,
  SOL_SOCKET,
  type UnixCredentials,
  type Watch,
} from "../../../ffi/mod.ts";
import { sendSome } from "../../../ffi/stream_io.ts";
import { decodeUcred, UCRED_SIZE } from "../../../ffi/ucred.ts";
import { aboutPeer, checkGreeting, type Endpoint, goneBeforeGreeting, shownAddress } from "./carrier.ts";
import { FdConnection } from "./fd_connection.ts";
import { encodeGreeting, GREETING_BYTES } from "./frame_format.ts";
import { timers } from "../../socket/timers.ts";
import type { HandshakeEvents } from "../places.ts";
import { refusedPeer } from "../refusal.ts";

/** A handshake under way, which owns the descriptor. */
export class FdHandshake {
  readonly #descriptor: Descriptor;
  readonly #endpoint: Endpoint;
  readonly #events: HandshakeEvents;
  readonly #onGone: () => void;
  readonly #watch: Watch;
  readonly #cancelTimer: () => void;
  readonly #onReady = (): void => this.#readSome();
  readonly #received: Uint8Array<ArrayBuffer> = new Uint8Array(GREETING_BYTES);
  #length = 0;
  #isOver = false;

  /**
   * Greets.
   *
   * @param descriptor Non-blocking and connected; owned from now on.
   * @param endpoint What it is for.
   * @param events Told what becomes of it.
   * @param onGone Called when the connection that comes of it is gone.
   */
  constructor(descriptor: Descriptor, endpoint: Endpoint, events: HandshakeEvents, onGone: () => void) {
    const { greeting, options } = endpoint;
    this.#descriptor = descriptor;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#onGone = onGone;
    this.#watch = Reactor.current().watch(descriptor.fd, this.#onReady);
    this.#cancelTimer = timers.at(performance.now() + options.handshakeTimeout, () => this.#timedOut());
    try {
      // The buffer of a new connection is empty, so that eight bytes go at once.
      sendSome(descriptor.fd, encodeGreeting(greeting.protocol));
      this.#watch.want(READABLE);
    } catch (error) {
      Reactor.current().soon(() => this.#fail(error as SockeyeError));
    }
  }

  /** Gives up, and tells nobody. */
  cancel(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#descriptor.close();
  }

  #readSome(): void {
    let connection;
    try {
      if (!this.#isGreeted()) return;
      connection = this.#accept();
    } catch (error) {
      return this.#fail(error as SockeyeError);
    }
    this.#events.connected(connection);
  }

  #isGreeted(): boolean {
    // Not a byte more, so that what follows is the connection's.
    const length = read(this.#descriptor.fd, this.#received.subarray(this.#length));
    if (length === undefined) return false;
    if (length === 0) throw goneBeforeGreeting(this.#url());
    this.#length += length;
    return this.#length === GREETING_BYTES;
  }

  #accept(): FdConnection {
    const { carrier, greeting, options } = this.#endpoint;
    const { fd } = this.#descriptor;
    checkGreeting(this.#received, greeting, this.#url());
    const localAddress = shownAddress(getsockname(fd));
    const remoteAddress = shownAddress(getpeername(fd));
    const isUnix = localAddress?.family === "unix";
    const credentials = isUnix ? peerCredentials(fd) : undefined;
    const refusal = isUnix ? refusedPeer(this.#url(), credentials, options, "getsockopt") : undefined;
    if (refusal !== undefined) throw refusal;
    this.#leave();
    return new FdConnection(this.#descriptor, {
      format: carrier.format,
      maxReceiveSize: options.maxReceiveSize,
      localAddress,
      remoteAddress,
      credentials,
      url: this.#url(),
      onGone: this.#onGone,
    });
  }

  /** Who is at the other end, as far as it has an address. */
  #url(): string {
    const { carrier, address } = this.#endpoint;
    return carrier.urlOf(namedAddress(this.#descriptor.fd) ?? address);
  }

  #timedOut(): void {
    const { handshakeTimeout } = this.#endpoint.options;
    this.#fail(
      new TimeoutError(`${this.#url()}: the peer did not greet within ${handshakeTimeout} ms; see handshakeTimeout`),
    );
  }

  #fail(error: SockeyeError): void {
    if (this.#isOver) return;
    const url = this.#url();
    this.#leave();
    this.#descriptor.close();
    this.#events.failed(aboutPeer(error, url));
  }

  #leave(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#watch.close();
  }
}

/** The peer's address, where it has one; those who connect to a unix socket have none. */
function namedAddress(fd: number): SocketAddress | undefined {
  try {
    const address = shownAddress(getpeername(fd));
    return address !== undefined && "unnamed" in address ? undefined : address;
  } catch {
    // Gone already: then the address that we know has to do.
    return undefined;
  }
}

/** `SO_PEERCRED` of unix(7). */
function peerCredentials(fd: number): UnixCredentials | undefined {
  const bytes = new Uint8Array(UCRED_SIZE);
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, bytes);
  return decodeUcred(bytes);
}
