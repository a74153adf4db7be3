/**
 * What a pattern sees of a connection.
 *
 * @module
 */

import type { SockeyeError } from "../../common/errors.ts";

/**
 * A connection to one peer, seen from the pattern. Transports implement it, and a simulated network in tests.
 *
 * A pipe carries whole messages in order, or goes. Who owns it tells the engine of what happens (`attach`, `receive`,
 * `writable`, `detach`), but never from within a call of the engine to the pipe: what `send`, `pause`, `resume` and `close`
 * bring about is told in a later step.
 */
export interface Pipe {
  /** From 1 to 0x7fffffff, unique in its socket: what devices push in front of a request, with the top bit clear. */
  readonly id: number;

  /** What the engine remembers of the pipe while it is attached; `undefined` before and after. Nobody else writes it. */
  state?: unknown;

  /**
   * The largest message, header and body, that the peer and what is in between can take, in bytes; `Infinity` where nothing
   * bounds it. It may change; a larger one that is handed over all the same is lost.
   */
  readonly maxSendSize: number;

  /**
   * Hands over a message. False when the pipe's buffer is full: then nothing was taken, and the engine is told by
   * `writable` when there is room again.
   *
   * @param header Goes in front of the body. It is copied before the call returns, since engines use it again.
   * @param body May be referred to until it is written; nobody changes it.
   */
  send(header: Uint8Array, body: Uint8Array): boolean;

  /** Nothing is delivered from now on until `resume`: the pattern's receive buffer is full. What was read waits. */
  pause(): void;

  /** Delivers again, in a later step. */
  resume(): void;

  /**
   * Closes the connection: the peer broke the protocol. From now on nothing is delivered, `send` is false, and `detach`
   * follows.
   *
   * @param reason What it did, for whoever is told that the pipe has gone.
   */
  close(reason?: SockeyeError): void;

  /**
   * Messages that were taken, but of which the kernel has no byte yet, the first first. Asked for once, when the pipe is
   * detached, by the one pattern that promises to give them to another peer (PUSH).
   */
  reclaim?(): Uint8Array[];
}
