/**
 * Which socket, and which pipe, an error concerns.
 *
 * @module
 */

import { SockeyeError } from "../../common/errors.ts";
import type { SpPipe } from "../pipe.ts";

/** What errors have besides, where a socket has thrown them. */
export interface SpErrorDetails {
  /** The socket: its pattern, and a number that tells it from others, for instance `"req 3"`. */
  readonly socket: string;
  /** The connection, where the error is one of a connection. */
  readonly pipe?: SpPipe;
}

/**
 * Says whom an error concerns, unless that is said already.
 *
 * @returns The error.
 */
export function concerning<E>(error: E, socket: string, pipe?: SpPipe): E {
  if (error instanceof SockeyeError && !("socket" in error)) {
    Object.assign(error, pipe === undefined ? { socket } : { socket, pipe });
  }
  return error;
}

/** Does something, and says of its errors which socket they concern. */
export function concerned<T>(socket: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw concerning(error, socket);
  }
}
