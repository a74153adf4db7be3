/**
 * One connection of a socket: what its pattern sends through, and what users see of it, in one.
 *
 * @module
 */

import type { SockeyeError } from "../../common/errors.ts";
import { isDetached } from "../../ffi/lent_memory.ts";
import type { SocketAddress } from "../../ffi/sockaddr.ts";
import type { UnixCredentials } from "../../ffi/ucred.ts";
import type { SpPipe, SpPipeStats } from "../pipe.ts";
import { noDrops, type PipeStats } from "../protocol/engine.ts";
import type { Pipe } from "../protocol/pipe.ts";
import type { Connection } from "../transport/transport.ts";

/** Who has pipes. */
export interface PipeOwner {
  /** The pipe was closed from this end, by the user or for a reason; told once. */
  pipeClosed(pipe: SocketPipe, reason: SockeyeError | undefined): void;
  /** What the pattern counted. */
  pipeStats(pipe: SocketPipe): PipeStats | undefined;
}

/** How Node, Bun and Deno ask for what to show. */
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** A pipe of a socket, from all sides. */
export class SocketPipe implements Pipe, SpPipe {
  readonly id: number;
  readonly role: "listener" | "dialer";
  state: unknown = undefined;
  /** True once it is closed, from whichever end. */
  isClosed = false;
  /** See {@linkcode SpPipeStats}. */
  sentBytes = 0;
  /** See {@linkcode SpPipeStats}. */
  receivedBytes = 0;
  /** The connection; the socket's business. */
  readonly connection: Connection;
  readonly #owner: PipeOwner;
  #withdrawn = 0;
  /** What the pattern had counted when it was about to forget the pipe. */
  #counted: PipeStats = { sent: 0, received: 0, unsent: 0, unread: 0, dropped: noDrops() };

  constructor(id: number, role: "listener" | "dialer", connection: Connection, owner: PipeOwner) {
    this.id = id;
    this.role = role;
    this.connection = connection;
    this.#owner = owner;
  }

  get url(): string {
    return this.connection.url;
  }

  get localAddress(): SocketAddress | undefined {
    return this.connection.localAddress;
  }

  get remoteAddress(): SocketAddress | undefined {
    return this.connection.remoteAddress;
  }

  get credentials(): UnixCredentials | undefined {
    return this.connection.credentials;
  }

  get maxSendSize(): number {
    return this.connection.maxSendSize;
  }

  /** Messages that it took, and that came to nothing: see `carrier` of the counters. */
  get givenUp(): number {
    return this.connection.dropped + this.#withdrawn;
  }

  stats(): SpPipeStats {
    const { sentBytes, receivedBytes, connection } = this;
    const { dropped, ...counted } = this.#owner.pipeStats(this) ?? this.#counted;
    const unsentBytes = this.isClosed ? 0 : connection.unsentBytes;
    return {
      ...counted,
      sentBytes,
      receivedBytes,
      unsentBytes,
      dropped: { ...dropped, carrier: this.givenUp },
    };
  }

  /** The pattern is about to forget it: what it has counted is kept, and what it drops with it is still counted there. */
  keepCounts(): void {
    this.#counted = { ...(this.#owner.pipeStats(this) ?? this.#counted), unsent: 0, unread: 0 };
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    // A body that was transferred while it waited has no bytes any more: the peer would take it for an empty message.
    if (body.length === 0 && isDetached(body)) {
      this.#withdrawn++;
      return true;
    }
    if (!this.connection.send(header, body)) return false;
    this.sentBytes += header.length + body.length;
    return true;
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  reclaim(): Uint8Array[] {
    return this.connection.reclaim();
  }

  close(reason?: SockeyeError): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection.close();
    this.#owner.pipeClosed(this, reason);
  }

  /** What is shown of it where somebody prints it. */
  toJSON(): unknown {
    const { id, url, role, isClosed } = this;
    return { id, url, role, isClosed, ...this.stats() };
  }

  /** What consoles show of it, in an error for instance. */
  [INSPECT](): unknown {
    const { id, url, role, isClosed } = this;
    return { id, url, role, isClosed };
  }
}
