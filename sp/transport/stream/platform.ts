/**
 * Whose sockets carry streams here: ours, through libc, or the runtime's where libc can't be reached.
 *
 * @module
 */

import { UnsupportedError } from "../../../common/errors.ts";
import { Reactor } from "../../../ffi/mod.ts";
import type { DialEvents, Dialing, Listening, ListeningEvents } from "../transport.ts";
import type { Endpoint } from "./carrier.ts";
import { FdDialing } from "./fd_dialing.ts";
import { FdListening } from "./fd_listening.ts";
import { NetDialing } from "./net_dialing.ts";
import { NetListening } from "./net_listening.ts";

let isReached: boolean | undefined;

/** Listens at an address. */
export function listenAt(endpoint: Endpoint, events: ListeningEvents): Listening {
  return hasLibc() ? new FdListening(endpoint, events) : new NetListening(endpoint, events);
}

/** Connects to an address. */
export function dialTo(endpoint: Endpoint, events: DialEvents): Dialing {
  return hasLibc() ? new FdDialing(endpoint, events) : new NetDialing(endpoint, events);
}

function hasLibc(): boolean {
  if (isReached === undefined) {
    try {
      Reactor.current();
      isReached = true;
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      isReached = false;
    }
  }
  return isReached;
}
