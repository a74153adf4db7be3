/**
 * An association with one face, whether the socket underneath is one-to-one or one-to-many.
 *
 * It hands over what comes, and ends gracefully. What is printed, counted or answered is the subcommands' business.
 *
 * @module
 */

import { ClosedError, MessageTooLargeError } from "@sockeye/sockeye";
import {
  SctpAddress,
  SctpAssociation,
  SctpEndpoint,
  type SctpEvent,
  type SctpMessage,
  type SctpNotification,
  type SctpOpeningOptions,
  type SctpSendOptions,
  type SctpStatus,
  type WaitOptions,
} from "@sockeye/sockeye/sctp";
import { gracefully } from "./gracefully.ts";

/** The styles of sockets; RFC 6458, sections 3 and 4. */
export type Style = "one-to-one" | "one-to-many";

/** What comes: a message, a notification, or the news that a message exceeded the limit. */
export type Arrival = SctpMessage | SctpNotification | MessageTooLargeError;

/** Sends on the association on which something came. */
export type Answer = (data: Uint8Array, options: SctpSendOptions) => Promise<void>;

/** Takes what comes; the next waits until it is done. */
export type Receiver = (arrival: Arrival, answer: Answer) => Promise<void>;

/** An association with one peer. */
export interface Conversation {
  /** Our addresses. */
  localAddresses(): SctpAddress;
  /** The peer's addresses. */
  peerAddresses(): SctpAddress;
  /** How it stands. */
  status(): SctpStatus;
  /** Sends a message. */
  readonly send: Answer;
  /** Hands over what comes, until both sides have ended the association. Rejects when it breaks. */
  follow(receiver: Receiver): Promise<void>;
  /**
   * Ends the association gracefully; at once if it has not ended two seconds after the signal.
   *
   * @returns Whether the peer has agreed, or had ended it before.
   */
  shutdown(hurry: AbortSignal): Promise<boolean>;
  /** Lets go of the socket. */
  close(): void;
}

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

/** What an endpoint's event is for a receiver. */
export function arrivalOf(event: SctpEvent): Arrival {
  return event.type === "message-too-large" ? event.error : event;
}

/** An association on a socket of its own. */
export class OneToOneConversation implements Conversation {
  readonly #association: SctpAssociation;
  readonly send: Answer = (data, options) => this.#association.send(data, options);

  /** @param association The association, which is closed with this. */
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

  shutdown(hurry: AbortSignal): Promise<boolean> {
    return gracefully(
      hurry,
      (signal) => this.#association.shutdown({ signal }),
      () => this.#association.abort(),
    );
  }

  close(): void {
    this.#association.close();
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
        if (event.state === "comm-lost") {
          throw new ClosedError("the association broke: the peer aborted it or fell silent; connect again");
        }
      }
    }
  }

  shutdown(hurry: AbortSignal): Promise<boolean> {
    return gracefully(
      hurry,
      (signal) => this.#endpoint.shutdown(this.#associationId, { signal }),
      () => {
        this.#endpoint.abort("all");
        this.#endpoint.close();
      },
    );
  }

  close(): void {
    this.#endpoint.close();
  }
}
