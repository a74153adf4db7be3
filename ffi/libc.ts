/**
 * The one table of libc's functions, opened at the first call.
 *
 * Addresses and lengths cross as numbers (`u64`), results that fit 32 bits as `i32`: a result declared 64 bits wide costs
 * a BigInt on Deno.
 *
 * @module
 */

import { ERRNO, systemError } from "./errno.ts";
import { LIBC_PATHS } from "./libc_paths.ts";
import { type ForeignRuntime, foreignRuntime, type NativeFunction, type OffThreadFunction } from "./runtime.ts";
import type { Signature } from "./runtime.ts";

/** The names of the functions in the table. */
export type LibcName =
  | "accept4"
  | "bind"
  | "close"
  | "connect"
  | "epoll_create1"
  | "epoll_ctl"
  | "epoll_wait"
  | "eventfd"
  | "fcntl"
  | "ftruncate"
  | "getpeername"
  | "getsockname"
  | "getsockopt"
  | "if_indextoname"
  | "if_nametoindex"
  | "listen"
  | "memfd_create"
  | "mmap"
  | "munmap"
  | "pipe2"
  | "read"
  | "readv"
  | "recv"
  | "recvmmsg"
  | "recvmsg"
  | "sched_yield"
  | "send"
  | "sendmmsg"
  | "sendmsg"
  | "setsockopt"
  | "shm_open"
  | "shm_unlink"
  | "shutdown"
  | "socket"
  | "socketpair"
  | "syscall"
  | "sysconf"
  | "write"
  | "writev";

const SIGNATURES = {
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32", offThread: true },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  if_indextoname: { parameters: ["u32", "buffer"], result: "u64" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32", optional: true },
  mmap: { parameters: ["u64", "u64", "i32", "i32", "i32", "i64"], result: "i64" },
  munmap: { parameters: ["u64", "u64"], result: "i32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u64"], result: "i32" },
  readv: { parameters: ["i32", "u64", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u64", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "buffer"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  sched_yield: { parameters: [], result: "i32" },
  send: { parameters: ["i32", "buffer", "u64", "i32"], result: "i32" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  shm_open: { parameters: ["buffer", "i32", "u32"], result: "i32", optional: true },
  shm_unlink: { parameters: ["buffer"], result: "i32", optional: true },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  sysconf: { parameters: ["i32"], result: "i64" },
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i64", offThread: true },
  write: { parameters: ["i32", "buffer", "u64"], result: "i32" },
  writev: { parameters: ["i32", "u64", "i32"], result: "i32" },
} as const satisfies Record<LibcName, Signature>;

/** libc, opened. */
export interface Libc {
  /** The name under which it was found. */
  readonly path: string;
  /** The runtime that opened it. */
  readonly runtime: ForeignRuntime;
  /** The functions; each gives -1 on failure, and the reason is then `runtime.errno()`. */
  readonly symbols: Readonly<Record<LibcName, NativeFunction>>;
  /** The functions that can be called on another thread. */
  readonly offThread: Readonly<Record<"epoll_wait" | "syscall", OffThreadFunction>>;
}

let opened: Libc | undefined;

/**
 * libc, opened at the first call.
 *
 * @throws {UnsupportedError} When the platform has none that we know, or the runtime forbids opening it.
 */
export function libc(): Libc {
  if (opened === undefined) {
    const runtime = foreignRuntime();
    const { path, symbols, offThread } = runtime.open(LIBC_PATHS, SIGNATURES);
    opened = {
      path,
      runtime,
      symbols,
      offThread: { epoll_wait: offThread.epoll_wait!, syscall: offThread.syscall! },
    };
  }
  return opened;
}

/** The error number that the last call on this thread left behind. */
export function lastErrno(): number {
  return libc().runtime.errno();
}

/**
 * Passes a result on, or throws what its -1 stands for.
 *
 * @throws {SystemError} When the result is -1.
 */
export function checked(result: number, syscall: string, address?: string): number {
  if (result !== -1) return result;
  throw systemError(lastErrno(), syscall, address);
}

/**
 * Whether an error number may be that of another call: Deno reads it in a call of its own, and now and then does something
 * for itself in between (seen under load: ENOENT from recv(2) and send(2)). A call with such a number is made once more,
 * and then believed.
 *
 * That is safe: what failed has done nothing, and what is wrong with a call is still wrong the next time. Only what the
 * network did is told once, and the number taken back: those, from ENONET on, and ICMPv6's EACCES, are believed at once.
 * So are EAGAIN and EINTR, upon which a call is made again anyway.
 */
export function isUncertain(errno: number): boolean {
  return errno < ERRNO.ENONET && errno !== ERRNO.EAGAIN && errno !== ERRNO.EINTR && errno !== ERRNO.EACCES;
}

/**
 * Makes a call, again when a signal interrupted it, signal(7).
 *
 * @returns The result; `undefined` when the call would block.
 * @throws {SystemError} When it fails.
 */
export function unlessBlocked(call: () => number, syscall: string, address?: string): number | undefined {
  for (let isSecond = false;;) {
    const result = call();
    if (result !== -1) return result;
    const errno = lastErrno();
    if (errno === ERRNO.EAGAIN) return undefined;
    if (errno === ERRNO.EINTR) continue;
    if (isSecond || !isUncertain(errno)) throw systemError(errno, syscall, address);
    isSecond = true;
  }
}
