/**
 * `sctp://`: Scalability Protocols over the kernel's SCTP. The wire format is ours.
 *
 * `sctp://127.0.0.1:5000`, `sctp://[::1]:5000`, or several addresses of one host: `sctp://10.0.0.1,10.0.1.1:5000`.
 *
 * The first message on stream 0, each way, is the greeting of tcp: `00 53 50 00`, the pattern's number in 16 bits, big
 * endian, `00 00`. Then each message is a message of SCTP, with 0x53500000 as its payload protocol identifier, or
 * 0x53500001 where it has no bytes: SCTP carries none, so one byte stands for it. Everything is ordered and on stream 0,
 * but for REQ, REP, SURVEYOR and RESPONDENT: there the conversations spread over the other streams (see `sctp/streams.ts`), so
 * that one that waits for a lost packet holds up no other. Where the kernel interleaves messages (RFC 8260, the sysctl
 * `net.sctp.intl_enable`), a large one holds up no other either. What overtakes the greeting on other streams waits for it.
 *
 * A message has to fit the send buffer of the socket (`net.core.wmem_max`); a larger one is dropped, and counted.
 *
 * @module
 */

import { AddressError, type SockeyeError, SystemError, TimeoutError, UnsupportedError } from "../../common/errors.ts";
import type { WaitOptions } from "../../common/wait.ts";
import {
  type Descriptor,
  formatSocketAddress,
  getsockname,
  getsockoptInt,
  Reactor,
  SO_ERROR,
  SOCK_STREAM,
  SOL_SOCKET,
  type Watch,
  WRITABLE,
} from "../../ffi/mod.ts";
import { resolveSctpAddress, SctpAddress } from "../../sctp/address.ts";
import { cannotStartError } from "../../sctp/ending.ts";
import { openBound, type Opening, socketSettings, startListening } from "../../sctp/kernel/opening.ts";
import { connectAddresses } from "../../sctp/kernel/option/addresses.ts";
import { optionSocketOf } from "../../sctp/kernel/option_socket.ts";
import type { KernelSocketSettings } from "../../sctp/kernel/socket_driver.ts";
import type { SctpOpenOptions } from "../../sctp/driver.ts";
import type { SctpSocketOptions } from "../../sctp/options.ts";
import { openOptionsOf } from "../../sctp/opening.ts";
import { timers } from "../socket/timers.ts";
import { Acceptor } from "./acceptor.ts";
import { Admission, type HandshakeEvents } from "./places.ts";
import { register } from "./registry.ts";
import { SctpLink } from "./sctp/sctp_link.ts";
import { mostIncompleteBytes, STREAMS } from "./sctp/streams.ts";
import { GREETING_BYTES } from "./stream/frame_format.ts";
import type {
  DialEvents,
  Dialing,
  Greeting,
  Listening,
  ListeningEvents,
  Transport,
  TransportOptions,
} from "./transport.ts";
import type { SpUrl } from "./url.ts";

const FORMS = "write sctp://127.0.0.1:5000, sctp://[::1]:5000 or sctp://host:5000";
const LARGEST = 2 ** 30;
const ROOM = 1_048_576;

/** Messages of different streams in turns, chunk by chunk (RFC 8260), and handed over piece by piece. */
const INTERLEAVED: SctpSocketOptions = {
  interleaving: true,
  // The kernel's level of I-DATA: pieces of messages of several streams mix (RFC 6458 section 8.1.20).
  fragmentInterleave: 2,
  streamScheduler: "round-robin",
  // What is incomplete shall neither fill the receive buffer nor make long lists for the kernel to search.
  partialDeliveryPoint: 65536,
};

function openOptions({ maxReceiveSize, noDelay }: TransportOptions, others: SctpSocketOptions = {}): SctpOpenOptions {
  return openOptionsOf({
    maxMessageSize: Math.min(LARGEST, Math.max(GREETING_BYTES, maxReceiveSize || LARGEST)),
    // The kernel doubles it, counts a message about twice, and frees it when the peer has all of it: so one as large as
    // those that we take leaves room for others.
    sendBufferSize: Math.max(ROOM, Math.min(2 * (maxReceiveSize || LARGEST), 32 * ROOM)),
    receiveBufferSize: 4 * ROOM,
    // What is gathered leaves together anyway; waiting for a SACK would hold up each answer by 200 ms.
    nodelay: noDelay,
    initmsg: { numOstreams: STREAMS, maxInstreams: STREAMS },
    ...others,
  });
}

/** Opens a socket that interleaves, or one that doesn't where the kernel can't, or was told not to. */
function open(opening: Omit<Opening, "type">, options: TransportOptions): Descriptor {
  const stream: Opening = { ...opening, type: SOCK_STREAM };
  try {
    return openBound(stream, openOptions(options, INTERLEAVED));
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    return openBound(stream, openOptions(options));
  }
}

function settingsOf(options: TransportOptions): KernelSocketSettings {
  const settings = socketSettings(openOptions(options));
  return { ...settings, maxIncompleteBytes: mostIncompleteBytes(settings.maxMessageSize) };
}

