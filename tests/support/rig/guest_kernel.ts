/**
 * Runs one command under user-mode-linux: a kernel that is a process of this machine, on this machine's own files.
 *
 * linux.uml's standard input and output are the guest's serial line (frames.ts), its standard error is the console of the
 * guest's kernel, shown only where the guest fails.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, statfsSync } from "node:fs";
import { homedir, hostname, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import type { GuestKernel } from "./ensure_rig.ts";
import { encodeFrame, encodeJob, type Frame, FrameReader, frameTypes, HEADER_SIZE, WINDOW } from "./frames.ts";
import { type Signal, signalGroup, signalNumber } from "./processes.ts";
import { RigError } from "./rig_error.ts";
import type { PreparedCommand, StartedCommand } from "./started.ts";
import { inputChunks } from "./streams.ts";

/** How long a guest may take to kill its command and write back its files, in milliseconds. */
const END_MS = 10_000;

/** Steps of the start that compare algorithms for RAID, for a second in which nothing else happens. */
const BENCHMARKS = "raid6_select_algo,calibrate_xor_blocks";

/** How much of the kernel's console is kept for the case that the guest fails, in characters. */
const CONSOLE_LIMIT = 16_384;

/** How the message of an error begins, after "the guest kernel", when nothing of the command has run. */
export const NOT_STARTED = "did not start";

/** linux.uml's UMID_LEN and the length of a unix socket's path leave no more for the folder of its socket, in characters. */
const RUN_FOLDER_LIMIT = 40;

/** Starts a guest that runs this command and nothing else. */
export function startInGuest(kernel: GuestKernel, command: PreparedCommand): StartedCommand {
  return new Guest(kernel, command);
}

class Guest implements StartedCommand {
  readonly status: Promise<number>;
  readonly #command: PreparedCommand;
  readonly #linuxUml: ChildProcess;
  /** linux.uml keeps its process id and a control socket here. */
  readonly #runFolder: string;
  readonly #frames = new FrameReader();
  #console = "";
  #exitStatus: number | undefined;
  /** The status where this end killed the guest. */
  #killedStatus: number | undefined;
  #endTimer: ReturnType<typeof setTimeout> | undefined;
  /** How many bytes may be sent before the guest has taken some. */
  #room = WINDOW;
  #onRoom: (() => void) | undefined;

