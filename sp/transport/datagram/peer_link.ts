/**
 * The way to one peer over a socket that others may share.
 *
 * @module
 */

import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import type { Carriage, Peer } from "./carriage.ts";
import type { DatagramConnection, Link } from "./datagram_connection.ts";
import type { DatagramIo } from "./datagram_io.ts";
import { encodeHeader } from "./header.ts";

/** Joins a connection to a socket. */
export class PeerLink implements Link {
  readonly localAddress: SocketAddress | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  readonly url: string;
  readonly prefixBytes: number;
  readonly maxMessageBytes: number;
  readonly #io: DatagramIo;
  readonly #peer: Peer;
  readonly #onRelease: () => void;

  /** @param onRelease Called when the connection is over. */
  constructor(io: DatagramIo, carriage: Carriage, peer: Peer, onRelease: () => void) {
    this.localAddress = carriage.localAddress;
    this.remoteAddress = peer.address;
    this.url = peer.url;
    this.prefixBytes = peer.prefix.length;
    this.maxMessageBytes = carriage.maxMessageBytes;
    this.#io = io;
    this.#peer = peer;
    this.#onRelease = onRelease;
  }

  get unsentBytes(): number {
    return this.#io.unsentBytes;
  }

  send(datagram: Uint8Array, owner: DatagramConnection): boolean {
    const { to, control, prefix } = this.#peer;
    if (prefix.length > 0) datagram.set(prefix);
    return this.#io.send({ data: datagram, to, control, owner });
  }

  post(datagram: Uint8Array): void {
    const { to, control, prefix } = this.#peer;
    datagram.set(prefix);
    this.#io.offer({ data: datagram, to, control, owner: undefined });
  }

  reclaim(connection: DatagramConnection): Uint8Array[] {
    return this.#io.reclaim(connection).map(({ data }) => data);
  }

  hold(connection: DatagramConnection): void {
    this.#io.hold(connection);
  }

  unhold(connection: DatagramConnection): void {
    this.#io.unhold(connection);
  }

  release(): void {
    this.#onRelease();
  }
}

/** Sends a datagram that is nothing but a header to somebody who may have no connection, if there is room. */
export function offerHeader(
  io: DatagramIo,
  { to, control, prefix }: Peer,
  opcode: number,
  protocol: number,
  first: number,
  second = 0,
): void {
  const header = encodeHeader(opcode, protocol, first, second);
  const data = new Uint8Array(prefix.length + header.length);
  data.set(prefix);
  data.set(header, prefix.length);
  io.offer({ data, to, control, owner: undefined });
}
