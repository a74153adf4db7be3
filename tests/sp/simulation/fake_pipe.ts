/**
 * A pipe that a test holds both ends of.
 *
 * @module
 */

import type { Engine } from "../../../sp/protocol/engine.ts";
import type { Pipe } from "../../../sp/protocol/pipe.ts";

/** Takes messages while it has room, and remembers everything. */
export class FakePipe implements Pipe {
  readonly id: number;
  maxSendSize = Infinity;
  state: unknown;
  /** How many more messages it takes. */
  room = Infinity;
  /** What it took, header and body in one, as hexadecimal digits. */
  readonly sent: string[] = [];
  isPaused = false;
  isClosed = false;
  /** What `reclaim` gives back. */
  unsent: Uint8Array[] = [];

  constructor(id: number) {
    this.id = id;
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    if (this.room <= 0) return false;
    this.room--;
    this.sent.push(hexOf(header) + hexOf(body));
    return true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(): void {
    this.isClosed = true;
  }

  reclaim(): Uint8Array[] {
    return this.unsent;
  }

  /** The last thing it took. */
  get last(): string {
    return this.sent.at(-1) ?? "nothing was sent";
  }
}

/** Attaches new pipes with ids from 1 on. */
export function attach(engine: Engine, count: number, room = Infinity): FakePipe[] {
  return Array.from({ length: count }, (_, index) => {
    const pipe = new FakePipe(index + 1);
    pipe.room = room;
    engine.attach(pipe, 0);
    return pipe;
  });
}

/** Gives a pipe room, and says so. */
export function makeRoom(engine: Engine, pipe: FakePipe, room: number, now = 0): void {
  pipe.room = room;
  engine.writable(pipe, now);
}

/** Bytes as hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Hexadecimal digits, and text after a colon, as bytes: "80000001:hello". */
export function bytesOf(notation: string): Uint8Array {
  const [hex, text = ""] = notation.split(":");
  const digits = hex.match(/../g) ?? [];
  return Uint8Array.from([...digits.map((pair) => parseInt(pair, 16)), ...new TextEncoder().encode(text)]);
}

/** The same notation as hexadecimal digits only. */
export function hex(notation: string): string {
  return hexOf(bytesOf(notation));
}
