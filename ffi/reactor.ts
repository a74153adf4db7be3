/**
 * Waiting for many descriptors at once: one epoll instance per isolate, epoll(7), and one around it for the thread that
 * waits while the event loop goes on.
 *
 * It knows which descriptor somebody waits for, and calls them when it is ready. It needs to know nothing of messages,
 * queues or protocols. A thread is parked in epoll_wait(2) only while somebody waits, so a program ends when its work does.
 * Where looking again soon has paid lately, the reactor first looks once in each of the next turns of the event loop.
 *
 * @module
 */

import { clearImmediate, setImmediate } from "node:timers";
import { ClosedError } from "../common/errors.ts";
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
} from "./constants.ts";
import { checked, isUncertain, lastErrno, libc } from "./libc.ts";
import { Looking } from "./looking.ts";
import { MAX_PARK_MS, threadIsBack, threadIsParked } from "./parked_threads.ts";
import { architecture } from "./runtime.ts";
import { eventfd, read, write } from "./syscalls.ts";

/** The descriptor can be read without blocking: `EPOLLIN`. */
export const READABLE: number = EPOLLIN;
/** The descriptor can be written without blocking: `EPOLLOUT`. */
export const WRITABLE: number = EPOLLOUT;
/** The descriptor has an error or was hung up; always reported: `EPOLLERR | EPOLLHUP`. */
export const FAILED: number = EPOLLERR | EPOLLHUP;

/** Called with the events of epoll_ctl(2) when a descriptor is ready. */
export type ReadyCallback = (events: number) => void;

/** What one descriptor's user wants to be told. */
export interface Watch {
  /**
   * Says which events are wanted from now on, until said otherwise; 0 for none.
   *
   * Events are level-triggered: what is wanted and stays ready is reported again.
   *
   * @param events `READABLE`, `WRITABLE`, both or 0.
   * @throws {ClosedError} When the watch is closed and something is wanted.
   */
  want(events: number): void;
  /** Forgets the descriptor. To be called before it is closed; does nothing the second time. */
  close(): void;
}

/** Counters of a {@linkcode Reactor}. */
export interface ReactorStats {
  /** Descriptors that are watched. */
  watched: number;
  /** Descriptors that somebody waits for now. */
  wanted: number;
  /** How often a thread came back from waiting. */
  wakeUps: number;
  /** Turns of the event loop in which it looked, instead of sending a thread to wait. */
  looks: number;
  /** Readiness reports that were handed to callbacks. */
  dispatched: number;
}

/** The number of processors that are online, sysconf(3). */
const SC_NPROCESSORS_ONLN = 84;
const MAX_EVENTS = 64;
/** Operations that may complete at once before the event loop gets a turn: it costs about one microsecond. */
const OPERATIONS_PER_TURN = 128;
/** The descriptors that a parked thread waits for. */
const MAX_PARK_EVENTS = 2;
/** The longest blocking wait of one call, in milliseconds: what fits the `int` of epoll_wait(2). */
const MAX_TIMEOUT_MS = 0x7fffffff;

/** What the watches need of the reactor. */
interface ReactorCore {
  wantChanged(watch: FdWatch, before: number): void;
  forget(watch: FdWatch): void;
}

/** Room for what epoll_wait(2) reports. */
class EventBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;

  constructor(byteLength: number) {
    const buffer = new ArrayBuffer(byteLength);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }
}

class FdWatch implements Watch {
  readonly fd: number;
  /** Tells this watch from an earlier one of the same number whose events are still on their way. */
  readonly generation: number;
  registered = 0;
  wanted = 0;
  isClosed = false;
  /**
   * Held only while something is wanted: an idle watch does not keep its socket from being collected.
   */
  target: ReadyCallback | undefined;
  readonly #callback: WeakRef<ReadyCallback>;
  readonly #reactor: ReactorCore;

  constructor(reactor: ReactorCore, fd: number, generation: number, callback: ReadyCallback) {
    this.#reactor = reactor;
    this.fd = fd;
    this.generation = generation;
    this.#callback = new WeakRef(callback);
  }

  want(events: number): void {
    if (events === this.wanted) return;
    if (this.isClosed) throw new ClosedError(`descriptor ${this.fd} is no longer watched; open a new one`);
    const before = this.wanted;
    this.wanted = events;
    this.target = events === 0 ? undefined : this.#callback.deref();
    this.#reactor.wantChanged(this, before);
  }

