/**
 * What users see of a connection.
 *
 * @module
 */

import type { SocketAddress } from "../ffi/sockaddr.ts";
import type { UnixCredentials } from "../ffi/ucred.ts";
import type { PipeStats } from "./protocol/engine.ts";

/** What has gone through a pipe, and waits there. */
export interface SpPipeStats extends PipeStats {
  /** The bytes of the messages handed to it: headers and bodies, without what the carrier adds. */
  sentBytes: number;
  /** The bytes of all messages that came by it, those included that were dropped. */
  receivedBytes: number;
  /** Bytes that were handed to it, and that the kernel has not taken yet, with what the carrier adds. */
  unsentBytes: number;
}

/** A connection to one peer. */
export interface SpPipe {
  /** A number from 1 to 0x7fffffff, of no other pipe of this socket. */
  readonly id: number;
  /** The peer, for people: `"tcp://127.0.0.1:40312"`. */
  readonly url: string;
  /** Whether a listener accepted it, or a dialer made it. */
  readonly role: "listener" | "dialer";
  /** Our end; `undefined` where it has no address. */
  readonly localAddress: SocketAddress | undefined;
  /** The peer's end; `undefined` where it has no address. */
  readonly remoteAddress: SocketAddress | undefined;
  /** The peer's process, on unix sockets. */
  readonly credentials: UnixCredentials | undefined;
  /**
   * The largest message, with the header of its pattern, that the peer and the carrier can take, in bytes; `Infinity` where
   * nothing bounds it.
   */
  readonly maxSendSize: number;
  /** True once it is closed. */
  readonly isClosed: boolean;
  /** What has gone through it. */
  stats(): SpPipeStats;
  /** Closes the connection. A dialer makes a new one. */
  close(): void;
}
