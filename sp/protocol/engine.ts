/**
 * What all patterns have in common, seen from the driver that joins them to sockets.
 *
 * An engine is a state machine without input and output. Bytes, clock readings and the user's calls go in; bytes (through
 * pipes), messages and the next deadline come out. Clock readings (`now`) are milliseconds on a clock that never goes back.
 *
 * @module
 */

import type { SpMessage } from "../message.ts";
import type { Pipe } from "./pipe.ts";

/** The numbers and names of a pattern, and of the pattern at the other end. */
export interface ProtocolInfo {
  /** The name, as nng spells it. */
  readonly name: string;
  /** The number in the greeting. */
  readonly protocol: number;
  /** The number that the peer's greeting must have. */
  readonly peer: number;
  /** The name of the pattern at the other end. */
  readonly peerName: string;
}

/** Why messages were dropped, and how many for each reason. */
export interface DropStats {
  /** A buffer was full, and the pattern drops rather than waits. */
  bufferFull: number;
  /** There was nobody to send to, or the one it was for has gone. */
  noPeer: number;
  /** The peer broke the protocol. */
  malformed: number;
  /** It had gone through too many devices. */
  hopLimit: number;
  /** A reply or an answer that nobody waits for: late, a duplicate, or to something cancelled. */
  stale: number;
  /** A reply by a pipe that never had the request. */
  foreign: number;
  /** It came to a pattern that receives nothing. */
  unexpected: number;
  /** It had been received, but its pipe went before anybody asked for it. */
  pipeGone: number;
  /** It had been received, and a subscription for it ended before anybody asked for it. */
  unsubscribed: number;
  /** The peer that it was for, or the carrier in between, can't take so large a message. */
  tooLarge: number;
  /**
   * The carrier had taken it, and gave it up all the same: too large after all, or the kernel has no memory for it; or its
   * bytes were transferred before they had left.
   */
  carrier: number;
}

/** Counters of drops that begin at 0. */
export function noDrops(): DropStats {
  return {
    bufferFull: 0,
    noPeer: 0,
    malformed: 0,
    hopLimit: 0,
    stale: 0,
    foreign: 0,
    unexpected: 0,
    pipeGone: 0,
    unsubscribed: 0,
    tooLarge: 0,
    carrier: 0,
  };
}

/** What an engine has done, and what it holds. */
export interface EngineStats {
  /** Attached pipes. */
  pipes: number;
  /** Pipes that were refused. */
  refusedPipes: number;
  /** Messages handed to pipes; one that goes to three pipes counts three times. */
  sent: number;
  /** Messages accepted from pipes for the user. */
  received: number;
  /** Requests sent once more. */
  resent: number;
  /** Messages that no subscription wanted. */
  filtered: number;
  /** Messages that were sent by the user, and that no pipe has taken yet. */
  unsent: number;
  /** Messages received that the user has not asked for yet. */
  unread: number;
  /** Dropped messages by reason. */
  dropped: DropStats;
}

/** What an engine has done with one pipe. */
export interface PipeStats {
  /** Messages handed to it. */
  sent: number;
  /** Messages accepted from it. */
  received: number;
  /** Messages that wait for it to have room; 0 for patterns that queue in front of all pipes. */
  unsent: number;
  /** Messages accepted from it that the user has not asked for yet; 0 for patterns that queue by conversation. */
  unread: number;
  /** Messages to it or from it that were dropped, by reason. */
  dropped: DropStats;
}

/** The pattern's face towards the driver that owns the pipes. */
export interface Engine {
  /** Which pattern this is. */
  readonly info: ProtocolInfo;
  /** Whether headers are the user's business, as devices need it. */
  readonly isRaw: boolean;
  /** When `expire` wants to be called next; `Infinity` for never. Later calls of anything may change it. */
  readonly deadline: number;
  /** How many messages of the user no pipe has taken yet: whoever lingers waits until there are none. */
  readonly unsent: number;

  /** There is a connection; false refuses it, and then nothing more may be told of it. */
  attach(pipe: Pipe, now: number): boolean;
  /** The connection is gone, for whatever reason. */
  detach(pipe: Pipe, now: number): void;
  /**
   * One whole message has come, header and body in one piece. The bytes belong to the engine, and then to the user. A
   * malformed one is dropped and counted, or closes the pipe, as nng does it.
   */
  receive(pipe: Pipe, bytes: Uint8Array, now: number): void;
  /** A pipe that refused a message has room again. */
  writable(pipe: Pipe, now: number): void;
  /** The deadline is reached. Calling early does no harm. */
  expire(now: number): void;
  /** Forgets all messages and pipes; the driver closes the pipes. What is called afterwards throws a `ClosedError`. */
  close(): void;
  /** Counts a message to be sent that was dropped by whoever was to hand it over, and of which pipe, if it was for one. */
  countDrop(reason: keyof DropStats, pipe?: Pipe): void;
  /** Counters, as of now. */
  stats(): EngineStats;
  /** Counters of one pipe; `undefined` when it is not attached. */
  pipeStats(pipe: Pipe): PipeStats | undefined;
}

/** What can be sent to: an engine, or a context of one. */
export interface Sender {
  /**
   * Called when `trySend`, after it returned false, may succeed now (or throw). It is not called again until `trySend` has
   * returned false again, so whoever has several waiting goes on until it does.
   */
  onSendable: (now: number) => void;
  /**
   * Takes a message, or returns false: it would have to wait. A message that is taken isn't copied: nobody may change its
   * bytes any more.
   *
   * @throws {MessageTooLargeError} If there are pipes, and it is for one that can't take so large a message, or none can.
   * @throws {StateError} If it is not the turn of this side to send.
   * @throws {ClosedError} If the engine or the context is closed.
   */
  trySend(message: SpMessage, now: number): boolean;
}

/** What can be received from: an engine, or a context of one. */
export interface Receiver {
  /**
   * Called when `tryReceive`, after it returned `undefined`, may succeed now (or throw). It is not called again until
   * `tryReceive` has returned `undefined` again, so whoever has several waiting goes on until it does.
   */
  onReceivable: (now: number) => void;
  /**
   * Gives a message, or `undefined`: it would have to wait.
   *
   * @throws {StateError} If there is nothing to wait for.
   * @throws {TimeoutError} If what is waited for can't come any more.
   * @throws {ClosedError} If the engine or the context is closed.
   */
  tryReceive(now: number): SpMessage | undefined;
}

/** A conversation of its own on a socket: what a context of nng is. */
export interface Context {
  /** Ends the conversation, and forgets its messages. */
  close(): void;
}

/** The callback of those who wait for nothing. */
export function ignore(): void {}
