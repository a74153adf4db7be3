/**
 * The inside of an association: where each event goes, and how it ends.
 *
 * It owns the driver, the queues and the pump between them. It needs to know nothing of sending.
 *
 * @module
 */

import { ClosedError, SystemError } from "../common/errors.ts";
import { checkTimeout, timeoutError, WaitList, type WaitOptions } from "../common/wait.ts";
import type { SctpEvent, SctpSocketDriver } from "./driver.ts";
import { endedError, lostError } from "./ending.ts";
import type { SctpMessage } from "./message.ts";
import type { SctpAssociationNotification, SctpEventName, SctpNotification } from "./notification.ts";
import { EventPump, type EventPumpOwner } from "./pump.ts";
import { Receiver } from "./receiver.ts";

/** What an association is opened with, besides the options of its socket. */
export interface AssociationSettings {
  /** The kinds of notifications that the user subscribed to. */
  events: readonly SctpEventName[];
  /** The bound of each queue, in bytes. */
  receiveQueueSize: number;
}

/** How many notifications may wait for `events()`; more than that push the oldest out. */
const EVENT_QUEUE_LENGTH = 1024;

/** Sorts the events of one association. */
export class AssociationCore implements EventPumpOwner {
  /** The socket. */
  readonly driver: SctpSocketDriver;
  /** Reads the socket on demand. */
  readonly pump: EventPump;
  /** The messages of every stream that has no view. */
  readonly messages: Receiver<SctpMessage>;
  /** The notifications that were subscribed to. */
  readonly notifications: Receiver<SctpNotification>;
  /** Notifications that were pushed out of their queue. */
  droppedNotifications = 0;
  /** Messages that came during a shutdown, and for which there was no room. */
  droppedMessages = 0;
  /** Whether the peer began the shutdown. */
  peerShutDown = false;

  readonly #subscribed: Set<SctpEventName>;
  readonly #queueSize: number;
  readonly #views = new Map<number, Receiver<SctpMessage>>();
  readonly #endings: WaitList<void>;
  #end: { error: unknown; graceful: boolean } | undefined;
  #isShuttingDown = false;
  #isClosed = false;

