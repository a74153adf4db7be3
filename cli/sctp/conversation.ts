/**
 * Associations and servers with one face, whether the socket underneath is one-to-one or one-to-many.
 *
 * They hand over what comes, and end gracefully. What is printed, counted or answered is the subcommands' business.
 *
 * @module
 */

import { ClosedError, MessageTooLargeError } from "@sockeye/sockeye";
import {
  SctpAddress,
  SctpAssociation,
  SctpEndpoint,
  type SctpEvent,
  SctpListener,
  type SctpMessage,
  type SctpNotification,
  type SctpOpeningOptions,
  type SctpSendOptions,
  type SctpStatus,
  type WaitOptions,
} from "@sockeye/sockeye/sctp";

/** The styles of sockets; RFC 6458, sections 3 and 4. */
export type Style = "one-to-one" | "one-to-many";

/** What comes: a message, a notification, or the news that a message exceeded the limit. */
export type Arrival = SctpMessage | SctpNotification | MessageTooLargeError;

/** Sends on the association on which something came. */
export type Answer = (data: Uint8Array, options: SctpSendOptions) => Promise<void>;

/** Takes what comes; the next waits until it is done. */
export type Receiver = (arrival: Arrival, answer: Answer) => Promise<void> | void;

/** An association with one peer. */
export interface Conversation {
  /** Our addresses. */
  localAddresses(): SctpAddress;
  /** The peer's addresses. */
  peerAddresses(): SctpAddress;
  /** How it stands. */
  status(): SctpStatus;
  /** Sends a message. */
  send: Answer;
  /** Hands over what comes, until both sides have ended the association. Rejects when it breaks. */
  follow(receiver: Receiver): Promise<void>;
  /**
   * Ends the association gracefully; at once if it has not ended two seconds after the signal.
   *
   * @returns Whether the peer has agreed, so that everything was delivered.
   */
  end(hurry: AbortSignal): Promise<boolean>;
}

/** A listening socket. */
export interface Server {
  /** What it is bound to. */
  localAddresses(): SctpAddress;
  /** Hands over what comes on any association, until the signal. */
  follow(receiver: Receiver, signal: AbortSignal): Promise<void>;
  /** Ends all associations gracefully; at once those that have not ended after two seconds. */
  end(): Promise<void>;
}

/** How long a peer may take to agree to the end once we are in a hurry, in milliseconds. */
const GRACE_MS = 2_000;

/** Sets up an association. */
export async function converse(
  style: Style,
  peer: SctpAddress,
  local: SctpAddress | undefined,
  options: SctpOpeningOptions & WaitOptions,
): Promise<Conversation> {
  if (style === "one-to-one") {
    return new OneToOneConversation(await SctpAssociation.connect(peer, { ...options, local }));
  }
  const anyAddress = new SctpAddress(peer.family === "inet" ? "0.0.0.0" : "::", 0);
  // The end of the association is an event as well, whether it shall be printed or not.
  const events = [...new Set([...(options.events ?? []), "association" as const])];
  const endpoint = SctpEndpoint.bind(local ?? anyAddress, { ...options, events });
  try {
    const associationId = await endpoint.connect(peer, options);
    return new OneToManyConversation(endpoint, associationId, options.events?.includes("association") ?? false);
  } catch (error) {
    endpoint.close();
    throw error;
  }
}

/** Begins to listen. */
export function serve(style: Style, local: SctpAddress, options: SctpOpeningOptions): Server {
  return style === "one-to-one"
    ? new OneToOneServer(SctpListener.listen(local, options))
    : new OneToManyServer(SctpEndpoint.listen(local, options));
}

class OneToOneConversation implements Conversation {
  readonly #association: SctpAssociation;
  readonly send: Answer = (data, options) => this.#association.send(data, options);

  constructor(association: SctpAssociation) {
    this.#association = association;
  }

  localAddresses(): SctpAddress {
    return this.#association.localAddresses();
  }

  peerAddresses(): SctpAddress {
    return this.#association.peerAddresses();
  }

  status(): SctpStatus {
    return this.#association.status();
  }

  async follow(receiver: Receiver): Promise<void> {
    await Promise.all([this.#followMessages(receiver), this.#followNotifications(receiver)]);
  }

  async #followMessages(receiver: Receiver): Promise<void> {
    for (;;) {
      const arrival = await this.#association.receive().catch((error) => {
        if (error instanceof MessageTooLargeError) return error;
        if (error instanceof ClosedError) return undefined;
        throw error;
      });
      if (arrival === undefined) return;
      await receiver(arrival, this.send);
    }
  }

  async #followNotifications(receiver: Receiver): Promise<void> {
    for await (const notification of this.#association.events()) await receiver(notification, this.send);
  }

  async end(hurry: AbortSignal): Promise<boolean> {
    const hasAgreed = await gracefully(
      hurry,
      (signal) => this.#association.shutdown({ signal }),
      () => this.#association.abort(),
    );
    this.#association.close();
    return hasAgreed;
  }
}

