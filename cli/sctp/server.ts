/**
 * A listening socket with one face, whether it is one-to-one or one-to-many.
 *
 * @module
 */

import { SctpEndpoint, type SctpEvent, SctpListener } from "@sockeye/sockeye/sctp";
import type { SctpAddress, SctpOpeningOptions } from "@sockeye/sockeye/sctp";
import { type Answer, arrivalOf, OneToOneConversation, type Receiver, type Style } from "./conversation.ts";
import { gracefully } from "./gracefully.ts";

/** A listening socket. */
export interface Server {
  /** What it is bound to. */
  localAddresses(): SctpAddress;
  /** Hands over what comes on any association, until the signal. */
  follow(signal: AbortSignal): Promise<void>;
  /** Ends all associations gracefully, handing over what comes meanwhile; aborts those that take longer than two seconds. */
  end(): Promise<void>;
}

/** There is no reason to wait for long. */
const HURRY: AbortSignal = AbortSignal.abort();

/** Begins to listen. */
export function serve(style: Style, local: SctpAddress, options: SctpOpeningOptions, receiver: Receiver): Server {
  return style === "one-to-one"
    ? new OneToOneServer(SctpListener.listen(local, options), receiver)
    : new OneToManyServer(SctpEndpoint.listen(local, options), receiver);
}

class OneToOneServer implements Server {
  readonly #listener: SctpListener;
  readonly #receiver: Receiver;
  /** Each with the promise that settles when it is over. */
  readonly #conversations = new Map<OneToOneConversation, Promise<void>>();
  readonly #failed = new AbortController();

  constructor(listener: SctpListener, receiver: Receiver) {
    this.#listener = listener;
    this.#receiver = async (arrival, answer) => {
      try {
        await receiver(arrival, answer);
      } catch (error) {
        this.#failed.abort(error);
      }
    };
  }

  localAddresses(): SctpAddress {
    return this.#listener.localAddresses();
  }

  async follow(signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#failed.signal]);
    while (!stop.aborted) {
      const association = await this.#listener.accept({ signal: stop }).catch((error) => {
        if (!stop.aborted) throw error;
      });
      if (association !== undefined) this.#begin(new OneToOneConversation(association));
    }
    this.#failed.signal.throwIfAborted();
  }

  #begin(conversation: OneToOneConversation): void {
    // An association that breaks is over like any other: only what the receiver throws is a failure of the server.
    const over = conversation.follow(this.#receiver).catch(() => {}).finally(() => {
      conversation.close();
      this.#conversations.delete(conversation);
    });
    this.#conversations.set(conversation, over);
  }

  async end(): Promise<void> {
    this.#listener.close();
    await Promise.all(
      [...this.#conversations].map(async ([conversation, over]) => {
        await conversation.shutdown(HURRY);
        await over;
      }),
    );
  }
}

class OneToManyServer implements Server {
  readonly #endpoint: SctpEndpoint;
  readonly #receiver: Receiver;

  constructor(endpoint: SctpEndpoint, receiver: Receiver) {
    this.#endpoint = endpoint;
    this.#receiver = receiver;
  }

  localAddresses(): SctpAddress {
    return this.#endpoint.localAddresses();
  }

  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const event = await this.#endpoint.receive({ signal }).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (event !== undefined) await this.#handOver(event);
    }
  }

  async #handOver(event: SctpEvent): Promise<void> {
    const associationId = event.type === "unknown" ? undefined : event.associationId;
    const answer: Answer = (data, options) => this.#endpoint.send(data, { ...options, associationId });
    await this.#receiver(arrivalOf(event), answer);
  }

  async end(): Promise<void> {
    try {
      await gracefully(
        HURRY,
        (signal) => this.#endpoint.shutdown("all", { signal }),
        () => this.#endpoint.abort("all"),
      );
      for (let event = this.#endpoint.tryReceive(); event !== undefined; event = this.#endpoint.tryReceive()) {
        await this.#handOver(event);
      }
    } finally {
      this.#endpoint.close();
    }
  }
}
