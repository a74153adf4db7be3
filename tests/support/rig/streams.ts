/**
 * Where the output of a command goes, and where its input comes from.
 *
 * @module
 */

import process from "node:process";

/**
 * Where a stream of output goes: to this process's own stream of the same name, into the result, or to a function, whose
 * promise holds the command back until it has taken the bytes.
 */
export type OutputTo = "inherit" | "piped" | ((chunk: Uint8Array) => void | Promise<void>);

/** What a command reads: nothing, these bytes, or what arrives. */
export type InputFrom = "null" | string | Uint8Array | AsyncIterable<Uint8Array>;

/** One stream of output on its way. */
export interface OutputSink {
  /** Takes bytes, which may change after the promise is fulfilled. */
  take(chunk: Uint8Array): void | Promise<void>;
  /** Everything taken, where the destination is "piped"; else empty. */
  collected(): Uint8Array;
}

/** The way to a destination; `own` is what "inherit" means. */
export function openSink(to: OutputTo, own: "stdout" | "stderr"): OutputSink {
  const stream = process[own];
  if (to === "inherit" && !stream.listeners("error").includes(knownFromWrite)) stream.on("error", knownFromWrite);
  const chunks: Uint8Array[] = [];
  const take = to === "inherit"
    ? (chunk: Uint8Array) => write(stream, chunk)
    : to === "piped"
    ? (chunk: Uint8Array) => void chunks.push(chunk.slice())
    : to;
  return { take, collected: () => Buffer.concat(chunks) };
}

/** An error of the stream is an error of the write that it comes from, and reported there. */
function knownFromWrite(): void {}

function write(stream: NodeJS.WritableStream, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => error ? reject(error) : resolve());
  });
}

/** Input as a stream of bytes. */
export async function* inputChunks(from: InputFrom): AsyncGenerator<Uint8Array> {
  if (from === "null") return;
  if (typeof from === "string") yield new TextEncoder().encode(from);
  else if (from instanceof Uint8Array) yield from;
  else yield* from;
}
