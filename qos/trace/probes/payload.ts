/**
 * What probes carry: enough in front to tell each from all others, and a filling.
 *
 * @module
 */

import { foldChecksum } from "../../checksum.ts";
import { readUint16, writeUint16 } from "../../network_order.ts";
import type { ProbeRequest } from "../schedule.ts";

/** Bytes of the part that tells probes apart. */
const MARK_SIZE = 8;

/** Offsets in that part. The balance keeps the checksum of all probes of a size the same. */
const MARK = { id: 0, ttl: 2, probe: 3, nonce: 4, balance: 6 } as const;

/** The filling counts up from here, like traceroute's. */
const FILLING = 0x40;

/** The payloads of one trace. */
export class ProbePayloads {
  /** Tells this trace from others, of this machine and of those that send through the same translator. */
  readonly #nonce: number = crypto.getRandomValues(new Uint16Array(1))[0];
  #filled = new Uint8Array(0);

  /**
   * The payload of a probe, in memory that the next one reuses.
   *
   * @param request The probe.
   * @param length How many bytes it has, {@linkcode MARK_SIZE} at least.
   * @param header What else differs from probe to probe and is covered by the same checksum: a word of the header.
   */
  payload({ id, ttl, probe }: ProbeRequest, length: number, header = 0): Uint8Array {
    if (this.#filled.length < length) this.#filled = filling(length);
    const payload = this.#filled.subarray(0, length);
    writeUint16(payload, MARK.id, id);
    payload[MARK.ttl] = ttl;
    payload[MARK.probe] = probe;
    writeUint16(payload, MARK.nonce, this.#nonce);
    // Some routers balance ICMP by its first four bytes, which are type, code and checksum: Augustin et al., "Avoiding
    // traceroute anomalies with Paris traceroute", 2006.
    writeUint16(payload, MARK.balance, foldChecksum((id & 0xffff) + (ttl << 8 | probe) + header));
    return payload;
  }

  /** The id of the probe whose payload this is, as an echo brings it back; its lower 16 bits. */
  idOf(payload: Uint8Array): number | undefined {
    if (payload.length < MARK_SIZE || readUint16(payload, MARK.nonce) !== this.#nonce) return undefined;
    return readUint16(payload, MARK.id);
  }
}

function filling(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => FILLING + index & 0x7f);
}
