/**
 * A socket's error queue: what the kernel keeps of ICMP errors (`MSG_ERRQUEUE`, ip(7)), read in batches.
 *
 * Nothing here waits: whoever owns the socket calls {@linkcode ErrorQueue.drain} when the kernel reports an error.
 *
 * @module
 */

import { ArgumentError, SystemError } from "../common/errors.ts";
import { type ReceiveArena, receiveArena } from "../ffi/arenas.ts";
import {
  IP_RECVERR,
  IP_RECVERR_RFC4884,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  IPV6_RECVERR_RFC4884,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
} from "../ffi/constants.ts";
import { ERRNO, systemError } from "../ffi/errno.ts";
import { isUncertain, lastErrno } from "../ffi/libc.ts";
import { decodeSockaddr, type SocketAddress } from "../ffi/sockaddr.ts";
import { setsockopt } from "../ffi/syscalls.ts";
import { decodeErrorEntry, ErrorDecoder } from "./error_decoder.ts";
import { Labels } from "./labels.ts";
import { PacketError } from "./packet_error.ts";
import { requestPacketInfo } from "./packet_info.ts";

/** How an {@linkcode ErrorQueue} is made. */
export interface ErrorQueueOptions {
  /** The socket's descriptor. */
  fd: () => number;
  /** The family of the socket; `"inet6"` may be a dual-stack socket. */
  family: "inet" | "inet6";
  /** What errors return: with `"raw"` the transport header too, and no port. @default {"udp"} */
  kind?: "udp" | "raw";
  /** Whether the sender writes the IP header, IP_HDRINCL in ip(7). @default {false} */
  ownHeader?: boolean;
  /** Where in packets the kernel writes a checksum of two bytes, IPV6_CHECKSUM in ipv6(7). @default {-1} */
  checksumOffset?: number;
  /** How many packets are remembered for their labels; with one more, the oldest is forgotten. @default {65536} */
  limit?: number;
  /** How many errors may wait to be taken; what comes then is dropped and counted. @default {4096} */
  inbox?: number;
}

/** Counters of an {@linkcode ErrorQueue}, since it was made. */
export interface ErrorQueueStats {
  /** Errors that were read from the kernel. */
  errorsReceived: number;
  /** Those of them that were given a label. */
  errorsLabelled: number;
  /** Those of them that were dropped, as too many waited already. */
  errorsDropped: number;
  /** Errors that wait now. */
  errorsWaiting: number;
  /** Packets that are remembered now. */
  packetsRemembered: number;
  /** Packets that were forgotten, as others came after them. */
  packetsForgotten: number;
}

/** Errors that may wait unless their number is chosen. */
const DEFAULT_INBOX = 4096;
/** Errors per system call. */
const BATCH = 32;
/** What routers return is at most 1280 bytes, RFC 4443 section 2.4 (c); the rest of a longer one is not looked at. */
const RETURNED_BYTES = 2048;
/** Error, timestamp and TTL, beside whatever else was asked for with datagrams. */
const CONTROL_BYTES = 512;
/** Calls until others have a turn, where errors come as fast as they are read. */
const MOST_CALLS = 256;

/** Reads the errors of one socket. */
export class ErrorQueue {
  readonly #fd: () => number;
  readonly #family: "inet" | "inet6";
  readonly #isRaw: boolean;
  readonly #labels: Labels;
  readonly #decoder: ErrorDecoder;
  readonly #inboxLimit: number;
  readonly #arena: ReceiveArena = receiveArena(BATCH, RETURNED_BYTES, CONTROL_BYTES);
  #isEnabled = false;
  #inbox: PacketError[] = [];
  #head = 0;
  #received = 0;
  #labelled = 0;
  #dropped = 0;
  /** The error number of the last entry from elsewhere, until a call has failed with it that no entry explains. */
  #lastErrno = 0;

  /**
   * Makes a queue; the kernel keeps no errors before {@linkcode ErrorQueue.enable}.
   *
   * @throws {ArgumentError} if a limit is out of range.
   */
  constructor(options: ErrorQueueOptions) {
    const { fd, family, kind = "udp", ownHeader = false, checksumOffset, limit, inbox = DEFAULT_INBOX } = options;
    if (!(Number.isInteger(inbox) && inbox >= 1)) {
      throw new ArgumentError("options.inbox", `must be an integer from 1, got ${inbox}`);
    }
    this.#fd = fd;
    this.#family = family;
    this.#isRaw = kind === "raw";
    this.#labels = new Labels({ limit, checksumOffset });
    this.#decoder = new ErrorDecoder(this.#labels, { isRaw: this.#isRaw, ownHeader });
    this.#inboxLimit = inbox;
  }

  /** Whether the kernel keeps errors for this queue. */
  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  /** Errors that wait to be taken. */
  get length(): number {
    return this.#inbox.length - this.#head;
  }

