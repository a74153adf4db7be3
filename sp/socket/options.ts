/**
 * The options that all sockets share, with nng's names in camel case.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { checkTimeout } from "../../common/wait.ts";
import { checkInteger } from "../../ffi/arguments.ts";
import type { UnixCredentials } from "../../ffi/ucred.ts";
import type { TransportOptions } from "../transport/transport.ts";

/** What can be set for a socket, and for one of its listeners or dialers alone. */
export interface EndpointOptions {
  /** The largest message that is received, in bytes, 0 for what the transport takes; nng's `recv-size-max`. @default {1048576} */
  maxReceiveSize?: number;
  /** How long a peer may take to greet, in milliseconds. @default {10000} */
  handshakeTimeout?: number;
  /** The most connections of one listener, those included that have not greeted yet. @default {1024} */
  maxPipes?: number;
  /** Whether TCP sends small messages at once; nng's `tcp-nodelay`. @default {true} */
  noDelay?: boolean;
  /** Whether TCP probes connections that are idle; nng's `tcp-keepalive`. @default {false} */
  keepAlive?: boolean;
  /** The permissions of a socket file, for instance 0o600; ipc and unixgram, with a path; nng's `ipc:permissions`. */
  mode?: number;
  /**
   * Decides which processes may connect, by their credentials: `true` lets one in, and whatever else it gives or throws
   * refuses it; ipc and unixgram.
   *
   * @default all
   */
  allowPeer?: (credentials: UnixCredentials) => boolean;
  /** The first wait before a dialer tries again, in milliseconds; nng's `reconnect-time-min`. @default {100} */
  reconnectMin?: number;
  /**
   * The longest such wait, which doubles from attempt to attempt, in milliseconds; 0 keeps it the same; nng's
   * `reconnect-time-max`. @default {0}
   */
  reconnectMax?: number;
  /**
   * How much of each such wait is left to chance, from 0 (none) to 1 (all of it), so that a thousand dialers whose listener
   * has gone don't come back at once. @default {0.5}
   */
  reconnectJitter?: number;
}

/** What can be set for any socket. */
export interface SocketOptions extends EndpointOptions {
  /** How long `send` waits, in milliseconds, unless it says so itself; nng's `send-timeout`. @default {Infinity} */
  sendTimeout?: number;
  /** How long `receive` waits, in milliseconds, unless it says so itself; nng's `recv-timeout`. @default {Infinity} */
  receiveTimeout?: number;
  /** How long `close` goes on sending what is left, in milliseconds. @default {1000} */
  linger?: number;
}

/** The options of one listener or dialer, all there. */
export interface EndpointSettings extends TransportOptions {
  readonly reconnectMin: number;
  readonly reconnectMax: number;
  readonly reconnectJitter: number;
}

const MAX_SIZE = Number.MAX_SAFE_INTEGER;
const MAX_PIPES = 0x7fffffff;

/**
 * Checks options, and fills in what was left out.
 *
 * @throws {ArgumentError} naming what is wrong.
 */
export function endpointSettings(options: EndpointOptions, byDefault: EndpointOptions = {}): EndpointSettings {
  const given = { ...byDefault, ...options };
  const { mode, allowPeer } = given;
  const { maxReceiveSize = 1_048_576, maxPipes = 1024, noDelay = true, keepAlive = false } = given;
  checkInteger("options.maxReceiveSize", maxReceiveSize, 0, MAX_SIZE);
  checkInteger("options.maxPipes", maxPipes, 1, MAX_PIPES);
  checkInteger("options.mode", mode, 0, 0o777);
  if (allowPeer !== undefined) checkFunction("options.allowPeer", allowPeer);
  return {
    maxReceiveSize,
    maxPipes,
    noDelay,
    keepAlive,
    mode,
    allowPeer,
    handshakeTimeout: duration("handshakeTimeout", given.handshakeTimeout, 10_000),
    reconnectMin: duration("reconnectMin", given.reconnectMin, 100),
    reconnectMax: duration("reconnectMax", given.reconnectMax, 0),
    reconnectJitter: fraction("reconnectJitter", given.reconnectJitter, 0.5),
  };
}

/**
 * A duration in milliseconds, or its default.
 *
 * @throws {ArgumentError} If it is negative, or no number.
 */
export function duration(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (typeof value === "number" && value >= 0) return value;
  throw new ArgumentError(`options.${name}`, `must be milliseconds, 0 or more, got ${String(value)}`);
}

/**
 * Refuses what can't be called.
 *
 * @throws {ArgumentError} If it is no function.
 */
export function checkFunction(argument: string, value: unknown): void {
  if (typeof value !== "function") throw new ArgumentError(argument, `must be a function, got ${typeof value}`);
}

function fraction(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw new ArgumentError(`options.${name}`, `must be from 0 to 1, got ${String(value)}`);
}

/**
 * The timeout of a wait: none for `Infinity`.
 *
 * @throws {ArgumentError} If it is negative, no number, or too long for a timer.
 */
export function waitTimeout(name: string, value: number | undefined): number | undefined {
  if (value === undefined || value === Infinity) return undefined;
  checkTimeout(value, `options.${name}`);
  return value;
}
