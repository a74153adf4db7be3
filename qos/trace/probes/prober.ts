/**
 * What every kind of probe has in common: how it is sent, and what is made of the errors that come back.
 *
 * @module
 */

import type { Inet6Address, InetAddress } from "../../../ffi/sockaddr.ts";
import { MessageTooLargeError } from "../../../common/errors.ts";
import type { Datagram } from "../../datagram.ts";
import type { PacketError } from "../../packet_error.ts";
import type { PacketSocket } from "../../packet_socket.ts";
import { annotationOf, endsPath, isRefusal, isTimeExceeded, isTooBig } from "../annotations.ts";
import { monotonicNow, monotonicOf } from "../clock.ts";
import type { packetPart } from "../options.ts";
import type { ProbeAnswer, ProbeRequest } from "../schedule.ts";

/** What a prober has to know. */
export interface ProberSettings {
  /** Where probes go, without a port. */
  destination: InetAddress | Inet6Address;
  /** The destination port. */
  port: number;
  /** Whether all probes have the same ports. */
  isStable: boolean;
  /** The options of every packet. */
  packet: ReturnType<typeof packetPart>;
}

/** No IP packet is that large, so that nothing can leave. */
const TOO_LARGE = new Uint8Array(0x10000);
const WARM_UPS = 3;

/**
 * What became of a probe: when it was handed over, on the monotonic clock; not now since the kernel's buffer is full; or too
 * large for the local link.
 */
export type SendOutcome = number | "full" | { readonly error: MessageTooLargeError; readonly mtu: number | undefined };

/** How a kind of probe is made and recognised. */
export interface ProbeFormat {
  /** The socket. It belongs to the prober. */
  readonly socket: PacketSocket;
  /** The packet, and where it goes; without `to` to the socket's peer. */
  packet(request: ProbeRequest): { data: Uint8Array; to?: InetAddress | Inet6Address };
  /** Which probes a datagram may answer, and how; `undefined` where it answers none. */
  recognise(datagram: Datagram): Pick<ProbeAnswer, "ids" | "answer"> | undefined;
}

/** Sends probes of one kind and understands their answers. */
export class Prober {
  readonly #format: ProbeFormat;
  readonly #settings: ProberSettings;
  readonly #errors: PacketError[] = [];
  /** What has arrived while nobody looked: one at most, so that a busy peer can't fill the memory. */
  #arrival: Datagram | PacketError | undefined;
  #isListening = false;
  #onArrival: () => void = () => {};
  #failure: { error: unknown } | undefined;

  /** @param format How probes are made. @param settings Where they go. */
  constructor(format: ProbeFormat, settings: ProberSettings) {
    this.#format = format;
    this.#settings = settings;
  }

  /** From now on `onArrival` is called when something arrives after {@linkcode Prober.take} found nothing. */
  listen(onArrival: () => void): void {
    this.#warmUp();
    this.#onArrival = onArrival;
  }

