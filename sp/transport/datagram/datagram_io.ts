/**
 * A datagram socket for connections that share it: batches in and out, driven by the reactor, without promises.
 *
 * It knows how full the kernel's buffer is. It needs to know nothing of connections: whoever sends says for whom.
 *
 * @module
 */

import type { SockeyeError } from "../../../common/errors.ts";
import { MSG_TRUNC } from "../../../ffi/constants.ts";
import type { Descriptor } from "../../../ffi/descriptor.ts";
import type { OutgoingMessage } from "../../../ffi/message.ts";
import { Reactor, READABLE, type Watch, WRITABLE } from "../../../ffi/reactor.ts";
import { ReceiveQueue } from "../../../ffi/receive_queue.ts";
import { coalesce, Segmentation } from "../../../ffi/segmentation.ts";
import { SendQueue } from "../../../ffi/send_queue.ts";
import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import { timers } from "../../socket/timers.ts";

/** Messages per system call. */
const BATCH = 32;
/** Batches received in a row, so that one busy socket starves no other. */
const RECEIVE_BUDGET = 4;
/** Datagrams that wait for the kernel at most; beyond them senders wait. */
const MAX_QUEUED = 256;
/**
 * How long datagrams are left to the kernel, in milliseconds, while somebody wants none just now. Whoever wants none for
 * longer must not keep the others from theirs.
 */
const MAX_HOLD_MS = 100;
/** The most bytes of an IP packet. */
const PAYLOAD_BYTES = 65536;
/** Room for the address that a packet was sent to, and what the kernel cuts by. */
const CONTROL_BYTES = 128;

/** What a socket tells. */
export interface DatagramEvents {
  /** A datagram has come; its bytes belong to whoever is told. */
  received(bytes: Uint8Array, from: SocketAddress | undefined, control: Uint8Array): void;
  /** After a refused `send` there is room again. */
  writable(): void;
  /** The kernel reports an error that a datagram of ours has caused: mostly that nobody listens. */
  failed(error: SockeyeError): void;
}

/** Whoever sends a message. */
export interface DatagramOwner {
  /** The kernel has refused it, and it is lost. */
  lost(): void;
}

/** A datagram on its way out, and whose it is. */
export interface OutgoingDatagram extends OutgoingMessage {
  /** Who sends it; `undefined` for what is not a message. */
  readonly owner: DatagramOwner | undefined;
}

/** A datagram socket. */
export class DatagramIo {
  readonly #descriptor: Descriptor;
  readonly #fd: number;
  readonly #events: DatagramEvents;
  readonly #reactor = Reactor.current();
  readonly #watch: Watch;
  /** Held here because the reactor holds it weakly. */
  readonly #onReady = (events: number): void => this.#ready(events);
  readonly #onTurn = (): void => this.#takeTurn();
  readonly #received: ReceiveQueue;
  readonly #sends: SendQueue;
  readonly #queue: OutgoingDatagram[] = [];
  #unsentBytes = 0;
  #isBlocked = false;
  #isRefused = false;
  #isGathering = false;
  #isClosed = false;
  /** Those who want nothing just now. */
  readonly #holders = new Set<unknown>();
  /** They have had their time. */
  #isHoldOver = false;
  #cancelHold: () => void = () => {};

