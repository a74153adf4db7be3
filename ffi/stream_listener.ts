/**
 * Listening for connections: TCP and unix streams.
 *
 * It accepts, one connection per call, and keeps the file of a unix socket in order. What the connections carry is not
 * its business.
 *
 * @module
 */

import { ArgumentError, ClosedError, SystemError } from "../common/errors.ts";
import { untilClosed } from "../common/iteration.ts";
import type { WaitOptions } from "../common/wait.ts";
import { checkInteger } from "./arguments.ts";
import {
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOL_SOCKET,
  SOMAXCONN,
} from "./constants.ts";
import { Descriptor } from "./descriptor.ts";
import { type FileIdentity, fileIdentity, removeFile, removeOwnFile, setFileMode, setPathMode } from "./files.ts";
import { Operations, type SyncOptions } from "./operations.ts";
import { READABLE } from "./reactor.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { applyStreamOptions, checkStreamOptions, domainOf, type StreamOptions } from "./stream_options.ts";
import { StreamSocket } from "./stream_socket.ts";
import { accept4, bind, getsockname, listen, setsockopt, socket } from "./syscalls.ts";

/** How a {@linkcode StreamListener} is set up; the rest is for the connections that it accepts. */
export interface ListenOptions extends StreamOptions {
  /**
   * How many connections may wait to be accepted; `net.core.somaxconn` bounds it.
   *
   * @default {4096}
   */
  backlog?: number;
  /**
   * Takes a port that earlier connections left in TIME_WAIT, `SO_REUSEADDR` of socket(7); for TCP only.
   *
   * @default {true}
   */
  reuseAddress?: boolean;
  /**
   * Shares the port with other listeners that want the same, `SO_REUSEPORT` of socket(7); for TCP only.
   *
   * @default {false}
   */
  reusePort?: boolean;
  /**
   * Whether an IPv6 listener on `::` leaves IPv4 alone, `IPV6_V6ONLY` of ipv6(7).
   *
   * @default the system's, usually false
   */
  ipv6Only?: boolean;
  /**
   * The permissions of a unix socket's file, for instance `0o600`; the file never has more than these.
   *
   * @default what the process's umask leaves of `0o777`
   */
  mode?: number;
}

/** Counters of a listener, since it was opened. */
export interface StreamListenerStats {
  /** Connections that were accepted. */
  accepted: number;
  /** Connections that were gone before they could be accepted. */
  aborted: number;
  /** Calls that wait for a connection now. */
  acceptsWaiting: number;
}

const NO_OPTIONS = Object.freeze({});

/** accept(2): what is wrong with the one connection, not with the listener; the next one is taken instead. */
const CONNECTION_GONE: ReadonlySet<string> = new Set([
  "ECONNABORTED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENONET",
  "ENOPROTOOPT",
  "EPROTO",
]);

/**
 * A socket that others connect to.
 *
 * Closing it removes the file of a unix socket, if it is still the one that listening made.
 *
 * @example An echo server
 * ```ts
 * import { StreamListener, StreamSocket } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * await using listener = StreamListener.listen({ family: "unix", abstract: `echo-${crypto.randomUUID()}` });
 * const serving = (async () => {
 *   for await (const socket of listener) await socket.readable.pipeTo(socket.writable);
 * })();
 *
 * await using client = await StreamSocket.connect(listener.localAddress(), { timeout: 1000 });
 * await client.write(new TextEncoder().encode("echo"));
 * const buffer = new Uint8Array(16);
 * assert.equal(await client.read(buffer, { timeout: 1000 }), 4);
 *
 * client.close();
 * listener.close();
 * await serving;
 * ```
 */
export class StreamListener implements AsyncIterable<StreamSocket>, Disposable, AsyncDisposable {
  readonly #operations: Operations;
  readonly #options: StreamOptions;
  readonly #file: { path: string; identity: FileIdentity } | undefined;
  #accepted = 0;
  #aborted = 0;

  private constructor(descriptor: Descriptor, address: SocketAddress, options: ListenOptions) {
    this.#options = options;
    if (address.family === "unix" && "path" in address) {
      this.#file = { path: address.path, identity: fileIdentity(address.path) };
    }
    this.#operations = new Operations(descriptor);
  }

