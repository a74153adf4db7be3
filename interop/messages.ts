/**
 * The messages that peers exchange: said in a few numbers, rebuilt and recognized at the other end.
 *
 * @module
 */

/** `count` messages alike, except that message i carries the pattern of `seed + i`; one `--send` of the C peers. */
export interface SendSpec {
  stream: number;
  ppid: number;
  /** Bytes. */
  size: number;
  /** @default {1} */
  count?: number;
  /** @default {0} */
  seed?: number;
  /** @default {false} */
  unordered?: boolean;
  /** What a send-failed notification would bring back. @default {0} */
  context?: number;
}

/** What a receiver can tell about one message. */
export interface Fingerprint {
  stream: number;
  ppid: number;
  unordered: boolean;
  length: number;
  /** FNV-1a of the payload, 8 hexadecimal digits. */
  fnv: string;
}

/** The payload for a seed: the generator of Numerical Recipes, the top byte of each state; as in c/payload.c. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed | 0;
  for (let index = 0; index < length; index++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** FNV-1a, 32 bits, in hexadecimal. */
export function fnv1a(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index++) hash = Math.imul(hash ^ bytes[index], 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

const known = new Map<string, string>();

/** The messages of some specs, in the order in which they are sent. */
export function fingerprints(specs: readonly SendSpec[]): Fingerprint[] {
  return specs.flatMap(({ stream, ppid, size, count = 1, seed = 0, unordered = false }) =>
    Array.from({ length: count }, (_, index) => {
      const key = `${size}/${seed + index}`;
      let fnv = known.get(key);
      if (fnv === undefined) known.set(key, fnv = fnv1a(pattern(size, seed + index)));
      return { stream, ppid, unordered, length: size, fnv };
    })
  );
}

/** How many messages some specs are. */
export function countOf(specs: readonly SendSpec[]): number {
  return specs.reduce((count, spec) => count + (spec.count ?? 1), 0);
}
