/**
 * The options that patterns share, their limits and defaults.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";

/** How many messages a buffer may hold at most; nng's limit. */
export const MAX_BUFFER = 8192;
/** How many messages are read ahead of the user, where nng has no figure: as many as SUB has there. */
export const DEFAULT_RECEIVE_BUFFER = 128;
/** How many hops a message may have behind it; the RFCs' default. */
export const DEFAULT_HOP_LIMIT = 8;
/** The highest limit that can be chosen; nng's, where it is called `ttl-max`. */
export const MAX_HOP_LIMIT = 15;

/** The option of patterns that keep messages until a pipe takes them. */
export interface SendBufferOption {
  /** How many messages wait while no pipe takes any, 0 to 8192; nng calls it `send-buffer`. */
  sendBuffer?: number;
}

/** The option of patterns that keep messages until the user asks for them. */
export interface ReceiveBufferOption {
  /** How many messages are read ahead of the user, 0 to 8192; nng calls it `recv-buffer`. @default {128} */
  receiveBuffer?: number;
}

/** The option of patterns that can be forwarded in loops. */
export interface HopLimitOption {
  /**
   * Messages with more hops behind them are dropped, 1 to 15; nng calls it `ttl-max`. The first hop counts, so that 8 lets
   * through what has passed seven devices.
   *
   * @default {8}
   */
  hopLimit?: number;
}

/** The option of patterns whose raw mode differs in nothing, or in little. */
export interface RawOption {
  /** Whether headers are the user's business, as devices need it. @default {false} */
  raw?: boolean;
}

/**
 * The size of a buffer, or its default.
 *
 * @throws {ArgumentError} If it is no integer from `least` to 8192.
 */
export function bufferOption(name: string, value: number | undefined, byDefault: number, least = 0): number {
  return integerOption(name, value ?? byDefault, least, MAX_BUFFER);
}

/**
 * The hop limit, or its default.
 *
 * @throws {ArgumentError} If it is no integer from 1 to 15.
 */
export function hopLimitOption(value: number = DEFAULT_HOP_LIMIT): number {
  return integerOption("hopLimit", value, 1, MAX_HOP_LIMIT);
}

/**
 * A duration in milliseconds; `Infinity` for never.
 *
 * @throws {ArgumentError} If it is not more than 0.
 */
export function durationOption(name: string, value: number): number {
  if (typeof value === "number" && value > 0) return value;
  throw new ArgumentError(`options.${name}`, `must be milliseconds, more than 0, or Infinity, got ${String(value)}`);
}

function integerOption(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ArgumentError(`options.${name}`, `must be an integer from ${least} to ${most}, got ${String(value)}`);
}
