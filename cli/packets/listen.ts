/**
 * Receives datagrams, prints them, and sends them back: what `udp listen`, `unixgram listen` and `ip listen` have in
 * common.
 *
 * @module
 */

import { MessageTooLargeError, SockeyeError } from "@sockeye/sockeye";
import type { Datagram } from "@sockeye/sockeye/qos";
import { flag, integer, type OptionValues, seconds } from "../option.ts";
import type { Output } from "../output.ts";
import { COUNT, hex, json } from "../shared_options.ts";
import { warn } from "../warning.ts";
import type { ArrivalPrinter } from "./reports.ts";

/** The options of every `listen`. */
export const listenOptions = {
  count: integer("N", "end after N datagrams", COUNT),
  timeout: seconds("end after this time; with --count that is a failure"),
  json,
  hex,
};

/** `--echo`. */
export const echo = flag("send each datagram back to where it came from");

/** What receiving needs of a socket; the three kinds have it. */
export interface ReceivingSocket {
  /** Waits for a datagram. */
  receive(options: { signal: AbortSignal }): Promise<Datagram>;
  /** Closes it. */
  close(): void;
}

/** Everything that listening is about. */
export interface Listening {
  /** The socket; it is closed in the end. */
  readonly socket: ReceivingSocket;
  /** What is listened on, as people write it. */
  readonly address: string;
  /** Sends a datagram back, if that is wanted. */
  readonly answer?: (datagram: Datagram) => Promise<void>;
  /** How many datagrams to receive, and how long to listen. */
  readonly options: OptionValues<typeof listenOptions>;
  readonly output: Output;
  readonly printer: ArrivalPrinter;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Prints what comes, until enough has come or the time is up.
 *
 * @throws {Error} Less has come than was wanted.
 */
export async function listen(listening: Listening): Promise<void> {
  const { socket, address, answer, options: { count, timeout }, output, printer, signal } = listening;
  const timeIsUp = new AbortController();
  const timer = timeout === undefined ? undefined : setTimeout(() => timeIsUp.abort(), timeout);
  const stop = AbortSignal.any([signal, timeIsUp.signal]);
  output.report({ type: "listening", address }, () => `listening on ${address}`);
  let received = 0;
  try {
    while (received !== count && !stop.aborted) {
      const arrival = await socket.receive({ signal: stop }).catch((error) => {
        if (error instanceof MessageTooLargeError) return error;
        if (!stop.aborted) throw error;
      });
      if (arrival instanceof MessageTooLargeError) printer.tooLarge(arrival);
      else if (arrival !== undefined) {
        received++;
        printer.datagram(arrival);
        if (answer !== undefined) await sendBack(arrival, answer);
      }
      await output.ready(stop);
    }
  } finally {
    clearTimeout(timer);
    socket.close();
  }
  if (count === undefined || received === count) return;
  throw new Error(`${received} of ${count} datagrams came; --timeout allows for more time`);
}

/** Whoever can't be answered is told of, and the next one gets its turn. */
async function sendBack(datagram: Datagram, answer: (datagram: Datagram) => Promise<void>): Promise<void> {
  try {
    await answer(datagram);
  } catch (error) {
    if (!(error instanceof SockeyeError)) throw error;
    warn(`no echo: ${error.message}`);
  }
}