  /**
   * Begins to receive.
   *
   * @param descriptor A bound or connected socket, owned from now on.
   * @param events Told what comes.
   * @param isUdp Whether the kernel may cut and coalesce.
   */
  constructor(descriptor: Descriptor, events: DatagramEvents, isUdp: boolean) {
    this.#descriptor = descriptor;
    this.#fd = descriptor.fd;
    this.#events = events;
    this.#received = new ReceiveQueue({
      batch: BATCH,
      payloadBytes: PAYLOAD_BYTES,
      controlBytes: CONTROL_BYTES,
      isUnix: false,
      keepsDescriptors: false,
      isPooled: true,
      coalesces: isUdp && coalesce(this.#fd),
    });
    this.#sends = new SendQueue({
      batch: BATCH,
      controlBytes: CONTROL_BYTES,
      limit: MAX_QUEUED,
      segmentation: isUdp && Segmentation.isKnownTo(this.#fd) ? new Segmentation() : undefined,
    });
    this.#watch = this.#reactor.watch(this.#fd, this.#onReady);
    this.#watch.want(READABLE);
  }

  /** The descriptor. */
  get fd(): number {
    return this.#fd;
  }

  /** Bytes that wait for the kernel. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Takes a datagram; false when there is no room, and `writable` follows. */
  send(datagram: OutgoingDatagram): boolean {
    if (this.#isClosed) return false;
    if (this.#queue.length >= MAX_QUEUED) {
      if (!this.#isBlocked) this.flush();
      if (this.#queue.length >= MAX_QUEUED) {
        this.#isRefused = true;
        return false;
      }
    }
    this.#take(datagram);
    return true;
  }

  /** Takes a datagram if there is room, and forgets it otherwise: for what is not a message. */
  offer(datagram: OutgoingDatagram): void {
    if (!this.#isClosed && this.#queue.length < MAX_QUEUED) this.#take(datagram);
  }

  /** Hands over what there is, as far as the kernel takes it. Nobody is told of anything. */
  flush(): void {
    let wasTold = false;
    this.#isBlocked = false;
    while (this.#queue.length > 0 && !this.#isBlocked) {
      const before = this.#sends.messagesSent;
      try {
        this.#sends.sendManyNow(this.#fd, this.#queue, 0);
        this.#drop(this.#sends.messagesSent - before);
        this.#isBlocked = this.#queue.length > 0;
      } catch (error) {
        this.#drop(this.#sends.messagesSent - before);
        // On a connected socket this may be news of an earlier datagram; then the next attempt succeeds.
        if (!wasTold) this.#reactor.soon(() => this.#tellFailure(error as SockeyeError));
        // Otherwise the datagram is lost, as on the way; nothing else is promised.
        else this.#refuseFirst();
        wasTold = !wasTold;
      }
    }
    this.#updateInterest();
  }

  /** Takes back what the kernel has not got of an owner. */
  reclaim(owner: unknown): OutgoingDatagram[] {
    const own = this.#queue.filter((datagram) => datagram.owner === owner);
    const others = this.#queue.filter((datagram) => datagram.owner !== owner);
    this.#queue.length = 0;
    this.#queue.push(...others);
    for (const { data } of own) this.#unsentBytes -= data.length;
    return own;
  }

  /** Leaves datagrams to the kernel for a while: their owner wants none just now. */
  hold(owner: unknown): void {
    if (this.#holders.size === 0) {
      this.#isHoldOver = false;
      this.#cancelHold = timers.at(performance.now() + MAX_HOLD_MS, () => {
        this.#isHoldOver = true;
        this.#updateInterest();
      });
    }
    this.#holders.add(owner);
    this.#updateInterest();
  }

  /** Their owner wants them again, or is gone. */
  unhold(owner: unknown): void {
    if (!this.#holders.delete(owner) || this.#holders.size > 0) return;
    this.#cancelHold();
    this.#updateInterest();
  }

  /** Closes the socket; what waits is lost. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelHold();
    this.#queue.length = 0;
    this.#unsentBytes = 0;
    this.#received.clear();
    this.#watch.close();
    this.#descriptor.close();
  }

  #take(datagram: OutgoingDatagram): void {
    this.#queue.push(datagram);
    this.#unsentBytes += datagram.data.length;
    if (this.#isBlocked || this.#isGathering) return;
    this.flush();
    // What follows in this turn leaves together.
    this.#isGathering = true;
    this.#reactor.soon(this.#onTurn);
  }

  #refuseFirst(): void {
    const { owner } = this.#queue[0];
    this.#drop(1);
    owner?.lost();
  }

  #tellFailure(error: SockeyeError): void {
    if (!this.#isClosed) this.#events.failed(error);
  }

  #drop(count: number): void {
    for (let i = 0; i < count; i++) this.#unsentBytes -= this.#queue[i].data.length;
    if (count === this.#queue.length) this.#queue.length = 0;
    else this.#queue.splice(0, count);
  }

  get #isHeld(): boolean {
    return this.#holders.size > 0 && !this.#isHoldOver;
  }

  #updateInterest(): void {
    if (this.#isClosed) return;
    this.#watch.want((this.#isHeld ? 0 : READABLE) | (this.#isBlocked ? WRITABLE : 0));
  }

  #takeTurn(): void {
    this.#isGathering = false;
    if (this.#isClosed) return;
    if (!this.#isBlocked) this.flush();
    this.#tellWritable();
  }

  #ready(events: number): void {
    if ((events & ~READABLE) !== 0 && this.#isBlocked) {
      this.flush();
      this.#tellWritable();
    }
    if ((events & ~WRITABLE) !== 0) this.#receive();
  }

  #tellWritable(): void {
    if (!this.#isRefused || this.#isClosed || this.#queue.length >= MAX_QUEUED) return;
    this.#isRefused = false;
    this.#events.writable();
  }

  #tellReceived(): void {
    // More than a batch, where the kernel coalesces.
    while (this.#received.length > 0) {
      for (const { data, address, control, flags } of this.#received.takeAll()) {
        if (this.#isClosed) return;
        if ((flags & MSG_TRUNC) === 0) this.#events.received(data, address, control);
      }
    }
  }

  #receive(): void {
    for (let budget = RECEIVE_BUDGET; budget > 0 && !this.#isClosed && !this.#isHeld; budget--) {
      let count;
      try {
        count = this.#received.fetch(this.#fd);
      } catch (error) {
        this.#events.failed(error as SockeyeError);
        continue;
      }
      if (count === 0) return;
      this.#tellReceived();
      if (count < BATCH) return;
    }
  }
}
