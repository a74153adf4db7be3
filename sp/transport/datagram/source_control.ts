/**
 * Control messages that have answers leave from the address that the question went to: ip(7), RFC 3542 section 6.
 *
 * @module
 */

import { PacketEncoder } from "../../../qos/packet_control.ts";
import { decodePacketInfo, type PacketInfo } from "../../../qos/packet_info.ts";

/** Turns what came with a packet into what goes with the answers, for one socket that asks for `"destination"`. */
export class SourceControl {
  readonly #encoder: PacketEncoder;

  /** @param family The socket's family. */
  constructor(family: "inet" | "inet6", protocol?: number) {
    this.#encoder = new PacketEncoder(family, protocol);
  }

  /** The control messages for answers; `undefined` where the kernel told nothing. */
  for(control: Uint8Array): Uint8Array | undefined {
    const info: PacketInfo = {};
    decodePacketInfo(control, info);
    const source = info.destination;
    if (source === undefined) return undefined;
    return this.#encoder.encode({ source }, source.includes(":") ? "inet6" : "inet").control;
  }
}
