/**
 * `unixgram://`: Scalability Protocols over datagrams between processes of one machine. The wire format is ours.
 *
 *     unixgram:///run/clock.sock     a path; its file has permissions
 *     unixgram://@clock              an abstract name, open to everybody in the same network namespace
 *
 * The listener is a unix datagram socket (`SOCK_DGRAM`) with that name. Whoever connects makes a pair of sockets of
 * `SOCK_SEQPACKET`, and sends one end (SCM_RIGHTS, unix(7)) to the listener with a datagram that is the header CREQ. The answer
 * comes over the pair: CACK, or DISC with a reason. From then on the pair is the connection, so that backpressure and the
 * death of the peer are the kernel's to tell, and nothing has to be refreshed.
 *
 * Headers are the eight bytes of the udp transport (version 1, opcode, the sender's protocol as 16 bits, little endian), but
 * both parameters are one number of 32 bits, little endian:
 *
 * | opcode | number |
 * | --- | --- |
 * | 0 DATA | bytes of the message behind the header |
 * | 1 CREQ, 2 CACK | the largest message that the sender of this accepts, in bytes; 0 for no limit |
 * | 3 DISC | the reason, as in udp |
 *
 * A datagram has at most 65,536 bytes, and in it one DATA frame or several, one behind the other: what is sent in one turn
 * leaves together. A message too large for the rest of the datagram that its frame begins in goes on in the following ones,
 * which hold nothing else; with the last of its bytes ends the datagram. There are no datagrams of no bytes.
 * A message that is larger than the peer accepts is dropped by the sender, and counted, so that it ends no connection.
 *
 * Who is at the other end the kernel vouches for: the credentials of the listener come with CACK, those of whoever connects
 * with CREQ (SCM_CREDENTIALS), and `allowPeer` is asked on both sides.
 *
 * @module
 */

import { AddressError } from "../../common/errors.ts";
import { encodeSockaddr, formatSocketAddress, type UnixAddress } from "../../ffi/sockaddr.ts";
import { unixAddress } from "../../qos/destination.ts";
import { PairDialing } from "./datagram/pair_dialing.ts";
import { PairListening } from "./datagram/pair_listening.ts";
import { register } from "./registry.ts";
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

/** The transport over datagrams of unix sockets. */
export const unixgram: Transport = {
  schemes: ["unixgram"],
  check(url: SpUrl): void {
    addressOf(url);
  },
  listen(url: SpUrl, greeting: Greeting, options: TransportOptions, events: ListeningEvents): Listening {
    return new PairListening(addressOf(url), greeting, options, events, urlOf);
  },
  dial(url: SpUrl, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing {
    const address = addressOf(url);
    return new PairDialing(address, greeting, options, events, urlOf(address));
  },
};

register(unixgram);

function addressOf({ href, rest }: SpUrl): UnixAddress {
  if (rest === "" || rest === "@") {
    throw new AddressError(`${href}: nothing is named; write unixgram:///run/clock.sock or unixgram://@clock`);
  }
  try {
    const address = unixAddress(rest, "url");
    // Says what is wrong with it.
    encodeSockaddr(address);
    return address;
  } catch (error) {
    throw new AddressError(`${href}: ${(error as Error).message}`, { cause: error });
  }
}

function urlOf(address: UnixAddress): string {
  return `unixgram://${formatSocketAddress(address)}`;
}
