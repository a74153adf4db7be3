/**
 * System calls as functions that throw: plain descriptors in, plain values out.
 *
 * Everything here is a thin step above the man page of the same name (section 2 or 3), for those who need a call that our
 * sockets don't make. Each throws `SystemError` with the call's name when it fails, and `UnsupportedError` where there is
 * no libc to call. Descriptors are numbers: whoever opens one closes it, or hands it to {@linkcode Descriptor.adopt}.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { MFD_CLOEXEC, O_CLOEXEC, SOCK_CLOEXEC, SOCK_NONBLOCK } from "./constants.ts";
import { ERRNO, systemError } from "./errno.ts";
import type { IoVector } from "./iovec.ts";
import { checked, isUncertain, lastErrno, libc, unlessBlocked } from "./libc.ts";
import { decodeSockaddr, encodeSockaddr, formatSocketAddress, SOCKADDR_STORAGE_SIZE } from "./sockaddr.ts";
import type { SocketAddress } from "./sockaddr.ts";

const encoder = new TextEncoder();

/** A buffer for a `socklen_t` or an `int`, reused: the calls that use it are synchronous. */
const word = new Int32Array(new ArrayBuffer(8));
const wordBytes = new Uint8Array(word.buffer);
const name = new Uint8Array(new ArrayBuffer(SOCKADDR_STORAGE_SIZE));

/** Those of close(2), but for EINTR. It can't be called again to be sure: the number may be somebody else's by then. */
const CLOSE_ERRORS: ReadonlySet<number> = new Set([ERRNO.EBADF, ERRNO.EIO, ERRNO.ENOSPC, ERRNO.EDQUOT]);

function cString(text: string, argument: string): Uint8Array {
  if (text.includes("\0")) throw new ArgumentError(argument, "must not contain a NUL character");
  return encoder.encode(text + "\0");
}

function encoded(address: SocketAddress | Uint8Array): Uint8Array {
  return address instanceof Uint8Array ? address : encodeSockaddr(address);
}

function described(address: SocketAddress | Uint8Array): string | undefined {
  const decoded = address instanceof Uint8Array ? decodeSockaddr(address) : address;
  return decoded === undefined ? undefined : formatSocketAddress(decoded);
}

/**
 * Opens a socket, socket(2); it is non-blocking and closed on exec.
 *
 * @param domain The address family, for instance `AF_INET`.
 * @param type `SOCK_DGRAM`, `SOCK_STREAM`, `SOCK_SEQPACKET` or `SOCK_RAW`.
 * @param protocol The protocol number; 0 for the type's own. @default 0
 * @returns The descriptor.
 * @throws {SystemError} As in socket(2): `EAFNOSUPPORT`, `EMFILE`, `EPERM`, `EPROTONOSUPPORT`, …
 *
 * @example
 * ```ts
 * import { AF_INET, close, SOCK_DGRAM, socket } from "@sockeye/sockeye/ffi";
 *
 * const fd = socket(AF_INET, SOCK_DGRAM);
 * close(fd);
 * ```
 */
export function socket(domain: number, type: number, protocol = 0): number {
  return checked(libc().symbols.socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), "socket");
}

/**
 * Opens two sockets connected to each other, socketpair(2); both are non-blocking and closed on exec.
 *
 * @param domain The address family; Linux has `AF_UNIX`.
 * @param type The socket type.
 * @param protocol The protocol number. @default 0
 * @returns Both descriptors.
 * @throws {SystemError} As in socketpair(2).
 *
 * @example
 * ```ts
 * import { AF_UNIX, close, SOCK_DGRAM, socketpair } from "@sockeye/sockeye/ffi";
 *
 * for (const fd of socketpair(AF_UNIX, SOCK_DGRAM)) close(fd);
 * ```
 */
export function socketpair(domain: number, type: number, protocol = 0): [number, number] {
  checked(libc().symbols.socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, wordBytes), "socketpair");
  return [word[0], word[1]];
}

/**
 * Gives a socket its local address, bind(2).
 *
 * @param fd The socket.
 * @param address The address, or an encoded sockaddr.
 * @throws {SystemError} As in bind(2): `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, …
 */
export function bind(fd: number, address: SocketAddress | Uint8Array): void {
  const bytes = encoded(address);
  const result = libc().symbols.bind(fd, bytes, bytes.length);
  if (result === -1) checked(result, "bind", described(address));
}

/**
 * Connects a socket, connect(2).
 *
 * @param fd The socket.
 * @param address The peer, or an encoded sockaddr.
 * @returns True when connected, false when it is under way: wait until the socket is writable, then read `SO_ERROR`.
 * @throws {SystemError} As in connect(2): `ECONNREFUSED`, `ENETUNREACH`, `ENOENT`, …
 */
