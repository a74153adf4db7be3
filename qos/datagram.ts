/**
 * What packet sockets receive.
 *
 * @module
 */

import type { Descriptor } from "../ffi/descriptor.ts";
import type { SocketAddress } from "../ffi/sockaddr.ts";
import type { UnixCredentials } from "../ffi/ucred.ts";
import type { PacketInfo } from "./packet_info.ts";

const NO_DESCRIPTORS: readonly Descriptor[] = Object.freeze([]);

/**
 * A received packet; it belongs to whoever received it.
 *
 * What the option `info` of the socket asked for is in the fields from `ttl` on; the others are `undefined`.
 *
 * @example
 * ```ts
 * import { UdpSocket } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * await using receiver = UdpSocket.bind("127.0.0.1:0", { info: ["ttl", "tos"] });
 * await using sender = UdpSocket.bind("127.0.0.1:0");
 * await sender.send(new TextEncoder().encode("hello"), receiver.localAddress(), { ttl: 3, dscp: "EF", ecn: "ECT(0)" });
 *
 * const datagram = await receiver.receive({ timeout: 1000 });
 * assert.equal(datagram.text(), "hello");
 * assert.equal(datagram.ttl, 3);
 * assert.equal(datagram.dscp, 46);
 * assert.equal(datagram.ecn, 2);
 * ```
 */
export class Datagram implements PacketInfo {
  /** Tells it from an error where both are received. */
  readonly kind = "datagram" as const;
  /** The payload: nobody else writes to it, and unless the socket has the option `pooled`, its memory is its own. */
  readonly data: Uint8Array;
  /** Who sent it, to be sent to in turn; `undefined` for a unix socket that has no name. */
  readonly from: SocketAddress | undefined;
  /** Only the beginning is here, because the packet was larger than `payloadBytes`. */
  readonly isTruncated: boolean;
  /** The IPv4 header with its options, in network order; on raw IPv4 sockets only. */
  readonly header: Uint8Array | undefined;
  /**
   * The descriptors that came with it, on a unix socket with the option `descriptors`; whoever receives the datagram closes
   * them.
   */
  readonly descriptors: readonly Descriptor[];

  /** The time to live that was left on arrival; the hop limit on IPv6. */
  ttl: number | undefined = undefined;
  /** The type-of-service byte on arrival; the traffic class on IPv6. */
  tos: number | undefined = undefined;
  /** The address that it was sent to. */
  destination: string | undefined = undefined;
  /** The index of the interface that it came in through; asked for with `"destination"`. */
  interface: number | undefined = undefined;
  /** When the kernel received it, in milliseconds since 1970, with fractions. */
  timestamp: number | undefined = undefined;
  /** The flow label on IPv6; `undefined` also for a packet without one. */
  flowLabel: number | undefined = undefined;
  /** The process, user and group of the sender, on unix sockets. */
  credentials: UnixCredentials | undefined = undefined;

  /**
   * Makes a datagram of its parts, for instance in a test.
   *
   * @param data The payload.
   * @param from Who sent it.
   * @param isTruncated Whether only its beginning is here. @default {false}
   * @param header The IPv4 header, of a raw socket. @default none
   * @param descriptors The descriptors that came with it. @default none
   */
  constructor(
    data: Uint8Array,
    from: SocketAddress | undefined,
    isTruncated = false,
    header?: Uint8Array,
    descriptors: readonly Descriptor[] = NO_DESCRIPTORS,
  ) {
    this.data = data;
    this.from = from;
    this.isTruncated = isTruncated;
    this.header = header;
    this.descriptors = descriptors;
  }

  /** The differentiated services code point on arrival, 0 to 63: the upper six bits of `tos`, RFC 2474. */
  get dscp(): number | undefined {
    return this.tos === undefined ? undefined : this.tos >> 2;
  }

  /** Explicit congestion notification on arrival, 0 to 3: the lower two bits of `tos`, RFC 3168. */
  get ecn(): number | undefined {
    return this.tos === undefined ? undefined : this.tos & 3;
  }

  /** The payload as UTF-8 text, with replacement characters (U+FFFD) for what is none. */
  text(): string {
    return decoder.decode(this.data);
  }
}

const decoder = new TextDecoder();

/** What `receiveInto` tells of a packet. */
export interface ReceivedInto {
  /** Bytes stored in the buffer. */
  length: number;
  /** Who sent it; `undefined` for a unix socket that has no name. */
  from: SocketAddress | undefined;
  /** The packet was larger than the buffer, and the rest is lost. */
  isTruncated: boolean;
}
