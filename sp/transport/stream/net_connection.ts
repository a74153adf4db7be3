/**
 * A connection on a socket of the runtime, node:net, for where libc can't be reached.
 *
 * @module
 */

import type { Socket } from "node:net";
import { setImmediate } from "node:timers";
import { netError } from "./net_errors.ts";
import { StreamConnection, type StreamConnectionDetails } from "./stream_connection.ts";
import { Turns } from "./turn.ts";

const turns = new Turns((step) => void setImmediate(step));
const NOTHING = new Uint8Array(0);

/** A connection that owns a socket of the runtime. */
export class NetConnection extends StreamConnection {
  readonly #socket: Socket;
  /** What the socket brought, and nobody wanted yet. */
  #unread: Uint8Array;
  #hasEnded = false;

  /**
   * @param socket Connected, behind the greeting of the peer, and paused; owned from now on.
   * @param unread What came behind the greeting.
   */
  constructor(socket: Socket, unread: Uint8Array, details: StreamConnectionDetails) {
    super(details, turns);
    this.#socket = socket;
    this.#unread = unread;
    socket.on("data", (chunk: Uint8Array) => {
      this.#unread = this.#unread.length === 0 ? chunk : joined(this.#unread, chunk);
      this.read();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      this.read();
    });
    socket.on("drain", () => {
      if (!this.isOver) this.writeOn();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => this.fail(netError(error, this.url)));
    socket.on("close", () => this.fail(undefined));
  }

  override get unsentBytes(): number {
    return super.unsentBytes + (this.isOver ? 0 : this.#socket.writableLength);
  }

  protected override get hasUnread(): boolean {
    return super.hasUnread || this.#unread.length > 0 || this.#hasEnded;
  }

  protected write(): void {
    for (const piece of this.writer.release()) {
      if (!this.#socket.write(piece)) this.isBlocked = true;
    }
  }

  protected updateInterest(): void {
    if (this.isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  protected read(): boolean {
    while (this.#unread.length > 0) {
      if (this.isOver || !this.isReading) return false;
      const space = this.reader.space();
      const part = this.#unread.subarray(0, space.length);
      space.set(part);
      this.#unread = part.length === this.#unread.length ? NOTHING : this.#unread.subarray(part.length);
      this.reader.commit(part.length);
      this.deliver();
    }
    if (this.#hasEnded && this.isReading && !this.isOver) this.endOfStream();
    return false;
  }

  protected release(): void {
    this.#unread = NOTHING;
    this.#socket.destroy();
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
