/**
 * A peer over SCTP that does what it is told to: it speaks the transport's format by hand, or violates it.
 *
 * @module
 */

import {
  SctpAssociation,
  SctpListener,
  type SctpMessage,
  type SctpOpeningOptions,
  type SctpSendOptions,
} from "@sockeye/sockeye/sctp";
import { setImmediate } from "node:timers/promises";
import { SOON } from "../contract/carriers.ts";

/** The payload protocol identifier of greetings and messages. */
export const PPID = 0x53500000;

/** The greeting of a pattern. */
export function greeting(protocol: number): Uint8Array {
  return Uint8Array.of(0, 0x53, 0x50, 0, 0, protocol, 0, 0);
}

/** A request, or a reply: the id in four bytes, and the body. */
export function conversation(id: number, length: number): Uint8Array {
  const bytes = new Uint8Array(4 + length);
  new DataView(bytes.buffer).setUint32(0, 0x80000000 + id);
  return bytes;
}

/** Sends as the transport does, unless told otherwise. */
export function send(peer: SctpAssociation, bytes: Uint8Array, options: SctpSendOptions = {}): Promise<void> {
  return peer.send(bytes, { streamId: 0, ppid: PPID, ...options });
}

/** A window of this size holds no large message. */
const NARROW = { receiveBufferSize: 65_536, interleaving: true, streamScheduler: "round-robin" } as const;

/** Connects to a socket, and greets; what comes fills a narrow window until it is received. */
export async function dialNarrow(
  url: string,
  protocol: number,
  options: SctpOpeningOptions = {},
): Promise<SctpAssociation> {
  const peer = await SctpAssociation.connect(url, { ...NARROW, ...SOON, ...options });
  await greetAndBeGreeted(peer, protocol);
  return peer;
}

/** Listens, and greets whoever comes. */
export function listenNarrow(): SctpListener {
  return SctpListener.listen("sctp://127.0.0.1:0", NARROW);
}

/** Exchanges greetings. */
export async function greetAndBeGreeted(peer: SctpAssociation, protocol: number): Promise<SctpMessage> {
  await send(peer, greeting(protocol));
  return peer.receive(SOON);
}

/** Waits until something is true that nobody tells. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await setImmediate();
}
