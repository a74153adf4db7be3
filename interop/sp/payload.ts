/**
 * The messages that peers of the Scalability Protocols send, and what they report of those that come.
 *
 * @module
 */

import { fnv1a, pattern } from "../messages.ts";

const encoder = new TextEncoder();

/** A topic, unless it is `"-"`, and `size` bytes made of `seed`. */
export function messageOf(topic: string, size: number, seed: number): Uint8Array {
  const head = topic === "-" ? new Uint8Array(0) : encoder.encode(topic);
  const bytes = new Uint8Array(head.length + size);
  bytes.set(head);
  bytes.set(pattern(size, seed), head.length);
  return bytes;
}

/** Length and checksum. */
export function fingerprintOf(bytes: Uint8Array): string {
  return `${bytes.length} ${fnv1a(bytes)}`;
}

const known = new Map<string, string>();

/** What a peer reports of the message with a topic, if any, and `size` bytes made of `seed`. */
export function fingerprint(size: number, seed: number, topic = "-"): string {
  const key = `${size}/${seed}/${topic}`;
  let print = known.get(key);
  if (print === undefined) known.set(key, print = fingerprintOf(messageOf(topic, size, seed)));
  return print;
}

/** What a peer reports of `count` messages alike, of which message i is made of `seed + i`. */
export function fingerprints(count: number, size: number, seed: number): string[] {
  return Array.from({ length: count }, (_, index) => fingerprint(size, seed + index));
}
