/**
 * Web Streams over a stream socket: bytes in, bytes out, each with backpressure.
 *
 * It needs to know nothing of sockets but how to read, write, half-close and give up.
 *
 * @module
 */

import type { WaitOptions } from "../common/wait.ts";

/** What the streams need of a socket. */
export interface ByteDuplex {
  /** Reads at least one byte, or gives `null` at the end. */
  read(buffer: Uint8Array, options?: WaitOptions): Promise<number | null>;
  /** Writes all bytes. */
  write(bytes: Uint8Array, options?: WaitOptions): Promise<void>;
  /** Tells the peer that no more will be written. */
  closeWrite(): Promise<void>;
  /** Ends the connection at once; the peer learns that it was cut. */
  abort(): void;
}

/** Bytes that are read at once where the consumer brings no buffer. */
const CHUNK_BYTES = 65536;

/**
 * The bytes that arrive, as a readable byte stream; nothing is read that nobody asked for.
 *
 * @param onEnd Called once, when the end was read or the stream was cancelled.
 */
export function readableOf(socket: ByteDuplex, onEnd: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  const cancelled = new AbortController();
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: CHUNK_BYTES,
    async pull(controller) {
      const request = controller.byobRequest!;
      const view = request.view!;
      const buffer = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
      const length = await socket.read(buffer, { signal: cancelled.signal });
      if (length !== null) return request.respond(length);
      controller.close();
      // A pending request has to be answered also after the end: Streams, ReadableByteStreamControllerClose.
      request.respond(0);
      onEnd();
    },
    cancel(reason) {
      cancelled.abort(reason);
      onEnd();
    },
  });
}

/**
 * The way to the peer, as a writable stream: closing it half-closes the connection, aborting it cuts the connection.
 *
 * @param onEnd Called once, when the stream was closed.
 */
export function writableOf(socket: ByteDuplex, onEnd: () => void): WritableStream<Uint8Array> {
  return new WritableStream({
    write: (chunk, controller) => socket.write(chunk, { signal: controller.signal }),
    async close() {
      await socket.closeWrite();
      onEnd();
    },
    abort: () => socket.abort(),
  });
}
