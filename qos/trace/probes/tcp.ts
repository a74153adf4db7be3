/**
 * TCP probes: connection requests, RFC 9293 section 3.5, of connections that never come about. They need CAP_NET_RAW.
 *
 * A destination answers with SYN-ACK, which this machine's kernel resets since it knows of no such connection, or with RST.
 *
 * @module
 */

import type { Datagram } from "../../datagram.ts";
import type { RawIpSocket } from "../../raw_ip_socket.ts";
import { decodeTcpHeader, encodeTcpSegment, type PacketAddresses, TCP_FLAG } from "../../transport_header.ts";
import { TCP_MAXIMUM_SEGMENT } from "../options.ts";
import type { ProbeAnswer, ProbeRequest } from "../schedule.ts";
import { type ProbeFormat, Prober, type ProberSettings } from "./prober.ts";
import { openRawSocket } from "./raw.ts";

/** Source ports: above those that Linux gives to connections by default, ip(7), ip_local_port_range. */
const SOURCE_PORT = 61000;
const SOURCE_PORTS = 4536;
const NO_PAYLOAD = new Uint8Array(0);

/** Makes connection requests and recognises the answers. */
class TcpFormat implements ProbeFormat {
  readonly socket: RawIpSocket;
  readonly #port: number;
  readonly #isStable: boolean;
  readonly #addresses: PacketAddresses;
  /** The sequence number of the first probe. The next ones count up, and answers acknowledge them. */
  readonly #firstSequence: number;
  readonly #firstPort: number;

  constructor(settings: ProberSettings) {
    const { destination, packet, port, isStable } = settings;
    this.#port = port;
    this.#isStable = isStable;
    this.socket = openRawSocket(settings, { protocol: "tcp" });
    const source = packet.source ?? (this.socket.localAddress() as { address: string }).address;
    this.#addresses = { source, destination: destination.address };
    const [sequence, first] = crypto.getRandomValues(new Uint32Array(2));
    this.#firstSequence = sequence;
    this.#firstPort = first % SOURCE_PORTS;
  }

  packet({ id }: ProbeRequest): { data: Uint8Array } {
    const header = {
      sourcePort: this.#sourcePort(id),
      destinationPort: this.#port,
      sequenceNumber: this.#firstSequence + id >>> 0,
      flags: TCP_FLAG.SYN,
      options: { maximumSegmentSize: TCP_MAXIMUM_SEGMENT },
    };
    return { data: encodeTcpSegment(header, NO_PAYLOAD, this.#addresses) };
  }

  recognise({ data }: Datagram): Pick<ProbeAnswer, "ids" | "answer"> | undefined {
    const header = decodeTcpHeader(data);
    if (header === undefined || header.sourcePort !== this.#port) return undefined;
    const id = header.acknowledgementNumber - 1 - this.#firstSequence >>> 0;
    if (header.destinationPort !== this.#sourcePort(id) || !(header.flags & TCP_FLAG.ACK)) return undefined;
    if (header.flags & TCP_FLAG.RST) return { ids: [id], answer: "reset" };
    return header.flags & TCP_FLAG.SYN ? { ids: [id], answer: "syn-ack" } : undefined;
  }

  /** One for each probe, since half-open connections confuse the answer to the next request on the same ports. */
  #sourcePort(id: number): number {
    return SOURCE_PORT + (this.#firstPort + (this.#isStable ? 0 : id)) % SOURCE_PORTS;
  }
}

/**
 * Opens a socket for TCP probes.
 *
 * @throws {UnsupportedError} Without CAP_NET_RAW.
 * @throws {SystemError} As in socket(2) and connect(2).
 */
export function openTcpProber(settings: ProberSettings): Prober {
  return new Prober(new TcpFormat(settings), settings);
}
