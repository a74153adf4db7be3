/**
 * Listening with one socket for all who ask: UDP, or IP with channels.
 *
 * @module
 */

import { ProtocolError, type SockeyeError } from "../../../common/errors.ts";
import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import { Places } from "../places.ts";
import type { Greeting, Listening, ListeningEvents, TransportOptions } from "../transport.ts";
import { type Carriage, isolateClock, type Peer } from "./carriage.ts";
import { announcedSize, DatagramConnection, REFRESH_SECONDS } from "./datagram_connection.ts";
import { type DatagramEvents, DatagramIo } from "./datagram_io.ts";
import { isHeader, OPCODE, readFirst, readOpcode, readProtocol, readSecond, REASON } from "./header.ts";
import { offerHeader, PeerLink } from "./peer_link.ts";
import { wrongPattern } from "../refusal.ts";

/** The most peers of a listener, whatever the option says, as in nng. */
const MAX_PEERS = 1024;

/** A peer as the listener knows it. */
interface Known {
  connection: DatagramConnection;
  isGone: boolean;
}

/** A listener, which accepts until it is closed; its socket stays for the connections that it has accepted. */
export class DatagramListening implements Listening, DatagramEvents {
  readonly url: string;
  readonly #carriage: Carriage;
  readonly #greeting: Greeting;
  readonly #options: TransportOptions;
  readonly #events: ListeningEvents;
  readonly #io: DatagramIo;
  readonly #peers: Map<string, Known> = new Map();
  /** The same peer's address is mostly the same object, which is faster to look up than its text. */
  readonly #byAddress: WeakMap<SocketAddress, Known> = new WeakMap();
  readonly #places: Places;
  #isClosed = false;

  /** Begins to listen. */
  constructor(carriage: Carriage, greeting: Greeting, options: TransportOptions, events: ListeningEvents) {
    this.url = carriage.url;
    this.#carriage = carriage;
    this.#greeting = greeting;
    this.#options = options;
    this.#events = events;
    this.#places = new Places(Math.min(options.maxPipes, MAX_PEERS), this, events);
    this.#io = new DatagramIo(carriage.descriptor, this, carriage.isUdp);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeIfUnused();
  }

  received(bytes: Uint8Array, from: SocketAddress | undefined, control: Uint8Array): void {
    const at = this.#carriage.headerOffset(bytes);
    // nng ignores what is too short or of another version, too.
    if (at === -1 || from === undefined || !isHeader(bytes, at)) return;
    const known = this.#find(from, bytes);
    if (known !== undefined) known.connection.receive(bytes, at);
    else this.#receiveFromStranger(bytes, at, this.#carriage.peerOf(from, bytes, control));
  }

  writable(): void {
    for (const { connection } of [...this.#peers.values()]) connection.becameWritable();
  }

  failed(error: SockeyeError): void {
    if (!this.#isClosed) this.#events.failed(error);
  }

  #find(from: SocketAddress, bytes: Uint8Array): Known | undefined {
    const { isUdp } = this.#carriage;
    const remembered = isUdp ? this.#byAddress.get(from) : undefined;
    if (remembered !== undefined && !remembered.isGone) return remembered;
    const known = this.#peers.get(this.#carriage.keyOf(from, bytes));
    if (known !== undefined && isUdp) this.#byAddress.set(from, known);
    return known;
  }

  #receiveFromStranger(bytes: Uint8Array, at: number, peer: Peer): void {
    switch (readOpcode(bytes, at)) {
      case OPCODE.CREQ:
        return this.#receiveRequest(bytes, at, peer);
      case OPCODE.DATA:
      case OPCODE.CACK:
        return this.#refuse(peer, REASON.NOT_CONNECTED);
      case OPCODE.DISC:
        return;
      default:
        this.#refuse(peer, REASON.PROTOCOL);
    }
  }

  #receiveRequest(bytes: Uint8Array, at: number, peer: Peer): void {
    const protocol = readProtocol(bytes, at);
    const refresh = readSecond(bytes, at);
    if (this.#isClosed) return this.#refuse(peer, REASON.REFUSED);
    if (refresh === 0) {
      this.#refuse(peer, REASON.NEGOTIATION);
      return this.#events.failed(new ProtocolError(`${peer.url}: the peer gives no time between signs of life`));
    }
    if (protocol !== this.#greeting.peer) {
      this.#refuse(peer, REASON.TYPE);
      return this.#events.failed(wrongPattern(peer.url, protocol, this.#greeting));
    }
    if (!this.#places.hasOne()) return this.#refuse(peer, REASON.NO_BUFFERS);
    this.#accept(peer, readFirst(bytes, at), Math.min(refresh, REFRESH_SECONDS));
  }

  #accept(peer: Peer, maxSendSize: number, refresh: number): void {
    const maxReceiveSize = announcedSize(this.#options.maxReceiveSize);
    const link = new PeerLink(this.#io, this.#carriage, peer, () => {
      known.isGone = true;
      this.#peers.delete(peer.key);
      this.#places.release();
      this.#closeIfUnused();
    });
    const connection = new DatagramConnection(link, isolateClock, {
      role: "listener",
      greeting: this.#greeting,
      maxReceiveSize,
      maxSendSize,
      refresh,
    });
    const known: Known = { connection, isGone: false };
    this.#peers.set(peer.key, known);
    this.#places.take();
    offerHeader(this.#io, peer, OPCODE.CACK, this.#greeting.protocol, maxReceiveSize, refresh);
    this.#events.accepted(connection);
  }

  #refuse(peer: Peer, reason: number): void {
    offerHeader(this.#io, peer, OPCODE.DISC, this.#greeting.protocol, reason);
  }

  #closeIfUnused(): void {
    if (!this.#isClosed || this.#peers.size > 0) return;
    this.#io.flush();
    this.#io.close();
    this.#carriage.release?.();
  }
}
