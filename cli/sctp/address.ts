/** Reads an address from the command line. @module */

import { AddressError } from "@sockeye/sockeye";
import { resolveSctpAddress, type SctpAddress } from "@sockeye/sockeye/sctp";
import { UsageError } from "../usage_error.ts";

/**
 * The address that a URL says; host names are looked up.
 *
 * @throws {UsageError} The URL has another form.
 * @throws {AddressError} A name does not resolve.
 */
export async function readAddress(url: string, signal: AbortSignal): Promise<SctpAddress> {
  try {
    return await resolveSctpAddress("sctp", url, { signal });
  } catch (error) {
    // A cause is there where the form was right and the name service said no.
    if (error instanceof AddressError && error.cause === undefined) throw new UsageError(error.message);
    throw error;
  }
}
