/**
 * `tcp://`, `tcp4://`, `tcp6://`: TCP, with nng's and nanomsg's wire format.
 *
 * `tcp://127.0.0.1:5000`, `tcp://[::1]:5000`, `tcp://[fe80::1%eth0]:5000`, or a host name, of which a dialer tries all
 * addresses in turn. A listener may leave the host out or write `*` for all addresses of the machine, and take port 0 for one
 * that the kernel chooses. `tcp4` and `tcp6` stick to IPv4 and IPv6.
 *
 * Either side sends a greeting of 8 bytes, `00 53 50 00`, the pattern's number in 16 bits, `00 00`. Then each message is its
 * length as 64 bits, and its bytes. All is big endian.
 *
 * @module
 */

import { AddressError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import { formatSocketAddress, type SocketAddress } from "../../ffi/sockaddr.ts";
import { AddressesDialing } from "./addresses_dialing.ts";
import {
  ADDRESS_SEPARATOR,
  addressesIn,
  checkHostPort,
  listenAtOne,
  parseHostPort,
  resolveHost,
  wildcards,
} from "./host.ts";
import { register } from "./registry.ts";
import type { Carrier } from "./stream/carrier.ts";
import { TCP_FRAMES } from "./stream/frame_format.ts";
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

const CARRIER: Carrier = { format: TCP_FRAMES, urlOf: (address) => `tcp://${formatSocketAddress(address)}` };

function familyOf({ scheme }: SpUrl): "inet" | "inet6" | undefined {
  return scheme === "tcp4" ? "inet" : scheme === "tcp6" ? "inet6" : undefined;
}

/** The transport over TCP. */
export const tcp: Transport = {
  schemes: ["tcp", "tcp4", "tcp6"],

  check(url: SpUrl, role: "listen" | "dial"): void {
    if (url.rest.includes(ADDRESS_SEPARATOR)) throw new AddressError(`${url.href} has more than one address`);
    checkHostPort(parseHostPort(url.rest, url.href, "port"), url.href, role, familyOf(url));
  },

  async resolve(url: SpUrl, options: WaitOptions): Promise<SpUrl> {
    const rest = await resolveHost(parseHostPort(url.rest, url.href, "port"), familyOf(url), options);
    return rest === undefined ? url : { ...url, rest };
  },

  listen(url: SpUrl, greeting: Greeting, options: TransportOptions, events: ListeningEvents): Listening {
    const family = familyOf(url);
    // A listener takes the first address of a name.
    const [first] = url.rest.split(ADDRESS_SEPARATOR);
    const { host, port } = parseHostPort(first, url.href, "port");
    const candidates = host === "" ? wildcards(port, family) : addressesIn(first, url.href, "port", family);
    const ipv6Only = family === "inet6";
    return listenAtOne(
      candidates,
      (address) => listenAt({ carrier: CARRIER, address, greeting, options, ipv6Only }, events),
    );
  },

  dial(url: SpUrl, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing {
    const begin = (address: SocketAddress, told: DialEvents) =>
      dialTo({ carrier: CARRIER, address, greeting, options }, told);
    return new AddressesDialing(addressesIn(url.rest, url.href, "port", familyOf(url)), begin, events);
  },
};

register(tcp);
