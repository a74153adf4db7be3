/**
 * What a socket wants of a transport: connections that carry whole messages, and nothing of patterns.
 *
 * Everything is told by callbacks and nothing by promises, so that calls that block the thread can drive a transport from
 * the reactor. What a call brings about is told in a later step, never from within it.
 *
 * @module
 */

import type { SockeyeError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import type { SocketAddress } from "../../ffi/sockaddr.ts";
import type { UnixCredentials } from "../../ffi/ucred.ts";
import type { SpUrl } from "./url.ts";

/** Who greets, and whom: the numbers and names of two patterns that belong together. */
export interface Greeting {
  /** The number of our pattern. */
  readonly protocol: number;
  /** The number that the peer must have. */
  readonly peer: number;
  /** The name of our pattern. */
  readonly name: string;
  /** The name of the peer's pattern. */
  readonly peerName: string;
}

/** What can be set for a listener or a dialer. What a transport does not know it ignores. */
export interface TransportOptions {
  /** The largest message that is received, in bytes; 0 for no limit. Larger ones close their connection. */
  readonly maxReceiveSize: number;
  /** How long a peer may take to greet, in milliseconds. */
  readonly handshakeTimeout: number;
  /** The most connections of one listener, those that have not greeted yet included. */
  readonly maxPipes: number;
  /** Whether TCP sends small segments at once: `TCP_NODELAY` of tcp(7). */
  readonly noDelay: boolean;
  /** Whether TCP probes connections that are idle: `SO_KEEPALIVE` of socket(7). */
  readonly keepAlive: boolean;
  /** The permissions of the socket file, for instance 0o600; ipc and unixgram only. */
  readonly mode?: number;
  /** Decides which processes may connect, by their credentials; ipc and unixgram only. */
  readonly allowPeer?: (credentials: UnixCredentials) => boolean;
}

/** What a connection tells. */
export interface ConnectionEvents {
  /** A whole message has come; its bytes belong to whoever is told. */
  message(bytes: Uint8Array): void;
  /** After a refused `send` there is room again. */
  writable(): void;
  /** The connection is gone, with the reason unless the peer just closed it. Nothing is told afterwards. */
  closed(error: SockeyeError | undefined): void;
}

/** A connection after its handshake. It delivers nothing before it is started. */
export interface Connection {
  /** Our end; `undefined` where it has no address. */
  readonly localAddress: SocketAddress | undefined;
  /** The peer's end; `undefined` where it has no address. */
  readonly remoteAddress: SocketAddress | undefined;
  /** The peer's process, on unix sockets. */
  readonly credentials: UnixCredentials | undefined;
  /** The peer, for people: `"tcp://127.0.0.1:40312"`. */
  readonly url: string;
  /** Messages that were taken and of which the kernel has not everything, in bytes: what `close` would lose. */
  readonly unsentBytes: number;
  /**
   * The largest message, header and body, that the peer and the carrier can take, in bytes; `Infinity` where nothing bounds
   * it. It changes when the peer says so.
   */
  readonly maxSendSize: number;
  /** Messages that were taken and given up all the same, while the connection went on: too large, or no memory for them. */
  readonly dropped: number;
  /** Begins to deliver; called once. */
  start(events: ConnectionEvents): void;
  /** As `send` of {@linkcode Pipe}: false when there is no room, and `writable` follows. */
  send(header: Uint8Array, body: Uint8Array): boolean;
  /** Delivers nothing until `resume`. */
  pause(): void;
  /** Delivers again, in a later step. */
  resume(): void;
  /** As `reclaim` of {@linkcode Pipe}. */
  reclaim(): Uint8Array[];
  /** Closes at once, and tells nobody. */
  close(): void;
}

/** What a listener tells. */
export interface ListeningEvents {
  /** A peer has connected and greeted. */
  accepted(connection: Connection): void;
  /** A handshake or an accept(2) went wrong; the listener goes on. */
  failed(error: SockeyeError): void;
}

/** A listener at work. */
export interface Listening {
  /** Where it listens, with what was left to the system filled in: port and address. */
  readonly url: string;
  /**
   * Resolves when it listens, and `url` is final; rejects as `listen` throws. Left out where it listens already, as it does
   * with sockets of ours; those of the runtime take their time.
   */
  readonly ready?: Promise<void>;
  /** Ends it; connections that were accepted go on. */
  close(): void;
}

/** What an attempt to connect tells: exactly one of these, once. */
export interface DialEvents {
  /** The peer has greeted. */
  connected(connection: Connection): void;
  /** It went wrong. */
  failed(error: SockeyeError): void;
}

/** An attempt to connect. */
export interface Dialing {
  /** Gives it up; nothing is told afterwards. */
  cancel(): void;
}

/** Carries messages in one way or another. */
export interface Transport {
  /** The schemes of its URLs. */
  readonly schemes: readonly string[];
  /**
   * Refuses a URL that can't be, before anything happens.
   *
   * @throws {AddressError} Saying what is wrong with it, and what it should look like.
   */
  check(url: SpUrl, role: "listen" | "dial"): void;
  /**
   * Replaces a host name by an address, by the runtime's resolver. Where there is none to replace the URL is given back.
   *
   * @throws {AddressError} When there is no such host.
   */
  resolve?(url: SpUrl, options: WaitOptions): Promise<SpUrl>;
  /**
   * Listens. Names have been resolved.
   *
   * @throws {SystemError} As in bind(2) and listen(2).
   * @throws {UnsupportedError} Where the platform has no such sockets.
   */
  listen(url: SpUrl, greeting: Greeting, options: TransportOptions, events: ListeningEvents): Listening;
  /** Tries to connect, once. Names have been resolved. */
  dial(url: SpUrl, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing;
}
