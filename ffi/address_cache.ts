/** Decoded and encoded addresses of the peers that a socket talks to most. @module */

import { AF_INET } from "./constants.ts";
import { decodeSockaddr, encodeSockaddr, SOCKADDR_IN_SIZE, type SocketAddress } from "./sockaddr.ts";

const MAX_INET_PEERS = 4096;

function sameBytes(known: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < known.length; i++) {
    if (known[i] !== bytes[offset + i]) return false;
  }
  return true;
}

/** Decodes the senders of messages; the same sender gives the same frozen object as long as it is remembered. */
export class SenderCache {
  readonly #inet = new Map<number, SocketAddress>();
  #lastBytes: Uint8Array = new Uint8Array(0);
  #last: SocketAddress | undefined;

  /** The address in `length` bytes from `offset`; `undefined` when there is none. */
  decode(bytes: Uint8Array, offset: number, length: number): SocketAddress | undefined {
    if (length === 0) return undefined;
    if (length >= SOCKADDR_IN_SIZE && bytes[offset] === AF_INET && bytes[offset + 1] === 0) {
      return this.#decodeInet(bytes, offset);
    }
    if (length === this.#lastBytes.length && sameBytes(this.#lastBytes, bytes, offset)) return this.#last;
    this.#lastBytes = bytes.slice(offset, offset + length);
    this.#last = decodeSockaddr(bytes, offset, length);
    return this.#last && Object.freeze(this.#last);
  }

  #decodeInet(bytes: Uint8Array, offset: number): SocketAddress {
    const port = bytes[offset + 2] << 8 | bytes[offset + 3];
    const host = (bytes[offset + 4] << 24 | bytes[offset + 5] << 16 | bytes[offset + 6] << 8 | bytes[offset + 7]) >>> 0;
    const key = host * 0x10000 + port;
    let known = this.#inet.get(key);
    if (known === undefined) {
      known = Object.freeze(decodeSockaddr(bytes, offset, SOCKADDR_IN_SIZE)!);
      if (this.#inet.size >= MAX_INET_PEERS) this.#inet.clear();
      this.#inet.set(key, known);
    }
    return known;
  }
}

/** Encodes destinations; a frozen one that is used again is not encoded again. */
export class DestinationCache {
  #last: SocketAddress | undefined;
  #lastBytes: Uint8Array | undefined;

  /** The sockaddr for a destination; `undefined` for a connected socket. */
  encode(to: SocketAddress | Uint8Array | undefined): Uint8Array | undefined {
    if (to === undefined || to instanceof Uint8Array) return to;
    if (to === this.#last) return this.#lastBytes;
    const bytes = encodeSockaddr(to);
    if (Object.isFrozen(to)) {
      this.#last = to;
      this.#lastBytes = bytes;
    }
    return bytes;
  }
}
