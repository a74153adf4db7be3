/**
 * What every handle is opened with, and its defaults.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { resolveSctpAddress, SctpAddress, type SctpAddressLike } from "./address.ts";
import type { SctpOpenOptions } from "./driver.ts";
import { SCTP_EVENT_NAMES, type SctpEventName } from "./notification.ts";
import type { SctpSocketOptions } from "./options.ts";
import type { SctpStackName } from "./stack.ts";

/** Options of endpoints, listeners and associations: those of the socket, and those of the handle. */
export interface SctpOpeningOptions extends SctpSocketOptions {
  /**
   * Which implementation of SCTP to use.
   *
   * @default {"auto"}
   */
  stack?: SctpStackName;
  /**
   * The kinds of notifications to deliver.
   *
   * @default {[]}
   */
  events?: readonly SctpEventName[];
  /**
   * The largest message that is received, in bytes, 1 to 1073741824. A larger one is discarded: a one-to-one
   * association throws a `MessageTooLargeError` in its place, an endpoint delivers a `"message-too-large"` event. Where
   * `sendBufferSize` is left out, the send buffer is made large enough for such a message, as far as
   * `net.core.wmem_max` allows.
   *
   * @default {1_048_576}
   */
  maxMessageSize?: number;
  /**
   * How many bytes of events may wait in each queue of the handle, 1 or more; what exceeds it waits in the stack.
   * Queues fill only while somebody else is served: by `connect` and `shutdown`, or where views divide an association.
   *
   * @default {1_048_576}
   */
  receiveQueueSize?: number;
  /**
   * How many messages may wait for room in the send buffer, 1 or more; a send beyond that is a `BufferFullError`.
   *
   * @default {1024}
   */
  sendQueueLength?: number;
  /**
   * How long a receive that finds nothing looks again before it waits, in microseconds: it saves the time of a wake-up,
   * and occupies the thread meanwhile.
   *
   * @default {0}
   */
  busyPoll?: number;
  /**
   * How many associations may wait to be accepted, for those who listen. The kernel caps it at `net.core.somaxconn`.
   *
   * @default {4096}
   */
  backlog?: number;
}

/** What a handle keeps of its options. */
export interface Settings {
  /** The kinds of notifications that the user subscribed to. */
  events: readonly SctpEventName[];
  /** The bound of each queue, in bytes. */
  receiveQueueSize: number;
}

const DEFAULT_MAX_MESSAGE_SIZE = 1_048_576;
const DEFAULT_RECEIVE_QUEUE_SIZE = 1_048_576;
const DEFAULT_BACKLOG = 4096;
const DEFAULT_SEND_QUEUE_LENGTH = 1024;
const INT32_MAX = 0x7fffffff;
/** A thousand seconds. */
const LONGEST_BUSY_POLL_US = 1_000_000_000;
/** One message has to fit into an ArrayBuffer, with room to grow. */
const LARGEST_MESSAGE_SIZE = 2 ** 30;

/**
 * The part of the options that is the handle's own.
 *
 * @throws {ArgumentError} One is out of range.
 */
export function settingsOf(options: SctpOpeningOptions): Settings {
  const { events = [], receiveQueueSize = DEFAULT_RECEIVE_QUEUE_SIZE } = options;
  for (const event of events) {
    if (SCTP_EVENT_NAMES.includes(event)) continue;
    const names = SCTP_EVENT_NAMES.map((name) => JSON.stringify(name)).join(", ");
    throw new ArgumentError("options.events", `may have ${names}, not ${JSON.stringify(event)}`);
  }
  requireRange("options.receiveQueueSize", receiveQueueSize, 1, Number.MAX_SAFE_INTEGER);
  return { events: [...new Set(events)], receiveQueueSize };
}

/**
 * The part of the options that concerns the stack.
 *
 * @throws {ArgumentError} One is out of range.
 */
export function openOptionsOf(options: SctpOpeningOptions): SctpOpenOptions {
  const {
    maxMessageSize = DEFAULT_MAX_MESSAGE_SIZE,
    backlog = DEFAULT_BACKLOG,
    sendQueueLength = DEFAULT_SEND_QUEUE_LENGTH,
    busyPoll = 0,
  } = options;
  requireRange("options.maxMessageSize", maxMessageSize, 1, LARGEST_MESSAGE_SIZE);
  requireRange("options.backlog", backlog, 1, INT32_MAX);
  requireRange("options.sendQueueLength", sendQueueLength, 1, INT32_MAX);
  requireRange("options.busyPoll", busyPoll, 0, LONGEST_BUSY_POLL_US);
  return { ...options, maxMessageSize, backlog, sendQueueLength, busyPoll };
}

/**
 * The peer's address: a URL may have host names.
 *
 * @throws {AddressError} It has another form, or a name doesn't resolve.
 */
export async function peerAddressOf(address: SctpAddressLike, signal: AbortSignal | undefined): Promise<SctpAddress> {
  if (typeof address !== "string") return address;
  return address.startsWith("sctp://")
    ? await resolveSctpAddress("sctp", address, { signal })
    : SctpAddress.parse(address);
}

function requireRange(argument: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ArgumentError(argument, `must be an integer from ${min} to ${max}, not ${String(value)}`);
  }
}