  /**
   * Sends a probe if that is possible at once.
   *
   * What has arrived should be taken before: an error that waits makes the next send fail once, and reading it then would
   * count as this probe's time.
   *
   * @throws {SystemError} As in send(2), for instance `ENETUNREACH`.
   */
  send(request: ProbeRequest): SendOutcome {
    const { data, to } = this.#format.packet(request);
    const options = { ...this.#settings.packet, ttl: request.ttl, label: request.id };
    const now = monotonicNow();
    try {
      return this.#format.socket.trySend(data, to, options) ? now : "full";
    } catch (error) {
      if (!(error instanceof MessageTooLargeError)) throw error;
      return { error, mtu: this.#localMtu() };
    }
  }

  /**
   * The next answer that has arrived, without waiting.
   *
   * @throws {SystemError} As in recv(2).
   */
  take(): ProbeAnswer | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    for (;;) {
      const arrival = this.#nextArrival();
      if (arrival === undefined) {
        if (!this.#isListening) this.#listen();
        return undefined;
      }
      const answer = arrival.kind === "error" ? this.#fromError(arrival) : this.#fromDatagram(arrival);
      if (answer !== undefined) return answer;
    }
  }

  /** Closes the socket. */
  close(): void {
    this.#format.socket.close();
  }

  /**
   * Takes the way of a send once, up to a kernel that refuses it. In these runtimes the first calls of any code cost most of
   * a millisecond, which would be counted as round-trip time of the first hop.
   */
  #warmUp(): void {
    const { destination, packet } = this.#settings;
    const isConnected = this.#format.socket.remoteAddress() !== undefined;
    for (let port = 1; port <= WARM_UPS; port++) {
      try {
        const to = isConnected ? undefined : { ...destination, port };
        this.#format.socket.trySend(TOO_LARGE, to, { ...packet, ttl: 1, label: null });
      } catch {
        // Whatever else is wrong, the first probe will say.
      }
    }
    this.#collectErrors();
  }

  #nextArrival(): Datagram | PacketError | undefined {
    const { socket } = this.#format;
    const kept = this.#arrival;
    this.#arrival = undefined;
    return kept ?? this.#errors.shift() ?? socket.tryError() ?? socket.tryReceive();
  }

  #listen(): void {
    this.#isListening = true;
    this.#format.socket.receive({ errors: true }).then((arrival) => this.#arrival = arrival, (error) => {
      if (!this.#format.socket.isClosed) this.#failure = { error };
    }).finally(() => {
      this.#isListening = false;
      this.#onArrival();
    });
  }

  /** What the local link carries, as the kernel says when it refuses a packet. */
  #localMtu(): number | undefined {
    this.#collectErrors();
    const local = this.#errors.findLast(({ origin, mtu }) => origin === "local" && mtu !== undefined);
    return local?.mtu;
  }

  #collectErrors(): void {
    const { socket } = this.#format;
    for (let error = socket.tryError(); error !== undefined; error = socket.tryError()) this.#errors.push(error);
  }

  #fromDatagram(datagram: Datagram): ProbeAnswer | undefined {
    const { destination } = this.#settings;
    const { from } = datagram;
    if (from === undefined || from.family === "unix" || from.address !== destination.address) return undefined;
    const recognised = this.#format.recognise(datagram);
    return recognised && {
      ...recognised,
      meaning: "destination",
      router: from.address,
      receivedAt: monotonicOf(datagram.timestamp),
      mtu: undefined,
      icmp: undefined,
      extensions: [],
      annotation: undefined,
      replyTtl: datagram.ttl,
    };
  }

  #fromError(error: PacketError): ProbeAnswer | undefined {
    const { router, type, code, mtu } = error;
    const meaning = this.#meaningOf(error);
    const ids = idsOf(error);
    if (error.origin === "local" || router === undefined || meaning === undefined || ids.length === 0) return undefined;
    return {
      ids,
      meaning,
      router,
      receivedAt: monotonicOf(error.timestamp),
      mtu,
      answer: "icmp",
      icmp: { type, code, name: error.name },
      extensions: error.extensions,
      annotation: annotationOf(this.#settings.destination.family, type, code, mtu),
      replyTtl: error.ttl,
    };
  }

  #meaningOf(error: PacketError): ProbeAnswer["meaning"] | undefined {
    const { family, address } = this.#settings.destination;
    const { type, code } = error;
    if (isTimeExceeded(family, type)) return "transit";
    if (isTooBig(family, type, code)) return "too-big";
    if (!endsPath(family, type)) return undefined;
    return isRefusal(family, type, code) && error.router === address ? "destination" : "unreachable";
  }
}

/** The probes that an error may be about. */
function idsOf({ label, candidates }: PacketError): number[] {
  if (typeof label === "number") return [label];
  return [...new Set(candidates)].filter((candidate) => typeof candidate === "number");
}
