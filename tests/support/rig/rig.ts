/**
 * Runs a command where kernel SCTP exists: on this machine's kernel if it has SCTP, else in a guest kernel.
 *
 * @module
 */

import { basename, delimiter, dirname } from "node:path";
import process from "node:process";
import { ensureRig, type RigStatus } from "./ensure_rig.ts";
import { startInGuest } from "./guest_kernel.ts";
import { startOnHost } from "./host_kernel.ts";
import type { Signal } from "./processes.ts";
import { RigError } from "./rig_error.ts";
import type { PreparedCommand, StartedCommand } from "./started.ts";
import { type InputFrom, openSink, type OutputTo } from "./streams.ts";

export { RigError } from "./rig_error.ts";
export type { Signal } from "./processes.ts";
export type { InputFrom, OutputTo } from "./streams.ts";

/** A command and how to run it. */
export interface RigCommand {
  /** The program, by path or by name on the PATH. `"deno"` is the Deno that runs this. */
  command: string;
  /** Its arguments, any text without NUL. */
  args?: readonly string[];
  /** Variables added to this process's environment. */
  env?: Readonly<Record<string, string>>;
  /**
   * The working directory.
   *
   * @default {process.cwd()}
   */
  cwd?: string;
  /**
   * Standard input. An iterable that never ends stays the caller's to end.
   *
   * @default {"null"}
   */
  stdin?: InputFrom;
  /**
   * Where standard output goes.
   *
   * @default {"inherit"}
   */
  stdout?: OutputTo;
  /**
   * Where standard error goes.
   *
   * @default {"inherit"}
   */
  stderr?: OutputTo;
  /**
   * How long it may take, in milliseconds, the start of a guest included. Then everything is killed.
   *
   * @default {600000}
   */
  timeoutMs?: number;
  /** Ends it and everything that it started; the result is then rejected with the signal's reason. */
  signal?: AbortSignal;
  /**
   * The guest's memory, in MiB. It is taken from the machine as it is used.
   *
   * @default {2048}
   */
  memoryMiB?: number;
  /**
   * Which kernel runs it: this machine's where that has SCTP and else a guest's, or this one in any case.
   *
   * @default {"any"}
   */
  kernel?: "any" | "host" | "guest";
}

/** How a command ended. */
export interface RigResult {
  /** The exit status as a shell counts it: 128 and the signal's number after death by a signal, 124 after the time limit. */
  code: number;
  /** Whether the time limit ended it. */
  timedOut: boolean;
  /** Standard output, where it was "piped"; else empty. */
  stdout: Uint8Array;
  /** Standard error, where it was "piped"; else empty. */
  stderr: Uint8Array;
}

/** A command under way. */
export interface RigRun {
  /** Which kernel runs it. */
  readonly kernel: "host" | "guest";
  /** How it ended. By then all output has arrived, and no process, mount or file of the rig is left. */
  readonly result: Promise<RigResult>;
  /** Sends a signal to the command's process group; while a guest is starting yet, that ends the guest. */
  kill(signal: Signal): void;
}

/** The time limit of a command that names none: ten minutes. */
export const DEFAULT_TIMEOUT_MS = 600_000;

const DEFAULT_MEMORY_MIB = 2048;

/** The exit status of timeout(1). */
const TIMED_OUT = 124;

/**
 * Runs a command to its end where kernel SCTP exists.
 *
 * @throws {RigError} Where there is no such place, with the remedy, or where the guest's kernel failed.
 *
 * @example
 * ```ts ignore
 * const { code, stdout } = await runInRig({ command: "checksctp", stdout: "piped" });
 * ```
 */
export async function runInRig(command: RigCommand): Promise<RigResult> {
  return await startInRig(command).result;
}

/**
 * Starts a command where kernel SCTP exists.
 *
 * @throws {RigError} Where there is no such place; the message names the remedy.
 */
export function startInRig(command: RigCommand): RigRun {
  command.signal?.throwIfAborted();
  const rig: RigStatus = command.kernel === "host"
    ? { kernel: "host" }
    : ensureRig({ hostKernel: command.kernel !== "guest" });
  if (rig.kernel === "none") throw new RigError(rig.reason);

  const prepared = prepare(command);
  const started = start(rig, prepared);
  return {
    kernel: rig.kernel,
    result: limit(command, prepared, started),
    kill: (signal) => started.signal(signal),
  };
}

function start(rig: Exclude<RigStatus, { kernel: "none" }>, command: PreparedCommand): StartedCommand {
  return rig.kernel === "host" ? startOnHost(command) : startInGuest(rig.guest, command);
}

function prepare(command: RigCommand): PreparedCommand {
  const environment: Record<string, string> = { DENO_NO_UPDATE_CHECK: "1" };
  for (const [name, value] of Object.entries({ ...process.env, ...command.env })) {
    if (value !== undefined) environment[name] = value;
  }
  const isDeno = "Deno" in globalThis && basename(process.execPath) === "deno";
  if (isDeno) environment.PATH = `${dirname(process.execPath)}${delimiter}${environment.PATH ?? ""}`;
  const program = isDeno && command.command === "deno" ? process.execPath : command.command;
  return {
    argv: [program, ...command.args ?? []],
    environment,
    cwd: command.cwd ?? process.cwd(),
    input: command.stdin ?? "null",
    output: openSink(command.stdout ?? "inherit", "stdout"),
    errors: openSink(command.stderr ?? "inherit", "stderr"),
    memoryMiB: command.memoryMiB ?? DEFAULT_MEMORY_MIB,
  };
}

async function limit(command: RigCommand, prepared: PreparedCommand, started: StartedCommand): Promise<RigResult> {
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    started.end();
  }, command.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const onAbort = () => started.end();
  command.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const code = await started.status;
    command.signal?.throwIfAborted();
    return {
      code: timedOut ? TIMED_OUT : code,
      timedOut,
      stdout: prepared.output.collected(),
      stderr: prepared.errors.collected(),
    };
  } finally {
    clearTimeout(timer);
    command.signal?.removeEventListener("abort", onAbort);
  }
}
