/**
 * inproc://name: sockets of one process, or rather one isolate: Workers have names of their own.
 *
 * A name is any text. Messages are copied once, as the sender keeps its bytes. Each direction holds a bounded number of bytes,
 * and then the sender waits.
 *
 * @module
 */

import { AddressError, SystemError } from "../../common/errors.ts";
import { ERRNO } from "../../ffi/errno.ts";
import { later } from "../socket/steps.ts";
import { wrongPattern } from "./refusal.ts";
import { register } from "./registry.ts";
import type { Connection, ConnectionEvents, Greeting, ListeningEvents, Transport } from "./transport.ts";

/** What is listened on, by name. */
interface Listener {
  readonly greeting: Greeting;
  readonly events: ListeningEvents;
  readonly maxPipes: number;
  readonly ends: Set<End>;
}

const listeners = new Map<string, Listener>();

/** More is not taken while so much waits, in bytes. */
const HIGH_WATER = 1 << 20;
/** What a message costs besides its bytes. */
const MESSAGE_COST = 64;
/** Messages that are delivered in one step. */
const BUDGET = 256;
const UNSTARTED: ConnectionEvents = { message() {}, writable() {}, closed() {} };

/** Small messages share their memory, which takes less time than memory of their own. */
const MAX_SHARED_BYTES = 2048;
const SLAB_BYTES = 65536;

let slab = new Uint8Array(0);
let used = 0;

/** Memory for a message. */
function memoryFor(length: number): Uint8Array {
  if (length > MAX_SHARED_BYTES) return new Uint8Array(length);
  if (used + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  return slab.subarray(used, used += length);
}

/** One end of a connection: what comes in here. */
class End implements Connection {
  readonly localAddress = undefined;
  readonly remoteAddress = undefined;
  readonly credentials = undefined;
  readonly url: string;
  readonly unsentBytes = 0;
  readonly maxSendSize = Infinity;
  readonly dropped = 0;
  peer!: End;
  readonly #onGone: () => void;
  #events: ConnectionEvents = UNSTARTED;
  #inbox: Uint8Array[] = [];
  #head = 0;
  #inboxBytes = 0;
  #isPaused = true;
  #isScheduled = false;
  #isClosed = false;
  /** The peer was refused, and wants to know when there is room. */
  #hasRefused = false;
  #peerIsGone = false;
  /** What the peer had not read when it went. */
  #unread: Uint8Array[] = [];
  readonly #deliver = (): void => this.#run();

  constructor(url: string, onGone: () => void) {
    this.url = url;
    this.#onGone = onGone;
  }

  start(events: ConnectionEvents): void {
    this.#events = events;
    this.resume();
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    return !this.#isClosed && this.peer.#take(header, body);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  reclaim(): Uint8Array[] {
    const unread = this.#unread;
    this.#unread = [];
    return unread;
  }

  /** True once it is closed from this end, or has heard of the other's end. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const unread = this.#inbox.slice(this.#head);
    this.#inbox = [];
    this.#head = 0;
    this.#onGone();
    this.peer.#hearOfEnd(unread);
  }

  #take(header: Uint8Array, body: Uint8Array): boolean {
    if (this.#isClosed || this.#inboxBytes >= HIGH_WATER) {
      this.#hasRefused = !this.#isClosed;
      return false;
    }
    const bytes = memoryFor(header.length + body.length);
    if (header.length > 0) bytes.set(header);
    bytes.set(body, header.length);
    this.#inbox.push(bytes);
    this.#inboxBytes += bytes.length + MESSAGE_COST;
    this.#schedule();
    return true;
  }

  #hearOfEnd(unread: Uint8Array[]): void {
    this.#peerIsGone = true;
    this.#unread = unread;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isPaused) return;
    this.#isScheduled = true;
    later(this.#deliver);
  }

  #run(): void {
    this.#isScheduled = false;
    let budget = BUDGET;
    while (!this.#isPaused && !this.#isClosed && this.#head < this.#inbox.length && budget-- > 0) {
      const bytes = this.#inbox[this.#head++];
      this.#inboxBytes -= bytes.length + MESSAGE_COST;
      this.#events.message(bytes);
    }
    if (this.#isClosed) return;
    if (this.#head === this.#inbox.length) {
      this.#inbox.length = 0;
      this.#head = 0;
    } else if (this.#head >= 4096) {
      this.#inbox.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#hasRefused && this.#inboxBytes < HIGH_WATER / 2) {
      this.#hasRefused = false;
      if (!this.peer.#isClosed) this.peer.#events.writable();
    }
    if (this.#isPaused || this.#isClosed) return;
    if (this.#inbox.length > 0) this.#schedule();
    else if (this.#peerIsGone) {
      this.#isClosed = true;
      this.#onGone();
      this.#events.closed(undefined);
    }
  }
}

function failure(code: "EADDRINUSE" | "ECONNREFUSED", text: string, url: string): SystemError {
  const syscall = code === "EADDRINUSE" ? "listen" : "connect";
  return new SystemError(`${syscall} ${url}: ${text} (${code})`, { code, errno: ERRNO[code], syscall, address: url });
}

/** The transport. */
export const inproc: Transport = {
  schemes: ["inproc"],

  check({ href, rest }) {
    if (rest === "") throw new AddressError(`${href}: a name is missing; write inproc://name`);
  },

  listen({ href, rest }, greeting, { maxPipes }, events) {
    if (listeners.has(rest)) throw failure("EADDRINUSE", "somebody listens there already; choose another name", href);
    const listener: Listener = { greeting, events, maxPipes, ends: new Set() };
    listeners.set(rest, listener);
    return {
      url: href,
      close() {
        if (listeners.get(rest) === listener) listeners.delete(rest);
      },
    };
  },

  dial({ href, rest }, greeting, _options, events) {
    let isCancelled = false;
    later(() => {
      if (isCancelled) return;
      const listener = listeners.get(rest);
      if (listener === undefined) return events.failed(failure("ECONNREFUSED", "nobody listens there", href));
      if (listener.greeting.protocol !== greeting.peer || listener.greeting.peer !== greeting.protocol) {
        return events.failed(wrongPattern(href, listener.greeting.protocol, greeting));
      }
      if (listener.ends.size >= listener.maxPipes) {
        return events.failed(
          failure("ECONNREFUSED", `the listener has ${listener.maxPipes} connections already`, href),
        );
      }
      const ours = new End(href, () => {});
      const theirs: End = new End(href, () => listener.ends.delete(theirs));
      ours.peer = theirs;
      theirs.peer = ours;
      listener.ends.add(theirs);
      // The listener first: it may refuse, and then nothing is sent in vain.
      listener.events.accepted(theirs);
      if (theirs.isClosed) return events.failed(failure("ECONNREFUSED", "the listener's socket refused", href));
      events.connected(ours);
    });
    return {
      cancel() {
        isCancelled = true;
      },
    };
  },
};

register(inproc);