  /** @param driver The socket, which the core closes. @param settings See {@linkcode AssociationSettings}. */
  constructor(driver: SctpSocketDriver, settings: AssociationSettings) {
    this.driver = driver;
    this.#subscribed = new Set(settings.events);
    this.#queueSize = settings.receiveQueueSize;
    this.pump = new EventPump(driver, this);
    this.messages = new Receiver(this.pump, this.#queueSize, "receive");
    this.notifications = new Receiver(this.pump, Infinity, "events");
    this.#endings = new WaitList(() => this.pump.relax());
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The error for whoever wants to send: there when the association has ended. */
  get endError(): unknown {
    return this.#end?.error;
  }

  /** Whether it has ended in order, by a shutdown or by `close`. */
  get hasEndedGracefully(): boolean {
    return this.#end !== undefined && this.#end.graceful;
  }

  /** @inheritdoc */
  isWanted(): boolean {
    if (this.#end !== undefined) return false;
    if (this.messages.inbox.isWaitedFor || this.notifications.inbox.isWaitedFor || this.#endings.size > 0) return true;
    for (const view of this.#views.values()) {
      if (view.inbox.isWaitedFor) return true;
    }
    return false;
  }

  /** @inheritdoc */
  dispatch(event: SctpEvent): boolean {
    if (event.type === "message-too-large") {
      this.messages.inbox.putError(event.error);
      return true;
    }
    if (event.type !== "message") {
      this.#dispatchNotification(event);
      return true;
    }
    const { inbox } = this.#views.size === 0 ? this.messages : this.#views.get(event.streamId) ?? this.messages;
    if (!inbox.hasRoom) {
      // A peer that keeps sending must not be able to hold up our shutdown (RFC 9260 section 9.2).
      if (this.#isShuttingDown) this.droppedMessages++;
      return this.#isShuttingDown;
    }
    inbox.put(event, event.data.length);
    return true;
  }

  /** @inheritdoc */
  onReadError(error: unknown): void {
    this.#finish(error, false);
  }

  /**
   * Takes over what had arrived before the association got a socket of its own, in order and whatever room there is.
   */
  accept(events: readonly SctpEvent[]): void {
    for (const event of events) {
      if (event.type === "message") this.messages.inbox.restore([{ item: event, size: event.data.length }]);
      else this.dispatch(event);
    }
  }

  /** The receiver of one stream's messages, from now on. */
  openView(streamId: number): Receiver<SctpMessage> {
    const view = new Receiver<SctpMessage>(this.pump, this.#queueSize, `receive on stream ${streamId}`);
    this.#views.set(streamId, view);
    for (const { item, size } of this.messages.inbox.extract((message) => message.streamId === streamId)) {
      view.inbox.put(item, size);
    }
    if (this.#end !== undefined) view.inbox.end(this.#end.error, this.#end.graceful);
    return view;
  }

  /** Gives a stream's messages back to the association, those in the view's queue first. */
  closeView(streamId: number, error: unknown): void {
    const view = this.#views.get(streamId);
    if (view === undefined) return;
    this.#views.delete(streamId);
    this.messages.inbox.restore(view.inbox.extract(() => true));
    view.inbox.close(error);
    this.pump.resume();
  }

  /** Subscribes to a kind of notification. */
  subscribe(event: SctpEventName): void {
    this.driver.subscribe(event, true, 0);
    this.#subscribed.add(event);
  }

  /** Ends the subscription to a kind of notification. */
  unsubscribe(event: SctpEventName): void {
    this.#subscribed.delete(event);
    this.driver.subscribe(event, false, 0);
  }

  /** Begins the graceful end. */
  beginShutdown(): void {
    if (this.#end !== undefined || this.#isShuttingDown) return;
    this.#isShuttingDown = true;
    this.driver.shutdown(0);
  }

  /** Resolves when the association has ended in order. */
  async ended(options: WaitOptions): Promise<void> {
    if (this.#end === undefined) this.pump.drain(() => this.#end !== undefined);
    if (this.#end === undefined) {
      const waiting = this.#endings.wait("shutdown", options, undefined);
      this.pump.start();
      await waiting;
    } else if (!this.#end.graceful) throw this.#end.error;
  }

  /** Blocks until the association has ended in order. */
  endedSync(timeoutMs: number | undefined): void {
    checkTimeout(timeoutMs);
    const deadline = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    for (;;) {
      this.pump.drain(() => this.#end !== undefined);
      if (this.#end !== undefined) break;
      const left = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
      if (!this.pump.waitSync(left)) throw timeoutError("shutdown", timeoutMs!);
    }
    if (!this.#end!.graceful) throw this.#end!.error;
  }

  /** Closes the socket; everything that waits, and everything to come, gets a ClosedError. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const closed = new ClosedError("the association is closed; connect or accept another one", {
      cause: this.#end?.graceful === false ? this.#end.error : undefined,
    });
    this.#end = { error: closed, graceful: true };
    try {
      this.driver.close();
    } finally {
      this.messages.inbox.close(closed);
      this.notifications.inbox.close(closed);
      for (const view of this.#views.values()) view.inbox.close(closed);
      this.#endings.rejectAll(closed);
      this.pump.relax();
    }
  }

  #dispatchNotification(event: SctpNotification): void {
    if (event.type !== "unknown" && this.#subscribed.has(event.type)) {
      const { inbox } = this.notifications;
      if (inbox.length === EVENT_QUEUE_LENGTH) {
        inbox.take();
        this.droppedNotifications++;
      }
      inbox.put(event, 0);
    }
    if (event.type === "association") this.#associationChanged(event);
    else if (event.type === "shutdown") this.peerShutDown = true;
  }

  #associationChanged(event: SctpAssociationNotification): void {
    switch (event.state) {
      case "shutdown-complete":
        this.#finish(endedError(this.peerShutDown), true);
        break;
      case "comm-lost":
      case "cant-start-assoc":
        this.#dispatchRest();
        this.#finish(lostError(event, { syscall: "receive", errno: this.driver.takeSocketError() }), false);
        break;
    }
  }

  /** Behind the notification of the loss there are those of the messages that were lost by it. */
  #dispatchRest(): void {
    for (;;) {
      let event: SctpEvent | undefined;
      try {
        event = this.driver.tryReceive();
      } catch (error) {
        // The socket's own way to tell what the notification has told.
        if (error instanceof SystemError) return;
        throw error;
      }
      if (event === undefined || event.type === "association") return;
      this.dispatch(event);
    }
  }

  /** Nothing more will come; what has come can still be received. */
  #finish(error: unknown, graceful: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = { error, graceful };
    this.messages.inbox.end(error, graceful);
    for (const view of this.#views.values()) view.inbox.end(error, graceful);
    this.notifications.inbox.end(error, true);
    if (graceful) this.#endings.resolveAll();
    else this.#endings.rejectAll(error);
  }
}
