/**
 * Listening for pairs of unix sockets: a datagram socket with a name, to which those who connect send one end of a pair.
 *
 * @module
 */

import { ProtocolError, type SockeyeError, SystemError } from "../../../common/errors.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL } from "../../../ffi/constants.ts";
import type { Descriptor } from "../../../ffi/descriptor.ts";
import { checked, libc } from "../../../ffi/libc.ts";
import { Reactor, READABLE, type Watch } from "../../../ffi/reactor.ts";
import type { UnixAddress } from "../../../ffi/sockaddr.ts";
import type { Datagram } from "../../../qos/datagram.ts";
import { UnixDatagramSocket } from "../../../qos/unix_datagram_socket.ts";
import { Places } from "../places.ts";
import { refusedPeer, wrongPattern } from "../refusal.ts";
import type { Greeting, Listening, ListeningEvents, TransportOptions } from "../transport.ts";
import {
  HEADER_BYTES,
  isHeader,
  MAX_WIDE,
  OPCODE,
  readOpcode,
  readProtocol,
  readWide,
  REASON,
  writeWideHeader,
} from "./header.ts";
import { PairConnection } from "./pair_connection.ts";
import { adoptEnd } from "./pair_socket.ts";

/** Requests in a row, so that a flood of them starves nobody. */
const REQUEST_BUDGET = 64;

/** A listener, which accepts until it is closed. */
export class PairListening implements Listening {
  readonly url: string;
  readonly #greeting: Greeting;
  readonly #options: TransportOptions;
  readonly #events: ListeningEvents;
  readonly #socket: UnixDatagramSocket;
  readonly #address: UnixAddress;
  /** Beside the socket's own, which nobody waits on. */
  readonly #watch: Watch;
  readonly #onReady = (): void => this.#receive();
  readonly #places: Places;

  /** @throws {SystemError} As in bind(2): `EADDRINUSE`, `EACCES`, … */
  constructor(
    address: UnixAddress,
    greeting: Greeting,
    options: TransportOptions,
    events: ListeningEvents,
    urlOf: (address: UnixAddress) => string,
  ) {
    this.#greeting = greeting;
    this.#options = options;
    this.#events = events;
    this.#places = new Places(options.maxPipes, this, events);
    this.#socket = UnixDatagramSocket.bind(address, {
      mode: options.mode,
      replace: true,
      descriptors: true,
      info: ["credentials"],
      payloadBytes: HEADER_BYTES,
      batch: 1,
    });
    this.#address = this.#socket.localAddress();
    this.url = urlOf(this.#address);
    this.#watch = Reactor.current().watch(this.#socket.fd, this.#onReady);
    this.#watch.want(READABLE);
  }

  close(): void {
    if (this.#socket.isClosed) return;
    this.#watch.close();
    this.#socket.close();
  }

  #receive(): void {
    for (let budget = REQUEST_BUDGET; budget > 0 && !this.#socket.isClosed; budget--) {
      const request = this.#nextRequest();
      if (request === undefined) return;
      for (const surplus of request.descriptors.slice(1)) surplus.close();
      const end = request.descriptors[0];
      if (end === undefined) this.#events.failed(this.#noRequest("no descriptor came with it; see `ulimit -n`"));
      else this.#answer(request, end);
    }
  }

  #nextRequest(): Datagram | undefined {
    // A batch, which is of one: where only one is asked for, one that is too large is an error.
    return this.#socket.tryReceiveBatch()?.[0];
  }

  #answer(request: Datagram, end: Descriptor): void {
    const { data, credentials } = request;
    if (request.isTruncated || data.length !== HEADER_BYTES || !isHeader(data) || readOpcode(data) !== OPCODE.CREQ) {
      end.close();
      return this.#events.failed(this.#noRequest(`it has ${data.length} bytes, and should be a header with CREQ`));
    }
    if (!adoptEnd(end.fd)) {
      end.close();
      return this.#events.failed(
        this.#noRequest("the descriptor that came with it is no unix socket of SOCK_SEQPACKET"),
      );
    }
    if (!this.#places.hasOne()) return this.#refuse(end, REASON.NO_BUFFERS, undefined);
    const protocol = readProtocol(data);
    if (protocol !== this.#greeting.peer) {
      return this.#refuse(end, REASON.TYPE, wrongPattern(this.url, protocol, this.#greeting));
    }
    const refusal = refusedPeer(this.url, credentials, this.#options, "recvmsg");
    if (refusal !== undefined) return this.#refuse(end, REASON.REFUSED, refusal);
    this.#accept(request, end);
  }

  #accept({ data, credentials }: Datagram, end: Descriptor): void {
    const { protocol, peer } = this.#greeting;
    const { maxReceiveSize } = this.#options;
    try {
      answer(end, OPCODE.CACK, protocol, Math.min(maxReceiveSize, MAX_WIDE));
    } catch (error) {
      end.close();
      return this.#events.failed(error as SockeyeError);
    }
    this.#places.take();
    this.#events.accepted(
      new PairConnection(end, {
        protocol,
        peer,
        maxReceiveSize,
        maxSendSize: readWide(data),
        localAddress: this.#address,
        remoteAddress: undefined,
        credentials,
        url: this.url,
        onGone: this.#places.release,
      }),
    );
  }

  #refuse(end: Descriptor, reason: number, error: SockeyeError | undefined): void {
    try {
      answer(end, OPCODE.DISC, this.#greeting.protocol, reason);
    } catch (cause) {
      // Gone already, or it reads nothing: then it need not know.
      if (!(cause instanceof SystemError)) throw cause;
    } finally {
      end.close();
    }
    if (error !== undefined) this.#events.failed(error);
  }

  #noRequest(reason: string): ProtocolError {
    return new ProtocolError(`${this.url}: what came is no request to connect: ${reason}`);
  }
}

/** Sends a header over a connection that nothing has been sent over yet. */
function answer(end: Descriptor, opcode: number, protocol: number, value: number): void {
  const bytes = new Uint8Array(HEADER_BYTES);
  writeWideHeader(bytes, 0, opcode, protocol, value);
  checked(libc().symbols.send(end.fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL), "send");
}