export function connect(fd: number, address: SocketAddress | Uint8Array): boolean {
  const bytes = encoded(address);
  if (libc().symbols.connect(fd, bytes, bytes.length) !== -1) return true;
  let errno = lastErrno();
  if (isUncertain(errno)) {
    if (libc().symbols.connect(fd, bytes, bytes.length) !== -1) return true;
    errno = lastErrno();
    // The first call has done it, or begun.
    if (errno === ERRNO.EISCONN) return true;
    if (errno === ERRNO.EALREADY) return false;
  }
  if (errno === ERRNO.EINPROGRESS || errno === ERRNO.EINTR) return false;
  throw systemError(errno, "connect", described(address));
}

/**
 * Lets peers connect to a socket, listen(2).
 *
 * @param fd The socket.
 * @param backlog How many connections may wait to be accepted. @default 4096
 * @throws {SystemError} As in listen(2).
 */
export function listen(fd: number, backlog = 4096): void {
  checked(libc().symbols.listen(fd, backlog), "listen");
}

/** What {@linkcode accept4} gives. */
export interface Accepted {
  /** The descriptor of the connection. */
  fd: number;
  /** The peer's address, unless the socket's family has none. */
  address?: SocketAddress;
}

/**
 * Takes a waiting connection, accept4(2); the new descriptor is non-blocking and closed on exec.
 *
 * @param fd The listening socket.
 * @returns The connection, or `undefined` when none is waiting.
 * @throws {SystemError} As in accept(2): `EMFILE`, `ECONNABORTED`, …
 */
export function accept4(fd: number): Accepted | undefined {
  word[0] = name.length;
  const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  const result = unlessBlocked(() => libc().symbols.accept4(fd, name, wordBytes, flags), "accept4");
  if (result === undefined) return undefined;
  const address = decodeSockaddr(name, 0, Math.min(word[0], name.length));
  return address === undefined ? { fd: result } : { fd: result, address };
}

/**
 * Ends one or both directions of a connection, shutdown(2).
 *
 * @param fd The socket.
 * @param how `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`.
 * @throws {SystemError} As in shutdown(2): `ENOTCONN`, …
 */
export function shutdown(fd: number, how: number): void {
  checked(libc().symbols.shutdown(fd, how), "shutdown");
}

/**
 * Closes a descriptor, close(2).
 *
 * The descriptor is gone whatever the result, so an interrupted close is not repeated.
 *
 * @param fd The descriptor.
 * @throws {SystemError} `EBADF` when it is not open; `EIO`, `ENOSPC`, `EDQUOT` when written data was lost.
 */
export function close(fd: number): void {
  if (libc().symbols.close(fd) !== -1) return;
  const errno = lastErrno();
  if (CLOSE_ERRORS.has(errno)) throw systemError(errno, "close");
}

function socketName(call: "getsockname" | "getpeername", fd: number): SocketAddress | undefined {
  word[0] = name.length;
  checked(libc().symbols[call](fd, name, wordBytes), call);
  return decodeSockaddr(name, 0, Math.min(word[0], name.length));
}

/**
 * A socket's local address, getsockname(2).
 *
 * @param fd The socket.
 * @returns The address, or `undefined` for a family that we don't know.
 * @throws {SystemError} As in getsockname(2).
 */
export function getsockname(fd: number): SocketAddress | undefined {
  return socketName("getsockname", fd);
}

/**
 * The address that a socket is connected to, getpeername(2).
 *
 * @param fd The socket.
 * @returns The address, or `undefined` for a family that we don't know.
 * @throws {SystemError} As in getpeername(2): `ENOTCONN`, …
 */
export function getpeername(fd: number): SocketAddress | undefined {
  return socketName("getpeername", fd);
}

/**
 * Reads a socket option, getsockopt(2).
 *
 * @param fd The socket.
 * @param level For instance `SOL_SOCKET`.
 * @param option For instance `SO_RCVBUF`.
 * @param value Filled with the value; what it holds before is what options with an argument are asked.
 * @returns Bytes of the value.
 * @throws {SystemError} As in getsockopt(2): `ENOPROTOOPT`, `EINVAL`, …
 */
export function getsockopt(fd: number, level: number, option: number, value: Uint8Array): number {
  word[0] = value.length;
  checked(libc().symbols.getsockopt(fd, level, option, value, wordBytes), "getsockopt");
  return word[0];
}

