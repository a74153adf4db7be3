/**
 * What the two ends of a guest's serial line say to each other; guest/init.c is the other end.
 *
 * A frame is one byte of type, a 32-bit little-endian length, and that many bytes. This file knows bytes only: no process
 * and no pipe.
 *
 * @module
 */

/** Precedes the guest's first frame. Whatever comes before it is the kernel's own chatter. */
export const GREETING = "\nsockeye-rig 1\n";

/**
 * How much of job and standard input may be under way to the guest, in bytes, frame headers included; WINDOW in
 * guest/init.c.
 *
 * So a signal always gets past input that the command doesn't read. And Linux asks a serial line to pause when 3968 bytes
 * wait to be read (n_tty.c, TTY_THRESHOLD_THROTTLE), after which user-mode-linux 6.1 never notices new input again.
 */
export const WINDOW = 2048;

/** The size of a frame without its payload, in bytes. */
export const HEADER_SIZE = 5;

/** The types of frames, by what they carry. */
export const frameTypes = {
  /** To the guest, first: a part of what {@linkcode encodeJob} gives. */
  job: "J".charCodeAt(0),
  /** To the guest: the job is complete. */
  run: "R".charCodeAt(0),
  /** To the guest: bytes of standard input. */
  input: "I".charCodeAt(0),
  /** To the guest: standard input ends here. */
  inputEnd: "Z".charCodeAt(0),
  /** To the guest: the number of a signal for the command's process group, one byte. */
  signal: "S".charCodeAt(0),
  /** From the guest: bytes of standard output. */
  output: "O".charCodeAt(0),
  /** From the guest: bytes of standard error. */
  errors: "E".charCodeAt(0),
  /** From the guest: how many bytes of what {@linkcode WINDOW} limits have been taken since the last such frame. */
  taken: "A".charCodeAt(0),
  /** From the guest, last: the exit status, one byte; 128 and the signal's number where a signal ended the command. */
  exited: "X".charCodeAt(0),
} as const;

/** One unit of what the ends say. */
export interface Frame {
  /** One of {@linkcode frameTypes}. */
  type: number;
  /** What it carries; valid until the next push. */
  payload: Uint8Array;
}

/** The bytes of one frame. */
export function encodeFrame(type: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const frame = new Uint8Array(HEADER_SIZE + payload.length);
  frame[0] = type;
  new DataView(frame.buffer).setUint32(1, payload.length, true);
  frame.set(payload, HEADER_SIZE);
  return frame;
}

/** Takes a byte stream apart into frames. */
export class FrameReader {
  #pending: Uint8Array = new Uint8Array(0);
  #greeted = false;

  /** Whether the greeting has come. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** The frames that are complete with these bytes. */
  push(chunk: Uint8Array): Frame[] {
    this.#pending = this.#pending.length === 0 ? chunk : concat(this.#pending, chunk);
    if (!this.#greeted && !this.#passGreeting()) return [];

    const frames: Frame[] = [];
    const bytes = this.#pending;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    while (bytes.length - start >= HEADER_SIZE) {
      const end = start + HEADER_SIZE + view.getUint32(start + 1, true);
      if (bytes.length < end) break;
      frames.push({ type: bytes[start], payload: bytes.subarray(start + HEADER_SIZE, end) });
      start = end;
    }
    this.#pending = bytes.subarray(start);
    return frames;
  }

  #passGreeting(): boolean {
    const text = String.fromCharCode(...this.#pending.subarray(-MAX_CHATTER));
    const at = text.indexOf(GREETING);
    if (at < 0) return false;
    this.#pending = this.#pending.subarray(Math.max(0, this.#pending.length - MAX_CHATTER) + at + GREETING.length);
    this.#greeted = true;
    return true;
  }
}

const MAX_CHATTER = 16384;

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** What the guest is to run. */
export interface Job {
  /** The program, by path or by name on the PATH of {@linkcode Job.environment}, and its arguments. */
  argv: readonly string[];
  /** Everything that its environment holds. */
  environment: Readonly<Record<string, string>>;
  /** The working directory. */
  cwd: string;
  /** What the guest calls itself. */
  hostName: string;
  /** A directory whose changes stay in the guest. */
  privateDirectory?: string;
}

/** What the frames of type job carry together: strings that end in NUL, and before each list its length in digits. */
export function encodeJob(job: Job): Uint8Array {
  const environment = Object.entries(job.environment).map(([name, value]) => `${name}=${value}`);
  const strings = [
    job.cwd,
    job.hostName,
    job.privateDirectory ?? "",
    String(job.argv.length),
    ...job.argv,
    String(environment.length),
    ...environment,
  ];
  const withNul = strings.find((text) => text.includes("\0"));
  if (withNul !== undefined) throw new TypeError(`no argument or variable may hold a NUL: ${JSON.stringify(withNul)}`);
  return new TextEncoder().encode(strings.map((text) => `${text}\0`).join(""));
}
