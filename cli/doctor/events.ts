/** What a program can wait with. @module */

import { close, EFD_NONBLOCK, eventfd, Reactor, syscall, syscallNumber, SystemError } from "@sockeye/sockeye/ffi";
import { attempt, type Topic } from "./finding.ts";

/** epoll, eventfd, io_uring. */
export const eventsTopic: Topic = {
  title: "Waiting",
  async examine() {
    return [
      await attempt({
        name: "epoll",
        title: "epoll",
        run: epoll,
        remedies: {
          EMFILE: "raise the limit of open files: ulimit -n",
          otherwise: "allow epoll (seccomp may forbid it)",
        },
      }),
      await attempt({
        name: "eventfd",
        title: "eventfd",
        run: eventDescriptor,
        remedies: {
          EMFILE: "raise the limit of open files: ulimit -n",
          otherwise: "allow eventfd (seccomp may forbid it)",
        },
      }),
      await attempt({
        name: "io-uring",
        title: "io_uring",
        run: ioUring,
        remedies: {
          ENOSYS: "use Linux 5.1 or later; nothing in Sockeye needs it",
          EPERM: "as root: sysctl -w kernel.io_uring_disabled=0, or let seccomp allow it; nothing in Sockeye needs it",
          otherwise: "nothing in Sockeye needs it",
        },
      }),
    ];
  },
};

function epoll(): string {
  Reactor.current();
  return "the reactor runs";
}

function eventDescriptor(): string {
  close(eventfd(0, EFD_NONBLOCK));
  return "can be opened";
}

/** Without parameters io_uring_setup(2) fails with EFAULT, and opens nothing, where it would work with them. */
function ioUring(): string {
  try {
    syscall(syscallNumber("io_uring_setup"), 1, 0);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== "EFAULT") throw error;
  }
  return "allowed";
}