  close(): void {
    if (this.isClosed) return;
    this.want(0);
    this.isClosed = true;
    this.#reactor.forget(this);
  }
}

/**
 * Tells who waits for which descriptor, and wakes them.
 *
 * @example Wait for a pipe
 * ```ts
 * import { close, pipe2, READABLE, Reactor, write } from "@sockeye/sockeye/ffi";
 *
 * const [reader, writer] = pipe2();
 * await new Promise<void>((resolve) => {
 *   const onReady = () => {
 *     watch.close();
 *     resolve();
 *   };
 *   const watch = Reactor.current().watch(reader, onReady);
 *   watch.want(READABLE);
 *   write(writer, Uint8Array.of(1));
 * });
 * close(reader);
 * close(writer);
 * ```
 */
export class Reactor {
  static #current: Reactor | undefined;

  readonly #epfd: number;
  /**
   * What a parked thread waits on: the instance above, and `#wakeFd`. A blocking call waits on the instance above alone,
   * for it must neither be woken by a wake-up that is meant for the parked thread, nor take it away.
   */
  readonly #parkFd: number;
  readonly #wakeFd: number;
  readonly #watches = new Map<number, FdWatch>();
  /** `struct epoll_event` is packed on x86-64 only, epoll_ctl(2). */
  readonly #eventSize: number;
  readonly #dataOffset: number;
  readonly #events: EventBuffer;
  readonly #control: DataView<ArrayBuffer>;
  readonly #controlBytes: Uint8Array;
  readonly #parkedBytes: Uint8Array;
  readonly #core: ReactorCore = {
    wantChanged: (watch, before) => this.#wantChanged(watch, before),
    forget: (watch) => this.#forget(watch),
  };
  readonly #onLook = (): void => this.#look();
  readonly #onExit = (): void => this.#wake();
  #parked: Promise<void> | undefined;
  /** The look that comes with the next turn of the event loop. */
  #nextLook: ReturnType<typeof setImmediate> | undefined;
  readonly #looking = new Looking({
    count: libc().symbols.sysconf(SC_NPROCESSORS_ONLN),
    yield: libc().symbols.sched_yield,
    now: () => performance.now(),
  });
  #looks = 0;
  #isWoken = false;
  #nextTurn: Promise<void> | undefined;
  #steps: (() => void)[] = [];
  /** Whether the next turn of the event loop comes to the steps; one that is blocked for long has no turns. */
  #areStepsDue = false;
  readonly #onSteps = (): void => {
    this.#areStepsDue = false;
    this.runSteps();
  };
  #operationsInTurn = 0;
  #isDispatching = false;
  #blockingCalls = 0;
  #wanted = 0;
  #generations = 0;
  #wakeUps = 0;
  #dispatched = 0;

  private constructor() {
    this.#eventSize = architecture() === "x64" ? 12 : 16;
    this.#dataOffset = this.#eventSize - 8;
    this.#events = new EventBuffer(MAX_EVENTS * this.#eventSize);
    this.#control = new DataView(new ArrayBuffer(this.#eventSize));
    this.#parkedBytes = new Uint8Array(new ArrayBuffer(MAX_PARK_EVENTS * this.#eventSize));
    this.#controlBytes = new Uint8Array(this.#control.buffer);
    this.#epfd = checked(libc().symbols.epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    this.#parkFd = checked(libc().symbols.epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    this.#wakeFd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    this.#ctl(this.#parkFd, EPOLL_CTL_ADD, this.#epfd, EPOLLIN, 0);
    this.#ctl(this.#parkFd, EPOLL_CTL_ADD, this.#wakeFd, EPOLLIN, 0);
  }

  /**
   * The reactor of this isolate, made at the first call; it lives as long as the isolate.
   *
   * @throws {UnsupportedError} Where there is no libc to call.
   * @throws {SystemError} When no descriptor is left for it.
   */
  static current(): Reactor {
    return Reactor.#current ??= new Reactor();
  }

  /**
   * Watches a descriptor. Nothing is reported until {@linkcode Watch.want}.
   *
   * The callback is held weakly while nothing is wanted: whoever watches keeps it.
   *
   * @param fd The descriptor; close the watch before closing it.
   * @param onReady Called with the events that are there.
   */
  watch(fd: number, onReady: ReadyCallback): Watch {
    this.#generations = (this.#generations + 1) >>> 0 || 1;
    const watch = new FdWatch(this.#core, fd, this.#generations, onReady);
    this.#watches.set(fd, watch);
    return watch;
  }

  /**
   * Waits on this thread, and calls everybody whose descriptor is ready: how blocking calls wait.
   *
   * @param timeoutMs The longest wait in milliseconds; 0 only looks, -1 waits as long as it takes.
   * @returns How many reports were handed out; 0 also when a signal came in between.
   * @throws {SystemError} As in epoll_wait(2).
   */
  poll(timeoutMs: number): number {
    const hadSteps = this.runSteps();
    const timeout = hadSteps ? 0 : timeoutMs < 0 ? -1 : Math.min(Math.ceil(timeoutMs), MAX_TIMEOUT_MS);
    // Whoever is called may wait in turn, while the reports behind its own are still to be handed out.
    const events = this.#isDispatching ? new EventBuffer(this.#events.bytes.length) : this.#events;
    let count = libc().symbols.epoll_wait(this.#epfd, events.bytes, MAX_EVENTS, timeout);
    if (count === -1 && isUncertain(lastErrno())) {
      // A signal is all that a sound instance fails for; whatever else it is comes again.
      count = checked(libc().symbols.epoll_wait(this.#epfd, events.bytes, MAX_EVENTS, 0), "epoll_wait");
    }
    if (count <= 0) return 0;
    const wasDispatching = this.#isDispatching;
    this.#isDispatching = true;
    try {
      return this.#dispatch(events.view, count);
    } finally {
      this.#isDispatching = wasDispatching;
    }
  }

  /**
   * Runs a call that waits with {@linkcode Reactor.poll}; meanwhile no other thread is sent to wait for the same.
   *
   * @param wait The call.
   */
  blocking(wait: () => void): void {
    this.#blockingCalls++;
    try {
      wait();
    } finally {
      this.#blockingCalls--;
      this.#park();
    }
  }

  /**
   * Counts an operation that is complete without waiting. Each 128th waits for the next turn of the event loop after
   * all: a loop around operations that never wait would keep everything else from running.
   *
   * @returns What to wait for, or `undefined`.
   */
  takeTurn(): Promise<void> | undefined {
    if (this.#nextTurn !== undefined) return this.#nextTurn;
    if (++this.#operationsInTurn < OPERATIONS_PER_TURN) return undefined;
    this.#operationsInTurn = 0;
    this.#nextTurn = new Promise((resolve) =>
      setImmediate(() => {
        this.#nextTurn = undefined;
        resolve();
      })
    );
    return this.#nextTurn;
  }

  /**
   * Has a step done before this thread waits: in the next turn of the event loop, or by the next {@linkcode Reactor.poll},
   * which then only looks. What could be gathered until then goes out with it.
   */
  soon(step: () => void): void {
    this.#steps.push(step);
    if (this.#areStepsDue) return;
    this.#areStepsDue = true;
    setImmediate(this.#onSteps);
  }

  /**
   * Does the steps that {@linkcode Reactor.soon} was given; those that they give in turn wait for the next time.
   *
   * @returns Whether there were any.
   */
  runSteps(): boolean {
    const steps = this.#steps;
    if (steps.length === 0) return false;
    this.#steps = [];
    let done = 0;
    try {
      while (done < steps.length) steps[done++]();
    } finally {
      // Those behind one that throws are not lost with it.
      while (done < steps.length) this.soon(steps[done++]);
    }
    return true;
  }

  /** Whether anybody waits for anything. */
  get isWaitedFor(): boolean {
    return this.#wanted > 0;
  }

  /** Resolves when no thread is parked for this reactor, so that nothing of it keeps the program alive. */
  async idle(): Promise<void> {
    while (this.#parked !== undefined && this.#wanted === 0) await this.#parked;
  }

  /** Counters, for diagnosis. */
  stats(): ReactorStats {
    return {
      watched: this.#watches.size,
      wanted: this.#wanted,
      wakeUps: this.#wakeUps,
      looks: this.#looks,
      dispatched: this.#dispatched,
    };
  }

  #wantChanged(watch: FdWatch, before: number): void {
    if (watch.wanted !== 0 && (watch.wanted & ~watch.registered) !== 0) {
      // Interest that is no longer wanted stays registered until it fires: most waits for it are resumed soon.
      const events = watch.registered | watch.wanted;
      try {
        const operation = watch.registered === 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        this.#ctl(this.#epfd, operation, watch.fd, events, watch.generation);
      } catch (error) {
        watch.wanted = before;
        if (before === 0) watch.target = undefined;
        throw error;
      }
      watch.registered = events;
    }
    if (before === 0) {
      this.#wanted++;
      this.#park();
    } else if (watch.wanted === 0 && --this.#wanted === 0) {
      this.#wake();
      clearImmediate(this.#nextLook);
      this.#nextLook = undefined;
    }
  }

  #forget(watch: FdWatch): void {
    if (this.#watches.get(watch.fd) === watch) this.#watches.delete(watch.fd);
    this.#unregister(watch);
  }

  #ctl(epfd: number, operation: number, fd: number, events: number, generation: number): void {
    this.#control.setUint32(0, events, true);
    this.#control.setInt32(this.#dataOffset, fd, true);
    this.#control.setUint32(this.#dataOffset + 4, generation, true);
    checked(libc().symbols.epoll_ctl(epfd, operation, fd, this.#controlBytes), "epoll_ctl");
  }

  #unregister(watch: FdWatch): void {
    if (watch.registered === 0) return;
    watch.registered = 0;
    this.#ctl(this.#epfd, EPOLL_CTL_DEL, watch.fd, 0, 0);
  }

  /** Sees to it that what is wanted will be noticed: by a look in the next turn, or by a thread. */
  #park(): void {
    if (this.#parked !== undefined || this.#nextLook !== undefined) return;
    if (this.#wanted === 0 || this.#blockingCalls > 0) return;
    if (this.#looking.isWorthwhile) {
      this.#nextLook = setImmediate(this.#onLook);
      return;
    }
    this.#looking.waits();
    // errno of another thread can't be read; the only failure left for a sound epoll instance is EINTR.
    const wait = libc().offThread.epoll_wait(this.#parkFd, this.#parkedBytes, MAX_PARK_EVENTS, MAX_PARK_MS);
    threadIsParked(this.#onExit);
    this.#parked = wait.then(() => {
      threadIsBack(this.#onExit);
      this.#parked = undefined;
      this.#wakeUps++;
      this.#looking.hasWaited();
      if (this.#isWoken) {
        read(this.#wakeFd, WAKE_BUFFER);
        this.#isWoken = false;
      }
      try {
        this.poll(0);
      } finally {
        this.#park();
      }
    });
  }

  #look(): void {
    this.#nextLook = undefined;
    this.#looks++;
    try {
      if (this.poll(0) > 0) this.#looking.found();
      else this.#looking.foundNothing();
    } finally {
      this.#park();
    }
  }

  /** Brings the parked thread back, once. */
  #wake(): void {
    if (this.#parked === undefined || this.#isWoken) return;
    this.#isWoken = true;
    write(this.#wakeFd, WAKE_VALUE);
  }

  #dispatch(events: DataView, count: number): number {
    let dispatched = 0;
    for (let i = 0; i < count; i++) {
      const at = i * this.#eventSize;
      const fd = events.getInt32(at + this.#dataOffset, true);
      const watch = this.#watches.get(fd);
      if (watch === undefined || watch.generation !== events.getUint32(at + this.#dataOffset + 4, true)) continue;
      const ready = events.getUint32(at, true);
      const relevant = ready & (watch.wanted | FAILED);
      if (watch.wanted === 0 || relevant === 0) {
        this.#quieten(watch);
        continue;
      }
      dispatched++;
      watch.target?.(relevant);
    }
    this.#dispatched += dispatched;
    return dispatched;
  }

  /** Stops reports that nobody wants; errors can't be masked, so without wishes the descriptor leaves the set. */
  #quieten(watch: FdWatch): void {
    if (watch.wanted === 0) return this.#unregister(watch);
    watch.registered = watch.wanted;
    this.#ctl(this.#epfd, EPOLL_CTL_MOD, watch.fd, watch.wanted, watch.generation);
  }
}

const WAKE_VALUE = new Uint8Array(new BigUint64Array([1n]).buffer);
const WAKE_BUFFER = new Uint8Array(new ArrayBuffer(8));
