/**
 * A connection on a descriptor of ours: read(2), sendmsg(2), and the reactor to say when.
 *
 * @module
 */

import type { SockeyeError } from "../../../common/errors.ts";
import { type Descriptor, IoVector, libc, Reactor, read, READABLE, type Watch, WRITABLE } from "../../../ffi/mod.ts";
import { sendSome, sendVector } from "../../../ffi/stream_io.ts";
import { aboutPeer } from "./carrier.ts";
import { StreamConnection, type StreamConnectionDetails } from "./stream_connection.ts";
import { Turns } from "./turn.ts";

/** Reads in a row, so that one busy connection starves no other. */
const READ_BUDGET = 4;

let turns: Turns | undefined;
let vector: IoVector | undefined;

function turnsOfReactor(): Turns {
  const reactor = Reactor.current();
  return turns ??= new Turns((step) => reactor.soon(step));
}

/** A connection that owns a descriptor. */
export class FdConnection extends StreamConnection {
  readonly #descriptor: Descriptor;
  readonly #watch: Watch;
  readonly #fd: number;
  /** Held here because the reactor holds it weakly. */
  readonly #onReady = (events: number): void => this.#ready(events);

  /** @param descriptor Non-blocking, connected, behind the greeting of the peer; owned from now on. */
  constructor(descriptor: Descriptor, details: StreamConnectionDetails) {
    super(details, turnsOfReactor());
    this.#descriptor = descriptor;
    this.#fd = descriptor.fd;
    this.#watch = Reactor.current().watch(this.#fd, this.#onReady);
  }

  protected write(): void {
    const { writer } = this;
    try {
      while (!writer.isEmpty) {
        const written = this.#writeSome();
        if (written === undefined) {
          this.isBlocked = true;
          this.updateInterest();
          return;
        }
        writer.advance(written);
      }
    } catch (error) {
      this.writeFailed(aboutPeer(error as SockeyeError, this.url));
    }
  }

  protected updateInterest(): void {
    this.#watch.want((this.isReading ? READABLE : 0) | (this.isBlocked ? WRITABLE : 0));
  }

  protected read(): boolean {
    for (let budget = READ_BUDGET; budget > 0; budget--) {
      const space = this.reader.space();
      const length = this.#readInto(space);
      if (length === undefined) return false;
      if (length === 0) {
        this.endOfStream();
        return false;
      }
      this.reader.commit(length);
      this.deliver();
      if (this.isOver || !this.isReading || length < space.length) return false;
    }
    return true;
  }

  protected release(): void {
    try {
      this.#watch.close();
    } finally {
      this.#descriptor.close();
    }
  }

  #readInto(space: Uint8Array): number | undefined {
    try {
      return read(this.#fd, space);
    } catch (error) {
      this.fail(aboutPeer(error as SockeyeError, this.url));
      return undefined;
    }
  }

  #writeSome(): number | undefined {
    const { gathered, large } = this.writer;
    if (large === undefined) return sendSome(this.#fd, gathered);
    if (gathered.length === 0) return sendSome(this.#fd, large);
    vector ??= new IoVector(2, (buffer) => libc().runtime.addressOf(buffer));
    vector.push(gathered);
    vector.push(large);
    try {
      return sendVector(this.#fd, vector);
    } finally {
      vector.reset();
    }
  }

  #ready(events: number): void {
    if ((events & ~READABLE) !== 0 && this.isBlocked) this.writeOn();
    if ((events & ~WRITABLE) !== 0 && !this.isOver && this.isReading) this.read();
    if (!this.isOver) this.updateInterest();
  }
}