/**
 * Reads a socket option that is an `int`, getsockopt(2).
 *
 * @param fd The socket.
 * @param level For instance `SOL_SOCKET`.
 * @param option For instance `SO_ERROR`.
 * @returns The value.
 * @throws {SystemError} As in getsockopt(2).
 *
 * @example
 * ```ts
 * import { AF_INET, close, getsockoptInt, SO_TYPE, SOCK_DGRAM, socket, SOL_SOCKET } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const fd = socket(AF_INET, SOCK_DGRAM);
 * assert.equal(getsockoptInt(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
 * close(fd);
 * ```
 */
export function getsockoptInt(fd: number, level: number, option: number): number {
  const value = new Int32Array(1);
  getsockopt(fd, level, option, new Uint8Array(value.buffer));
  return value[0];
}

/**
 * Sets a socket option, setsockopt(2).
 *
 * @param fd The socket.
 * @param level For instance `SOL_SOCKET`.
 * @param option For instance `SO_RCVBUF`.
 * @param value A number for an `int`, or the bytes of a structure.
 * @throws {SystemError} As in setsockopt(2): `ENOPROTOOPT`, `EINVAL`, `EPERM`, …
 */
export function setsockopt(fd: number, level: number, option: number, value: Uint8Array | number): void {
  const bytes = typeof value === "number" ? new Uint8Array(Int32Array.of(value).buffer) : value;
  checked(libc().symbols.setsockopt(fd, level, option, bytes, bytes.length), "setsockopt");
}

/**
 * Manipulates a descriptor, fcntl(2).
 *
 * @param fd The descriptor.
 * @param command For instance `F_GETFL`.
 * @param argument The command's argument. @default 0
 * @returns The call's result.
 * @throws {SystemError} As in fcntl(2).
 */
export function fcntl(fd: number, command: number, argument = 0): number {
  return checked(libc().symbols.fcntl(fd, command, argument), "fcntl");
}

/**
 * Opens a pipe, pipe2(2); it is closed on exec.
 *
 * @param flags For instance `O_NONBLOCK`. @default 0
 * @returns The reading and the writing end.
 * @throws {SystemError} As in pipe(2).
 */
export function pipe2(flags = 0): [number, number] {
  checked(libc().symbols.pipe2(wordBytes, flags | O_CLOEXEC), "pipe2");
  return [word[0], word[1]];
}

/**
 * Opens a counter that can be waited for, eventfd(2).
 *
 * @param initial The counter's value. @default 0
 * @param flags For instance `EFD_NONBLOCK | EFD_CLOEXEC`. @default 0
 * @returns The descriptor.
 * @throws {SystemError} As in eventfd(2).
 */
export function eventfd(initial = 0, flags = 0): number {
  return checked(libc().symbols.eventfd(initial, flags), "eventfd");
}

/**
 * Reads bytes, read(2).
 *
 * @param fd The descriptor.
 * @param buffer Where they go.
 * @returns How many; 0 at the end; `undefined` when the call would block.
 * @throws {SystemError} As in read(2).
 */
export function read(fd: number, buffer: Uint8Array): number | undefined {
  return unlessBlocked(() => libc().symbols.read(fd, buffer, buffer.length), "read");
}

/**
 * Writes bytes, write(2).
 *
 * @param fd The descriptor.
 * @param buffer The bytes.
 * @returns How many were written; `undefined` when the call would block.
 * @throws {SystemError} As in write(2): `EPIPE`, …
 */
export function write(fd: number, buffer: Uint8Array): number | undefined {
  return unlessBlocked(() => libc().symbols.write(fd, buffer, buffer.length), "write");
}

/**
 * Reads into several buffers at once, readv(2).
 *
 * @param fd The descriptor.
 * @param vector The buffers.
 * @returns Bytes read; 0 at the end; `undefined` when the call would block.
 * @throws {ArgumentError} When one of them has been transferred, detached or shrunk.
 * @throws {SystemError} As in readv(2).
 */
export function readv(fd: number, vector: IoVector): number | undefined {
  vector.requireMemory();
  return unlessBlocked(() => libc().symbols.readv(fd, vector.address, vector.count), "readv");
}

/**
 * Writes from several buffers at once, writev(2).
 *
 * @param fd The descriptor.
 * @param vector The buffers.
 * @returns Bytes written; `undefined` when the call would block.
 * @throws {ArgumentError} When one of them has been transferred, detached or shrunk.
 * @throws {SystemError} As in writev(2): `EPIPE`, …
 */
export function writev(fd: number, vector: IoVector): number | undefined {
  vector.requireMemory();
  return unlessBlocked(() => libc().symbols.writev(fd, vector.address, vector.count), "writev");
}

