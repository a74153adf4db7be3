/** What the measurements share: operands, options, sockets. @module */

import { ProtocolError } from "@sockeye/sockeye";
import { Bus, Pair, Pull, Push, Rep, Req, type SocketOptions } from "@sockeye/sockeye/sp";
import type { Operand } from "../command.ts";
import type { Option, OptionValues } from "../option.ts";
import { flag, text } from "../option.ts";
import { UsageError } from "../usage_error.ts";

/** The operand of the end that is there first. */
export const LISTEN_URL: Operand = ["URL", "where to listen"];
/** The operand of the end that comes. */
export const DIAL_URL: Operand = ["URL", "where the other end listens"];
/** The operand for the size. */
export const SIZE: Operand = ["SIZE", "the size of each message, in bytes"];

/** The option for calls that block. */
export const blocking: Option<boolean> = flag("use the calls that block the thread, sendSync and receiveSync");

/** The option for another address of both ends in one process. */
export const inprocUrl: Option<string | undefined> = text("URL", "another address than one of inproc");

/** What can be measured: how large, how many. */
export interface Load {
  readonly size: number;
  readonly count: number;
}

/** Of nng's tools. */
const MAX = 1_000_000_000;

/**
 * Reads the operands.
 *
 * @throws {UsageError} One is no number.
 */
export function readLoad(size: string, count: string): Load {
  return { size: readNumber("SIZE", size, 0), count: readNumber("COUNT", count, 1) };
}

function readNumber(name: string, text: string, min: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= MAX) return value;
  throw new UsageError(`${name} must be a number from ${min} to ${MAX}, not "${text}"`);
}

/** A socket that sends and receives. */
export type TwoWay = Pair | Req | Rep | Bus;

/** What is received may have any size: both ends are given it. */
const OPTIONS: SocketOptions = { maxReceiveSize: 0 };

/** How many messages are read and sent ahead for throughput, as in nng's tools. */
const BUFFER = 128;

/** The patterns that both kinds of measurement know. */
const pairs = {
  pair1: flag("PAIR of version 1, as nng's tools have it (the default)"),
  pair0: flag("PAIR of version 0, as those of nanomsg and mangos have it"),
};

/** The options for patterns in which messages go back and forth. */
export const latencyPatterns = { ...pairs, reqrep0: flag("REQ and REP"), bus0: flag("two BUS sockets") };

/** The options for patterns that carry as much as they can in one direction. */
export const throughputPatterns = { ...pairs, pipeline0: flag("PUSH and PULL") };

/** The two sockets of such a pattern. */
export function latencySockets(
  options: OptionValues<typeof latencyPatterns>,
): { local: () => TwoWay; remote: () => TwoWay } {
  const pattern = onlyOne(latencyPatterns, options);
  if (pattern === "reqrep0") return { local: () => new Rep(OPTIONS), remote: () => new Req(OPTIONS) };
  if (pattern === "bus0") return { local: () => new Bus(OPTIONS), remote: () => new Bus(OPTIONS) };
  const open = () => new Pair({ ...OPTIONS, version: pattern === "pair0" ? 0 : 1 });
  return { local: open, remote: open };
}

/** The two sockets of such a pattern. */
export function throughputSockets(
  options: OptionValues<typeof throughputPatterns>,
): { local: () => Pair | Pull; remote: () => Pair | Push } {
  const pattern = onlyOne(throughputPatterns, options);
  const local = { ...OPTIONS, receiveBuffer: BUFFER };
  const remote = { ...OPTIONS, sendBuffer: BUFFER };
  if (pattern === "pipeline0") return { local: () => new Pull(local), remote: () => new Push(remote) };
  const version = pattern === "pair0" ? 0 : 1;
  return { local: () => new Pair({ ...local, version }), remote: () => new Pair({ ...remote, version }) };
}

/**
 * The pattern that was chosen.
 *
 * @throws {UsageError} There are several.
 */
function onlyOne<Name extends string>(
  patterns: Readonly<Record<Name, unknown>>,
  options: Readonly<Record<Name, boolean>>,
): Name | undefined {
  const names = Object.keys(patterns) as Name[];
  const chosen = names.filter((name) => options[name]);
  if (chosen.length > 1) throw new UsageError(`give one of ${names.map((name) => `--${name}`).join(", ")}`);
  return chosen[0];
}

/**
 * Refuses what the other end was not told to send.
 *
 * @throws {ProtocolError} The size is another.
 */
export function checkSize(body: Uint8Array, size: number): void {
  if (body.length === size) return;
  throw new ProtocolError(`wrong message size: ${body.length} != ${size}; give both ends the same size`);
}

/** A clock may stand still; a rate needs some time. */
export function secondsSince(beginMs: number): number {
  return Math.max(performance.now() - beginMs, 0.001) / 1_000;
}
