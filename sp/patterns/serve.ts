/** Answering by a function, for REP and RESPONDENT. @module */

import { ClosedError } from "../../common/errors.ts";
import { checkInteger } from "../../ffi/arguments.ts";
import type { SpMessage } from "../message.ts";
import type { SpContext } from "./context.ts";
import type { Sendable } from "./socket.ts";

/** Gives the answer to a question; `undefined` gives none. */
export type ServeHandler = (question: SpMessage) => Sendable | undefined | Promise<Sendable | undefined>;

/** How questions are answered. */
export interface ServeOptions {
  /** How many at a time. @default {16} */
  concurrency?: number;
  /** Ends it: questions that are being answered still are. */
  signal?: AbortSignal;
}

/** Answers questions by several contexts, until they are closed or the signal fires. */
export async function serve(
  open: () => SpContext,
  handler: ServeHandler,
  { concurrency = 16, signal }: ServeOptions,
): Promise<void> {
  checkInteger("options.concurrency", concurrency, 1, 65536);
  if (signal?.aborted) return;
  const contexts = Array.from({ length: concurrency }, open);
  // One for each: Node warns of signals that many listen to.
  const ends = contexts.map(() => new AbortController());
  const end = () => ends.forEach((one) => one.abort());
  signal?.addEventListener("abort", end, { once: true });
  try {
    await Promise.all(contexts.map((context, i) => answer(context, handler, ends[i].signal)));
  } finally {
    signal?.removeEventListener("abort", end);
    end();
    for (const context of contexts) context.close();
  }
}

async function answer(context: SpContext, handler: ServeHandler, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) {
      const answer = await handler(context.tryReceive() ?? await context.receive({ signal }));
      if (answer !== undefined) await context.send(answer);
    }
  } catch (error) {
    // Whoever closes the socket, or ends the serving, has what he wanted.
    if (error instanceof ClosedError && context.isClosed || signal.aborted && error === signal.reason) return;
    throw error;
  }
}
