/**
 * The inside of a one-to-many endpoint: one queue of events, and those who wait for an association to begin or to end.
 *
 * It owns the driver, the queue and the pump between them. It needs to know nothing of sending.
 *
 * @module
 */

import { ClosedError } from "../common/errors.ts";
import { timeoutError, WaitList, type WaitOptions } from "../common/wait.ts";
import type { SctpEvent, SctpSocketDriver } from "./driver.ts";
import type { SctpAssociationNotification, SctpEventName } from "./notification.ts";
import { EventPump, type EventPumpOwner } from "./pump.ts";
import { Receiver } from "./receiver.ts";

/** Somebody's interest in how an association begins or ends. */
interface Interest {
  readonly associationId: number;
  readonly kind: "beginning" | "end";
  readonly onChange: (change: SctpAssociationNotification) => void;
  readonly onError: (error: unknown) => void;
}

/** Sorts the events of an endpoint. */
export class EndpointCore implements EventPumpOwner {
  /** The socket. */
  readonly driver: SctpSocketDriver;
  /** Reads the socket on demand. */
  readonly pump: EventPump;
  /** The one typed stream. */
  readonly events: Receiver<SctpEvent>;
  /** Events that came while the endpoint was being shut down, and for which there was no room. */
  droppedEvents = 0;
  /** Whether all of the endpoint is being shut down, so that events without room are discarded. */
  isShuttingDown = false;

  readonly #subscribed: Set<SctpEventName>;
  readonly #interests = new Set<Interest>();
  #closed: ClosedError | undefined;

  /**
   * @param driver The socket, which the core closes.
   * @param events The kinds of notifications that the user subscribed to.
   * @param receiveQueueSize The bound of the queue, in bytes.
   */
  constructor(driver: SctpSocketDriver, events: readonly SctpEventName[], receiveQueueSize: number) {
    this.driver = driver;
    this.#subscribed = new Set(events);
    this.pump = new EventPump(driver, this);
    this.events = new Receiver(this.pump, receiveQueueSize, "receive");
  }

  /** The error for whoever wants something of a closed endpoint. */
  get closedError(): ClosedError | undefined {
    return this.#closed;
  }

  /** The kinds of notifications that are subscribed to. */
  get subscribed(): SctpEventName[] {
    return [...this.#subscribed];
  }

  /** @inheritdoc */
  isWanted(): boolean {
    return this.#closed === undefined && (this.events.inbox.isWaitedFor || this.#interests.size > 0);
  }

  /** @inheritdoc */
  dispatch(event: SctpEvent): boolean {
    const isSubscribed = event.type === "message" || event.type === "message-too-large" ||
      event.type !== "unknown" && this.#subscribed.has(event.type);
    if (isSubscribed) {
      const { inbox } = this.events;
      if (inbox.hasRoom) inbox.put(event, event.type === "message" ? event.data.length : 0);
      else if (this.isShuttingDown) this.droppedEvents++;
      else return false;
    }
    if (event.type === "association") this.#associationChanged(event);
    return true;
  }

  /** @inheritdoc */
  onReadError(error: unknown): void {
    this.events.inbox.putError(error);
    this.#failInterests(error);
  }

  /** Subscribes to a kind of notification. */
  subscribe(event: SctpEventName): void {
    this.driver.subscribe(event, true, "all");
    this.#subscribed.add(event);
  }

  /** Ends the subscription to a kind of notification. */
  unsubscribe(event: SctpEventName): void {
    this.#subscribed.delete(event);
    this.driver.subscribe(event, false, "all");
  }

  /** Resolves when an association has begun or failed to, or when it has ended. */
  async change(
    associationId: number,
    kind: Interest["kind"],
    what: string,
    options: WaitOptions,
  ): Promise<SctpAssociationNotification> {
    const waiters = new WaitList<SctpAssociationNotification>();
    const waiting = waiters.wait(what, options, undefined);
    const interest: Interest = {
      associationId,
      kind,
      onChange: (change) => waiters.resolveAll(change),
      onError: (error) => waiters.rejectAll(error),
    };
    this.#interests.add(interest);
    try {
      this.pump.start();
      return await waiting;
    } finally {
      this.#interests.delete(interest);
      this.pump.relax();
    }
  }

  /** The same, blocking. */
  changeSync(
    associationId: number,
    kind: Interest["kind"],
    what: string,
    timeoutMs: number | undefined,
  ): SctpAssociationNotification {
    let found: SctpAssociationNotification | undefined;
    let failure: { error: unknown } | undefined;
    const interest: Interest = {
      associationId,
      kind,
      onChange: (change) => found = change,
      onError: (error) => failure = { error },
    };
    const deadline = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    this.#interests.add(interest);
    try {
      for (;;) {
        this.pump.drain(() => found !== undefined || failure !== undefined);
        if (failure !== undefined) throw (failure as { error: unknown }).error;
        if (found !== undefined) return found;
        const left = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
        if (!this.pump.waitSync(left)) throw timeoutError(what, timeoutMs!);
      }
    } finally {
      this.#interests.delete(interest);
    }
  }

  /** Takes out what has arrived for an association that moves to a socket of its own. */
  takeEventsOf(associationId: number): SctpEvent[] {
    const queued = this.events.inbox
      .extract((event) => event.type !== "unknown" && event.associationId === associationId)
      .map(({ item }) => item);
    const held = this.pump.takeHeldOf(associationId);
    return [...queued, ...held === undefined ? [] : [held], ...this.driver.takeEventsOf(associationId)];
  }

  /** Closes the socket; everything that waits, and everything to come, gets a ClosedError. Idempotent. */
  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new ClosedError("the endpoint is closed; open a new one");
    try {
      this.driver.close();
    } finally {
      this.events.inbox.close(this.#closed);
      this.#failInterests(this.#closed);
      this.pump.relax();
    }
  }

  #failInterests(error: unknown): void {
    for (const interest of this.#interests) interest.onError(error);
  }

  #associationChanged(change: SctpAssociationNotification): void {
    const isEnd = change.state === "comm-lost" || change.state === "shutdown-complete" ||
      change.state === "cant-start-assoc";
    for (const interest of this.#interests) {
      if (interest.associationId !== change.associationId) continue;
      if (isEnd || interest.kind === "beginning" && change.state === "comm-up") interest.onChange(change);
    }
  }
}
