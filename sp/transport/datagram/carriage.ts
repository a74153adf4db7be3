/**
 * What listening and dialing need to know of the packets that they are done with: UDP, or IP with channels.
 *
 * @module
 */

import type { Descriptor } from "../../../ffi/descriptor.ts";
import { Reactor } from "../../../ffi/reactor.ts";
import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import { timers } from "../../socket/timers.ts";
import type { Clock } from "./datagram_connection.ts";

/** Where datagrams for a peer go. */
export interface Peer {
  /** Tells it from all others. */
  readonly key: string;
  /** The encoded sockaddr; `undefined` on a connected socket. */
  readonly to: Uint8Array | undefined;
  /** Encoded control messages: the address that it knows us by. */
  readonly control: Uint8Array | undefined;
  /** What is in front of our header. */
  readonly prefix: Uint8Array;
  readonly address: SocketAddress;
  /** For people. */
  readonly url: string;
}

/** An open socket, and how its packets look. */
export interface Carriage {
  /** Bound or connected. */
  readonly descriptor: Descriptor;
  /** Whether the kernel may cut and coalesce, and an address is a peer. */
  readonly isUdp: boolean;
  /** The largest message that a packet has room for. */
  readonly maxMessageBytes: number;
  readonly localAddress: SocketAddress | undefined;
  /** Where it listens, or what it is connected to, for people. */
  readonly url: string;
  /** Where our header begins in a packet; -1 if the packet is none for us. */
  headerOffset(bytes: Uint8Array): number;
  /** The key of the peer that a packet, which is for us, comes from. */
  keyOf(from: SocketAddress, bytes: Uint8Array): string;
  /** The peer that a packet, which is for us, comes from. */
  peerOf(from: SocketAddress, bytes: Uint8Array, control: Uint8Array): Peer;
  /** What else is to be given back when the socket is closed. */
  release?(): void;
}

/** The clock of this isolate. */
export const isolateClock: Clock = {
  now: () => performance.now(),
  at: (time, callback) => timers.at(time, callback),
  soon: (step) => Reactor.current().soon(step),
};

export const NO_PREFIX: Uint8Array = new Uint8Array(0);
