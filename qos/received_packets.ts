/**
 * Packets of what a `MessageSocket` has received: without their header, with their sender and what is told about them.
 *
 * @module
 */

import { MSG_TRUNC } from "../ffi/constants.ts";
import type { Message, ReceivedInto as MessageInto } from "../ffi/message.ts";
import type { SocketAddress } from "../ffi/sockaddr.ts";
import { Datagram, type ReceivedInto } from "./datagram.ts";
import { shownAddress } from "./destination.ts";
import { decodePacketInfo } from "./packet_info.ts";
import type { PacketSocketKind } from "./packet_socket_kind.ts";

/** Makes packets of messages; one per socket, for it remembers the senders. */
export class ReceivedPackets {
  readonly #kind: PacketSocketKind;
  #lastAddress: SocketAddress | undefined;
  #lastShown: SocketAddress | undefined;
  readonly #shownAddresses = new WeakMap<SocketAddress, SocketAddress>();

  /** For sockets of a kind, which says what of a message is a header. */
  constructor(kind: PacketSocketKind) {
    this.#kind = kind;
  }

  /** The packet that a message is. */
  readonly toDatagram = (message: Message): Datagram => {
    const { data, control } = message;
    const from = this.#shown(message.address);
    const cut = this.#kind.headerLength?.(data) ?? 0;
    const datagram = cut === 0
      ? new Datagram(data, from, message.isTruncated, undefined, message.descriptors)
      : new Datagram(data.subarray(cut), from, message.isTruncated, data.subarray(0, cut));
    if (control.length > 0) decodePacketInfo(control, datagram);
    return datagram;
  };

  /** The packets that several messages are. */
  readonly toDatagrams = (messages: Message[]): Datagram[] => messages.map(this.toDatagram);

  /** What is told of a message that is in the caller's buffer, where no header is cut off. */
  readonly toInto = ({ length, address, flags }: MessageInto): ReceivedInto => {
    return { length, from: this.#shown(address), isTruncated: (flags & MSG_TRUNC) !== 0 };
  };

  /** The sender as users see it: the same object each time, so that answers to it need no reading either. */
  #shown(address: SocketAddress | undefined): SocketAddress | undefined {
    if (address === undefined || address.family === "inet") return address;
    if (address !== this.#lastAddress) {
      this.#lastAddress = address;
      this.#lastShown = this.#shownAddresses.get(address) ?? shownSender(address);
      if (this.#lastShown !== undefined) this.#shownAddresses.set(address, this.#lastShown);
    }
    return this.#lastShown;
  }
}

/** A unix socket without a name is nobody that could be answered. */
function shownSender(address: SocketAddress): SocketAddress | undefined {
  return address.family === "unix" && "unnamed" in address ? undefined : shownAddress(address);
}

/** Copies a packet into the caller's buffer, for sockets that cut a header off first. */
export function copyInto({ data, from, isTruncated }: Datagram, buffer: Uint8Array): ReceivedInto {
  const length = Math.min(data.length, buffer.length);
  buffer.set(length === data.length ? data : data.subarray(0, length));
  return { length, from, isTruncated: isTruncated || length < data.length };
}
