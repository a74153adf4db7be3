/**
 * What tells one kind of packet socket from the others.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import type { DestinationTable } from "./destination.ts";
import type { PacketControl } from "./packet_control.ts";
import type { SendOptions } from "./send_options.ts";

/** What one kind of packet socket does its own way. */
export interface PacketSocketKind {
  /** What it is, for messages: `"UDP socket"`. */
  readonly label: string;
  /** Reads its destinations. */
  readonly destinations: DestinationTable;
  /** Encodes the options of one message; throws `ArgumentError` for what this kind of socket does not have. */
  encode(options: SendOptions, family: "inet" | "inet6" | "unix", argument: string): PacketControl;
  /** Cuts a header off what the kernel hands over; without it the data are the payload. */
  headerLength?(data: Uint8Array): number;
}

/** Only unix sockets carry descriptors. */
export function refuseDescriptors({ descriptors }: SendOptions, argument: string): void {
  if (descriptors === undefined) return;
  throw new ArgumentError(`${argument}.descriptors`, "travel over unix sockets only: use a UnixDatagramSocket");
}
