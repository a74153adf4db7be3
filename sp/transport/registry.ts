/**
 * The transport that a URL's scheme stands for.
 *
 * @module
 */

import { AddressError } from "../../common/errors.ts";
import type { Transport } from "./transport.ts";
import type { SpUrl } from "./url.ts";

const transports = new Map<string, Transport>();

/** Makes a transport known by its schemes. */
export function register(transport: Transport): void {
  for (const scheme of transport.schemes) transports.set(scheme, transport);
}

/**
 * Finds the transport of a URL.
 *
 * @throws {AddressError} When there is none.
 */
export function transportOf({ href, scheme }: SpUrl): Transport {
  const transport = transports.get(scheme);
  if (transport !== undefined) return transport;
  const known = [...transports.keys()].map((name) => `${name}://`).join(", ");
  throw new AddressError(`${href}: there is no transport ${JSON.stringify(scheme)}; there are ${known}`);
}
