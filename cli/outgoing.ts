/** Where the messages to send come from: the command line, a file, or the lines of standard input. @module */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";
import { UsageError } from "./usage_error.ts";
import { readPayload } from "./payload.ts";

/** What the command line says about what to send. */
export interface OutgoingOptions {
  /** A message. */
  readonly data: string | undefined;
  /** A file that is one message. */
  readonly file: string | undefined;
  /** How often to send it. */
  readonly count: number | undefined;
  /** Whether text is hexadecimal. */
  readonly hex: boolean;
}

/**
 * The messages, one after the other.
 *
 * @param options What the command line says.
 * @param signal Ends the reading of standard input.
 * @param check Throws a UsageError for a message that can't be sent, and was given by this option.
 * @throws {UsageError} The options contradict each other; nothing has been read.
 */
export async function outgoingMessages(
  options: OutgoingOptions,
  signal: AbortSignal,
  check: (bytes: Uint8Array, option: string) => void = () => {},
): Promise<AsyncIterable<Uint8Array>> {
  const { data, file, count, hex } = options;
  if (data !== undefined && file !== undefined) throw new UsageError("give --data or --file, not both");
  const given = data !== undefined ? readPayload(data, hex) : file !== undefined ? await readWhole(file) : undefined;
  if (given !== undefined) {
    check(given, data !== undefined ? "--data" : `--file ${file}`);
    return repeated(given, count);
  }
  if (count !== undefined) throw new UsageError("--count needs --data or --file");
  return standardInput(hex, signal);
}

async function readWhole(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Error(
      `--file ${file} can't be read (${(error as NodeJS.ErrnoException).code}): check its path and its mode`,
    );
  }
}

async function* repeated(bytes: Uint8Array, count = 1): AsyncIterable<Uint8Array> {
  for (let sent = 0; sent < count; sent++) yield bytes;
}

async function* standardInput(isHex: boolean, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const lines = createInterface({ input: process.stdin });
  const close = () => lines.close();
  signal.addEventListener("abort", close);
  try {
    if (signal.aborted) return;
    for await (const line of lines) {
      const bytes = readPayload(line, isHex);
      if (bytes.length > 0) yield bytes;
    }
  } finally {
    signal.removeEventListener("abort", close);
    lines.close();
    // A pending read of a terminal or a pipe would keep the program.
    process.stdin.destroy();
  }
}
