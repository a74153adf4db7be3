import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { processes } from "../support/rig/processes.ts";

/** Whether this machine has something mounted on the folder. */
export function isMounted(folder: string): boolean {
  return readFileSync("/proc/self/mounts", "utf8").split("\n").some((mount) => mount.split(" ")[1] === folder);
}

/** The command lines of processes that name this text, zombies excluded. */
export function processesNaming(text: string): string[] {
  return processes().map(commandLine).filter((line) => line.includes(text));
}

/** What is left of the guests that this process, or the one with the id given, has started: processes and folders. */
export function guestsOf(pid: number): string[] {
  const name = `sockeye-rig-${pid}-`;
  const folders = [tmpdir(), "/tmp"].filter((folder) => existsSync(folder));
  return [
    ...processesNaming(name),
    ...folders.flatMap((folder) => readdirSync(folder)).filter((entry) => entry.startsWith(name)),
  ];
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Fulfilled as soon as the condition holds; the time limit of the test is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
