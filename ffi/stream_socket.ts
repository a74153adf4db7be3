/**
 * Sockets of bytes: TCP and unix streams.
 *
 * It moves bytes between the kernel and those who wait, under backpressure and in order. What the bytes mean, and where one
 * message ends and the next begins, is not its business.
 *
 * @module
 */

import { ArgumentError, ClosedError, UnsupportedError } from "../common/errors.ts";
import type { WaitOptions } from "../common/wait.ts";
import { checkInteger } from "./arguments.ts";
import {
  AF_UNIX,
  IPPROTO_TCP,
  SO_DOMAIN,
  SO_LINGER,
  SO_PEERCRED,
  SO_PROTOCOL,
  SO_TYPE,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./constants.ts";
import { Descriptor } from "./descriptor.ts";
import { type DescriptorHolder, MAX_DESCRIPTORS } from "./fd_passing.ts";
import { type Attempt, makeNonBlocking, Operations, type SyncOptions } from "./operations.ts";
import { READABLE, WRITABLE } from "./reactor.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { type ReadWithDescriptors, StreamChannel } from "./stream_channel.ts";
import { establish, establishSync } from "./stream_connect.ts";
import {
  applyStreamOptions,
  checkStreamOptions,
  domainOf,
  type KeepAliveOptions,
  setKeepAlive,
  setNoDelay,
  type StreamOptions,
} from "./stream_options.ts";
import {
  bind,
  getpeername,
  getsockname,
  getsockopt,
  getsockoptInt,
  setsockopt,
  socket,
  socketpair,
} from "./syscalls.ts";
import { decodeUcred, UCRED_SIZE, type UnixCredentials } from "./ucred.ts";
import { readableOf, writableOf } from "./web_streams.ts";

/** How a connection is made. */
export interface ConnectOptions extends StreamOptions {
  /** The address to connect from; without it the kernel chooses. */
  localAddress?: SocketAddress;
}

/** Counters of a stream socket, since it was opened. */
export interface StreamSocketStats {
  /** Bytes that were read. */
  bytesRead: number;
  /** Bytes that the kernel accepted, those of writes that were given up included. */
  bytesWritten: number;
  /** How often the kernel's send buffer was full. */
  writesBlocked: number;
  /** Reads that wait now. */
  readsWaiting: number;
  /** Writes that wait now. */
  writesWaiting: number;
}

const NO_OPTIONS = Object.freeze({});
/** `struct linger` with `l_onoff` 1 and `l_linger` 0, socket(7): closing resets the connection. */
const RESET_ON_CLOSE = new Uint8Array(Int32Array.of(1, 0).buffer);

/**
 * A connection that carries bytes in both directions, over TCP or between two processes.
 *
 * Reads give what is there, at least one byte; `null` is the end of the stream. `write` and `writev` write everything, in
 * the order of the calls, and wait while the kernel's buffer is full; `tryWrite` and `writeSome` write what fits. A write
 * that is given up by its signal or timeout may have written its beginning: `stats().bytesWritten` tells. The calls that
 * end in `Sync` block the thread, for Workers.
 *
 * @example Talk to oneself
 * ```ts
 * import { StreamListener, StreamSocket } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * await using listener = StreamListener.listen({ family: "inet", address: "127.0.0.1", port: 0 });
 * await using client = await StreamSocket.connect(listener.localAddress(), { timeout: 1000 });
 * await using server = await listener.accept({ timeout: 1000 });
 *
 * await client.write(new TextEncoder().encode("hello"));
 * await client.closeWrite();
 * const buffer = new Uint8Array(1024);
 * assert.equal(await server.read(buffer), 5);
 * assert.equal(await server.read(buffer), null);
 * ```
 */
export class StreamSocket implements Disposable, AsyncDisposable {
  readonly #operations: Operations;
  readonly #channel = new StreamChannel();
  readonly #domain: number;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;
  #streamsOpen = 2;

  private constructor(descriptor: Descriptor, domain: number) {
    this.#operations = new Operations(descriptor);
    this.#domain = domain;
  }

  /**
   * Connects to a listener.
   *
   * @param address Where it listens.
   * @param options How long to wait, where to connect from, and how the socket is set up.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {AddressError} When the address can't be encoded.
   * @throws {TimeoutError} When the peer doesn't answer in time.
   * @throws {SystemError} As in connect(2): `ECONNREFUSED`, `ENETUNREACH`, `ENOENT`, `EACCES`, …
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static async connect(
    address: SocketAddress,
    options: ConnectOptions & WaitOptions = NO_OPTIONS,
  ): Promise<StreamSocket> {
    const connection = StreamSocket.#open(address, options);
    try {
      await establish(connection.#operations, address, options);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Connects to a listener, and blocks the thread meanwhile. For Workers.
   *
   * @param address Where it listens.
   * @param options The longest wait, `timeout` in milliseconds, and what {@linkcode StreamSocket.connect} takes.
   * @throws As {@linkcode StreamSocket.connect}.
   */
  static connectSync(address: SocketAddress, options: ConnectOptions & SyncOptions = NO_OPTIONS): StreamSocket {
    const connection = StreamSocket.#open(address, options);
    try {
      establishSync(connection.#operations, address, options.timeout);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Makes a stream socket of an open descriptor, which it owns from now on, also when this fails. The descriptor is made
   * non-blocking, for everybody who shares the open file.
   *
   * @param descriptor The descriptor of a connected stream socket.
   * @param options How it is set up.
   * @throws {ArgumentError} When an option is out of range, or the socket is of another type.
   * @throws {ClosedError} When the descriptor is closed.
   * @throws {SystemError} `ENOTSOCK` when it is no socket.
   */
  static adopt(descriptor: Descriptor, options: StreamOptions = NO_OPTIONS): StreamSocket {
    try {
      const { fd } = descriptor;
      checkStreamOptions(options);
      const type = getsockoptInt(fd, SOL_SOCKET, SO_TYPE);
      if (type !== SOCK_STREAM) {
        throw new ArgumentError("descriptor", `must be a stream socket, its SO_TYPE is ${type}`);
      }
      const domain = getsockoptInt(fd, SOL_SOCKET, SO_DOMAIN);
      applyStreamOptions(fd, getsockoptInt(fd, SOL_SOCKET, SO_PROTOCOL) === IPPROTO_TCP, options);
      makeNonBlocking(fd);
      return new StreamSocket(descriptor, domain);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  /**
   * Opens two connected unix stream sockets, socketpair(2).
   *
   * @param options How both are set up.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {SystemError} As in socketpair(2).
   *
   * @example
   * ```ts
   * import { StreamSocket } from "@sockeye/sockeye/ffi";
   * import assert from "node:assert/strict";
   *
   * const [left, right] = StreamSocket.pair();
   * await left.write(Uint8Array.of(1, 2, 3));
   * assert.equal(await right.read(new Uint8Array(16)), 3);
   * await using _ = left, __ = right;
   * ```
   */
  static pair(options: StreamOptions = NO_OPTIONS): [StreamSocket, StreamSocket] {
    checkStreamOptions(options);
    const [left, right] = socketpair(AF_UNIX, SOCK_STREAM).map((fd) => Descriptor.adopt(fd, "stream socket"));
    try {
      return [StreamSocket.adopt(left, options), StreamSocket.adopt(right, options)];
    } catch (error) {
      left.close();
      right.close();
      throw error;
    }
  }

  static #open(address: SocketAddress, options: ConnectOptions): StreamSocket {
    checkStreamOptions(options);
    const domain = domainOf(address);
    const descriptor = Descriptor.adopt(socket(domain, SOCK_STREAM), "stream socket");
    try {
      applyStreamOptions(descriptor.fd, domain !== AF_UNIX, options);
      if (options.localAddress !== undefined) bind(descriptor.fd, options.localAddress);
      return new StreamSocket(descriptor, domain);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  /**
   * The descriptor, for system calls that this class doesn't make.
   *
   * @throws {ClosedError} When the socket is closed.
   */
  get fd(): number {
    return this.#operations.fd;
  }

  /** True once the socket is closed. */
  get isClosed(): boolean {
    return this.#operations.isClosed;
  }

  /**
   * The address of this end, getsockname(2).
   *
   * @throws {ClosedError} When the socket is closed.
   */
  localAddress(): SocketAddress {
    return getsockname(this.fd)!;
  }

  /**
   * The address of the other end, getpeername(2).
   *
   * @throws {ClosedError} When the socket is closed.
   * @throws {SystemError} `ENOTCONN` when the peer is gone.
   */
  peerAddress(): SocketAddress {
    return getpeername(this.fd)!;
  }

  /**
   * Who made the other end of a unix socket, `SO_PEERCRED` of unix(7): the process that called connect, or that called
   * listen.
   *
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} When it isn't a unix socket.
   */
  peerCredentials(): UnixCredentials {
    const { fd } = this;
    if (this.#domain !== AF_UNIX) {
      throw new UnsupportedError(
        "peerCredentials: only unix sockets have them; over TCP the peer has to identify itself",
      );
    }
    const bytes = new Uint8Array(UCRED_SIZE);
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, bytes);
    return decodeUcred(bytes)!;
  }

  /**
   * Sends each write at once, or gathers small ones: `TCP_NODELAY` of tcp(7).
   *
   * @param on Whether each write goes out at once. @default true
   * @throws {ClosedError} When the socket is closed.
   * @throws {SystemError} `EOPNOTSUPP` when it isn't a TCP socket.
   */
  setNoDelay(on = true): void {
    setNoDelay(this.fd, on);
  }

  /**
   * Probes the connection while it is silent, or stops that: `SO_KEEPALIVE` of socket(7).
   *
   * @param keepAlive Whether, or how. @default true
   * @throws {ArgumentError} When a time or count is out of range.
   * @throws {ClosedError} When the socket is closed.
   */
  setKeepAlive(keepAlive: boolean | KeepAliveOptions = true): void {
    setKeepAlive(this.fd, keepAlive);
  }

  /**
   * Reads what is there, at least one byte.
   *
   * @param buffer Where the bytes go. Calls are served in their order.
   * @param options How long to wait.
   * @returns How many bytes, or `null` at the end of the stream.
   * @throws {ArgumentError} When the buffer has no room.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When nothing arrives in time; nothing is lost then.
   * @throws {SystemError} As in read(2), for instance `ECONNRESET`.
   */
  read(buffer: Uint8Array, options: WaitOptions = NO_OPTIONS): Promise<number | null> {
    return this.#later(READABLE, "read", () => this.#channel.reading(buffer), options);
  }

  /**
   * Reads what is there, without waiting.
   *
   * @param buffer Where the bytes go.
   * @returns How many bytes, `null` at the end of the stream, or `undefined` when nothing is there or other reads wait.
   * @throws As {@linkcode StreamSocket.read}.
   */
  tryRead(buffer: Uint8Array): number | null | undefined {
    return this.#operations.tryPerform(READABLE, this.#channel.reading(buffer));
  }

  /**
   * Reads what is there, at least one byte, and blocks the thread until then. For Workers.
   *
   * @param buffer Where the bytes go.
   * @param options The longest wait, `timeout` in milliseconds.
   * @returns How many bytes, or `null` at the end of the stream.
   * @throws As {@linkcode StreamSocket.read}.
   */
  readSync(buffer: Uint8Array, options: SyncOptions = NO_OPTIONS): number | null {
    return this.#now(READABLE, "readSync", () => this.#channel.reading(buffer), options);
  }

  /**
   * Reads what is there into several buffers, one after the other, readv(2). The last ones may stay untouched.
   *
   * @param buffers Where the bytes go; the first 1024 are used.
   * @param options How long to wait.
   * @returns How many bytes in all, or `null` at the end of the stream.
   * @throws As {@linkcode StreamSocket.read}.
   *
   * @example A header, and what follows it
   * ```ts
   * import { StreamSocket } from "@sockeye/sockeye/ffi";
   * import assert from "node:assert/strict";
   *
   * const [left, right] = StreamSocket.pair();
   * await left.writev([Uint8Array.of(0, 2), Uint8Array.of(7, 8)]);
   * const header = new Uint8Array(2);
   * const body = new Uint8Array(100);
   * assert.equal(await right.readv([header, body]), 4);
   * assert.equal(body[1], 8);
   * await using _ = left, __ = right;
   * ```
   */
  readv(buffers: readonly Uint8Array[], options: WaitOptions = NO_OPTIONS): Promise<number | null> {
    return this.#later(READABLE, "readv", () => this.#channel.readingVector(buffers), options);
  }

  /**
   * Reads into several buffers, and blocks the thread until at least one byte is there. For Workers.
   *
   * @param buffers Where the bytes go; the first 1024 are used.
   * @param options The longest wait, `timeout` in milliseconds.
   * @returns How many bytes in all, or `null` at the end of the stream.
   * @throws As {@linkcode StreamSocket.read}.
   */
  readvSync(buffers: readonly Uint8Array[], options: SyncOptions = NO_OPTIONS): number | null {
    return this.#now(READABLE, "readvSync", () => this.#channel.readingVector(buffers), options);
  }

  /**
   * Reads what is there on a unix socket, and the descriptors that the peer handed over with it. Every other read closes
   * descriptors that arrive.
   *
   * @param buffer Where the bytes go.
   * @param options How long to wait, and how many descriptors are wanted: `maxDescriptors`, 253 by default; the others are
   * closed.
   * @returns Bytes and descriptors, or `null` at the end of the stream. Bytes of two writes come together only when the
   * second brought no descriptors.
   * @throws As {@linkcode StreamSocket.read}.
   */
  readWithDescriptors(
    buffer: Uint8Array,
    options: WaitOptions & { maxDescriptors?: number } = NO_OPTIONS,
  ): Promise<ReadWithDescriptors | null> {
    return this.#later(READABLE, "readWithDescriptors", () => this.#readingWithDescriptors(buffer, options), options);
  }

  /**
   * Reads bytes and descriptors, and blocks the thread until they are there. For Workers.
   *
   * @param buffer Where the bytes go.
   * @param options The longest wait, `timeout` in milliseconds, and `maxDescriptors`.
   * @returns As {@linkcode StreamSocket.readWithDescriptors}.
   * @throws As {@linkcode StreamSocket.read}.
   */
  readWithDescriptorsSync(
    buffer: Uint8Array,
    options: SyncOptions & { maxDescriptors?: number } = NO_OPTIONS,
  ): ReadWithDescriptors | null {
    const prepare = () => this.#readingWithDescriptors(buffer, options);
    return this.#now(READABLE, "readWithDescriptorsSync", prepare, options);
  }

  /**
   * Writes all bytes, in the order of the calls. Resolved, they are in the kernel.
   *
   * @param bytes What to write; it must not change until the promise has settled.
   * @param options How long to wait while the kernel's buffer is full. A write that is given up may have written its
   * beginning.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {StateError} After `closeWrite`.
   * @throws {TimeoutError} When the wait takes too long.
   * @throws {SystemError} As in send(2): `EPIPE` or `ECONNRESET` when the peer is gone.
   */
  write(bytes: Uint8Array, options: WaitOptions = NO_OPTIONS): Promise<void> {
    return this.#later(WRITABLE, "write", () => this.#channel.writing(bytes), options).then(ignored);
  }

  /**
   * Writes what fits into the kernel's buffer, at least one byte.
   *
   * @param bytes What to write; it must not change until the promise has settled.
   * @param options How long to wait while the kernel's buffer is full; given up, nothing was written.
   * @returns How many bytes were written.
   * @throws As {@linkcode StreamSocket.write}.
   */
  writeSome(bytes: Uint8Array, options: WaitOptions = NO_OPTIONS): Promise<number> {
    return this.#later(WRITABLE, "writeSome", () => this.#channel.writingSome(bytes), options);
  }

  /**
   * Writes what fits into the kernel's buffer, without waiting.
   *
   * @param bytes What to write.
   * @returns How many bytes were written; 0 when the buffer is full or other writes wait.
   * @throws As {@linkcode StreamSocket.write}.
   */
  tryWrite(bytes: Uint8Array): number {
    void this.fd;
    return this.#operations.tryPerform(WRITABLE, this.#channel.writingSome(bytes)) ?? 0;
  }

  /**
   * Writes all bytes, and blocks the thread while the kernel's buffer is full. For Workers.
   *
   * @param bytes What to write.
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode StreamSocket.write}.
   */
  writeSync(bytes: Uint8Array, options: SyncOptions = NO_OPTIONS): void {
    this.#now(WRITABLE, "writeSync", () => this.#channel.writing(bytes), options);
  }

  /**
   * Writes all bytes of several buffers, one after the other, with as few system calls as possible.
   *
   * @param buffers What to write; they must not change until the promise has settled.
   * @param options How long to wait, as in {@linkcode StreamSocket.write}.
   * @throws As {@linkcode StreamSocket.write}.
   */
  writev(buffers: readonly Uint8Array[], options: WaitOptions = NO_OPTIONS): Promise<void> {
    return this.#later(WRITABLE, "writev", () => this.#channel.writingVector(buffers), options).then(ignored);
  }

  /**
   * Writes all bytes of several buffers, and blocks the thread while the kernel's buffer is full. For Workers.
   *
   * @param buffers What to write.
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode StreamSocket.write}.
   */
  writevSync(buffers: readonly Uint8Array[], options: SyncOptions = NO_OPTIONS): void {
    this.#now(WRITABLE, "writevSync", () => this.#channel.writingVector(buffers), options);
  }

  /**
   * Writes all bytes to a unix socket, and hands copies of descriptors over with the first of them: `SCM_RIGHTS`, unix(7).
   *
   * @param bytes What to write, at least one byte.
   * @param holders What to hand over, 1 to 253: descriptors, sockets, shared memory. They stay ours, and must stay open
   * until the promise has settled.
   * @param options How long to wait, as in {@linkcode StreamSocket.write}.
   * @throws {ArgumentError} When there are no bytes, no descriptors or too many.
   * @throws {UnsupportedError} When it isn't a unix socket.
   * @throws {SystemError} `ETOOMANYREFS` when too many descriptors are on their way.
   * @throws As {@linkcode StreamSocket.write}.
   *
   * @example Hand over one end of a pipe
   * ```ts
   * import { close, pipe2, read, StreamSocket, write } from "@sockeye/sockeye/ffi";
   * import assert from "node:assert/strict";
   *
   * const [left, right] = StreamSocket.pair();
   * const [reader, writer] = pipe2();
   * await left.writeWithDescriptors(Uint8Array.of(1), [{ fd: writer }]);
   * const received = await right.readWithDescriptors(new Uint8Array(16), { maxDescriptors: 1 });
   *
   * write(received!.descriptors[0].fd, Uint8Array.of(7));
   * const buffer = new Uint8Array(1);
   * read(reader, buffer);
   * assert.equal(buffer[0], 7);
   *
   * received!.descriptors[0].close();
   * close(reader);
   * close(writer);
   * await using _ = left, __ = right;
   * ```
   */
  writeWithDescriptors(
    bytes: Uint8Array,
    holders: readonly DescriptorHolder[],
    options: WaitOptions = NO_OPTIONS,
  ): Promise<void> {
    const prepare = () => this.#writingWithDescriptors(bytes, holders);
    return this.#later(WRITABLE, "writeWithDescriptors", prepare, options).then(ignored);
  }

  /**
   * Writes all bytes and hands descriptors over, and blocks the thread meanwhile. For Workers.
   *
   * @param bytes What to write, at least one byte.
   * @param holders What to hand over.
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode StreamSocket.writeWithDescriptors}.
   */
  writeWithDescriptorsSync(
    bytes: Uint8Array,
    holders: readonly DescriptorHolder[],
    options: SyncOptions = NO_OPTIONS,
  ): void {
    const prepare = () => this.#writingWithDescriptors(bytes, holders);
    this.#now(WRITABLE, "writeWithDescriptorsSync", prepare, options);
  }

  /**
   * Ends the stream to the peer, behind what waits to be written: `SHUT_WR` of shutdown(2). Reading goes on. Does nothing
   * the second time.
   *
   * @param options How long to wait for the writes in front.
   * @throws {ClosedError} When the socket is closed, before or meanwhile.
   * @throws {TimeoutError} When the wait takes too long; the stream is not ended then.
   */
  closeWrite(options: WaitOptions = NO_OPTIONS): Promise<void> {
    const ended = this.#later(WRITABLE, "closeWrite", () => this.#channel.endingWrites(), options);
    return ended.then(ignored, (error) => {
      this.#channel.isWriteClosed = false;
      throw error;
    });
  }

  /**
   * Ends the stream to the peer, and blocks the thread while writes are in front. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode StreamSocket.closeWrite}.
   */
  closeWriteSync(options: SyncOptions = NO_OPTIONS): void {
    try {
      this.#now(WRITABLE, "closeWriteSync", () => this.#channel.endingWrites(), options);
    } catch (error) {
      this.#channel.isWriteClosed = false;
      throw error;
    }
  }

  /**
   * The bytes that arrive, as a stream of chunks that also takes the reader's own buffers (BYOB). Reading it and calling
   * `read` take turns. Once it has ended or was cancelled, and `writable` was closed, the socket is closed.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(this, () => this.#streamEnded());
  }

  /** The way to the peer, as a stream: closing it is {@linkcode StreamSocket.closeWrite}, aborting it `abort`. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOf(this, () => this.#streamEnded());
  }

  /** Counters since the socket was opened. */
  stats(): StreamSocketStats {
    return {
      bytesRead: this.#channel.bytesRead,
      bytesWritten: this.#channel.bytesWritten,
      writesBlocked: this.#channel.writesBlocked,
      readsWaiting: this.#operations.readersWaiting,
      writesWaiting: this.#operations.writersWaiting,
    };
  }

  /**
   * Closes the socket. What is pending gets a `ClosedError`; does nothing the second time. Bytes that `write` has settled
   * for still reach the peer, unless bytes of the peer were left unread: then TCP resets the connection, RFC 2525 section
   * 2.17.
   */
  close(): void {
    this.#operations.close(new ClosedError("the stream socket was closed; open a new one"));
  }

  /** Closes the socket and drops what is on its way; over TCP the peer gets `ECONNRESET`. `SO_LINGER` of socket(7). */
  abort(): void {
    if (this.isClosed) return;
    try {
      setsockopt(this.fd, SOL_SOCKET, SO_LINGER, RESET_ON_CLOSE);
    } finally {
      this.close();
    }
  }

  /** The same as {@linkcode StreamSocket.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the socket, and resolves when no thread waits for it any more, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#operations.idle();
  }

  #readingWithDescriptors(
    buffer: Uint8Array,
    { maxDescriptors = MAX_DESCRIPTORS }: { maxDescriptors?: number },
  ): Attempt<ReadWithDescriptors | null> {
    checkInteger("options.maxDescriptors", maxDescriptors, 0, MAX_DESCRIPTORS);
    return this.#channel.readingWithDescriptors(buffer, maxDescriptors);
  }

  #writingWithDescriptors(bytes: Uint8Array, holders: readonly DescriptorHolder[]): Attempt<true> {
    if (this.#domain === AF_UNIX) return this.#channel.writingWithDescriptors(bytes, holders);
    // The kernel would send the bytes and pass over the descriptors in silence.
    throw new UnsupportedError("writeWithDescriptors: only unix sockets carry descriptors; TCP goes to other machines");
  }

  #later<T>(events: number, what: string, prepare: () => Attempt<T>, options: WaitOptions): Promise<T> {
    try {
      void this.fd;
      return this.#operations.perform(events, what, prepare(), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #now<T>(events: number, what: string, prepare: () => Attempt<T>, options: SyncOptions): T {
    void this.fd;
    return this.#operations.performSync(events, what, prepare(), options.timeout);
  }

  #streamEnded(): void {
    if (--this.#streamsOpen === 0) this.close();
  }
}

function ignored(): void {}
