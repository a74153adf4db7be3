/**
 * Sockets that stand in for the kernel where options are tested.
 *
 * @module
 */

import { SystemError } from "../../common/errors.ts";
import type { OptionSocket } from "../../sctp/kernel/option/socket.ts";

/** What was done to a socket: the option's number and the bytes handed to the kernel. */
export interface Call {
  name: number;
  value: Uint8Array;
}

/** A socket that answers with the bytes it is given, and remembers what it was asked. */
export class RecordingSocket implements OptionSocket {
  readonly sets: Call[] = [];
  readonly gets: Call[] = [];
  readonly #answer: (name: number, value: Uint8Array) => number | void;

  constructor(answer: (name: number, value: Uint8Array) => number | void = () => {}) {
    this.#answer = answer;
  }

  getsockopt(_level: number, name: number, value: Uint8Array): number {
    this.gets.push({ name, value: value.slice() });
    return this.#answer(name, value) ?? value.length;
  }

  setsockopt(_level: number, name: number, value: Uint8Array): void {
    this.sets.push({ name, value: value.slice() });
    this.#answer(name, value);
  }
}

/** A socket that answers with these bytes. */
export function answering(bytes: Uint8Array): RecordingSocket {
  return new RecordingSocket((_name, value) => {
    value.set(bytes.subarray(0, value.length));
    return Math.min(bytes.length, value.length);
  });
}

/** A socket that refuses everything with this error. */
export function refusing(code: string): RecordingSocket {
  return new RecordingSocket(() => {
    throw new SystemError("setsockopt: refused", { code, errno: 1, syscall: "setsockopt" });
  });
}
