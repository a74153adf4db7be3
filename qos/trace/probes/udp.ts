/**
 * UDP probes: datagrams to ports where nobody should listen, RFC 1122 section 4.1.3.1. They need no privilege.
 *
 * @module
 */

import type { Datagram } from "../../datagram.ts";
import { UdpSocket } from "../../udp_socket.ts";
import type { ProbeAnswer, ProbeRequest } from "../schedule.ts";
import { headersOf } from "../options.ts";
import { ProbePayloads } from "./payload.ts";
import { type ProbeFormat, Prober, type ProberSettings } from "./prober.ts";

const PORTS = 65536;

/** Makes UDP probes and recognises what a destination answers where somebody listens after all. */
class UdpFormat implements ProbeFormat {
  readonly socket: UdpSocket;
  readonly #settings: ProberSettings;
  readonly #payloads = new ProbePayloads();
  readonly #headers: number;
  /** The probes that went to a port. */
  readonly #idsByPort = new Map<number, number[]>();

  constructor(settings: ProberSettings) {
    const { family } = settings.destination;
    this.#settings = settings;
    this.#headers = headersOf("udp", family);
    this.socket = UdpSocket.bind(family === "inet" ? "0.0.0.0:0" : "[::]:0", {
      info: ["ttl", "timestamp"],
      errors: true,
    });
  }

  packet(request: ProbeRequest) {
    const { destination, port, isStable } = this.#settings;
    const to = { ...destination, port: isStable ? port : port + request.id % (PORTS - port) };
    const ids = this.#idsByPort.get(to.port);
    if (ids === undefined) this.#idsByPort.set(to.port, [request.id]);
    else if (ids.at(-1) !== request.id) ids.push(request.id);
    return { data: this.#payloads.payload(request, request.size - this.#headers), to };
  }

  recognise({ data, from }: Datagram): Pick<ProbeAnswer, "ids" | "answer"> | undefined {
    const ids = this.#idsByPort.get((from as { port: number }).port);
    if (ids === undefined) return undefined;
    // An echo service tells which one it was.
    const echoed = this.#payloads.idOf(data);
    return { ids: echoed !== undefined && ids.includes(echoed) ? [echoed] : ids, answer: "udp" };
  }
}

/**
 * Opens a socket for UDP probes.
 *
 * @throws {SystemError} As in socket(2) and bind(2).
 */
export function openUdpProber(settings: ProberSettings): Prober {
  return new Prober(new UdpFormat(settings), settings);
}
