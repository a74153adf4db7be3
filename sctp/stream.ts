/**
 * A view on one stream of an association.
 *
 * @module
 */

import type { WaitOptions } from "../common/wait.ts";
import type { SctpMessage, SctpSendOptions } from "./message.ts";
import type { Receiver } from "./receiver.ts";
import { outgoingMessage, type SctpOutgoingMessage, type SctpPayload } from "./payload.ts";

/** What a stream needs of its association. */
export interface StreamCarrier {
  readonly isClosed: boolean;
  send(data: SctpPayload, options?: SctpSendOptions): Promise<void>;
  trySend(data: SctpPayload, options?: SctpSendOptions): boolean;
  sendSync(data: SctpPayload, options?: SctpSendOptions): void;
  forgetStream(stream: SctpStream): void;
}

/** Options of a send on a view: those of the association, less the stream. */
export type SctpStreamSendOptions = Omit<SctpSendOptions, "streamId">;

/**
 * One stream of an association, for sending and receiving; `association.stream(5)` gives it.
 *
 * While it is open, the messages of its stream come here and nowhere else; order within the stream is kept (RFC 9260
 * section 1.5.2). Its queue is bounded by `receiveQueueSize`: when it is full, the whole association waits for somebody
 * to receive here, since a stream can't be held back alone. So close a view that is no longer read; what it has not
 * handed out goes to the association's own `receive`.
 *
 * @example
 * ```ts
 * import { isSctpAvailable, SctpAssociation, SctpListener } from "@sockeye/sockeye/sctp";
 * import assert from "node:assert/strict";
 *
 * if (isSctpAvailable()) {
 *   using listener = SctpListener.listen("sctp://127.0.0.1:0");
 *   using client = await SctpAssociation.connect(listener.localAddresses());
 *   using server = await listener.accept();
 *   const control = server.stream(0);
 *   const bulk = server.stream(5);
 *
 *   await client.send("bulk", { streamId: 5 });
 *   await client.send("control");
 *
 *   assert.equal(new TextDecoder().decode((await control.receive()).data), "control");
 *   assert.equal(new TextDecoder().decode((await bulk.receive()).data), "bulk");
 * }
 * ```
 */
export class SctpStream implements Disposable, AsyncIterable<SctpMessage> {
  /** The stream identifier. */
  readonly id: number;
  readonly #carrier: StreamCarrier;
  readonly #receiver: Receiver<SctpMessage>;
  #isClosed = false;
  #readable: ReadableStream<SctpMessage> | undefined;
  #writable: WritableStream<SctpPayload | SctpOutgoingMessage> | undefined;

  /** @ignore Only associations make views. */
  constructor(id: number, carrier: StreamCarrier, receiver: Receiver<SctpMessage>) {
    this.id = id;
    this.#carrier = carrier;
    this.#receiver = receiver;
  }

  /** Whether the view is closed, by itself or with its association. */
  get isClosed(): boolean {
    return this.#isClosed || this.#carrier.isClosed;
  }

  /**
   * Sends a message on this stream; see {@linkcode SctpAssociation.send}.
   *
   * @param data The message, at least one byte; text goes out as UTF-8.
   * @param options Metadata, and how long to wait.
   */
  send(data: SctpPayload, options: SctpStreamSendOptions = {}): Promise<void> {
    return this.#carrier.send(data, { ...options, streamId: this.id });
  }

  /**
   * Sends a message on this stream if there is room for it; see {@linkcode SctpAssociation.trySend}.
   *
   * @param data The message, at least one byte; text goes out as UTF-8.
   * @param options Metadata.
   * @returns False, and nothing was sent, when the send buffer is full.
   */
  trySend(data: SctpPayload, options: SctpStreamSendOptions = {}): boolean {
    return this.#carrier.trySend(data, { ...options, streamId: this.id });
  }

  /**
   * Sends a message on this stream, and blocks until there is room for it; see {@linkcode SctpAssociation.sendSync}.
   *
   * @param data The message, at least one byte; text goes out as UTF-8.
   * @param options Metadata, and how long to wait.
   */
  sendSync(data: SctpPayload, options: SctpStreamSendOptions = {}): void {
    this.#carrier.sendSync(data, { ...options, streamId: this.id });
  }

  /**
   * The next message on this stream.
   *
   * @param options How long to wait.
   * @throws {ClosedError} The view or the association was closed, or the peer shut the association down.
   * @throws {SystemError} The association broke: `ECONNRESET` when the peer aborted it, `ETIMEDOUT` when it fell
   *   silent.
   * @throws {TimeoutError} The time was up.
   */
  receive(options: WaitOptions = {}): Promise<SctpMessage> {
    return this.#receiver.receive(options);
  }

  /**
   * The next message on this stream if it has arrived already.
   *
   * @returns The message, or `undefined`.
   * @throws {ClosedError} The view or the association was closed, or the peer shut the association down.
   * @throws {SystemError} The association broke.
   */
  tryReceive(): SctpMessage | undefined {
    return this.#receiver.tryReceive();
  }

  /**
   * The next message on this stream; blocks the thread, so it is for Workers.
   *
   * @param options How long to wait.
   * @throws {ClosedError} The view or the association was closed, or the peer shut the association down.
   * @throws {StateError} A message for another receiver has no room.
   * @throws {SystemError} The association broke.
   * @throws {TimeoutError} The time was up.
   */
  receiveSync(options: Pick<WaitOptions, "timeout"> = {}): SctpMessage {
    return this.#receiver.receiveSync(options);
  }

  /** The messages of this stream, until the view is closed or the association ends. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SctpMessage> {
    return this.#receiver.iterate();
  }

  /** The messages of this stream as a Web stream; it reads nothing ahead. The same object each time. */
  get readable(): ReadableStream<SctpMessage> {
    return this.#readable ??= this.#receiver.readable();
  }

  /** Sends what is written to it on this stream. Closing it closes nothing else. The same object each time. */
  get writable(): WritableStream<SctpPayload | SctpOutgoingMessage> {
    return this.#writable ??= new WritableStream({
      write: (chunk) => {
        const { data, ...options } = outgoingMessage(chunk);
        return this.send(data, options);
      },
    });
  }

  /** Closes the view; its unread messages, and those to come, go to the association's own `receive`. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#carrier.forgetStream(this);
  }

  /** The same as {@linkcode SctpStream.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
