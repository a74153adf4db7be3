/** Messages as Web Streams. @module */

import type { Sendable, SpMessage } from "../message.ts";
import type { ReceiveLine, SendLine } from "../socket/lines.ts";

/** A stream of messages to send. */
export function writableOf(line: SendLine, close: () => Promise<void>): WritableStream<Sendable> {
  return new WritableStream({
    write: (chunk, controller) => line.send(chunk, { signal: controller.signal }),
    close,
    abort: close,
  });
}

/** A stream of the messages received; nothing is taken that nobody asked for. */
export function readableOf(line: ReceiveLine, close: () => Promise<void>): ReadableStream<SpMessage> {
  const messages = line.iterate();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await messages.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await messages.return!();
      await close();
    },
  }, { highWaterMark: 0 });
}
