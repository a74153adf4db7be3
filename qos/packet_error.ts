/**
 * An error that came back for a packet: ICMP from a router or from the destination, or this machine's own refusal.
 *
 * @module
 */

import { errnoName } from "../ffi/errno.ts";
import type { SocketAddress } from "../ffi/sockaddr.ts";
import type { IcmpExtension } from "./icmp/extensions.ts";
import { icmpName } from "./icmp/types.ts";

/** What a {@linkcode PacketError} is made of. */
export interface PacketErrorFields {
  /** Who found the error. */
  readonly origin: "icmp" | "icmp6" | "local";
  /** The ICMP type, 0 for `"local"`. */
  readonly type: number;
  /** The ICMP code, 0 for `"local"`. */
  readonly code: number;
  /** What the kernel makes of it, errno(3). */
  readonly errno: number;
  /** Who sent the ICMP packet. */
  readonly router?: string;
  /** Where the packet was to go. */
  readonly destination?: SocketAddress;
  /** The largest packet that goes on from there, in bytes. */
  readonly mtu?: number;
  /** What came back of the packet. */
  readonly data: Uint8Array;
  /** What the router added. */
  readonly extensions?: readonly IcmpExtension[];
  /** The label of the packet. */
  readonly label?: unknown;
  /** The labels of the packets that it can be. */
  readonly candidates?: readonly unknown[];
  /** When the ICMP packet arrived. */
  readonly timestamp?: number;
  /** The ICMP packet's time to live. */
  readonly ttl?: number;
}

const NOTHING: readonly never[] = Object.freeze([]);

/**
 * An error that came back for a packet that was sent: what a router or the destination reported by ICMP, or that this
 * machine refused it.
 *
 * The fields are those of `struct sock_extended_err` in ip(7), RFC 792 and RFC 4443.
 *
 * @example
 * ```ts
 * import { PacketError } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const error = new PacketError({ origin: "icmp", type: 11, code: 0, errno: 113, data: new Uint8Array() });
 * assert.equal(error.name, "time-exceeded");
 * assert.equal(error.errorCode, "EHOSTUNREACH");
 * ```
 */
export class PacketError {
  /** Tells it from a datagram, in `receive({ errors: true })`. */
  readonly kind: "error" = "error";
  /** Who found the error: a sender of ICMP or ICMPv6, or this machine before the packet left it. */
  readonly origin: "icmp" | "icmp6" | "local";
  /** The ICMP type, for instance 11 for time exceeded; 0 for `"local"`. */
  readonly type: number;
  /** The ICMP code, for instance 3 for port unreachable; 0 for `"local"`. */
  readonly code: number;
  /** What the kernel makes of it, as in errno(3). */
  readonly errno: number;
  /** Who sent the ICMP packet: a router on the way or the destination itself; `undefined` for `"local"`. */
  readonly router: string | undefined;
  /** Where the packet was to go; the port is 0 where the kernel doesn't tell it, as for raw sockets. */
  readonly destination: SocketAddress | undefined;
  /**
   * The largest packet that goes on from there, in bytes and with its IP header, where the packet was larger; 0 if the
   * router doesn't say, as before RFC 1191.
   */
  readonly mtu: number | undefined;
  /**
   * What came back of the packet's payload, without extensions: its beginning, or all, or nothing. On raw sockets the
   * payload begins with the transport header, with the option `ownHeader` with the IP header. Zeros with which routers
   * pad a short packet in front of extensions are cut off where the packet is known from its sending.
   */
  readonly data: Uint8Array;
  /** What the router added by RFC 4884, for instance an MPLS label stack. */
  readonly extensions: readonly IcmpExtension[];
  /** The label of the very packet that caused the error; `undefined` unless that is certain. */
  readonly label: unknown;
  /**
   * Where several packets look the same in what came back, the labels of all of them, in the order in which they were
   * last sent; of very many, some. Empty where `label` is certain, and where no labelled packet fits.
   */
  readonly candidates: readonly unknown[];
  /** When the kernel received the ICMP packet, or refused the packet, in milliseconds since 1970, with fractions. */
  readonly timestamp: number | undefined;
  /** The time to live or hop limit that was left to the ICMP packet. */
  readonly ttl: number | undefined;

  /**
   * Makes an error of its parts.
   *
   * @param fields The parts.
   */
  constructor(fields: PacketErrorFields) {
    this.origin = fields.origin;
    this.type = fields.type;
    this.code = fields.code;
    this.errno = fields.errno;
    this.router = fields.router;
    this.destination = fields.destination;
    this.mtu = fields.mtu;
    this.data = fields.data;
    this.extensions = fields.extensions ?? NOTHING;
    this.label = fields.label;
    this.candidates = fields.candidates ?? NOTHING;
    this.timestamp = fields.timestamp;
    this.ttl = fields.ttl;
  }

  /**
   * What happened, in the words of the RFCs: `"time-exceeded"`, `"port-unreachable"`, `"fragmentation-needed"`,
   * `"packet-too-big"`, …, see {@linkcode icmpName}. What this machine refused is `"message-too-large"`, or another
   * error number's name.
   */
  get name(): string {
    if (this.origin !== "local") return icmpName(this.origin, this.type, this.code);
    return this.errorCode === "EMSGSIZE" ? "message-too-large" : this.errorCode;
  }

  /** The name of the error number, for instance `"ECONNREFUSED"`. */
  get errorCode(): string {
    return errnoName(this.errno);
  }
}