/**
 * Makes a file that lives in memory only, memfd_create(2); it is closed on exec.
 *
 * @param label Shown in /proc, for people.
 * @param flags For instance `MFD_ALLOW_SEALING`. @default 0
 * @returns The descriptor.
 * @throws {SystemError} As in memfd_create(2).
 */
export function memfdCreate(label: string, flags = 0): number {
  return checked(libc().symbols.memfd_create(cString(label, "label"), flags | MFD_CLOEXEC), "memfd_create");
}

/**
 * Opens a shared memory object by name, shm_open(3); it is closed on exec.
 *
 * @param path The name, `/` and up to 254 characters without another `/`.
 * @param flags For instance `O_RDWR | O_CREAT | O_EXCL`.
 * @param mode Permissions of a new object. @default 0o600
 * @returns The descriptor.
 * @throws {SystemError} As in shm_open(3): `EEXIST`, `ENOENT`, `EACCES`, …
 */
export function shmOpen(path: string, flags: number, mode = 0o600): number {
  return checked(libc().symbols.shm_open(cString(path, "path"), flags | O_CLOEXEC, mode), "shm_open", path);
}

/**
 * Removes the name of a shared memory object, shm_unlink(3).
 *
 * @param path The name.
 * @throws {SystemError} As in shm_unlink(3): `ENOENT`, `EACCES`, …
 */
export function shmUnlink(path: string): void {
  checked(libc().symbols.shm_unlink(cString(path, "path")), "shm_unlink", path);
}

/**
 * Sets the length of a file, ftruncate(2).
 *
 * @param fd The descriptor.
 * @param length The length in bytes.
 * @throws {SystemError} As in ftruncate(2).
 */
export function ftruncate(fd: number, length: number): void {
  checked(libc().symbols.ftruncate(fd, length), "ftruncate");
}

/**
 * Maps a file or anonymous memory, mmap(2).
 *
 * @param length Bytes.
 * @param protection For instance `PROT_READ | PROT_WRITE`.
 * @param flags For instance `MAP_SHARED`.
 * @param fd The file; -1 for anonymous memory. @default -1
 * @param offset Where in the file, a multiple of the page size. @default 0
 * @returns The address.
 * @throws {SystemError} As in mmap(2): `ENOMEM`, `EACCES`, …
 */
export function mmap(length: number, protection: number, flags: number, fd = -1, offset = 0): number {
  return checked(libc().symbols.mmap(0, length, protection, flags, fd, offset), "mmap");
}

/**
 * Unmaps memory, munmap(2). Views on it must not be touched any more.
 *
 * @param address What {@linkcode mmap} gave.
 * @param length Bytes.
 * @throws {SystemError} As in munmap(2).
 */
export function munmap(address: number, length: number): void {
  checked(libc().symbols.munmap(address, length), "munmap");
}

/**
 * Makes a system call by its number, syscall(2).
 *
 * @param number The number, for instance from {@linkcode syscallNumber}.
 * @param values Up to six arguments; addresses are those of `foreignRuntime().addressOf()`.
 * @returns The result.
 * @throws {SystemError} When the call gives -1.
 *
 * @example
 * ```ts
 * import { syscall, syscallNumber } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert(syscall(syscallNumber("gettid")) > 0);
 * ```
 */
export function syscall(number: number, ...values: number[]): number {
  if (values.length > 6) throw new ArgumentError("values", `must be at most 6, got ${values.length}`);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
  return checked(libc().symbols.syscall(number, a, b, c, d, e, f), `syscall ${number}`);
}

/**
 * The index of a network interface, if_nametoindex(3).
 *
 * @param interfaceName For instance `"lo"`.
 * @returns The index, from 1.
 * @throws {SystemError} `ENODEV` when there is none of that name.
 */
export function ifNameToIndex(interfaceName: string): number {
  const index = libc().symbols.if_nametoindex(cString(interfaceName, "interfaceName"));
  return index === 0 ? checked(-1, "if_nametoindex", interfaceName) : index;
}

const IF_NAMESIZE = 16;

/**
 * The name of a network interface, if_indextoname(3).
 *
 * @param index The index, from 1.
 * @returns The name.
 * @throws {SystemError} `ENXIO` when there is none with that index.
 */
export function ifIndexToName(index: number): string {
  const buffer = new Uint8Array(IF_NAMESIZE);
  if (libc().symbols.if_indextoname(index, buffer) === 0) checked(-1, "if_indextoname", String(index));
  return new TextDecoder().decode(buffer.subarray(0, buffer.indexOf(0)));
}
