/**
 * A connection over an association of the kernel's SCTP, from its greeting on.
 *
 * @module
 */

import { MessageTooLargeError, ProtocolError, type SockeyeError, TimeoutError } from "../../../common/errors.ts";
import {
  type Descriptor,
  formatSocketAddress,
  getpeername,
  getsockname,
  getsockoptInt,
  Reactor,
  READABLE,
  SO_SNDBUF,
  type SocketAddress,
  SOL_SOCKET,
  type Watch,
  WRITABLE,
} from "../../../ffi/mod.ts";
import type { SctpEvent } from "../../../sctp/driver.ts";
import { lostError } from "../../../sctp/ending.ts";
import { KernelSocketDriver, type KernelSocketSettings } from "../../../sctp/kernel/socket_driver.ts";
import { timers } from "../../socket/timers.ts";
import { checkGreeting, goneBeforeGreeting } from "../stream/carrier.ts";
import { encodeGreeting, GREETING_BYTES } from "../stream/frame_format.ts";
import { joined } from "../stream/send_arena.ts";
import type { Connection, ConnectionEvents, Greeting, TransportOptions } from "../transport.ts";
import type { HandshakeEvents } from "../places.ts";
import { messageOf, payloadOf, PPID_MESSAGE, ppidOf } from "./payload.ts";
import { hasConversations, streamOf } from "./streams.ts";

/** Events in a row, so that one busy connection starves no other. */
const BUDGET = 64;
/** Reads in a row that bring nothing but pieces of messages. */
const READS = 1;
/** What may overtake a greeting on other streams: messages, and the bytes behind which there is one more at most. */
const MOST_EARLY = 64;
const MOST_EARLY_BYTES = 1 << 20;

const IGNORED: ConnectionEvents = { message() {}, writable() {}, closed() {} };

/** One end of an association. */
export class SctpLink implements Connection {
  readonly localAddress: SocketAddress | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  readonly credentials = undefined;
  readonly url: string;
  /** What was taken the kernel has. */
  readonly unsentBytes = 0;
  /** The send buffer: the kernel takes no message that exceeds it. */
  readonly maxSendSize: number;
  /** Larger than that. */
  dropped = 0;
  readonly #driver: KernelSocketDriver;
  /** Beside the driver's own, which nobody waits on. */
  readonly #watch: Watch;
  readonly #reactor = Reactor.current();
  readonly #onReady = (): void => this.#ready();
  readonly #onTurn = (): void => this.#takeTurn();
  readonly #greeting: Greeting;
  readonly #maxReceiveSize: number;
  readonly #handshake: HandshakeEvents;
  readonly #onGone: () => void;
  readonly #cancelTimer: () => void;
  readonly #streams: number;
  #events: ConnectionEvents = IGNORED;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #isGreeted = false;
  #isPaused = false;
  #isRefused = false;
  #isListed = false;
  #isOver = false;
  #error: SockeyeError | undefined;

