/**
 * What goes with a packet that is sent.
 *
 * @module
 */

import type { DescriptorHolder } from "../ffi/fd_passing.ts";
import type { Destination } from "./destination.ts";
import type { PacketOptions } from "./packet_options.ts";

/** How one packet is sent; whatever its neighbours have, it is sent with these and no others. */
export interface SendOptions extends PacketOptions {
  /**
   * Anything that tells this packet from others: an ICMP error that it causes comes back with it, see
   * {@linkcode PacketSocket.errors}. On unix sockets it does nothing.
   */
  label?: unknown;
  /**
   * Descriptors of which the peer gets copies, 1 to 253; on unix sockets only. They stay ours, and must stay open until the
   * send has settled.
   */
  descriptors?: readonly DescriptorHolder[];
}

/** A packet with its destination, for sending several at once. */
export interface OutgoingDatagram extends SendOptions {
  /** The payload; it must not change until the send has settled. */
  data: Uint8Array;
  /** Where it goes; needed unless the socket is connected. */
  to?: Destination;
}
