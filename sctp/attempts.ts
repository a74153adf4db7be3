/**
 * What is done as far as it can be.
 *
 * @module
 */

import { NoPeerError, SystemError } from "../common/errors.ts";

/** For what is done as far as a socket's state allows. */
export function ignoreSystemErrors(attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

/** For what an association needs no more once it has ended by itself. */
export function ignoreAbsence(attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof NoPeerError)) throw error;
  }
}
