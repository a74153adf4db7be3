/**
 * Reads the events of a socket: what `recvmmsg` brings becomes messages and notifications.
 *
 * It puts pieces together, and keeps what was read until somebody takes it. It needs to know nothing of sending.
 *
 * @module
 */

import { MessageTooLargeError, SystemError, TimeoutError } from "../../common/errors.ts";
import { getsockoptInt, type Message, type MessageSocket, MSG_EOR, SO_ERROR, SOL_SOCKET } from "../../ffi/mod.ts";
import type { SctpEvent } from "../driver.ts";
import type { SctpTransportAddress } from "../message.ts";
import type { SctpNotification } from "../notification.ts";
import { MSG_NOTIFICATION } from "./constants.ts";
import { decodeMessage } from "./control.ts";
import { decodeNotification } from "./notification_codec.ts";
import { MessageReassembler, type ReassemblyLimits } from "./reassembly.ts";

const NOTHING = new Uint8Array(0);
const NO_MESSAGES: readonly Message[] = [];

/** Reads one socket. */
export class EventReader {
  /** Whole messages. */
  messagesReceived = 0;
  /** Their bytes. */
  bytesReceived = 0;
  /** Notifications. */
  notificationsReceived = 0;
  /** Messages given up because they were too large. */
  oversizedMessages = 0;
  /** Messages given up because their last piece will not come. */
  incompleteMessages = 0;

  readonly #socket: MessageSocket;
  readonly #reassembler: MessageReassembler;
  readonly #onNotification: (notification: SctpNotification) => void;
  /** What one read brought, as far as it is not handed up yet. */
  #batch: readonly Message[] = NO_MESSAGES;
  #next = 0;
  /** Events that were decoded ahead of their turn. */
  #decoded: SctpEvent[] = [];
  /** A failure of the socket that was told before what came until then. */
  #error: SystemError | undefined;

  /**
   * @param socket The socket, which stays its owner's.
   * @param limits What is put together at most.
   * @param onNotification Told of each notification before it is handed up.
   */
  constructor(socket: MessageSocket, limits: ReassemblyLimits, onNotification: (event: SctpNotification) => void) {
    this.#socket = socket;
    this.#reassembler = new MessageReassembler(limits);
    this.#onNotification = onNotification;
  }

  /**
   * The next event that is there already.
   *
   * @param reads How many reads it may take; then there may be more to read, and the socket stays readable.
   * @throws {SystemError} The association broke, and no notification says so.
   */
  tryReceive(reads = Infinity): SctpEvent | undefined {
    if (this.#decoded.length > 0) return this.#decoded.shift();
    for (;;) {
      if (this.#next === this.#batch.length) {
        if (reads-- <= 0) return undefined;
        const batch = this.#tryFetch();
        if (batch === undefined) return undefined;
        this.#batch = batch;
        this.#next = 0;
      }
      const event = this.#decode(this.#batch[this.#next++]);
      if (event !== undefined) return event;
    }
  }

  /** Resolves when `tryReceive` is worth another try. */
  async readable(signal: AbortSignal): Promise<void> {
    try {
      await this.#socket.untilReadable({ signal });
    } catch (error) {
      this.#keepError(error);
    }
  }

  /** Blocks until `tryReceive` is worth another try; false when the time, in milliseconds, is up first. */
  readableSync(timeoutMs: number | undefined): boolean {
    try {
      this.#socket.untilReadableSync({ timeout: timeoutMs });
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      this.#keepError(error);
    }
    return true;
  }

  /** What the socket says of its last failure; 0 if there is none. */
  takeSocketError(): number {
    const error = this.#takeError();
    return error === undefined ? getsockoptInt(this.#socket.fd, SOL_SOCKET, SO_ERROR) : error.errno;
  }

  /** Takes out the events of an association that were read from the socket. */
  takeEventsOf(associationId: number): SctpEvent[] {
    const others: SctpEvent[] = [];
    const taken: SctpEvent[] = [];
    for (let event = this.#tryReceiveFetched(); event !== undefined; event = this.#tryReceiveFetched()) {
      (event.type !== "unknown" && event.associationId === associationId ? taken : others).push(event);
    }
    this.#decoded = others;
    return taken;
  }

  /** Hands over the pieces of an association's messages to whoever reads its own socket. */
  moveIncomplete(associationId: number, target: EventReader): void {
    this.#reassembler.move(associationId, target.#reassembler);
  }

  /** Throws everything away. */
  clear(): void {
    this.#batch = NO_MESSAGES;
    this.#next = 0;
    this.#decoded = [];
    this.#reassembler.clear();
  }

  /** What is there to be read; recvmmsg(2) tells of a broken association before it gives what came until then. */
  #tryFetch(): readonly Message[] | undefined {
    let batch: readonly Message[] | undefined;
    try {
      batch = this.#socket.tryReceiveBatch();
    } catch (error) {
      this.#keepError(error);
      batch = this.#socket.tryReceiveBatch();
    }
    if (batch === undefined) this.#throwKeptError();
    return batch;
  }

  /** Keeps a failure of the socket for when there is nothing more to read. */
  #keepError(error: unknown): void {
    if (!(error instanceof SystemError) || this.#error !== undefined) throw error;
    this.#error = error;
  }

  #throwKeptError(): void {
    const error = this.#takeError();
    if (error !== undefined) throw error;
  }

