/**
 * Runs the contract against each stack: every behaviour is one test that takes the stack as its parameter.
 *
 * @module
 */

import { Reactor } from "@sockeye/sockeye/ffi";
import {
  type SctpAssociation,
  SctpAssociation as Association,
  type SctpConnectOptions,
  SctpEndpoint,
  type SctpEvent,
  SctpListener,
  type SctpNotification,
  type SctpOpeningOptions,
  sctpUnavailableReason,
} from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { test, type TestOptions } from "../../support/harness.ts";

/** The stacks under test. */
export const STACKS: readonly ("kernel" | "userspace")[] = ["kernel"];

/** A stack, and the ways in which tests open its sockets. */
export interface StackUnderTest {
  /** What to give as `stack`. */
  readonly stack: "kernel" | "userspace";
  /** Registers a test that is skipped where the stack isn't available. */
  test(claim: string, fn: () => Promise<void> | void, options?: TestOptions): void;
  /** A listener on loopback. */
  listener(options?: SctpOpeningOptions, address?: string): SctpListener;
  /** Both ends of a new one-to-one association. */
  pair(options?: { client?: SctpConnectOptions; server?: SctpOpeningOptions }): Promise<Pair>;
  /** A listening endpoint on loopback. */
  endpoint(options?: SctpOpeningOptions, address?: string): SctpEndpoint;
  /** An endpoint that listens, one that has connected to it, and the association's identifier on both. */
  endpoints(options?: { client?: SctpOpeningOptions; server?: SctpOpeningOptions }): Promise<EndpointPair>;
}

/** Both ends of an association. */
export interface Pair extends AsyncDisposable {
  client: SctpAssociation;
  server: SctpAssociation;
}

/** Two endpoints with an association. */
export interface EndpointPair extends AsyncDisposable {
  client: SctpEndpoint;
  server: SctpEndpoint;
  /** The association as the client knows it. */
  clientId: number;
  /** The association as the server knows it. */
  serverId: number;
}

const LOOPBACK = "sctp://127.0.0.1:0";

/** Registers the contract for every stack. */
export function forEachStack(contract: (under: StackUnderTest) => void): void {
  for (const stack of STACKS) contract(stackUnderTest(stack));
}

function stackUnderTest(stack: "kernel" | "userspace"): StackUnderTest {
  const reason = sctpUnavailableReason(stack)?.message;
  const under: StackUnderTest = {
    stack,
    test(claim, fn, options = {}) {
      const run = async () => {
        try {
          await fn();
        } finally {
          await Reactor.current().idle();
        }
      };
      test(`${stack}: ${claim}`, run, { ...options, skip: reason ?? options.skip });
    },
    listener: (options = {}, address = LOOPBACK) => SctpListener.listen(address, { stack, ...options }),
    async pair({ client: clientOptions = {}, server: serverOptions = {} } = {}) {
      using listener = under.listener(serverOptions);
      const client = await Association.connect(listener.localAddresses(), { stack, ...clientOptions });
      const server = await listener.accept();
      return {
        client,
        server,
        async [Symbol.asyncDispose]() {
          client.close();
          server.close();
          await Reactor.current().idle();
        },
      };
    },
    endpoint: (options = {}, address = LOOPBACK) => SctpEndpoint.listen(address, { stack, ...options }),
    async endpoints({ client: clientOptions = {}, server: serverOptions = {} } = {}) {
      const server = under.endpoint(serverOptions);
      const client = SctpEndpoint.bind(LOOPBACK, { stack, ...clientOptions });
      const clientId = await client.connect(server.localAddresses());
      await until(() => server.associations().length === 1);
      const [serverId] = server.associations();
      return {
        client,
        server,
        clientId,
        serverId,
        async [Symbol.asyncDispose]() {
          client.close();
          server.close();
          await Reactor.current().idle();
        },
      };
    },
  };
  return under;
}

/**
 * Waits for a state that no event tells of; between two looks the event loop turns.
 *
 * @param isReached Looks whether it is reached.
 */
export async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** The next event, which has to be a notification of this kind. */
export async function nextNotification<Type extends SctpNotification["type"]>(
  source: SctpEndpoint,
  type: Type,
): Promise<SctpNotification & { type: Type }> {
  const event = await source.receive();
  assert.equal(event.type, type);
  return event as SctpNotification & { type: Type };
}

/** The first notification of this kind from `events()`; those of other kinds are passed over. */
export async function firstEvent<Type extends SctpNotification["type"]>(
  source: SctpAssociation,
  type: Type,
  isMeant: (event: SctpNotification & { type: Type }) => boolean = () => true,
): Promise<SctpNotification & { type: Type }> {
  for await (const event of source.events()) {
    if (event.type === type && isMeant(event as SctpNotification & { type: Type })) {
      return event as SctpNotification & { type: Type };
    }
  }
  throw new assert.AssertionError({ message: `the events ended without one of type ${type}` });
}

/** The next message of an endpoint; events of other kinds are passed over. */
export async function nextMessage(source: SctpEndpoint): Promise<SctpEvent & { type: "message" }> {
  for (;;) {
    const event = await source.receive();
    if (event.type === "message") return event;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of a text. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of a message or of bytes. */
export function text(from: { data: Uint8Array } | Uint8Array): string {
  return decoder.decode(from instanceof Uint8Array ? from : from.data);
}

/** Bytes that differ by their place, so that pieces in the wrong order show. */
export function pattern(length: number, seed = 1): Uint8Array {
  const out = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[index] = state >>> 24;
  }
  return out;
}
