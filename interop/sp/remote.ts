/**
 * Peers with one face: Sockeye's, libnng's and libnanomsg's, each a program that is told what to do line by line.
 *
 * @module
 */

import { type Program, ROOT } from "../build.ts";
import { type CellContext, Skipped } from "../cell.ts";
import { LineProcess } from "../process.ts";
import { peerOnLibnanomsg, peerOnLibnng } from "./build.ts";

/** Who: Sockeye, C on libnng, C on libnanomsg. */
export type PeerKind = "ours" | "libnng" | "libnanomsg";

/** What came of a command: the messages that it received, and what went wrong, if anything did. */
export interface Told {
  /** `"64 1a2b3c4d"`: length and checksum of each. */
  messages: string[];
  /** `"timeout"`, `"state"`, or the library's words. */
  error: string | undefined;
}

/** How long a peer waits for what has to happen. */
export const PATIENCE_MS = 30_000;

interface Pending {
  command: string;
  messages: string[];
  answered: PromiseWithResolvers<Told>;
}

const builders: Record<Exclude<PeerKind, "ours">, () => Program> = {
  libnng: peerOnLibnng,
  libnanomsg: peerOnLibnanomsg,
};

/** Peers of ours that no cell has at the moment: they take longer to start than most cells. */
const idle: Peer[] = [];

/** A program at work. */
export class Peer {
  readonly kind: PeerKind;
  readonly #process: LineProcess;
  #pending: Pending[] = [];
  #transcript: string[] = [];
  #isOver = false;

  private constructor(kind: PeerKind, command: readonly string[]) {
    this.kind = kind;
    this.#process = new LineProcess(command, { stdin: true }, (line) => this.#take(line));
    this.#process.ended.then(({ code, signal }) => {
      this.#isOver = true;
      this.#transcript.push(`ended with ${signal ?? `status ${code}`}`);
      for (const { command, answered } of this.#pending.splice(0)) {
        answered.reject(new Error(`${kind} ended before "${command}" was done`));
      }
    });
  }

  /**
   * Starts a peer; what is left of it when the cell is over goes.
   *
   * @param context The cell's.
   * @param isForItself Whether it is nobody else's before or after, and may be killed.
   */
  static start(kind: PeerKind, context: CellContext, isForItself = false): Peer {
    const reused = kind === "ours" && !isForItself ? idle.pop() : undefined;
    const peer = reused ?? new Peer(kind, commandOf(kind));
    peer.#transcript = [];
    context.explain(() => `${kind} was told and said:\n${peer.transcript()}`);
    context.defer(() => kind === "ours" && !isForItself ? peer.#giveBack() : peer.kill());
    return peer;
  }

  /** Does what a line says, and gives what came of it. Rejects if the program ends. */
  tell(command: string): Promise<Told> {
    const answered = Promise.withResolvers<Told>();
    answered.promise.catch(() => {});
    if (this.#isOver) {
      answered.reject(new Error(`${this.kind} had ended when it was told "${command}"`));
      return answered.promise;
    }
    this.#transcript.push(`> ${command}`);
    this.#pending.push({ command, messages: [], answered });
    this.#process.write(`${command}\n`).catch(() => {});
    return answered.promise;
  }

  /** Does what a line says, and gives the messages that came. Rejects if it fails. */
  do(command: string): Promise<string[]> {
    const done = this.tell(command).then(({ messages, error }) => {
      if (error === undefined) return messages;
      throw new Error(`${this.kind} failed at "${command}": ${error}, after ${messages.length} messages`);
    });
    // A cell that fails on one peer never looks at the other.
    done.catch(() => {});
    return done;
  }

  /** Ends the program at once, as kill -9 does. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.ended;
  }

  /** Has the program stand still while something happens. */
  async whileStill<Value>(happens: () => Promise<Value>): Promise<Value> {
    await this.#process.standStill();
    try {
      return await happens();
    } finally {
      this.#process.goOn();
    }
  }

  /** What was told and said, the last of it if it is much. */
  transcript(): string {
    return this.#transcript.slice(-TRANSCRIPT_LINES).map((line) => `  ${line}`).join("\n");
  }

  /** Keeps the program for another cell, unless something is the matter with it. */
  async #giveBack(): Promise<void> {
    if (this.#pending.length > 0 || this.#isOver) return await this.kill();
    const { error } = await within(this.tell("reset"), PATIENCE_MS).catch(({ message }) => ({ error: message }));
    if (error !== undefined) {
      await this.kill();
      throw new Error(`${this.kind} could not close its sockets: ${error}`);
    }
    idle.push(this);
  }

  #take(line: string): void {
    if (line.startsWith("message ")) {
      this.#pending[0]?.messages.push(line.slice("message ".length));
      return;
    }
    this.#transcript.push(line);
    if (line !== "ok" && !line.startsWith("error ")) return;
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    if (pending.messages.length > 0) this.#transcript.push(`(${pending.messages.length} messages)`);
    pending.answered.resolve({
      messages: pending.messages,
      error: line === "ok" ? undefined : line.slice("error ".length),
    });
  }
}

const TRANSCRIPT_LINES = 40;

/** Ends the programs that wait for another cell. */
export async function endIdlePeers(): Promise<void> {
  await Promise.all(idle.splice(0).map((peer) => peer.kill()));
}

/** Why a peer can't be had here, if it can't. */
export function missing(kind: PeerKind): string | undefined {
  if (kind === "ours") return undefined;
  const program = builders[kind]();
  return program.path === undefined ? program.reason : undefined;
}

function commandOf(kind: PeerKind): string[] {
  if (kind === "ours") return [Deno.execPath(), "run", "--no-check", "-A", `${ROOT}interop/sp/peer.ts`];
  const program = builders[kind]();
  if (program.path === undefined) throw new Skipped(program.reason);
  return [program.path];
}

/** Rejects if `promise` takes longer than `milliseconds`. */
async function within<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not done after ${milliseconds} ms`)), milliseconds);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
