/** What message sockets receive and send. @module */

import { type ControlMessage, controlMessages } from "./cmsg.ts";
import { MSG_TRUNC } from "./constants.ts";
import type { Descriptor } from "./descriptor.ts";
import type { SocketAddress } from "./sockaddr.ts";

const NO_DESCRIPTORS: readonly Descriptor[] = Object.freeze([]);

/** A received message; it belongs to whoever received it. */
export class Message {
  /** The payload: nobody else writes to it, and unless the socket has the option `pooled`, its memory is its own. */
  readonly data: Uint8Array;
  /** Who sent it; `undefined` when the socket's peer has no address, or the message none. */
  readonly address: SocketAddress | undefined;
  /** The flags that recvmsg(2) reported, for instance `MSG_EOR`. */
  readonly flags: number;
  /** The encoded control messages, in memory that they share with others; empty when there are none. */
  readonly control: Uint8Array;
  /**
   * The descriptors that came with it, on a socket with the option `descriptors`; whoever receives the message closes
   * them.
   */
  readonly descriptors: readonly Descriptor[];

  /**
   * Makes a message of its parts.
   *
   * @param data The payload.
   * @param address Who sent it.
   * @param flags The flags of recvmsg(2).
   * @param control The encoded control messages.
   * @param descriptors The descriptors that came with it. @default none
   */
  constructor(
    data: Uint8Array,
    address: SocketAddress | undefined,
    flags: number,
    control: Uint8Array,
    descriptors: readonly Descriptor[] = NO_DESCRIPTORS,
  ) {
    this.data = data;
    this.address = address;
    this.flags = flags;
    this.control = control;
    this.descriptors = descriptors;
  }

  /** True when the message was larger than the socket's `payloadBytes`, and only its beginning is here. */
  get isTruncated(): boolean {
    return (this.flags & MSG_TRUNC) !== 0;
  }

  /** The control messages, one after the other, cmsg(3). */
  controlMessages(): IterableIterator<ControlMessage> {
    return controlMessages(this.control);
  }
}

/** What goes with a message that is sent. */
export interface SendOptions {
  /**
   * The destination, or its encoded sockaddr; needed unless the socket is connected. A frozen address, such as that of
   * a received message, is encoded only once.
   */
  to?: SocketAddress | Uint8Array;
  /** Encoded control messages: see `encodeControlMessages`. */
  control?: Uint8Array;
  /** Flags of sendmsg(2) beyond `MSG_DONTWAIT` and `MSG_NOSIGNAL`. @default {0} */
  flags?: number;
  /**
   * The state that the socket has to be in while the kernel takes this message, for what can't be said in a control
   * message; see {@linkcode MessageSocketOptions.setMode}, which gives the number its meaning. Messages of unequal mode
   * share no system call.
   *
   * @default {0}
   */
  mode?: number;
}

/** A message with its destination, for sending several at once. */
export interface OutgoingMessage extends SendOptions {
  /** The payload; it must not change until the send has settled. */
  data: Uint8Array;
}

/** What {@linkcode MessageSocket.receiveInto} tells of a message. */
export interface ReceivedInto {
  /** Bytes stored in the buffer. */
  length: number;
  /** Who sent it; `undefined` when the message has no address. */
  address: SocketAddress | undefined;
  /** The flags of recvmsg(2); `MSG_TRUNC` says that the buffer was too small. */
  flags: number;
}

/** Counters of a message socket, since it was opened. */
export interface MessageSocketStats {
  /** Messages that the kernel accepted. */
  messagesSent: number;
  /** Their payload, in bytes. */
  bytesSent: number;
  /** Messages that were received. */
  messagesReceived: number;
  /** Their payload, in bytes. */
  bytesReceived: number;
  /** Received messages that were larger than `payloadBytes`. */
  messagesTruncated: number;
  /** How often the kernel's send buffer was full. */
  sendsBlocked: number;
  /** Messages that wait to be sent now. */
  sendQueueLength: number;
  /** Messages that were fetched from the kernel and not yet received by the user. */
  inboxLength: number;
}
