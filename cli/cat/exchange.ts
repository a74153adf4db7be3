/**
 * What is sent and received when, as nngcat has it.
 *
 * @module
 */

import { StateError, TimeoutError } from "@sockeye/sockeye";
import { setTimeout } from "node:timers/promises";
import { CatFailure } from "./failure.ts";
import type { Settings } from "./settings.ts";
import { strerror } from "./strerror.ts";

/** What a socket is to this. Times are in milliseconds. */
export interface CatSocket {
  /**
   * Sends.
   *
   * @throws {TimeoutError} There was no room, or nobody, for so long.
   */
  send(data: Uint8Array, timeoutMs: number | undefined): Promise<void>;
  /**
   * The next message's bytes.
   *
   * @throws {TimeoutError} None came for so long, or the survey is over.
   * @throws {StateError} Nothing can come: all that was asked is answered.
   */
  receive(timeoutMs: number | undefined): Promise<Uint8Array>;
}

/** Prints a message; resolves when there is room for more. */
export type Printer = (body: Uint8Array) => Promise<void> | void;

/** How long nngcat leaves what it sent last to the network, in milliseconds; others may count on it. */
const DRAIN_MS = 200;

/** Does what the pattern does: send, receive, ask or answer. */
export function exchange(socket: CatSocket, settings: Settings, print: Printer): Promise<void> {
  const { pattern, data } = settings;
  switch (pattern) {
    case "push":
    case "pub":
      return send(socket, data!, settings);
    case "pull":
    case "sub":
      return receive(socket, settings, print);
    case "rep":
    case "respondent":
      return data === undefined ? receive(socket, settings, print) : answer(socket, data, settings, print);
    case "req":
    case "surveyor":
      return ask(socket, data!, settings, print);
    case "bus":
    case "pair0":
    case "pair1":
      return data === undefined ? receive(socket, settings, print) : ask(socket, data, settings, print);
  }
}

/** Prints what comes, until the count is reached or nothing comes in time, which is no failure. */
async function receive(socket: CatSocket, settings: Settings, print: Printer): Promise<void> {
  const { count, receiveTimeoutMs } = settings;
  for (let received = 0; count === 0 || received < count; received++) {
    const body = await receiveOne(socket, receiveTimeoutMs, "Receive error");
    if (body === undefined) return;
    await print(body);
  }
}

/** Prints what comes, and answers it with the data. */
async function answer(socket: CatSocket, data: Uint8Array, settings: Settings, print: Printer): Promise<void> {
  const { count, sendTimeoutMs, receiveTimeoutMs } = settings;
  for (let answered = 0; count === 0 || answered < count; answered++) {
    // Here nothing in time is a failure.
    const body = await orFail("Receive error", socket.receive(receiveTimeoutMs));
    await print(body);
    await orFail("Send error", socket.send(data, sendTimeoutMs));
  }
  await setTimeout(DRAIN_MS);
}

/** Sends the data once, or so many times, or at intervals without end. */
async function send(socket: CatSocket, data: Uint8Array, settings: Settings): Promise<void> {
  const { delayMs, intervalMs, count, sendTimeoutMs } = settings;
  await setTimeout(delayMs);
  for (let sent = 1;; sent++) {
    const nextAt = performance.now() + (intervalMs ?? 0);
    await orFail("Send error", socket.send(data, sendTimeoutMs));
    if (count === 0 ? intervalMs === undefined : sent >= count) break;
    await sleepUntil(nextAt);
  }
  await setTimeout(DRAIN_MS);
}

/** Sends the data as {@linkcode send} does, and after each time prints what comes until it is time for the next. */
async function ask(socket: CatSocket, data: Uint8Array, settings: Settings, print: Printer): Promise<void> {
  const { delayMs, intervalMs, count, sendTimeoutMs } = settings;
  await setTimeout(delayMs);
  for (let asked = 1;; asked++) {
    const nextAt = intervalMs === undefined ? undefined : performance.now() + intervalMs;
    await orFail("Send error", socket.send(data, sendTimeoutMs));
    if (nextAt === undefined && count === 0) return await receive(socket, settings, print);
    await listen(socket, nextAt, settings, print);
    if (count > 0 && asked >= count) return;
    if (nextAt !== undefined) await sleepUntil(nextAt);
  }
}

/** Prints what comes until the time, if there is one, and until nothing more can come. */
async function listen(
  socket: CatSocket,
  until: number | undefined,
  { pattern, receiveTimeoutMs = Infinity }: Settings,
  print: Printer,
): Promise<void> {
  // REQ and SURVEYOR end by themselves. With others one message is an answer: else there would be no second exchange.
  const isOpenEnded = pattern === "bus" || pattern === "pair0" || pattern === "pair1";
  for (;;) {
    const leftMs = until === undefined ? Infinity : Math.max(0, until - performance.now());
    const limitMs = Math.min(leftMs, receiveTimeoutMs);
    const body = await receiveOne(socket, limitMs === Infinity ? undefined : limitMs, "Cannot receive");
    if (body === undefined) return;
    await print(body);
    if (until === undefined && isOpenEnded) return;
  }
}

/** A message; `undefined` where none comes in time, or at all. */
async function receiveOne(
  socket: CatSocket,
  timeoutMs: number | undefined,
  complaint: string,
): Promise<Uint8Array | undefined> {
  try {
    return await socket.receive(timeoutMs);
  } catch (error) {
    if (error instanceof TimeoutError || error instanceof StateError) return undefined;
    throw new CatFailure(`${complaint}: ${strerror(error)}`);
  }
}

async function orFail<Value>(complaint: string, outcome: Promise<Value>): Promise<Value> {
  try {
    return await outcome;
  } catch (error) {
    throw new CatFailure(`${complaint}: ${strerror(error)}`);
  }
}

async function sleepUntil(time: number): Promise<void> {
  const leftMs = time - performance.now();
  // At least a turn of the event loop: who sends as fast as can be has to see signals, too.
  await setTimeout(Math.max(0, leftMs));
}
