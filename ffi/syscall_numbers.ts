/**
 * System call numbers for syscall(2), from the kernel's unistd headers.
 *
 * x86-64 has a table of its own, arm64 that of asm-generic; calls since Linux 5.1 (424 and up) have one number
 * everywhere. Needed for what libc has no function for, or only newer versions have.
 *
 * @module
 */

import { ArgumentError, UnsupportedError } from "../common/errors.ts";
import { type Architecture, architecture } from "./runtime.ts";

/** System calls by the names of syscalls(2), each with its number on x86-64, then that on arm64. */
export const SYSCALL_NUMBERS = {
  read: [0, 63],
  write: [1, 64],
  readv: [19, 65],
  writev: [20, 66],
  pread64: [17, 67],
  pwrite64: [18, 68],
  preadv: [295, 69],
  pwritev: [296, 70],
  close: [3, 57],
  close_range: [436, 436],
  dup: [32, 23],
  dup3: [292, 24],
  fcntl: [72, 25],
  ioctl: [16, 29],
  pipe2: [293, 59],
  openat: [257, 56],
  openat2: [437, 437],
  unlinkat: [263, 35],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  statx: [332, 291],
  fsync: [74, 82],
  fdatasync: [75, 83],
  ftruncate: [77, 46],
  fallocate: [285, 47],
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  mmap: [9, 222],
  munmap: [11, 215],
  mremap: [25, 216],
  msync: [26, 227],
  mprotect: [10, 226],
  madvise: [28, 233],
  mlock: [149, 228],
  munlock: [150, 229],
  membarrier: [324, 283],
  futex: [202, 98],
  futex_waitv: [449, 449],
  socket: [41, 198],
  socketpair: [53, 199],
  bind: [49, 200],
  listen: [50, 201],
  accept: [43, 202],
  accept4: [288, 242],
  connect: [42, 203],
  getsockname: [51, 204],
  getpeername: [52, 205],
  getsockopt: [55, 209],
  setsockopt: [54, 208],
  sendto: [44, 206],
  recvfrom: [45, 207],
  sendmsg: [46, 211],
  recvmsg: [47, 212],
  sendmmsg: [307, 269],
  recvmmsg: [299, 243],
  shutdown: [48, 210],
  sendfile: [40, 71],
  splice: [275, 76],
  tee: [276, 77],
  vmsplice: [278, 75],
  copy_file_range: [326, 285],
  epoll_create1: [291, 20],
  epoll_ctl: [233, 21],
  epoll_pwait: [281, 22],
  epoll_pwait2: [441, 441],
  ppoll: [271, 73],
  eventfd2: [290, 19],
  timerfd_create: [283, 85],
  timerfd_settime: [286, 86],
  timerfd_gettime: [287, 87],
  signalfd4: [289, 74],
  inotify_init1: [294, 26],
  inotify_add_watch: [254, 27],
  inotify_rm_watch: [255, 28],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  getpid: [39, 172],
  getppid: [110, 173],
  gettid: [186, 178],
  getuid: [102, 174],
  getgid: [104, 176],
  tgkill: [234, 131],
  kill: [62, 129],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  pidfd_send_signal: [424, 424],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  prctl: [157, 167],
  prlimit64: [302, 261],
  getrlimit: [97, 163],
  setns: [308, 268],
  unshare: [272, 97],
  sched_yield: [24, 124],
  sched_getaffinity: [204, 123],
  sched_setaffinity: [203, 122],
  getcpu: [309, 168],
  clock_gettime: [228, 113],
  clock_getres: [229, 114],
  clock_nanosleep: [230, 115],
  nanosleep: [35, 101],
  getrandom: [318, 278],
} as const;

/** The name of a system call that has a number here. */
export type SyscallName = keyof typeof SYSCALL_NUMBERS;

/**
 * The number of a system call, for syscall(2).
 *
 * @param name The call, for instance `"futex"`.
 * @param arch The processor architecture. @default that of this process
 * @returns Its number there.
 * @throws {ArgumentError} if no call has that name here.
 * @throws {UnsupportedError} if the architecture is neither x64 nor arm64.
 *
 * @example
 * ```ts
 * import { syscallNumber } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(syscallNumber("futex", "x64"), 202);
 * assert.equal(syscallNumber("futex", "arm64"), 98);
 * ```
 */
export function syscallNumber(name: SyscallName, arch: Architecture = architecture()): number {
  if (!Object.hasOwn(SYSCALL_NUMBERS, name)) {
    throw new ArgumentError("name", `no system call ${JSON.stringify(name)} is known here; see SYSCALL_NUMBERS`);
  }
  switch (arch) {
    case "x64":
      return SYSCALL_NUMBERS[name][0];
    case "arm64":
      return SYSCALL_NUMBERS[name][1];
    default:
      throw new UnsupportedError(
        `system call numbers are known for x64 and arm64, not for ${arch}: run it on one of those`,
      );
  }
}
