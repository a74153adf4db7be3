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

import { AddressError, type SockeyeError, SystemError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import { numericAddress, resolve } from "../../ffi/resolve.ts";
import { formatSocketAddress, type Inet6Address, type InetAddress } from "../../ffi/sockaddr.ts";
import { register } from "./registry.ts";
import type { Carrier } from "./stream/carrier.ts";
import { TCP_FRAMES } from "./stream/frame_format.ts";
import { dialTo, listenAt } from "./stream/platform.ts";
import type {
  Connection,
  DialEvents,
  Dialing,
  Greeting,
  Listening,
  ListeningEvents,
  Transport,
  TransportOptions,
} from "./transport.ts";
import type { SpUrl } from "./url.ts";

type Address = InetAddress | Inet6Address;

const CARRIER: Carrier = { format: TCP_FRAMES, urlOf: (address) => `tcp://${formatSocketAddress(address)}` };

const FORMS = "write tcp://127.0.0.1:5000, tcp://[::1]:5000 or tcp://host:5000";

interface HostPort {
  /** A name or an address; empty for all addresses of the machine. */
  readonly host: string;
  readonly port: number;
  readonly family: "inet" | "inet6" | undefined;
}

/** What resolving leaves in a URL: several addresses, one after the other. */
const SEPARATOR = ",";

function parse({ href, scheme, rest }: SpUrl): HostPort[] {
  const family = scheme === "tcp4" ? "inet" : scheme === "tcp6" ? "inet6" : undefined;
  return rest.split(SEPARATOR).map((part) => {
    const match = /^(?:\[([^\]]*)\]|([^:[\]/]*)):(\d{1,5})$/.exec(part);
    if (match === null || match[1]?.includes(":") === false) {
      throw new AddressError(`${href} is no address and port; ${FORMS}`);
    }
    const port = Number(match[3]);
    if (port > 65535) throw new AddressError(`${href}: the port must be 0 to 65535, and is ${port}`);
    const host = match[1] ?? match[2];
    return { host: host === "*" ? "" : host, port, family };
  });
}

/** The addresses of a URL, once names are resolved. */
function addressesOf(url: SpUrl): Address[] {
  return parse(url).map(({ host, port, family }) => {
    const address = host === "" ? undefined : numericAddress(host, port);
    if (address === undefined) throw new AddressError(`${url.href}: the host name must be resolved first`);
    if (family !== undefined && address.family !== family) {
      throw new AddressError(`${url.href}: ${url.scheme} takes no ${family === "inet" ? "IPv6" : "IPv4"} address`);
    }
    return address;
  });
}

/** The wildcards of a family; without one IPv6's, which takes IPv4 too, and IPv4's where there is no IPv6. */
function wildcards({ port, family }: HostPort): Address[] {
  const inet: Address = { family: "inet", address: "0.0.0.0", port };
  const inet6: Address = { family: "inet6", address: "::", port };
  return family === "inet" ? [inet] : family === "inet6" ? [inet6] : [inet6, inet];
}

/** Tries the addresses of a host one after the other. */
class AddressesDialing implements Dialing {
  readonly #addresses: readonly Address[];
  readonly #greeting: Greeting;
  readonly #options: TransportOptions;
  readonly #events: DialEvents;
  #next = 0;
  #dialing!: Dialing;

  constructor(addresses: readonly Address[], greeting: Greeting, options: TransportOptions, events: DialEvents) {
    this.#addresses = addresses;
    this.#greeting = greeting;
    this.#options = options;
    this.#events = events;
    this.#dialNext();
  }

  cancel(): void {
    this.#dialing.cancel();
  }

  #dialNext(): void {
    const address = this.#addresses[this.#next++];
    this.#dialing = dialTo({ carrier: CARRIER, address, greeting: this.#greeting, options: this.#options }, {
      connected: (connection: Connection) => this.#events.connected(connection),
      failed: (error: SockeyeError) => {
        if (this.#next < this.#addresses.length) this.#dialNext();
        else this.#events.failed(error);
      },
    });
  }
}

/** The transport over TCP. */
export const tcp: Transport = {
  schemes: ["tcp", "tcp4", "tcp6"],

  check(url: SpUrl, role: "listen" | "dial"): void {
    if (url.rest.includes(SEPARATOR)) throw new AddressError(`${url.href} is no address and port; ${FORMS}`);
    const [target] = parse(url);
    if (role === "dial" && target.host === "") {
      throw new AddressError(`${url.href}: only listeners take all addresses of the machine; say which host to dial`);
    }
    if (role === "dial" && target.port === 0) {
      throw new AddressError(`${url.href}: port 0 is for listeners; say which port to dial`);
    }
    if (target.host !== "" && numericAddress(withoutZone(target.host), target.port) !== undefined) {
      addressesOf({ ...url, rest: url.rest.replace(/%[^\]]*/, "") });
    }
  },

  async resolve(url: SpUrl, options: WaitOptions): Promise<SpUrl> {
    const [target] = parse(url);
    if (target.host === "" || numericAddress(target.host, target.port) !== undefined) return url;
    const { host, port, family } = target;
    const found = await resolve(host, port, { ...options, ...(family === undefined ? {} : { family }) });
    return { ...url, rest: found.map((address) => formatSocketAddress(address)).join(SEPARATOR) };
  },

  listen(url: SpUrl, greeting: Greeting, options: TransportOptions, events: ListeningEvents): Listening {
    const [target] = parse(url);
    const [first, second] = target.host === "" ? wildcards(target) : addressesOf(url);
    const ipv6Only = url.scheme === "tcp6";
    const listen = (address: Address) => listenAt({ carrier: CARRIER, address, greeting, options, ipv6Only }, events);
    try {
      return listen(first);
    } catch (error) {
      const hasNoIpv6 = error instanceof SystemError && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(error.code);
      if (target.host !== "" || second === undefined || !hasNoIpv6) throw error;
      return listen(second);
    }
  },

  dial(url: SpUrl, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing {
    return new AddressesDialing(addressesOf(url), greeting, options, events);
  },
};

function withoutZone(host: string): string {
  const percent = host.indexOf("%");
  return percent < 0 ? host : host.slice(0, percent);
}

register(tcp);