class OneToManyConversation implements Conversation {
  readonly #endpoint: SctpEndpoint;
  readonly #associationId: number;
  readonly #showsChanges: boolean;
  readonly send: Answer;

  constructor(endpoint: SctpEndpoint, associationId: number, showsChanges: boolean) {
    this.#endpoint = endpoint;
    this.#associationId = associationId;
    this.#showsChanges = showsChanges;
    this.send = (data, options) => endpoint.send(data, { ...options, associationId });
  }

  localAddresses(): SctpAddress {
    return this.#endpoint.localAddresses(this.#associationId);
  }

  peerAddresses(): SctpAddress {
    return this.#endpoint.peerAddresses(this.#associationId);
  }

  status(): SctpStatus {
    return this.#endpoint.status(this.#associationId);
  }

  async follow(receiver: Receiver): Promise<void> {
    for await (const event of this.#endpoint) {
      if (event.type !== "association") await receiver(arrivalOf(event), this.send);
      else {
        if (this.#showsChanges) await receiver(event, this.send);
        if (event.state === "shutdown-complete") return;
        if (event.state === "comm-lost") throw new ClosedError("the association with the peer was lost; connect again");
      }
    }
  }

  async end(hurry: AbortSignal): Promise<boolean> {
    const hasAgreed = await gracefully(
      hurry,
      (signal) => this.#endpoint.shutdown(this.#associationId, { signal }),
      () => this.#endpoint.abort("all"),
    );
    this.#endpoint.close();
    return hasAgreed;
  }
}

class OneToOneServer implements Server {
  readonly #listener: SctpListener;
  readonly #conversations = new Set<OneToOneConversation>();

  constructor(listener: SctpListener) {
    this.#listener = listener;
  }

  localAddresses(): SctpAddress {
    return this.#listener.localAddresses();
  }

  async follow(receiver: Receiver, signal: AbortSignal): Promise<void> {
    let failure: { error: unknown } | undefined;
    const stop = new AbortController();
    const accepting = AbortSignal.any([signal, stop.signal]);
    while (!accepting.aborted) {
      const association = await this.#listener.accept({ signal: accepting }).catch((error) => {
        if (!accepting.aborted) throw error;
      });
      if (association === undefined) break;
      const conversation = new OneToOneConversation(association);
      this.#conversations.add(conversation);
      // An association that breaks is over like any other; only what the receiver throws ends the server.
      conversation.follow(async (arrival, answer) => {
        try {
          await receiver(arrival, answer);
        } catch (error) {
          failure = { error };
          stop.abort();
        }
      }).catch(() => {}).finally(() => this.#conversations.delete(conversation));
    }
    if (failure !== undefined) throw failure.error;
  }

  async end(): Promise<void> {
    this.#listener.close();
    await Promise.all([...this.#conversations].map((conversation) => conversation.end(AbortSignal.abort())));
  }
}

class OneToManyServer implements Server {
  readonly #endpoint: SctpEndpoint;

  constructor(endpoint: SctpEndpoint) {
    this.#endpoint = endpoint;
  }

  localAddresses(): SctpAddress {
    return this.#endpoint.localAddresses();
  }

  async follow(receiver: Receiver, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const event = await this.#endpoint.receive({ signal }).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (event === undefined) return;
      const answer: Answer = (data, options) =>
        this.#endpoint.send(data, { ...options, associationId: associationOf(event) });
      await receiver(arrivalOf(event), answer);
    }
  }

  async end(): Promise<void> {
    await gracefully(
      AbortSignal.abort(),
      (signal) => this.#endpoint.shutdown("all", { signal }),
      () => this.#endpoint.abort("all"),
    );
    this.#endpoint.close();
  }
}

function arrivalOf(event: SctpEvent): Arrival {
  return event.type === "message-too-large" ? event.error : event;
}

function associationOf(event: SctpEvent): number {
  return event.type === "unknown" ? 0 : event.associationId;
}

/** Shuts down; aborts what does not end in time. False if it had to; an association that has ended already is fine. */
async function gracefully(
  hurry: AbortSignal,
  shutdown: (patience: AbortSignal) => Promise<void>,
  abort: () => void,
): Promise<boolean> {
  const patience = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const count = () => {
    timer = setTimeout(() => patience.abort(), GRACE_MS);
  };
  if (hurry.aborted) count();
  else hurry.addEventListener("abort", count, { once: true });
  try {
    await shutdown(patience.signal);
  } catch {
    abort();
  } finally {
    hurry.removeEventListener("abort", count);
    clearTimeout(timer);
  }
  return !patience.signal.aborted;
}
