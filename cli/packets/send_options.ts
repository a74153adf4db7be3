/** The options of every `send`. @module */

import { integer, type OptionValues, type Range, seconds, secondsOr, text } from "../option.ts";
import { outgoingMessages, type OutgoingOptions } from "../outgoing.ts";
import { COUNT, hex, json } from "../shared_options.ts";
import { UsageError } from "../usage_error.ts";

/** The data of one datagram; what fits in depends on the protocol, and the kernel says so. */
const SIZE: Range = { min: 0, max: 65535 };

const DEFAULT_WAIT_SECONDS = 2;

/** What to send, how often, and what to wait for. */
export const sendOptions = {
  data: text("TEXT", "send this"),
  file: text("FILE", "send the contents of this file, as one datagram"),
  size: integer("BYTES", "make each datagram so long, with zeros at the end; alone: send zeros", SIZE),
  count: integer("N", "send it N times", COUNT),
  interval: seconds("how long to wait between two datagrams"),
  receive: integer("N", "wait for N datagrams, and print them; it is a failure if they don't come", COUNT),
  wait: secondsOr(DEFAULT_WAIT_SECONDS, "how long to wait for that when all is sent", "w"),
  json,
  hex,
};

/**
 * The datagrams to send, one after the other, each of the wanted size.
 *
 * @throws {UsageError} The options contradict each other; nothing has been read.
 */
export async function outgoingDatagrams(
  options: OptionValues<typeof sendOptions>,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { data, file, size, count, hex } = options;
  const isOnlySized = size !== undefined && data === undefined && file === undefined;
  const source: OutgoingOptions = { data: isOnlySized ? "" : data, file, count, hex };
  const messages = await outgoingMessages(source, signal, (bytes, option) => checkSize(bytes, option, size));
  return size === undefined ? messages : padded(messages, size);
}

/** Whether it is for the user to say where the datagrams end, by ending standard input. */
export function isOpenEnded({ data, file, size }: OptionValues<typeof sendOptions>): boolean {
  return data === undefined && file === undefined && size === undefined;
}

function checkSize(bytes: Uint8Array, option: string, size: number | undefined): void {
  if (size === undefined || bytes.length <= size) return;
  throw new UsageError(`${option} has ${bytes.length} bytes, and --size is ${size}: give at least as much`);
}

async function* padded(messages: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  for await (const message of messages) {
    const bytes = new Uint8Array(size);
    bytes.set(message);
    yield bytes;
  }
}