  /**
   * Begins to listen: socket(2), bind(2) and listen(2).
   *
   * @param address Where to listen; with port 0 the kernel chooses one.
   * @param options How the listener and its connections are set up.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {AddressError} When the address can't be encoded.
   * @throws {SystemError} As in bind(2): `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, …
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static listen(address: SocketAddress, options: ListenOptions = NO_OPTIONS): StreamListener {
    const { backlog = SOMAXCONN, mode } = options;
    checkStreamOptions(options);
    checkInteger("options.backlog", backlog, 0, 0x7fffffff);
    checkInteger("options.mode", mode, 0, 0o777);
    const isPath = address.family === "unix" && "path" in address;
    if (mode !== undefined && !isPath) throw new ArgumentError("options.mode", "is for unix sockets with a path only");

    const descriptor = Descriptor.adopt(socket(domainOf(address), SOCK_STREAM), "stream listener");
    let isBound = false;
    try {
      const { fd } = descriptor;
      // The window that TCP offers to a peer is chosen before there is a connection to accept: tcp(7).
      applyStreamOptions(fd, address.family !== "unix", options);
      setListenerOptions(fd, address, options);
      if (mode !== undefined) setFileMode(fd, mode);
      bind(fd, address);
      isBound = true;
      // The umask has taken from the mode, so what it took is given back.
      if (mode !== undefined && isPath) setPathMode(address.path, mode);
      listen(fd, backlog);
      return new StreamListener(descriptor, address, options);
    } catch (error) {
      descriptor.close();
      if (isBound && isPath) removeFile(address.path);
      throw error;
    }
  }

  /**
   * The descriptor, for system calls that this class doesn't make.
   *
   * @throws {ClosedError} When the listener is closed.
   */
  get fd(): number {
    return this.#operations.fd;
  }

  /** True once the listener is closed. */
  get isClosed(): boolean {
    return this.#operations.isClosed;
  }

  /**
   * Where it listens, with the port that the kernel chose, getsockname(2).
   *
   * @throws {ClosedError} When the listener is closed.
   */
  localAddress(): SocketAddress {
    return getsockname(this.fd)!;
  }

  /**
   * Takes the next connection.
   *
   * @param options How long to wait.
   * @throws {ClosedError} When the listener is closed, before or meanwhile.
   * @throws {TimeoutError} When nobody connects in time.
   * @throws {SystemError} As in accept(2): `EMFILE` when this process may open no more descriptors; the connection goes on
   * waiting.
   */
  accept(options: WaitOptions = NO_OPTIONS): Promise<StreamSocket> {
    return this.#operations.perform(READABLE, "accept", (fd) => this.#take(fd), options);
  }

  /**
   * Takes the next connection if one is there.
   *
   * @returns The connection, or `undefined`.
   * @throws As {@linkcode StreamListener.accept}, without waiting.
   */
  tryAccept(): StreamSocket | undefined {
    return this.#operations.tryPerform(READABLE, (fd) => this.#take(fd));
  }

  /**
   * Takes the next connection, and blocks the thread until one is there. For Workers.
   *
   * @param options The longest wait, `timeout` in milliseconds.
   * @throws As {@linkcode StreamListener.accept}.
   */
  acceptSync(options: SyncOptions = NO_OPTIONS): StreamSocket {
    return this.#operations.performSync(READABLE, "acceptSync", (fd) => this.#take(fd), options.timeout);
  }

  /** Connection after connection, until the listener is closed. Other errors of `accept` are thrown. */
  [Symbol.asyncIterator](): AsyncIterableIterator<StreamSocket> {
    return untilClosed(() => this.accept());
  }

  /** Counters since the listener was opened. */
  stats(): StreamListenerStats {
    return { accepted: this.#accepted, aborted: this.#aborted, acceptsWaiting: this.#operations.readersWaiting };
  }

  /**
   * Stops listening. What is pending gets a `ClosedError`, connections that wait to be accepted are reset; does nothing
   * the second time. Connections that were accepted stay.
   */
  close(): void {
    if (this.isClosed) return;
    try {
      if (this.#file !== undefined) removeOwnFile(this.#file.path, this.#file.identity);
    } finally {
      this.#operations.close(new ClosedError("the stream listener was closed; listen anew"));
    }
  }

  /** The same as {@linkcode StreamListener.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Stops listening, and resolves when no thread waits for it any more, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#operations.idle();
  }

  #take(fd: number): StreamSocket | undefined {
    for (;;) {
      try {
        const accepted = accept4(fd);
        if (accepted === undefined) return undefined;
        const connection = StreamSocket.adopt(Descriptor.adopt(accepted.fd, "stream socket"), this.#options);
        this.#accepted++;
        return connection;
      } catch (error) {
        if (!(error instanceof SystemError && CONNECTION_GONE.has(error.code))) throw error;
        this.#aborted++;
      }
    }
  }
}

function setListenerOptions(fd: number, address: SocketAddress, options: ListenOptions): void {
  const { reuseAddress = true, reusePort = false, ipv6Only } = options;
  if (address.family === "unix") return;
  if (reuseAddress) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (reusePort) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family === "inet6" && ipv6Only !== undefined) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
}
