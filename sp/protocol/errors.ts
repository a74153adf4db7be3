/**
 * Which pipe an error concerns.
 *
 * @module
 */

import type { SockeyeError } from "../../common/errors.ts";
import type { Pipe } from "./pipe.ts";

/**
 * Says that an error is of one pipe; the driver adds which socket.
 *
 * @returns The error.
 */
export function ofPipe<E extends SockeyeError>(error: E, pipe: Pick<Pipe, "id">): E {
  return Object.assign(error, { pipe });
}
