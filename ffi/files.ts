/**
 * What sockets and shared memory need of files: their size and identity, their mode, their removal.
 *
 * Through libc, because the runtimes' own functions would ask for further permissions, and know no descriptors of ours.
 *
 * @module
 */

import { ArgumentError, SystemError } from "../common/errors.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "./constants.ts";
import { ERRNO, systemError } from "./errno.ts";
import { libc, unlessBlocked } from "./libc.ts";
import { type SyscallName, syscallNumber } from "./syscall_numbers.ts";

/** Asks for the type, the inode number, or the size: `STATX_TYPE`, `STATX_INO` and `STATX_SIZE` of statx(2). */
const TYPE = 1;
const INODE = 0x100;
const SIZE = 0x200;

/** The bits of `stx_mode` that tell the type, and what they are for a socket: inode(7). */
const S_IFMT = 0o170000;
const S_IFSOCK = 0o140000;

/** Offsets in `struct statx`, statx(2). */
export const STATX: {
  readonly stx_mode: 28;
  readonly stx_ino: 32;
  readonly stx_size: 40;
  readonly stx_dev_major: 136;
  readonly stx_dev_minor: 140;
} = { stx_mode: 28, stx_ino: 32, stx_size: 40, stx_dev_major: 136, stx_dev_minor: 140 };
/** Bytes of `struct statx`. */
export const STATX_SIZE = 256;

/** Bytes of the longest path with its NUL: `PATH_MAX`, limits.h. */
const PATH_MAX = 4096;

const textEncoder = new TextEncoder();
const path = new Uint8Array(new ArrayBuffer(PATH_MAX));
const status = new DataView(new ArrayBuffer(STATX_SIZE));

/** What tells one file from all others. */
export interface FileIdentity {
  readonly device: string;
  readonly inode: bigint;
}

function storePath(text: string): number {
  const { read, written } = textEncoder.encodeInto(text, path.subarray(0, PATH_MAX - 1));
  if (read < text.length) throw new ArgumentError("path", `must have less than ${PATH_MAX} bytes`);
  path[written] = 0;
  return libc().runtime.addressOf(path);
}

function call(name: SyscallName, address: string | undefined, ...values: number[]): void {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
  const number = syscallNumber(name);
  const result = unlessBlocked(() => libc().symbols.syscall(number, a, b, c, d, e, f), name, address);
  if (result === undefined) throw systemError(ERRNO.EAGAIN, name, address);
}

function readStatus(fd: number, text: string, flags: number, mask: number): void {
  call("statx", text || undefined, fd, storePath(text), flags, mask, libc().runtime.addressOf(status.buffer));
}

/**
 * The size of an open file, in bytes.
 *
 * @throws {SystemError} As in statx(2).
 */
export function fileSize(fd: number): number {
  readStatus(fd, "", AT_EMPTY_PATH, SIZE);
  return Number(status.getBigUint64(STATX.stx_size, true));
}

/**
 * Which file a path leads to; links are not followed.
 *
 * @throws {SystemError} As in statx(2): `ENOENT`, …
 */
export function fileIdentity(text: string): FileIdentity {
  readStatus(AT_FDCWD, text, AT_SYMLINK_NOFOLLOW, INODE);
  return {
    device: `${status.getUint32(STATX.stx_dev_major, true)}:${status.getUint32(STATX.stx_dev_minor, true)}`,
    inode: status.getBigUint64(STATX.stx_ino, true),
  };
}

/**
 * Whether a path leads to a unix socket; links are not followed.
 *
 * @throws {SystemError} As in statx(2): `ENOENT`, …
 */
export function isSocketFile(text: string): boolean {
  readStatus(AT_FDCWD, text, AT_SYMLINK_NOFOLLOW, TYPE);
  return (status.getUint16(STATX.stx_mode, true) & S_IFMT) === S_IFSOCK;
}

/**
 * Sets the permissions of an open file; of a socket before bind(2), those of the file that it will make.
 *
 * @throws {SystemError} As in fchmod(2).
 */
export function setFileMode(fd: number, mode: number): void {
  call("fchmod", undefined, fd, mode);
}

/**
 * Sets the permissions of a file.
 *
 * @throws {SystemError} As in chmod(2).
 */
export function setPathMode(text: string, mode: number): void {
  call("fchmodat", text, AT_FDCWD, storePath(text), mode);
}

/**
 * Removes a file's name.
 *
 * @throws {SystemError} As in unlink(2).
 */
export function removeFile(text: string): void {
  call("unlinkat", text, AT_FDCWD, storePath(text), 0);
}

/**
 * Removes the file of a unix socket that we bound, unless another process has put its own there meanwhile: that one stays.
 * A bound socket holds its inode, so that no other file gets the same number while we have it.
 *
 * @throws {SystemError} As in unlink(2), but for a file that is gone already.
 */
export function removeOwnFile(path: string, own: FileIdentity): void {
  try {
    const { device, inode } = fileIdentity(path);
    if (device === own.device && inode === own.inode) removeFile(path);
  } catch (error) {
    // Removed already, or in a folder that is gone: nothing is left to be put in order.
    if (!(error instanceof SystemError && (error.code === "ENOENT" || error.code === "ENOTDIR"))) throw error;
  }
}

/**
 * Sets the length of an open file and takes the memory or disk for it, so that nobody who maps it finds none left later.
 *
 * @throws {SystemError} As in fallocate(2): `ENOSPC`, …
 */
export function allocateFile(fd: number, length: number): void {
  call("fallocate", undefined, fd, 0, 0, length);
}