  /** Errors that were dropped, as too many waited already. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Has the kernel keep errors, with what it knows of them. Does nothing the second time.
   *
   * @throws {SystemError} As in setsockopt(2).
   */
  enable(): void {
    if (this.#isEnabled) return;
    const fd = this.#fd();
    requestPacketInfo(fd, this.#family, ["timestamp", "ttl"]);
    if (this.#family === "inet6") {
      setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
      setIfKnown(fd, IPPROTO_IPV6, IPV6_RECVERR_RFC4884);
    }
    // An IPv6 socket takes IPv4 too, unless it is raw.
    if (this.#family === "inet" || !this.#isRaw) {
      setsockopt(fd, IPPROTO_IP, IP_RECVERR, 1);
      setIfKnown(fd, IPPROTO_IP, IP_RECVERR_RFC4884);
    }
    this.#isEnabled = true;
  }

  /**
   * Remembers a packet that is about to be sent. Every packet of the socket belongs here from
   * {@linkcode ErrorQueue.enable} on, also those without a label: only so is it certain that no other was meant.
   *
   * @param label What the packet is known by; `undefined` for a packet without a label.
   * @param destination Where it goes; of a connected socket, its peer. A frozen one is looked up only once.
   * @param data What is sent; copied, as far as it is remembered.
   * @throws {ArgumentError} if the destination is no IP address.
   */
  register(label: unknown, destination: SocketAddress, data: Uint8Array): void {
    this.#decoder.register(label, destination, data);
  }

  /**
   * Reads the kernel's queue empty, and finds out which packets the errors are about.
   *
   * A pending error that a system call reports has its entry there; when the last one is read, the kernel forgets the
   * pending error too. So a call that failed for such an error succeeds when it is made again.
   *
   * @param errno What a call failed with; 0 if none did; -1 if one was cut short, and goes on with what is left.
   * @default {0}
   * @param refused The packet that the call was about, with its label: whose error it is if this machine itself refused it.
   * @returns How many entries did not come from this machine itself, so that they have nothing to do with the call that
   * was made. What this machine refused is left out if that call is made again, since it will be refused again.
   * @throws {SystemError} As in recv(2).
   */
  drain(errno = 0, refused?: { readonly label?: unknown }): number {
    if (!this.#isEnabled) return 0;
    const own: PacketError[] = [];
    const foreign = this.#readAll(own) || this.#explainLate(errno, own);
    if (errno < 0 || errno > 0 && foreign > 0) return foreign;
    for (const [index, error] of own.entries()) {
      const isCalls = refused !== undefined && index === own.length - 1 && error.errno === errno;
      this.#put(isCalls ? new PacketError({ ...error, label: refused.label, candidates: [] }) : error);
    }
    return foreign;
  }

  /** Takes the oldest error that waits. */
  take(): PacketError | undefined {
    if (this.length === 0) return undefined;
    const error = this.#inbox[this.#head];
    this.#inbox[this.#head++] = undefined!;
    if (this.#head === this.#inbox.length) {
      this.#inbox = [];
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#inbox.splice(0, this.#head);
      this.#head = 0;
    }
    return error;
  }

  /** Counters since the queue was made. */
  stats(): ErrorQueueStats {
    return {
      errorsReceived: this.#received,
      errorsLabelled: this.#labelled,
      errorsDropped: this.#dropped,
      errorsWaiting: this.length,
      packetsRemembered: this.#labels.size,
      packetsForgotten: this.#labels.forgotten,
    };
  }

  /** Reads every entry; those of this machine itself go into `own`. How many were from elsewhere. */
  #readAll(own: PacketError[]): number {
    const fd = this.#fd();
    let foreign = 0;
    for (let calls = 0; calls < MOST_CALLS; calls++) {
      const count = this.#arena.receive(fd, MSG_ERRQUEUE | MSG_DONTWAIT);
      if (count === -1) {
        requireNothing(lastErrno());
        break;
      }
      for (let slot = 0; slot < count; slot++) if (this.#read(slot, own)) foreign++;
      if (count < BATCH) break;
    }
    return foreign;
  }

  /** Reads one entry; true if it came from elsewhere. */
  #read(slot: number, own: PacketError[]): boolean {
    const slots = this.#arena;
    const { arena } = slots;
    const control = arena.control(slot);
    const extended = decodeErrorEntry(control);
    if (extended === undefined) return false;
    const isOwn = extended.origin === "local";
    if (!isOwn) this.#lastErrno = extended.errno;
    // Those that came first are kept: a flood that follows them must not push them out.
    if (this.length >= this.#inboxLimit && !isOwn) this.#drop();
    else {
      const address = decodeSockaddr(arena.bytes, slots.nameOffset(slot), slots.nameLength(slot));
      const returned = slots.copyPayload(slot, 0, slots.payloadLength(slot), false);
      const error = this.#decoder.decode(control, extended, address, returned);
      if (isOwn) own.push(error);
      else this.#put(error);
    }
    return !isOwn;
  }

  /**
   * The kernel queues an error before it makes it the pending one. Who reads it in between finds no entry for the pending
   * one later: 1 if that is so, once for each time.
   */
  #explainLate(errno: number, own: readonly PacketError[]): number {
    if (errno <= 0 || errno !== this.#lastErrno || own.length > 0) return 0;
    this.#lastErrno = 0;
    return 1;
  }

  #put(error: PacketError): void {
    if (this.length >= this.#inboxLimit) return this.#drop();
    this.#received++;
    if (error.label !== undefined) this.#labelled++;
    this.#inbox.push(error);
  }

  #drop(): void {
    this.#received++;
    this.#dropped++;
  }
}

/** Older kernels go without. */
function setIfKnown(fd: number, level: number, option: number): void {
  try {
    setsockopt(fd, level, option, 1);
  } catch (error) {
    if (!(error instanceof SystemError && error.code === "ENOPROTOOPT")) throw error;
  }
}

function requireNothing(errno: number): void {
  // A number that may be another call's says nothing; if there is an entry, the reactor tells of it again.
  if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR || isUncertain(errno)) return;
  throw systemError(errno, "recvmmsg");
}
