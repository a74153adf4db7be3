/** Shared memory, and waiting on it. @module */

import {
  close,
  foreignRuntime,
  ftruncate,
  FUTEX_WAKE,
  MAP_SHARED,
  memfdCreate,
  mmap,
  munmap,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
  shmOpen,
  shmUnlink,
  syscall,
  syscallNumber,
} from "@sockeye/sockeye/ffi";
import { randomUUID } from "node:crypto";
import { statfsSync } from "node:fs";
import { attempt, type Finding, type Topic } from "./finding.ts";

const BYTES = 4096;
const SHM_FOLDER = "/dev/shm";
/** What containers get unless told otherwise; rings of several large pipes exceed it. */
const ENOUGH_SHM_BYTES = 256 * 1024 * 1024;

/** memfd, shm_open, /dev/shm, futex. */
export const memoryTopic: Topic = {
  title: "Shared memory",
  async examine() {
    return [
      await attempt({
        name: "memfd",
        title: "memfd",
        run: () => mapped(memfdCreate("sockeye-doctor")),
        remedies: { otherwise: "use Linux 3.17 or later, and allow memfd_create (seccomp may forbid it)" },
      }),
      await attempt({
        name: "shm",
        title: "shm_open",
        run: namedObject,
        remedies: { otherwise: `mount a tmpfs there, writable for you: mount -t tmpfs tmpfs ${SHM_FOLDER}` },
      }),
      shmRoom(),
      await attempt({
        name: "futex",
        title: "futex",
        run: wake,
        remedies: { otherwise: "allow the system call futex (seccomp may forbid it)" },
      }),
    ];
  },
};

/** Maps the memory, and proves that `Atomics` work on it. */
function mapped(fd: number): string {
  try {
    ftruncate(fd, BYTES);
    const address = mmap(BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    try {
      const words = new Int32Array(foreignRuntime().viewOf(address, BYTES));
      if (Atomics.add(words, 0, 1) !== 0 || Atomics.load(words, 0) !== 1) {
        throw new Error("mapped memory does not keep values");
      }
      return "mapped, and Atomics work on it";
    } finally {
      munmap(address, BYTES);
    }
  } finally {
    close(fd);
  }
}

function namedObject(): string {
  const path = `/sockeye-doctor-${randomUUID()}`;
  const fd = shmOpen(path, O_RDWR | O_CREAT | O_EXCL);
  shmUnlink(path);
  return mapped(fd);
}

function shmRoom(): Finding {
  const base = { name: "shm-room", title: SHM_FOLDER };
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(SHM_FOLDER);
    free = bavail * bsize;
  } catch (error) {
    return { ...base, status: "unknown", detail: (error as Error).message, remedy: `look with: df ${SHM_FOLDER}` };
  }
  const detail = `${Math.floor(free / 1024 / 1024)} MiB free`;
  return free >= ENOUGH_SHM_BYTES ? { ...base, status: "ok", detail } : {
    ...base,
    status: "low",
    detail,
    remedy: `as root: mount -o remount,size=1G ${SHM_FOLDER}; for a container: --shm-size 1g`,
  };
}

function wake(): string {
  const word = new Int32Array(1);
  syscall(syscallNumber("futex"), foreignRuntime().addressOf(word.buffer), FUTEX_WAKE, 1);
  return "can be called";
}
