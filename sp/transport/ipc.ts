/**
 * `ipc://`: unix sockets, with nng's and nanomsg's wire format.
 *
 * `ipc:///run/clock.ipc` is a path from the root, `ipc://clock.ipc` one from the working folder, `ipc://@clock` an abstract
 * name, which Linux has. A listener's file has the permissions that `mode` says, and is removed when it closes; one that a
 * dead program left behind is replaced. `allowPeer` sees the credentials of whoever is at the other end.
 *
 * Either side sends a greeting of 8 bytes, `00 53 50 00`, the pattern's number in 16 bits, `00 00`. Then each message is
 * the byte 01, its length as 64 bits, all big endian, and its bytes.
 *
 * @module
 */

import { AddressError, ArgumentError } from "../../common/errors.ts";
import { encodeSockaddr, formatSocketAddress, type SocketAddress } from "../../ffi/sockaddr.ts";
import { register } from "./registry.ts";
import type { Carrier } from "./stream/carrier.ts";
import { IPC_FRAMES } from "./stream/frame_format.ts";
import { dialTo, listenAt } from "./stream/platform.ts";
import type {
  DialEvents,
  Dialing,
  Greeting,
  Listening,
  ListeningEvents,
  Transport,
  TransportOptions,
} from "./transport.ts";
import type { SpUrl } from "./url.ts";

const CARRIER: Carrier = { format: IPC_FRAMES, urlOf };

/** The address of a unix socket from the part of the URL behind the scheme. */
function addressOf({ href, rest }: SpUrl): SocketAddress {
  const address: SocketAddress = rest.startsWith("@")
    ? { family: "unix", abstract: rest.slice(1) }
    : { family: "unix", path: rest };
  if (rest === "" || rest === "@") {
    throw new AddressError(`${href} has no path; write ipc:///run/clock.ipc, or ipc://@clock for an abstract name`);
  }
  try {
    encodeSockaddr(address);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new AddressError(`${href}: ${error.message}`, { cause: error });
  }
  return address;
}

function urlOf(address: SocketAddress): string {
  if ("path" in address) return `ipc://${address.path}`;
  if ("abstract" in address && typeof address.abstract === "string") return `ipc://@${address.abstract}`;
  return `ipc://${formatSocketAddress(address)}`;
}

/** The transport over unix sockets. */
export const ipc: Transport = {
  schemes: ["ipc"],

  check(url: SpUrl): void {
    addressOf(url);
  },

  listen(url: SpUrl, greeting: Greeting, options: TransportOptions, events: ListeningEvents): Listening {
    const address = addressOf(url);
    if (options.mode !== undefined && !("path" in address)) {
      throw new ArgumentError("options.mode", `is for files, and ${url.href} is none; use allowPeer, or a path`);
    }
    return listenAt({ carrier: CARRIER, address, greeting, options }, events);
  },

  dial(url: SpUrl, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing {
    return dialTo({ carrier: CARRIER, address: addressOf(url), greeting, options }, events);
  },
};

register(ipc);
