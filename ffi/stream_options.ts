/** Options of stream sockets, and how they are set: tcp(7), socket(7). @module */

import { ArgumentError } from "../common/errors.ts";
import { checkInteger } from "./arguments.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_SNDBUF,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from "./constants.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { setsockopt } from "./syscalls.ts";

/** How a silent TCP connection is probed, tcp(7). What is left out is the system's default. */
export interface KeepAliveOptions {
  /**
   * Silence before the first probe, in milliseconds; rounded up to seconds.
   *
   * @default {7200000}
   */
  idle?: number;
  /**
   * Time between probes, in milliseconds; rounded up to seconds.
   *
   * @default {75000}
   */
  interval?: number;
  /**
   * Unanswered probes after which the connection fails with `ETIMEDOUT`.
   *
   * @default {9}
   */
  count?: number;
}

/** How a stream socket is set up. */
export interface StreamOptions {
  /**
   * Sends each write at once, `TCP_NODELAY`, instead of gathering small ones; for TCP only. Whoever writes a message in
   * several pieces uses `writev`.
   *
   * @default {true}
   */
  noDelay?: boolean;
  /**
   * Probes a silent connection, `SO_KEEPALIVE`; for TCP only.
   *
   * @default {false}
   */
  keepAlive?: boolean | KeepAliveOptions;
  /** The kernel's send buffer in bytes, `SO_SNDBUF`; the kernel doubles it. @default the system's */
  sendBufferBytes?: number;
  /** The kernel's receive buffer in bytes, `SO_RCVBUF`; the kernel doubles it. @default the system's */
  receiveBufferBytes?: number;
}

const MAX_INT = 0x7fffffff;

/** The address family of socket(2) for an address. */
export function domainOf(address: SocketAddress): number {
  switch (address.family) {
    case "inet":
      return AF_INET;
    case "inet6":
      return AF_INET6;
    case "unix":
      return AF_UNIX;
    default:
      throw new ArgumentError(
        "address.family",
        `must be "inet", "inet6" or "unix", got ${String((address as { family: unknown }).family)}`,
      );
  }
}

/** The times of tcp(7) are whole seconds, 1 to 32767 (`MAX_TCP_KEEPIDLE` of the kernel). */
function seconds(argument: string, ms: number | undefined): number | undefined {
  if (ms === undefined) return undefined;
  if (!(ms > 0 && ms <= 32767_000)) {
    throw new ArgumentError(argument, `must be milliseconds above 0 up to 32767000, got ${String(ms)}`);
  }
  return Math.ceil(ms / 1000);
}

/** Refuses options that can't be set, before a socket is opened. */
export function checkStreamOptions(options: StreamOptions): void {
  checkInteger("options.sendBufferBytes", options.sendBufferBytes, 1, MAX_INT);
  checkInteger("options.receiveBufferBytes", options.receiveBufferBytes, 1, MAX_INT);
  if (typeof options.keepAlive === "object") keepAliveSettings(options.keepAlive);
}

function keepAliveSettings({ idle, interval, count }: KeepAliveOptions): [option: number, value: number | undefined][] {
  checkInteger("options.keepAlive.count", count, 1, 127);
  return [
    [TCP_KEEPIDLE, seconds("options.keepAlive.idle", idle)],
    [TCP_KEEPINTVL, seconds("options.keepAlive.interval", interval)],
    [TCP_KEEPCNT, count],
  ];
}

/** Sets the options of a socket that is open. */
export function applyStreamOptions(fd: number, isTcp: boolean, options: StreamOptions): void {
  const { noDelay = true, keepAlive = false, sendBufferBytes, receiveBufferBytes } = options;
  if (sendBufferBytes !== undefined) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, sendBufferBytes);
  if (receiveBufferBytes !== undefined) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
  if (!isTcp) return;
  if (noDelay) setNoDelay(fd, true);
  if (keepAlive !== false) setKeepAlive(fd, keepAlive);
}

/** Sets `TCP_NODELAY`. */
export function setNoDelay(fd: number, on: boolean): void {
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

/** Sets `SO_KEEPALIVE`, and the options of its times that are given. */
export function setKeepAlive(fd: number, keepAlive: boolean | KeepAliveOptions): void {
  const settings = typeof keepAlive === "object" ? keepAliveSettings(keepAlive) : [];
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, keepAlive === false ? 0 : 1);
  for (const [option, value] of settings) {
    if (value !== undefined) setsockopt(fd, IPPROTO_TCP, option, value);
  }
}
