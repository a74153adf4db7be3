/**
 * Runs one command on this machine's own kernel, and leaves nothing of it behind.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { killMarked, shellStatus, type Signal, signalGroup } from "./processes.ts";
import type { PreparedCommand, StartedCommand } from "./started.ts";
import { inputChunks, type OutputSink } from "./streams.ts";

/** Starts the command as a process of this machine. */
export function startOnHost(command: PreparedCommand): StartedCommand {
  // Everything that the command starts inherits it, and so can be found again; a rig inside adds a mark of its own.
  const mark = `SOCKEYE_RIG_${randomBytes(8).toString("hex")}`;
  const child = spawn(command.argv[0], command.argv.slice(1), {
    cwd: command.cwd,
    env: { ...command.environment, [mark]: "1" },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const signal = (name: Signal) => {
    if (child.pid !== undefined) signalGroup(child.pid, name);
  };
  const end = () => {
    signal("SIGKILL");
    killMarked(`${mark}=1`);
  };
  return { status: follow(child, command, end), signal, end };
}

async function follow(child: ChildProcess, command: PreparedCommand, end: () => void): Promise<number> {
  child.stdin!.on("error", () => {});
  // Whatever the command left running may hold its streams open.
  child.once("exit", end);
  const status = new Promise<number>((resolve) => {
    child.once("close", (code, signal) => resolve(shellStatus(code, signal)));
  });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  try {
    sendInput(child, command).catch((error) => child.stdout!.destroy(error));
    const streams = [pass(child.stdout!, command.output), pass(child.stderr!, command.errors)];
    const [code] = await Promise.race([Promise.all([status, ...streams]), failed]);
    return code;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (child.pid !== undefined) {
      end();
      await status;
      throw error;
    }
    const text = `rig: cannot run ${command.argv[0]}: ${(error as Error).message}\n`;
    await command.errors.take(new TextEncoder().encode(text));
    return code === "ENOENT" ? 127 : 126;
  }
}

async function pass(stream: AsyncIterable<Uint8Array>, sink: OutputSink): Promise<void> {
  for await (const chunk of stream) await sink.take(chunk);
}

async function sendInput(child: ChildProcess, command: PreparedCommand): Promise<void> {
  for await (const chunk of inputChunks(command.input)) {
    if (!child.stdin!.writable) return;
    if (!child.stdin!.write(chunk)) {
      await new Promise<void>((resolve) => {
        child.stdin!.once("drain", resolve);
        child.stdin!.once("close", resolve);
      });
    }
  }
  child.stdin!.end();
}
