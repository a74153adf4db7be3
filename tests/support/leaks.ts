/**
 * What a test of leaks measures: open sockets, and memory that stays.
 *
 * @module
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const DESCRIPTORS = "/proc/self/fd";

/** The number of open sockets. Files, pipes and event loops a runtime opens and closes by itself whenever it likes. */
export function openSockets(): number {
  return readdirSync(DESCRIPTORS).filter(isSocket).length;
}

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`).startsWith("socket:");
  } catch {
    // The descriptor by which the folder was read is closed again.
    return false;
  }
}

/** How many descriptors this process may have open. */
export function mostDescriptors(): number {
  const [, limit] = /^Max open files +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))!;
  return limit === "unlimited" ? Infinity : Number(limit);
}

/** Collects all garbage, in this turn. */
export const collectGarbage: () => void = garbageCollector();

function garbageCollector(): () => void {
  const { Bun: bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (bun !== undefined) return () => bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

/** How often the growth is measured at most. */
const ROUNDS = 5;

/**
 * The growth of the heap over half of the cycles, in bytes, when all that is allocated once is there.
 *
 * A leak grows each time. What a runtime allocates for itself now and then, as for a function that it compiles anew, does
 * not; so a growth beyond the limit is measured again, and the least one counts.
 */
export async function heapGrowth(cycles: number, limit: number, cycle: () => Promise<void> | void): Promise<number> {
  for (let count = 0; count < cycles / 2; count++) await cycle();
  let least = Infinity;
  for (let round = 0; round < ROUNDS && least >= limit; round++) {
    const before = await settledHeap();
    for (let count = 0; count < cycles / 2; count++) await cycle();
    least = Math.min(least, await settledHeap() - before);
  }
  return least;
}

/** The heap when all garbage is collected, finalizers and what they free included. */
async function settledHeap(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}
