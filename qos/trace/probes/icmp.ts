/**
 * ICMP probes: echo requests, RFC 792 and RFC 4443. They need CAP_NET_RAW.
 *
 * @module
 */

import type { Datagram } from "../../datagram.ts";
import { decodeIcmpMessage, encodeIcmpMessage } from "../../icmp/message.ts";
import { ICMP6_TYPE, ICMP_TYPE, type IcmpVersion } from "../../icmp/types.ts";
import type { RawIpSocket } from "../../raw_ip_socket.ts";
import { headersOf } from "../options.ts";
import type { ProbeAnswer, ProbeRequest } from "../schedule.ts";
import { ProbePayloads } from "./payload.ts";
import { type ProbeFormat, Prober, type ProberSettings } from "./prober.ts";
import { openRawSocket } from "./raw.ts";

/** Sequence numbers have 16 bits; a trace sends fewer probes than that. */
const SEQUENCES = 0x10000;

/** Makes echo requests and recognises their replies. */
class IcmpFormat implements ProbeFormat {
  readonly socket: RawIpSocket;
  readonly #version: IcmpVersion;
  readonly #payloads = new ProbePayloads();
  readonly #headers: number;
  /** Tells this trace's echoes from those of other programs. */
  readonly #identifier: number = crypto.getRandomValues(new Uint16Array(1))[0];

  constructor(settings: ProberSettings) {
    const { family } = settings.destination;
    this.#version = family === "inet" ? "icmp" : "icmp6";
    this.#headers = headersOf("icmp", family);
    const { ECHO_REPLY } = family === "inet" ? ICMP_TYPE : ICMP6_TYPE;
    this.socket = openRawSocket(settings, { protocol: this.#version, icmpTypes: [ECHO_REPLY] });
  }

  packet(request: ProbeRequest): { data: Uint8Array } {
    const sequence = request.id % SEQUENCES;
    return {
      data: encodeIcmpMessage({
        kind: "echo-request",
        version: this.#version,
        identifier: this.#identifier,
        sequence,
        data: this.#payloads.payload(request, request.size - this.#headers, sequence),
      }),
    };
  }

  recognise({ data }: Datagram): Pick<ProbeAnswer, "ids" | "answer"> | undefined {
    const message = decodeIcmpMessage(this.#version, data);
    if (message?.kind !== "echo-reply" || message.identifier !== this.#identifier) return undefined;
    const id = this.#payloads.idOf(message.data);
    return id === undefined ? undefined : { ids: [id], answer: "echo-reply" };
  }
}

/**
 * Opens a socket for ICMP probes.
 *
 * @throws {UnsupportedError} Without CAP_NET_RAW.
 * @throws {SystemError} As in socket(2) and connect(2).
 */
export function openIcmpProber(settings: ProberSettings): Prober {
  return new Prober(new IcmpFormat(settings), settings);
}
