/**
 * What tcp and udp do alike: URLs with a host and a port, of any family or of one.
 *
 * @module
 */

import { AddressError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import { AddressesDialing } from "./addresses_dialing.ts";
import {
  ADDRESS_SEPARATOR,
  addressesIn,
  checkHostPort,
  type IpAddress,
  listenAtOne,
  parseHostPort,
  resolveHost,
  wildcards,
} from "./host.ts";
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

/** The family that a URL sticks to; `undefined` for any. */
export type Family = "inet" | "inet6" | undefined;

/** What is done at one address. */
export interface AtAddress {
  /** As `listen` of {@linkcode Transport}; `family` is the one that the URL sticks to. */
  listen(
    address: IpAddress,
    family: Family,
    greeting: Greeting,
    options: TransportOptions,
    events: ListeningEvents,
  ): Listening;
  /** As `dial` of {@linkcode Transport}. */
  dial(address: IpAddress, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing;
}

/** A transport with the schemes `name`, and `name4` and `name6` that stick to their family. */
export function hostTransport(name: string, at: AtAddress): Transport {
  const familyOf = ({ scheme }: SpUrl): Family =>
    scheme === `${name}4` ? "inet" : scheme === `${name}6` ? "inet6" : undefined;
  return {
    schemes: [name, `${name}4`, `${name}6`],

    check(url: SpUrl, role: "listen" | "dial"): void {
      if (url.rest.includes(ADDRESS_SEPARATOR)) {
        throw new AddressError(`${url.href} has more than one address; write ${name}://host:port with one host`);
      }
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
      return listenAtOne(candidates, (address) => at.listen(address, family, greeting, options, events));
    },

    dial(url: SpUrl, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing {
      const addresses = addressesIn(url.rest, url.href, "port", familyOf(url));
      return new AddressesDialing(
        addresses,
        (address, told) => at.dial(address as IpAddress, greeting, options, told),
        events,
      );
    },
  };
}
