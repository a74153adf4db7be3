/**
 * One attempt to connect by a pair of unix sockets: one end is sent to the listener, and over the other its answer comes.
 *
 * @module
 */

import { ProtocolError, type SockeyeError, SystemError, TimeoutError } from "../../../common/errors.ts";
import { AF_UNIX, SOCK_DGRAM } from "../../../ffi/constants.ts";
import { controlSpace } from "../../../ffi/cmsg.ts";
import { Descriptor } from "../../../ffi/descriptor.ts";
import { encodeDescriptors } from "../../../ffi/fd_passing.ts";
import type { Message } from "../../../ffi/message.ts";
import { MessageSocket } from "../../../ffi/message_socket.ts";
import { Reactor, READABLE, type Watch, WRITABLE } from "../../../ffi/reactor.ts";
import { ReceiveQueue } from "../../../ffi/receive_queue.ts";
import type { UnixAddress } from "../../../ffi/sockaddr.ts";
import { connect, socket } from "../../../ffi/syscalls.ts";
import { UCRED_SIZE, type UnixCredentials } from "../../../ffi/ucred.ts";
import { timers } from "../../socket/timers.ts";
import type { DialEvents, Greeting, TransportOptions } from "../transport.ts";
import { disconnected, refusedPeer, wrongPattern } from "../refusal.ts";
import {
  HEADER_BYTES,
  isHeader,
  MAX_WIDE,
  OPCODE,
  readFirst,
  readOpcode,
  readProtocol,
  readWide,
  writeWideHeader,
} from "./header.ts";
import { PairConnection } from "./pair_connection.ts";
import { credentialsIn, endCredentials, makePair } from "./pair_socket.ts";

function ignore(): void {}

/** An attempt under way. */
export class PairDialing {
  readonly #address: UnixAddress;
  readonly #greeting: Greeting;
  readonly #options: TransportOptions;
  readonly #events: DialEvents;
  readonly #url: string;
  readonly #onWritable = (): void => this.#request();
  readonly #onReadable = (): void => this.#receive();
  /** Where the request goes; closed when it has gone. */
  #rendezvous: MessageSocket | undefined;
  #ours: Descriptor | undefined;
  #theirs: Descriptor | undefined;
  #watch: Watch | undefined;
  #cancelTimer: () => void = ignore;
  #isOver = false;