  constructor(kernel: GuestKernel, command: PreparedCommand) {
    this.#command = command;
    const folder = runFolder();
    const name = `sockeye-rig-${process.pid}-${randomBytes(4).toString("hex")}`;
    this.#runFolder = join(folder, name);
    const args = [
      `mem=${command.memoryMiB}M`,
      "rootfstype=hostfs",
      "rootflags=/",
      "rw",
      "quiet",
      `initcall_blacklist=${BENCHMARKS}`,
      `init="${kernel.programs.init}"`,
      "con=null",
      "con0=null,fd:2",
      "ssl=null",
      "ssl0=fd:0,fd:1",
      `uml_dir=${folder}/`,
      `umid=${name}`,
    ];
    this.#linuxUml = spawn(kernel.linuxUml, args, {
      stdio: ["pipe", "pipe", "pipe"],
      // A group of its own: a terminal's Ctrl-C must not reach the kernel, and all its processes end together.
      detached: true,
      env: {
        ...process.env,
        // By name and folder, for a path in LD_PRELOAD ends at a space.
        LD_PRELOAD: basename(kernel.programs.ptraceShim),
        LD_LIBRARY_PATH: dirname(kernel.programs.ptraceShim),
        TMPDIR: memoryFolder(command.memoryMiB),
      },
    });
    this.status = this.#run();
  }

  signal(signal: Signal): void {
    if (!this.#frames.greeted) this.#kill(128 + signalNumber(signal));
    else this.#send(frameTypes.signal, Uint8Array.of(signalNumber(signal)));
  }

  end(): void {
    if (!this.#frames.greeted) return this.#kill(128 + signalNumber("SIGKILL"));
    // In order, so that what the command wrote to files and streams is not lost.
    this.signal("SIGKILL");
    this.#endWithin(END_MS);
  }

  async #run(): Promise<number> {
    const ended = closed(this.#linuxUml);
    // A guest that has ended takes no more input; its end is noticed elsewhere.
    this.#linuxUml.stdin!.on("error", () => {});
    try {
      await Promise.all([this.#readLine(), this.#readConsole(), ended]);
    } catch (error) {
      this.#kill(1);
      await Promise.allSettled([ended]);
      throw error;
    } finally {
      clearTimeout(this.#endTimer);
      if (this.#linuxUml.pid !== undefined) signalGroup(this.#linuxUml.pid, "SIGKILL");
      rmSync(this.#runFolder, { recursive: true, force: true });
    }
    const status = this.#exitStatus ?? this.#killedStatus;
    if (status === undefined) {
      const when = this.#frames.greeted ? "ended before its command" : NOT_STARTED;
      throw new RigError(`the guest kernel ${when}:\n${this.#console}`);
    }
    if (this.#console.includes("Out of memory")) await this.#command.errors.take(this.#outOfMemory());
    return status;
  }

  #outOfMemory(): Uint8Array {
    const hint = `rig: the guest's ${this.#command.memoryMiB} MiB ran out, and its kernel killed a process\n`;
    return new TextEncoder().encode(hint);
  }

  async #readLine(): Promise<void> {
    for await (const chunk of this.#linuxUml.stdout!) {
      const greetedBefore = this.#frames.greeted;
      const frames = this.#frames.push(chunk);
      if (this.#frames.greeted && !greetedBefore) {
        this.#sendJobAndInput().catch((error) => this.#linuxUml.stdout!.destroy(error));
      }
      for (const frame of frames) await this.#take(frame);
    }
  }

  async #readConsole(): Promise<void> {
    for await (const chunk of this.#linuxUml.stderr!) {
      this.#console = (this.#console + chunk.toString()).slice(-CONSOLE_LIMIT);
    }
  }

  async #take(frame: Frame): Promise<void> {
    const { type, payload } = frame;
    if (type === frameTypes.output) await this.#command.output.take(payload);
    else if (type === frameTypes.errors) await this.#command.errors.take(payload);
    else if (type === frameTypes.taken) {
      this.#room += new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
      this.#onRoom?.();
    } else if (type === frameTypes.exited) {
      this.#exitStatus = payload[0];
      // Its files are written back, and halting can do no more than fail.
      this.#kill(payload[0]);
    } else throw new RigError(`the guest sent a frame of unknown type ${type}`);
  }

  async #sendJobAndInput(): Promise<void> {
    const { argv, environment, cwd, input } = this.#command;
    const privateDirectory = denoDirectory(environment);
    const job = encodeJob({ argv, environment, cwd, hostName: hostname(), privateDirectory });
    await this.#sendInParts(frameTypes.job, job);
    this.#send(frameTypes.run);
    for await (const chunk of inputChunks(input)) await this.#sendInParts(frameTypes.input, chunk);
    this.#send(frameTypes.inputEnd);
  }

  async #sendInParts(type: number, bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      while (this.#room <= HEADER_SIZE) await new Promise<void>((resolve) => this.#onRoom = resolve);
      const part = rest.subarray(0, this.#room - HEADER_SIZE);
      this.#room -= HEADER_SIZE + part.length;
      this.#send(type, part);
      rest = rest.subarray(part.length);
    }
  }

  #send(type: number, payload?: Uint8Array): void {
    if (this.#linuxUml.stdin!.writable) this.#linuxUml.stdin!.write(encodeFrame(type, payload));
  }

  #endWithin(milliseconds: number): void {
    this.#endTimer ??= setTimeout(() => this.#kill(128 + signalNumber("SIGKILL")), milliseconds);
  }

  #kill(status: number): void {
    this.#killedStatus ??= status;
    if (this.#linuxUml.pid !== undefined) signalGroup(this.#linuxUml.pid, "SIGKILL");
  }
}

/** Fulfilled when the process and everything that shares its streams has ended. */
function closed(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new RigError(`cannot start ${child.spawnfile}: ${error.message}`)));
    child.once("close", () => resolve());
  });
}

/** A folder whose name fits into the kernel's command line and, with a socket in it, into a socket address. */
function runFolder(): string {
  const folder = tmpdir();
  return folder.length <= RUN_FOLDER_LIMIT && !/[\s"]/.test(folder) ? folder : "/tmp";
}

/**
 * Where linux.uml puts the file that is the guest's memory: it must be allowed to hold code, and have the room. In
 * containers /dev/shm often does neither.
 */
function memoryFolder(memoryMiB: number): string {
  const folder = "/dev/shm";
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n").map((line) => line.split(" "));
  const mount = mounts.findLast(([, where]) => where === folder);
  if (mount === undefined || mount[3].split(",").includes("noexec")) return tmpdir();
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize >= memoryMiB * 2 ** 20 ? folder : tmpdir();
}

/** Deno keeps databases there, and locks that host and guest both see don't exist. */
function denoDirectory(environment: Record<string, string>): string {
  const cache = environment.XDG_CACHE_HOME ?? join(environment.HOME ?? homedir(), ".cache");
  return environment.DENO_DIR ?? join(cache, "deno");
}
