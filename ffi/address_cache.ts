/** Decoded and encoded addresses of the peers that a socket talks to most. @module */

import { AF_INET } from "./constants.ts";
import { decodeSockaddr, encodeSockaddr, SOCKADDR_IN_SIZE, type SocketAddress } from "./sockaddr.ts";

const MAX_INET_PEERS = 4096;
/** Peers of other families that are remembered, a power of two: each has one place, by the hash of its address. */
const OTHER_PEERS = 1024;

/** A remembered address. */
interface Known {
  readonly bytes: Uint8Array;
  readonly address: SocketAddress | undefined;
}

function isSame({ bytes: known }: Known, bytes: Uint8Array, offset: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (known[i] !== bytes[offset + i]) return false;
  }
  return true;
}

/** FNV-1a over an address, down to one of the places. */
function placeOf(bytes: Uint8Array, offset: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = offset; i < offset + length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return (hash ^ hash >>> 15) & OTHER_PEERS - 1;
}

/** Decodes the senders of messages; the same sender gives the same frozen object as long as it is remembered. */
export class SenderCache {
  readonly #inet = new Map<number, SocketAddress>();
  readonly #others: (Known | undefined)[] = [];
  #last: Known = { bytes: new Uint8Array(0), address: undefined };

  /** The address in `length` bytes from `offset`; `undefined` when there is none. */
  decode(bytes: Uint8Array, offset: number, length: number): SocketAddress | undefined {
    if (length === 0) return undefined;
    if (length >= SOCKADDR_IN_SIZE && bytes[offset] === AF_INET && bytes[offset + 1] === 0) {
      return this.#decodeInet(bytes, offset);
    }
    if (!isSame(this.#last, bytes, offset, length)) this.#last = this.#find(bytes, offset, length);
    return this.#last.address;
  }

  #find(bytes: Uint8Array, offset: number, length: number): Known {
    const place = placeOf(bytes, offset, length);
    const known = this.#others[place];
    if (known !== undefined && isSame(known, bytes, offset, length)) return known;
    const address = decodeSockaddr(bytes, offset, length);
    if (address !== undefined) Object.freeze(address);
    return this.#others[place] = { bytes: bytes.slice(offset, offset + length), address };
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