  /** Begins; what becomes of it is told in a later step. */
  constructor(address: UnixAddress, greeting: Greeting, options: TransportOptions, events: DialEvents, url: string) {
    this.#address = address;
    this.#greeting = greeting;
    this.#options = options;
    this.#events = events;
    this.#url = url;
    this.#cancelTimer = timers.at(performance.now() + options.handshakeTimeout, () => this.#timedOut());
    try {
      this.#begin();
    } catch (error) {
      Reactor.current().soon(() => this.#fail(error as SockeyeError));
    }
  }

  /** Gives up, and tells nobody. */
  cancel(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#ours?.close();
  }

  #begin(): void {
    const descriptor = Descriptor.adopt(socket(AF_UNIX, SOCK_DGRAM), "unixgram request");
    this.#rendezvous = MessageSocket.adopt(descriptor, { batch: 1, payloadBytes: HEADER_BYTES, controlBytes: 64 });
    connect(descriptor.fd, this.#address);
    [this.#ours, this.#theirs] = makePair();
    this.#watch = Reactor.current().watch(descriptor.fd, this.#onWritable);
    if (!this.#trySend()) this.#watch.want(WRITABLE);
  }

  /** The listener's queue has room again. */
  #request(): void {
    try {
      this.#trySend();
    } catch (error) {
      this.#fail(error as SockeyeError);
    }
  }

  #trySend(): boolean {
    const request = new Uint8Array(HEADER_BYTES);
    const { maxReceiveSize } = this.#options;
    writeWideHeader(request, 0, OPCODE.CREQ, this.#greeting.protocol, Math.min(maxReceiveSize, MAX_WIDE));
    if (!this.#rendezvous!.trySend(request, { control: encodeDescriptors([this.#theirs!]) })) return false;
    this.#leaveRendezvous();
    this.#watch = Reactor.current().watch(this.#ours!.fd, this.#onReadable);
    this.#watch.want(READABLE);
    return true;
  }

  #receive(): void {
    try {
      const answer = receiveOne(this.#ours!.fd);
      if (answer === undefined) return;
      const connection = this.#accept(answer);
      this.#leave();
      this.#events.connected(connection);
    } catch (error) {
      this.#fail(error as SockeyeError);
    }
  }

  #accept({ data, control }: Message): PairConnection {
    if (data.length === 0) {
      throw new ProtocolError(`${this.#url}: the listener closed the connection before it had answered`);
    }
    if (data.length !== HEADER_BYTES || !isHeader(data)) throw this.#noAnswer(data);
    if (readOpcode(data) === OPCODE.DISC) {
      const isOther = readProtocol(data) !== this.#greeting.peer;
      throw isOther
        ? wrongPattern(this.#url, readProtocol(data), this.#greeting)
        : disconnected(this.#url, readFirst(data));
    }
    if (readOpcode(data) !== OPCODE.CACK) throw this.#noAnswer(data);
    if (readProtocol(data) !== this.#greeting.peer) {
      throw wrongPattern(this.#url, readProtocol(data), this.#greeting);
    }
    const credentials = credentialsIn(control);
    const refusal = refusedPeer(this.#url, credentials, this.#options, "recvmsg");
    if (refusal !== undefined) throw refusal;
    return this.#connection(credentials, readWide(data));
  }

  #connection(credentials: UnixCredentials | undefined, maxSendSize: number): PairConnection {
    const ours = this.#ours!;
    endCredentials(ours.fd);
    this.#watch!.close();
    return new PairConnection(ours, {
      protocol: this.#greeting.protocol,
      peer: this.#greeting.peer,
      maxReceiveSize: this.#options.maxReceiveSize,
      maxSendSize,
      localAddress: undefined,
      remoteAddress: this.#address,
      credentials,
      url: this.#url,
      onGone: ignore,
    });
  }

  #noAnswer(data: Uint8Array): ProtocolError {
    return new ProtocolError(
      `${this.#url}: the listener answered with version ${data[0]}, opcode ${data[1]}, and ${data.length} bytes, ` +
        "where CACK was due: it speaks something else; check the address",
    );
  }

  #timedOut(): void {
    const { handshakeTimeout } = this.#options;
    this.#fail(
      new TimeoutError(`${this.#url}: the listener did not answer within ${handshakeTimeout} ms; see handshakeTimeout`),
    );
  }

  #fail(error: SockeyeError): void {
    if (this.#isOver) return;
    this.#leave();
    this.#ours?.close();
    this.#events.failed(error);
  }

  #leave(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#leaveRendezvous();
  }

  #leaveRendezvous(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#rendezvous?.close();
    this.#rendezvous = undefined;
    this.#theirs?.close();
  }
}

/** The first datagram, and no more, so that what follows is the connection's; empty when there will be none. */
function receiveOne(fd: number): Message | undefined {
  const queue = new ReceiveQueue({
    batch: 1,
    payloadBytes: HEADER_BYTES + 1,
    controlBytes: controlSpace(UCRED_SIZE),
    isUnix: true,
    keepsDescriptors: false,
    isPooled: false,
    coalesces: false,
  });
  try {
    return queue.fetch(fd) === 0 ? undefined : queue.takeOne();
  } catch (error) {
    // The listener went with our request unread.
    if (!(error instanceof SystemError && error.code === "ECONNRESET")) throw error;
    throw new ProtocolError("the listener went before it had answered", { cause: error });
  }
}
