/**
 * A garbage collection on demand, to show what is held and what is let go.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** A weak reference to the buffer behind new memory, which `use` gets and nobody else has. */
export function weakly(byteLength: number, use: (bytes: Uint8Array) => void): WeakRef<ArrayBufferLike> {
  const bytes = new Uint8Array(byteLength);
  use(bytes);
  return new WeakRef(bytes.buffer);
}

/** Collects all garbage. */
export async function collectGarbage(): Promise<void> {
  // A WeakRef keeps its target until the job that made it is over.
  await setImmediate();
  collect();
}
