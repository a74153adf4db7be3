/**
 * Devices: what comes in at one side goes out at the other.
 *
 * @module
 */

import { ArgumentError, MessageTooLargeError } from "../../common/errors.ts";
import type { SpMessage } from "../message.ts";
import type { Engine, Receiver, Sender } from "./engine.ts";

/** A raw engine; which of the calls it has depends on its pattern. */
export type RawEngine = Engine & Partial<Sender> & Partial<Receiver>;

/** From one engine to the other. It holds one message at most: while that has to wait, the rest waits where it is. */
class Path {
  readonly from: Receiver;
  readonly to: Engine & Sender;
  forwarded = 0;
  held: SpMessage | undefined = undefined;
  readonly #onReceivable: (now: number) => void;
  readonly #onSendable: (now: number) => void;

  constructor(from: Receiver, to: Engine & Sender) {
    this.from = from;
    this.to = to;
    this.#onReceivable = from.onReceivable;
    this.#onSendable = to.onSendable;
    from.onReceivable = (now) => this.run(now);
    to.onSendable = (now) => this.run(now);
  }

  run(now: number): void {
    for (;;) {
      const message = this.held ?? this.from.tryReceive(now);
      this.held = message;
      if (message === undefined) return;
      try {
        if (!this.to.trySend(message, now)) return;
        this.forwarded++;
      } catch (error) {
        if (!(error instanceof MessageTooLargeError)) throw error;
        this.to.countDrop("tooLarge");
      }
      this.held = undefined;
    }
  }

  stop(): void {
    this.from.onReceivable = this.#onReceivable;
    this.to.onSendable = this.#onSendable;
    this.held = undefined;
  }
}

/**
 * Forwards between two raw engines of one pattern, in both directions or the one that the pattern has, or from one engine
 * back to itself (a reflector, for patterns whose two ends are the same).
 *
 * Headers pass as they are. The engines do the rest: they push and pop the way back, count hops and drop what has too many,
 * and keep BUS from sending back where it came from. What is too large for those behind it is dropped, and counted there. While the device lasts, nobody else sends or receives there.
 */
export class Device {
  readonly #paths: Path[] = [];

  /**
   * Joins engines; the order doesn't matter.
   *
   * @param front One engine.
   * @param back The other; without one, `front` gets back what it receives.
   * @throws {ArgumentError} If they are not raw, or their patterns are not each other's peers.
   */
  constructor(front: RawEngine, back: RawEngine = front) {
    for (const [name, engine] of [["front", front], ["back", back]] as const) {
      if (!engine.isRaw) throw new ArgumentError(name, `must be in raw mode, which this ${engine.info.name} is not`);
    }
    if (front.info.peer !== back.info.protocol || back.info.peer !== front.info.protocol) {
      const { name, peerName } = front.info;
      throw new ArgumentError("back", `must be ${peerName}, the peer of ${name}, got ${back.info.name}`);
    }
    this.#join(front, back);
    if (front !== back) this.#join(back, front);
  }

  /** How many messages were forwarded, in both directions. */
  get forwarded(): number {
    return this.#paths.reduce((sum, { forwarded }) => sum + forwarded, 0);
  }

  /** How many messages the device holds, since the other side can't take them. */
  get held(): number {
    return this.#paths.filter(({ held }) => held !== undefined).length;
  }

  /** Forwards what is there already; after that, whatever comes is forwarded when it comes. */
  start(now: number): void {
    for (const path of this.#paths) path.run(now);
  }

  /** Forwards no more, and forgets what it holds. The engines stay open. */
  close(): void {
    for (const path of this.#paths) path.stop();
    this.#paths.length = 0;
  }

  #join(from: RawEngine, to: RawEngine): void {
    if (from.tryReceive === undefined || to.trySend === undefined) return;
    this.#paths.push(new Path(from as Engine & Receiver, to as Engine & Sender));
  }
}
