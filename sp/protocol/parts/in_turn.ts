/**
 * A message by one of several pipes, whichever's turn it is.
 *
 * @module
 */

import type { PipeRecord } from "../pattern.ts";
import type { Ring, RingNode } from "./ring.ts";

/**
 * Sends by the pipe whose turn it is. One that turns out to be full loses its place, one that can't take so large a message
 * is passed over.
 *
 * @param ready Pipes that have room.
 * @returns The pipe; `undefined` if none has room for it.
 */
export function sendInTurn<P extends PipeRecord>(ready: Ring<P>, header: Uint8Array, body: Uint8Array): P | undefined {
  const size = header.length + body.length;
  // Who comes back to the first that was passed over has asked everybody.
  let passedOver: RingNode<P> | undefined;
  let node = ready.current;
  while (node !== undefined && node !== passedOver) {
    const next: RingNode<P> = node.next!;
    if (!node.value.fits(size)) {
      passedOver ??= node;
    } else if (node.value.send(header, body)) {
      ready.current = next;
      return node.value;
    } else {
      ready.remove(node);
      if (ready.current === undefined) return undefined;
    }
    node = next;
  }
  return undefined;
}