  /**
   * Greets.
   *
   * @param descriptor Connected; owned from now on.
   * @param handshake Told what becomes of the handshake.
   * @param onGone Called when the connection that came of it is gone, for whatever reason.
   */
  constructor(
    descriptor: Descriptor,
    settings: KernelSocketSettings,
    greeting: Greeting,
    options: TransportOptions,
    handshake: HandshakeEvents,
    onGone: () => void,
  ) {
    const { fd } = descriptor;
    this.#greeting = greeting;
    this.#maxReceiveSize = options.maxReceiveSize || Infinity;
    this.#handshake = handshake;
    this.#onGone = onGone;
    this.maxSendSize = getsockoptInt(fd, SOL_SOCKET, SO_SNDBUF);
    this.localAddress = getsockname(fd);
    this.remoteAddress = getpeername(fd);
    this.url = this.remoteAddress === undefined ? "sctp://?" : `sctp://${formatSocketAddress(this.remoteAddress)}`;
    this.#driver = new KernelSocketDriver(descriptor, "one-to-one", settings);
    this.#watch = this.#reactor.watch(fd, this.#onReady);
    this.#cancelTimer = timers.at(performance.now() + options.handshakeTimeout, () => {
      this.#fail(
        new TimeoutError(`${this.url}: no greeting within ${options.handshakeTimeout} ms; see handshakeTimeout`),
      );
    });
    let streams = 1;
    try {
      if (hasConversations(greeting.protocol)) streams = this.#driver.getOption("status", 0).outboundStreams;
      this.#driver.trySend(encodeGreeting(greeting.protocol), { streamId: 0, ppid: PPID_MESSAGE });
    } catch (error) {
      this.#failLater(error as SockeyeError);
    }
    this.#streams = streams;
    this.#updateInterest();
  }

  start(events: ConnectionEvents): void {
    this.#events = events;
    this.resume();
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    if (this.#isOver || this.#error !== undefined) return false;
    const bytes = header.length === 0 ? body : joined(header, body);
    try {
      const streamId = streamOf(header, bytes.length, this.#streams);
      if (this.#driver.trySend(payloadOf(bytes), { streamId, ppid: ppidOf(bytes.length) })) return true;
    } catch (error) {
      if (error instanceof MessageTooLargeError) {
        this.dropped++;
        return true;
      }
      this.#failLater(error as SockeyeError);
      return false;
    }
    this.#isRefused = true;
    this.#updateInterest();
    return false;
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isOver) this.#updateInterest();
  }

  resume(): void {
    if (this.#isOver) return;
    this.#isPaused = false;
    this.#list();
    this.#updateInterest();
  }

  reclaim(): Uint8Array[] {
    return [];
  }

  close(): void {
    this.#end();
  }

  /** Gives the handshake up, and tells nobody. */
  cancel(): void {
    if (!this.#isGreeted) this.#end();
  }

  #updateInterest(): void {
    this.#watch.want((this.#isPaused ? 0 : READABLE) | (this.#isRefused ? WRITABLE : 0));
  }

  #ready(): void {
    if (this.#isRefused) {
      this.#isRefused = false;
      this.#events.writable();
    }
    if (!this.#isOver) this.#receive();
    if (!this.#isOver) this.#updateInterest();
  }

  #takeTurn(): void {
    this.#isListed = false;
    if (this.#isOver) return;
    if (this.#error !== undefined) return this.#fail(this.#error);
    this.#receive();
    if (!this.#isOver) this.#updateInterest();
  }

  #list(): void {
    if (this.#isListed) return;
    this.#isListed = true;
    this.#reactor.soon(this.#onTurn);
  }

  #receive(): void {
    try {
      while (this.#early.length > 0 && this.#isGreeted && !this.#isPaused && !this.#isOver) {
        this.#events.message(this.#early.shift()!);
      }
      for (let budget = BUDGET; !this.#isPaused && !this.#isOver; budget--) {
        // What one read brought and nobody has taken is not told by the reactor again.
        if (budget === 0) return this.#list();
        const event = this.#driver.tryReceive(READS);
        if (event === undefined) return;
        this.#take(event);
      }
    } catch (error) {
      this.#fail(error as SockeyeError);
    }
  }

  #take(event: SctpEvent): void {
    switch (event.type) {
      case "message":
        return this.#takeMessage(event.ppid, event.streamId, event.data);
      case "message-too-large":
        return this.#fail(event.error);
      case "association":
        if (event.state === "shutdown-complete") return this.#fail(undefined);
        if (event.state === "comm-lost") {
          return this.#fail(
            lostError(event, { syscall: "recvmsg", peer: this.url, errno: this.#driver.takeSocketError() }),
          );
        }
    }
  }

  #takeMessage(ppid: number, streamId: number, data: Uint8Array): void {
    const bytes = messageOf(ppid, data);
    if (bytes === undefined) {
      throw new ProtocolError(
        `${this.url}: the peer sent ${data.length} bytes with the payload protocol identifier ${ppid}: ` +
          "it speaks something else; check the address",
      );
    }
    if (this.#isGreeted) {
      if (bytes.length <= this.#maxReceiveSize) return this.#events.message(bytes);
      throw new MessageTooLargeError(
        `${this.url}: the peer sent a message of ${bytes.length} bytes, and maxReceiveSize is ${this.#maxReceiveSize}; ` +
          "raise it, or set it to 0",
      );
    }
    if (streamId !== 0) return this.#keepEarly(bytes);
    if (bytes.length !== GREETING_BYTES) {
      throw new ProtocolError(`${this.url}: the peer does not greet, but sends something else`);
    }
    checkGreeting(bytes, this.#greeting, this.url);
    this.#isGreeted = true;
    this.#cancelTimer();
    this.#isPaused = true;
    this.#handshake.connected(this);
  }

  #keepEarly(bytes: Uint8Array): void {
    const isFull = this.#early.length === MOST_EARLY || this.#earlyBytes > MOST_EARLY_BYTES;
    if (isFull || bytes.length > this.#maxReceiveSize) {
      throw new ProtocolError(`${this.url}: the peer sends messages, and does not greet`);
    }
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
  }

  #failLater(error: SockeyeError): void {
    this.#error ??= error;
    this.#list();
  }

  #fail(error: SockeyeError | undefined): void {
    if (this.#isOver) return;
    const events = this.#events;
    this.#end();
    if (this.#isGreeted) events.closed(error);
    else this.#handshake.failed(error ?? goneBeforeGreeting(this.url));
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#early = [];
    this.#watch.close();
    this.#driver.close();
    if (this.#isGreeted) this.#onGone();
  }
}
