/**
 * One attempt to connect with a socket of its own, and the connection that comes of it: UDP, or IP with channels.
 *
 * @module
 */

import { ProtocolError, type SockeyeError, TimeoutError } from "../../../common/errors.ts";
import { Reactor } from "../../../ffi/reactor.ts";
import type { DialEvents, Dialing, Greeting, TransportOptions } from "../transport.ts";
import { disconnected, wrongPattern } from "../refusal.ts";
import { type Carriage, isolateClock, type Peer } from "./carriage.ts";
import { announcedSize, DatagramConnection, REFRESH_SECONDS, RETRY_MS } from "./datagram_connection.ts";
import { type DatagramEvents, DatagramIo } from "./datagram_io.ts";
import { isHeader, OPCODE, readFirst, readOpcode, readProtocol, readSecond, REASON } from "./header.ts";
import { offerHeader, PeerLink } from "./peer_link.ts";

function ignore(): void {}

/** An attempt under way, and later the socket of its connection. */
export class DatagramDialing implements Dialing, DatagramEvents {
  readonly #greeting: Greeting;
  readonly #options: TransportOptions;
  readonly #events: DialEvents;
  #carriage: Carriage | undefined;
  #peer!: Peer;
  #io: DatagramIo | undefined;
  #connection: DatagramConnection | undefined;
  #cancelRetry: () => void = ignore;
  #deadline = 0;
  #isOver = false;

  /**
   * Begins; what becomes of it is told in a later step.
   *
   * @param open Opens a connected socket, and says where it leads; what it throws is told.
   */
  constructor(
    open: () => { carriage: Carriage; peer: Peer },
    greeting: Greeting,
    options: TransportOptions,
    events: DialEvents,
  ) {
    this.#greeting = greeting;
    this.#options = options;
    this.#events = events;
    this.#deadline = performance.now() + options.handshakeTimeout;
    try {
      const { carriage, peer } = open();
      this.#carriage = carriage;
      this.#peer = peer;
      this.#io = new DatagramIo(carriage.descriptor, this, carriage.isUdp);
      this.#ask();
    } catch (error) {
      Reactor.current().soon(() => this.#fail(error as SockeyeError));
    }
  }

  cancel(): void {
    if (this.#isOver || this.#connection !== undefined) return;
    // It may have accepted already.
    this.#say(OPCODE.DISC, REASON.CLOSED);
    this.#release();
  }

  received(bytes: Uint8Array): void {
    const at = this.#carriage!.headerOffset(bytes);
    if (at === -1 || !isHeader(bytes, at)) return;
    if (this.#connection !== undefined) this.#connection.receive(bytes, at);
    else this.#receiveAnswer(bytes, at);
  }

  writable(): void {
    this.#connection?.becameWritable();
  }

  failed(error: SockeyeError): void {
    if (this.#connection !== undefined) this.#connection.doubt();
    else this.#fail(error);
  }

  #ask(): void {
    const now = performance.now();
    if (now >= this.#deadline) return this.#timedOut();
    this.#say(OPCODE.CREQ, announcedSize(this.#options.maxReceiveSize), REFRESH_SECONDS);
    this.#cancelRetry = isolateClock.at(Math.min(now + RETRY_MS, this.#deadline), () => this.#ask());
  }

  #receiveAnswer(bytes: Uint8Array, at: number): void {
    const protocol = readProtocol(bytes, at);
    const { url } = this.#peer;
    switch (readOpcode(bytes, at)) {
      case OPCODE.DISC: {
        const isOther = protocol !== this.#greeting.peer;
        const error = isOther ? wrongPattern(url, protocol, this.#greeting) : disconnected(url, readFirst(bytes, at));
        return this.#fail(error);
      }
      case OPCODE.CREQ:
        return this.#say(OPCODE.DISC, REASON.REFUSED);
      case OPCODE.CACK:
        if (protocol !== this.#greeting.peer) {
          this.#say(OPCODE.DISC, REASON.TYPE);
          return this.#fail(wrongPattern(url, protocol, this.#greeting));
        }
        if (readSecond(bytes, at) === 0) {
          this.#say(OPCODE.DISC, REASON.NEGOTIATION);
          return this.#fail(new ProtocolError(`${url}: the peer gives no time between signs of life`));
        }
        return this.#connect(readFirst(bytes, at), readSecond(bytes, at));
    }
    // A message may have come faster than the answer. It is lost, as nng does it.
  }

  #connect(maxSendSize: number, refresh: number): void {
    this.#cancelRetry();
    const link = new PeerLink(this.#io!, this.#carriage!, this.#peer, () => this.#release());
    this.#connection = new DatagramConnection(link, isolateClock, {
      role: "dialer",
      greeting: this.#greeting,
      maxReceiveSize: announcedSize(this.#options.maxReceiveSize),
      maxSendSize,
      refresh: Math.min(refresh, REFRESH_SECONDS),
    });
    this.#events.connected(this.#connection);
  }

  #say(opcode: number, first: number, second = 0): void {
    offerHeader(this.#io!, this.#peer, opcode, this.#greeting.protocol, first, second);
  }

  #timedOut(): void {
    const { handshakeTimeout } = this.#options;
    this.#fail(
      new TimeoutError(`${this.#peer.url}: nobody answered within ${handshakeTimeout} ms; see handshakeTimeout`),
    );
  }

  #fail(error: SockeyeError): void {
    if (this.#isOver) return;
    this.#release();
    this.#events.failed(error);
  }

  #release(): void {
    this.#isOver = true;
    this.#cancelRetry();
    this.#io?.flush();
    this.#io?.close();
    this.#carriage?.release?.();
  }
}
