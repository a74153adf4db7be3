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

import { formatSocketAddress } from "../../ffi/sockaddr.ts";
import { hostTransport } from "./host_transport.ts";
import { register } from "./registry.ts";
import type { Carrier } from "./stream/carrier.ts";
import { TCP_FRAMES } from "./stream/frame_format.ts";
import { dialTo, listenAt } from "./stream/platform.ts";
import type { Transport } from "./transport.ts";

const CARRIER: Carrier = { format: TCP_FRAMES, urlOf: (address) => `tcp://${formatSocketAddress(address)}` };

/** The transport over TCP. */
export const tcp: Transport = hostTransport("tcp", {
  listen: (address, family, greeting, options, events) =>
    listenAt({ carrier: CARRIER, address, greeting, options, ipv6Only: family === "inet6" }, events),
  dial: (address, greeting, options, events) => dialTo({ carrier: CARRIER, address, greeting, options }, events),
});

register(tcp);