class SctpListening implements Listening {
  readonly url: string;
  readonly #acceptor: Acceptor;
  readonly #admission: Admission;

  constructor(address: SctpAddress, greeting: Greeting, options: TransportOptions, events: ListeningEvents) {
    this.#admission = new Admission(options.maxPipes, this, events);
    const descriptor = open({ local: address }, options);
    try {
      startListening(descriptor, openOptions(options).backlog);
      const bound = getsockname(descriptor.fd);
      this.url = bound === undefined ? `${address}` : `sctp://${formatSocketAddress(bound)}`;
      this.#acceptor = new Acceptor(descriptor, "SCTP connection", {
        accepted: (accepted) => {
          const begin = (told: HandshakeEvents, onGone: () => void) =>
            new SctpLink(accepted, settingsOf(options), greeting, options, told, onGone);
          if (!this.#admission.admit(begin)) accepted.close();
        },
        failed: (error) => events.failed(error),
      });
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  close(): void {
    this.#acceptor.close();
    this.#admission.cancel();
  }
}

class SctpDialing implements Dialing {
  readonly #address: SctpAddress;
  readonly #greeting: Greeting;
  readonly #options: TransportOptions;
  readonly #events: DialEvents;
  readonly #onWritable = (): void => this.#finish();
  #descriptor: Descriptor | undefined;
  #watch: Watch | undefined;
  #link: SctpLink | undefined;
  #cancelTimer = (): void => {};
  #isOver = false;

  constructor(address: SctpAddress, greeting: Greeting, options: TransportOptions, events: DialEvents) {
    this.#address = address;
    this.#greeting = greeting;
    this.#options = options;
    this.#events = events;
    try {
      const descriptor = this.#descriptor = open({ peer: address }, options);
      connectAddresses(optionSocketOf(() => descriptor.fd), address.toPackedSockaddrs());
      this.#watch = Reactor.current().watch(descriptor.fd, this.#onWritable);
      this.#watch.want(WRITABLE);
      this.#cancelTimer = timers.at(performance.now() + options.handshakeTimeout, () => {
        this.#fail(
          new TimeoutError(`connect ${address}: not done within ${options.handshakeTimeout} ms; see handshakeTimeout`),
        );
      });
    } catch (error) {
      // Told in a later step, by the timers: they need libc no more than the runtime.
      this.#cancelTimer = timers.at(performance.now(), () => this.#fail(this.#explained(error)));
    }
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#link?.cancel();
    this.#descriptor?.close();
  }

  #explained(error: unknown): SockeyeError {
    return error instanceof SystemError && error.syscall !== "socket"
      ? cannotStartError(error.errno, { syscall: "connect", peer: `${this.#address}`, errno: error.errno })
      : error as SockeyeError;
  }

  #finish(): void {
    const descriptor = this.#descriptor!;
    const errno = getsockoptInt(descriptor.fd, SOL_SOCKET, SO_ERROR);
    if (errno !== 0) {
      const context = { syscall: "connect", peer: `${this.#address}`, errno };
      return this.#fail(cannotStartError(errno, context));
    }
    this.#cancelTimer();
    this.#watch?.close();
    this.#descriptor = undefined;
    this.#link = new SctpLink(descriptor, settingsOf(this.#options), this.#greeting, this.#options, {
      connected: (connection) => {
        this.#isOver = true;
        this.#events.connected(connection);
      },
      failed: (error) => this.#fail(error),
    }, () => {});
  }

  #fail(error: SockeyeError): void {
    if (this.#isOver) return;
    this.#leave();
    this.#descriptor?.close();
    this.#events.failed(error);
  }

  #leave(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#watch?.close();
  }
}

/** The transport over SCTP. */
export const sctp: Transport = {
  schemes: ["sctp"],

  check({ href }: SpUrl, role: "listen" | "dial"): void {
    const match = /^sctp:\/\/([^/]+):(\d{1,5})$/.exec(href);
    if (match === null || Number(match[2]) > 65535) throw new AddressError(`${href} is no address and port; ${FORMS}`);
    if (role === "dial" && Number(match[2]) === 0) {
      throw new AddressError(`${href}: port 0 is for listeners; say which port to dial`);
    }
  },

  async resolve(url: SpUrl, options: WaitOptions): Promise<SpUrl> {
    const { signal } = options;
    const address = await resolveSctpAddress("sctp", url.rest, { signal });
    return { ...url, rest: `${address}`.slice("sctp://".length) };
  },

  listen(url: SpUrl, greeting: Greeting, options: TransportOptions, events: ListeningEvents): Listening {
    return new SctpListening(SctpAddress.parse(`sctp://${url.rest}`), greeting, options, events);
  },

  dial(url: SpUrl, greeting: Greeting, options: TransportOptions, events: DialEvents): Dialing {
    return new SctpDialing(SctpAddress.parse(`sctp://${url.rest}`), greeting, options, events);
  },
};

register(sctp);
