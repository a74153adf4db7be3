/**
 * What a stream socket does when its descriptor is ready: attempts at reading and writing, and the counting of bytes.
 *
 * It needs to know nothing of waiting: {@linkcode Operations} carries the attempts out.
 *
 * @module
 */

import { ArgumentError, StateError, SystemError } from "../common/errors.ts";
import { SHUT_WR } from "./constants.ts";
import type { Descriptor } from "./descriptor.ts";
import { type DescriptorHolder, encodeDescriptors, requireDescriptors } from "./fd_passing.ts";
import { IOV_MAX } from "./iovec.ts";
import { requireWhole } from "./lent_memory.ts";
import type { Attempt } from "./operations.ts";
import { receiveWithDescriptors, sendSome, sendVector, vectorOf } from "./stream_io.ts";
import { read, readv, shutdown } from "./syscalls.ts";

/** What {@linkcode StreamSocket.readWithDescriptors} gives. */
export interface ReadWithDescriptors {
  /** Bytes stored in the buffer. */
  length: number;
  /** The descriptors that came with them; whoever receives them closes them. */
  descriptors: Descriptor[];
  /** True when more were sent than wanted, or than this process may open; those are closed. */
  isTruncated: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** What says that the connection is lost. The kernel says it once; later calls see nothing but an end of the stream. */
const LOSSES: ReadonlySet<string> = new Set(["ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ECONNABORTED"]);

/** One connection's attempts and counters. */
export class StreamChannel {
  bytesRead = 0;
  bytesWritten = 0;
  writesBlocked = 0;
  /** True once the stream was ended by us, or is about to be. */
  isWriteClosed = false;
  #loss: SystemError | undefined;

  /** Reads what is there. */
  reading(buffer: Uint8Array): Attempt<number | null> {
    requireRoom(buffer);
    const { length } = buffer;
    return (fd) => {
      requireWhole(buffer, length, "buffer");
      return this.#received(this.#guarded(() => read(fd, buffer)));
    };
  }

  /** Reads what is there into several buffers. */
  readingVector(buffers: readonly Uint8Array[]): Attempt<number | null> {
    buffers.forEach((buffer, index) => requireBytes(buffer, `buffers[${index}]`));
    const vector = vectorOf(buffers);
    if (vector.byteLength === 0) throw noRoom("buffers");
    return (fd) => this.#received(this.#guarded(() => readv(fd, vector)));
  }

  /** Reads what is there, and takes the descriptors that came with it. */
  readingWithDescriptors(buffer: Uint8Array, limit: number): Attempt<ReadWithDescriptors | null> {
    requireRoom(buffer);
    const { length } = buffer;
    return (fd) => {
      requireWhole(buffer, length, "buffer");
      const received = this.#guarded(() => receiveWithDescriptors(fd, buffer, limit));
      if (received === undefined) return undefined;
      return this.#received(received.length) === null ? null : received;
    };
  }

  /** Writes everything. */
  writing(bytes: Uint8Array): Attempt<true> {
    this.#requireWritable();
    requireBytes(bytes, "bytes");
    return this.#writing(bytes);
  }

  #writing(bytes: Uint8Array): Attempt<true> {
    let left = bytes;
    let length = bytes.length;
    return (fd) => {
      while (length > 0) {
        requireWhole(left, length, "bytes");
        const written = this.#sent(this.#guarded(() => sendSome(fd, left)));
        if (written === undefined) return undefined;
        length -= written;
        left = length === 0 ? NO_BYTES : left.subarray(written);
      }
      return true;
    };
  }

  /** Writes what fits, at least one byte. */
  writingSome(bytes: Uint8Array): Attempt<number> {
    this.#requireWritable();
    requireBytes(bytes, "bytes");
    const { length } = bytes;
    return (fd) => {
      requireWhole(bytes, length, "bytes");
      return length === 0 ? 0 : this.#sent(this.#guarded(() => sendSome(fd, bytes)));
    };
  }

  /** Writes everything that is in several buffers. */
  writingVector(buffers: readonly Uint8Array[]): Attempt<true> {
    this.#requireWritable();
    buffers.forEach((buffer, index) => requireBytes(buffer, `buffers[${index}]`));
    let from = 0;
    let vector = vectorOf(buffers);
    return (fd) => {
      for (;;) {
        while (vector.byteLength > 0) {
          if (this.#sent(this.#guarded(() => sendVector(fd, vector))) === undefined) return undefined;
        }
        from += IOV_MAX;
        if (from >= buffers.length) return true;
        vector = vectorOf(buffers, from);
      }
    };
  }

  /** Writes everything, and hands descriptors over with the first byte. */
  writingWithDescriptors(bytes: Uint8Array, holders: readonly DescriptorHolder[]): Attempt<true> {
    this.#requireWritable();
    requireRoom(bytes);
    requireDescriptors(holders);
    const { length } = bytes;
    let rest: Attempt<true> | undefined;
    return (fd) => {
      if (rest === undefined) {
        requireWhole(bytes, length, "bytes");
        // Encoded at the last moment: a descriptor that was closed meanwhile must not go out under a number used anew.
        const control = encodeDescriptors(holders);
        const written = this.#sent(this.#guarded(() => sendSome(fd, bytes, control)));
        if (written === undefined) return undefined;
        rest = this.#writing(bytes.subarray(written));
      }
      return rest(fd);
    };
  }

  /** Ends the stream to the peer. */
  endingWrites(): Attempt<true> {
    this.isWriteClosed = true;
    return (fd) => {
      try {
        shutdown(fd, SHUT_WR);
      } catch (error) {
        // The connection is gone, and with it the direction that was to be ended.
        if (!(error instanceof SystemError && error.code === "ENOTCONN")) throw error;
      }
      return true;
    };
  }

  #requireWritable(): void {
    if (this.isWriteClosed) {
      throw new StateError("write: closeWrite was called before, nothing can be written any more");
    }
  }

  #received(length: number | undefined): number | null | undefined {
    if (length === undefined) return undefined;
    if (length > 0) {
      this.bytesRead += length;
      return length;
    }
    if (this.#loss !== undefined) throw this.#loss;
    return null;
  }

  #sent(length: number | undefined): number | undefined {
    if (length === undefined) this.writesBlocked++;
    else this.bytesWritten += length;
    return length;
  }

  #guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      if (error instanceof SystemError && LOSSES.has(error.code)) this.#loss ??= error;
      throw error;
    }
  }
}

function requireBytes(bytes: Uint8Array, argument: string): void {
  if (!(bytes instanceof Uint8Array)) throw new ArgumentError(argument, `must be a Uint8Array, got ${typeof bytes}`);
}

function requireRoom(buffer: Uint8Array): void {
  requireBytes(buffer, "buffer");
  if (buffer.length === 0) throw noRoom("buffer");
}

/** Reading into nothing gives 0, which would look like the end of the stream. */
function noRoom(argument: string): ArgumentError {
  return new ArgumentError(argument, "must have room for at least one byte");
}
