/**
 * Both ends of transports in tests: who listens, who dials, and what they were told.
 *
 * @module
 */

import type { SockeyeError } from "../../../common/errors.ts";
import { PULL, PUSH } from "../../../sp/protocol/protocols.ts";
import type { Connection, Greeting, Listening, Transport, TransportOptions } from "../../../sp/transport/transport.ts";
import { parseSpUrl } from "../../../sp/transport/url.ts";

/** Options as sockets give them. */
export const OPTIONS: TransportOptions = Object.freeze({
  maxReceiveSize: 1024 * 1024,
  handshakeTimeout: 10_000,
  maxPipes: 1024,
  noDelay: true,
  keepAlive: false,
});

/** What has happened, to be waited for. */
export class Log<T> {
  readonly items: T[] = [];
  #waiting: (() => void)[] = [];

  /** Something happened. */
  add(item: T): void {
    this.items.push(item);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Waits until so much has happened. */
  async until(count: number): Promise<T[]> {
    while (this.items.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.items;
  }

  /** Waits for the first. */
  async first(): Promise<T> {
    return (await this.until(1))[0];
  }
}

/** One end of a connection, and what it was told. */
export class Party {
  readonly messages: Log<Uint8Array> = new Log();
  readonly writables: Log<true> = new Log();
  readonly closed: Log<SockeyeError | undefined> = new Log();
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.start({
      message: (bytes) => this.messages.add(bytes),
      writable: () => this.writables.add(true),
      closed: (error) => this.closed.add(error),
    });
  }

  /** Sends a body, once there is room. */
  async send(body: Uint8Array, header: Uint8Array = NONE): Promise<void> {
    for (;;) {
      const before = this.writables.items.length;
      if (this.connection.send(header, body)) return;
      await this.writables.until(before + 1);
    }
  }
}

export const NONE: Uint8Array = new Uint8Array(0);

/** A listener and what it was told. */
export class Host {
  readonly accepted: Log<Connection> = new Log();
  readonly failures: Log<SockeyeError> = new Log();
  readonly listening: Listening;

  constructor(transport: Transport, url: string, options: Partial<TransportOptions> = {}, greeting: Greeting = PULL) {
    this.listening = transport.listen(parseSpUrl(url), greeting, { ...OPTIONS, ...options }, {
      accepted: (connection) => this.accepted.add(connection),
      failed: (error) => this.failures.add(error),
    });
  }

  get url(): string {
    return this.listening.url;
  }
}

/** Tries to connect; gives the connection, or what went wrong. */
export function dial(
  transport: Transport,
  url: string,
  options: Partial<TransportOptions> = {},
  greeting: Greeting = PUSH,
): Promise<Connection | SockeyeError> {
  return new Promise((resolve) => {
    transport.dial(parseSpUrl(url), greeting, { ...OPTIONS, ...options }, { connected: resolve, failed: resolve });
  });
}

/** Two connected ends: the listener's and the dialer's. */
export interface Connected {
  host: Host;
  here: Party;
  there: Party;
  end(): void;
}

/** Connects two ends. */
export async function connectBoth(
  transport: Transport,
  url: string,
  options: { listen?: Partial<TransportOptions>; dial?: Partial<TransportOptions> } = {},
): Promise<Connected> {
  const host = new Host(transport, url, options.listen);
  const connection = await dial(transport, host.url, options.dial);
  if (connection instanceof Error) throw connection;
  const there = new Party(await host.accepted.first());
  const here = new Party(connection);
  return {
    host,
    here,
    there,
    end() {
      here.connection.close();
      there.connection.close();
      host.listening.close();
    },
  };
}

/** An abstract name that nobody uses. */
export function unixgramUrl(): string {
  return `unixgram://@sp-${crypto.randomUUID()}`;
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of bytes. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
