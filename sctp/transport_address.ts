/**
 * One IP address and a port, however the user writes it.
 *
 * @module
 */

import { AddressError } from "../common/errors.ts";
import { SctpAddress, type SctpAddressLike } from "./address.ts";
import type { SctpTransportAddress } from "./message.ts";

/**
 * The transport address that is meant.
 *
 * @param address A transport address, an SCTP address of one IP, or the IP alone.
 * @param port Tells the port that goes with an IP alone.
 * @throws {AddressError} It has another form, or more than one IP.
 */
export function transportAddressOf(
  address: SctpTransportAddress | SctpAddressLike,
  port: () => number,
): SctpTransportAddress {
  if (typeof address === "object" && "family" in address && !(address instanceof SctpAddress)) return address;
  const whole = typeof address !== "string"
    ? address
    : address.startsWith("sctp://")
    ? SctpAddress.parse(address)
    : new SctpAddress(address, port());
  const [first, ...others] = whole.toSocketAddresses();
  if (others.length > 0) throw new AddressError(`${whole} has several addresses: give the one that is meant`);
  return first;
}
