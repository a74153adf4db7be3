/** What a handle gives, one after the other, to `for await`. @module */

import { ClosedError } from "./errors.ts";

/**
 * What a call gives each time, until it says that its handle is closed. Other errors are thrown.
 *
 * @param take Waits for the next one.
 */
export function untilClosed<T>(take: () => Promise<T>): AsyncIterableIterator<T> {
  const more = (value: T): IteratorResult<T> => ({ done: false, value });
  const end = (error: unknown): IteratorResult<T> => {
    if (error instanceof ClosedError) return { done: true, value: undefined };
    throw error;
  };
  return {
    next: () => take().then(more, end),
    return: () => Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