  #takeError(): SystemError | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /** The next event of what was read already. */
  #tryReceiveFetched(): SctpEvent | undefined {
    if (this.#decoded.length > 0) return this.#decoded.shift();
    if (this.#next === this.#batch.length && this.#socket.stats().inboxLength === 0) return undefined;
    return this.tryReceive();
  }

  /** The event that a read completes, if it does. */
  #decode(piece: Message): SctpEvent | undefined {
    const { data, flags, control, address } = piece;
    const isLast = (flags & MSG_EOR) !== 0;
    if ((flags & MSG_NOTIFICATION) !== 0) {
      const whole = this.#reassembler.pushNotification(data, isLast);
      return whole === undefined ? undefined : this.#notified(decodeNotification(whole));
    }
    if (data.length === 0) {
      this.#throwKeptError();
      return endOfFile();
    }
    const received = decodeMessage(control, data, address as SctpTransportAddress);
    if (received === undefined) return undefined;
    const message = this.#reassembler.push(received, isLast);
    if (message === undefined) return undefined;
    if (message instanceof MessageTooLargeError) {
      this.oversizedMessages++;
      const { associationId, streamId, ppid } = received;
      return { type: "message-too-large", associationId, streamId, ppid, error: message };
    }
    this.messagesReceived++;
    this.bytesReceived += message.data.length;
    return message;
  }

  #notified(notification: SctpNotification): SctpNotification {
    this.notificationsReceived++;
    this.#onNotification(notification);
    switch (notification.type) {
      case "association":
        if (notification.state !== "comm-up") {
          this.#dropIncomplete(() => this.#reassembler.forget(notification.associationId));
        }
        break;
      case "partial-delivery":
        this.#dropIncomplete(() =>
          this.#reassembler.abort(notification.associationId, notification.streamId, notification.unordered)
        );
        break;
    }
    return notification;
  }

  #dropIncomplete(drop: () => void): void {
    const before = this.#reassembler.incompleteMessages;
    drop();
    this.incompleteMessages += before - this.#reassembler.incompleteMessages;
  }
}

/** What the end of a one-to-one socket without a notification means. */
function endOfFile(): SctpNotification {
  return {
    type: "association",
    associationId: 0,
    state: "shutdown-complete",
    error: 0,
    errorName: "none",
    outboundStreams: 0,
    inboundStreams: 0,
    causes: [],
    features: [],
    info: NOTHING,
  };
}
