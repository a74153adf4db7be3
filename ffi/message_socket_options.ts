/** How a message socket is set up. @module */

import { ArgumentError } from "../common/errors.ts";
import { checkInteger } from "./arguments.ts";
import type { SendOptions } from "./message.ts";

/** How a {@linkcode MessageSocket} is set up. */
export interface MessageSocketOptions {
  /**
   * The largest message that is received whole, in bytes.
   *
   * @default {65536}, for unix datagrams 262144
   */
  payloadBytes?: number;
  /** Room for control messages in bytes, each way. @default {256} */
  controlBytes?: number;
  /**
   * The most messages per system call, 1 to 1024; what the kernel cuts or coalesces counts as one.
   *
   * @default {32}
   */
  batch?: number;
  /**
   * How long a receive that finds nothing looks again before it waits, in microseconds. It saves the 30 to 50
   * microseconds that a wake-up costs, and occupies the thread meanwhile.
   *
   * @default {0}
   */
  busyPoll?: number;
  /** The most messages that may wait to be sent. @default {1024} */
  sendQueue?: number;
  /**
   * Whether payloads of up to 2 KiB lie beside each other in ArrayBuffers of 16 KiB, as Node's Buffers do. That saves
   * about half of the time that such a message takes. Such an ArrayBuffer can't be transferred, and stays in memory as
   * long as any payload in it; `data.slice()` makes a payload independent.
   *
   * @default {false}
   */
  pooled?: boolean;
  /**
   * Whether descriptors that arrive over a unix socket are kept, in {@linkcode Message.descriptors}. Otherwise they are
   * closed at once, so that a peer can't make this process run out of them. As many arrive as `controlBytes` has room
   * for: 60 in the default 256, and the most that the kernel sends, 253, in 1032.
   *
   * @default {false}
   */
  descriptors?: boolean;
  /**
   * Whether messages that a UDP socket sends together may be handed to the kernel as one, for it to cut: `UDP_SEGMENT` in
   * udp(7). That takes a fraction of the time. They are gathered where they have at most 2 KiB, equal length (the last of
   * them may be shorter), and the same destination, control messages, flags and mode; where the kernel doesn't take them so,
   * they are sent one by one. Receivers can't tell; a capture on the sending machine shows what was gathered as one packet.
   *
   * @default {false}
   */
  segmentation?: boolean;
  /**
   * Whether a UDP socket takes datagrams of equal length that arrived one behind the other from the kernel as one:
   * `UDP_GRO` in udp(7). They are received one by one all the same; those that came together share their control messages,
   * and so a timestamp.
   *
   * @default {false}
   */
  coalescing?: boolean;
  /**
   * Puts the descriptor into a mode, which is what the messages' own `mode` says, for what the kernel knows only per
   * socket. It is called in the same synchronous step as the system call that hands the messages over, and only when the
   * mode changes: a message sees no mode but its own. 0 is what the socket is in at first, and what a message without a
   * mode is sent in.
   */
  setMode?: (fd: number, mode: number) => void;
  /**
   * The mode for messages of a mode that leave as one for the kernel to cut, where it would otherwise treat the one
   * differently from what it is made of. Called for each batch.
   *
   * @default the messages' own mode
   */
  segmentedMode?: (mode: number) => number;
  /**
   * Told of an error that the kernel reports, before anybody else is: its number, 0 when the reactor tells that there is one,
   * or -1 when a call took fewer messages than it was given, so that there may be one, and goes on with the others. Where
   * sending failed, `message` is the one that failed, if the error is its own: the very options that it was sent with. True means that it is taken care of, and had nothing to do with the call that reported it; the call is then made
   * again. It must not say so twice for one error. For sockets with an error queue: IP_RECVERR in ip(7).
   */
  onError?: (errno: number, message?: SendOptions) => boolean;
}

const DEFAULT_PAYLOAD_BYTES = 65536;
const DEFAULT_CONTROL_BYTES = 256;
const DEFAULT_BATCH = 32;
const DEFAULT_SEND_QUEUE = 1024;

/** The options that are numbers, each in its range. */
export interface Sizes {
  readonly payloadBytes: number;
  readonly controlBytes: number;
  readonly batch: number;
  readonly sendQueue: number;
  readonly busyPollMs: number;
}

/**
 * Takes the options that are numbers, or what they are by default.
 *
 * @throws {ArgumentError} When one is out of range.
 */
export function sizesOf(options: MessageSocketOptions): Sizes {
  const {
    payloadBytes = DEFAULT_PAYLOAD_BYTES,
    controlBytes = DEFAULT_CONTROL_BYTES,
    batch = DEFAULT_BATCH,
    busyPoll = 0,
    sendQueue = DEFAULT_SEND_QUEUE,
  } = options;
  checkInteger("options.batch", batch, 1, 1024);
  checkInteger("options.controlBytes", controlBytes, 0, 65536);
  checkInteger("options.sendQueue", sendQueue, 1, 0x7fffffff);
  if (!(busyPoll >= 0 && busyPoll <= 1e9)) {
    throw new ArgumentError("options.busyPoll", `must be microseconds from 0 to 1000000000, got ${busyPoll}`);
  }
  checkInteger("options.payloadBytes", payloadBytes, 1, 0x4000000);
  return { payloadBytes, controlBytes, batch, sendQueue, busyPollMs: busyPoll / 1000 };
}
