/**
 * Setting up a connection of a stream socket that is open: connect(2), with signal and timeout, async and blocking.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { checkTimeout, timeoutError, type WaitOptions } from "../common/wait.ts";
import { ERRNO, systemError } from "./errno.ts";
import { isUncertain, lastErrno, libc } from "./libc.ts";
import type { Operations } from "./operations.ts";
import { Reactor, WRITABLE } from "./reactor.ts";
import { encodeSockaddr, formatSocketAddress, type SocketAddress } from "./sockaddr.ts";

/** Pauses between attempts where a unix listener's backlog is full, in milliseconds. */
const RETRY_MIN_MS = 1;
const RETRY_MAX_MS = 32;

type Progress = "connected" | "under way" | "backlog full";

/** Connects a TCP or unix stream socket, and resolves when that is done. Closing the socket is its owner's business. */
export async function establish(operations: Operations, address: SocketAddress, options: WaitOptions): Promise<void> {
  checkTimeout(options.timeout);
  options.signal?.throwIfAborted();
  const deadline = deadlineAfter(options.timeout);
  const attempt = connecting(address);
  let progress = attempt(operations.fd);
  for (let pauseMs = RETRY_MIN_MS; progress === "backlog full"; pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS)) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) throw timeoutError(describe(address), options.timeout!);
    await pause(Math.min(pauseMs, leftMs), options.signal);
    progress = attempt(operations.fd);
  }
  if (progress === "connected") return;
  await operations.perform(WRITABLE, describe(address), untilConnected(attempt), options);
}

/** The same as {@linkcode establish}, blocking the thread. */
export function establishSync(operations: Operations, address: SocketAddress, timeoutMs: number | undefined): void {
  checkTimeout(timeoutMs);
  const deadline = deadlineAfter(timeoutMs);
  const attempt = connecting(address);
  let progress = attempt(operations.fd);
  for (let pauseMs = RETRY_MIN_MS; progress === "backlog full"; pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS)) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) throw timeoutError(describe(address), timeoutMs!);
    Reactor.current().poll(Math.min(pauseMs, leftMs));
    progress = attempt(operations.fd);
  }
  if (progress === "connected") return;
  operations.performSync(WRITABLE, describe(address), untilConnected(attempt), timeoutMs);
}

function describe(address: SocketAddress): string {
  return `connect ${formatSocketAddress(address)}`;
}

function deadlineAfter(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
}

function untilConnected(attempt: (fd: number) => Progress): (fd: number) => true | undefined {
  return (fd) => attempt(fd) === "connected" ? true : undefined;
}

/**
 * Calls connect(2), the first time and again until it is done: while the connection is under way it says EALREADY,
 * afterwards what became of it.
 */
function connecting(address: SocketAddress): (fd: number) => Progress {
  const name = encodeSockaddr(address);
  return (fd) => {
    if (libc().symbols.connect(fd, name, name.length) !== -1) return "connected";
    let errno = lastErrno();
    if (isUncertain(errno)) {
      if (libc().symbols.connect(fd, name, name.length) !== -1) return "connected";
      errno = lastErrno();
    }
    switch (errno) {
      case ERRNO.EISCONN:
        return "connected";
      case ERRNO.EINPROGRESS:
      case ERRNO.EALREADY:
      case ERRNO.EINTR:
        return "under way";
      case ERRNO.EAGAIN:
        // unix(7): nothing is under way then, and the socket never becomes ready. TCP means that ports ran out.
        if (address.family === "unix") return "backlog full";
        break;
    }
    throw systemError(errno, "connect", formatSocketAddress(address));
  };
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
