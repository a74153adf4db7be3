/**
 * Socket options on a descriptor of ours.
 *
 * @module
 */

import { getsockopt, setsockopt } from "../../ffi/mod.ts";
import type { OptionSocket } from "./option/socket.ts";

/**
 * The two calls that option codecs need.
 *
 * @param fd Gives the descriptor, or throws where it is closed.
 */
export function optionSocketOf(fd: () => number): OptionSocket {
  return {
    getsockopt: (level, name, value) => getsockopt(fd(), level, name, value),
    setsockopt: (level, name, value) => setsockopt(fd(), level, name, value),
  };
}
