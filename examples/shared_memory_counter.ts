/**
 * Shared memory: several threads count in one word, as processes could, and a futex tells when the last is done.
 *
 *     deno run -A examples/shared_memory_counter.ts
 *
 * @module
 */

import { futexWait, futexWake, SharedMemory } from "@sockeye/sockeye/ffi";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { isMainThread, Worker, workerData } from "node:worker_threads";

const WORKERS = 3;
const STEPS = 100_000;

/** The layout: two words. */
const COUNTER = 0;
const FINISHED = 1;

if (isMainThread) await main();
else count(workerData);

async function main(): Promise<void> {
  using memory = SharedMemory.create(4096, { name: `counter-${randomUUID()}` });
  const words = new Int32Array(memory.buffer);

  const workers = Array.from(
    { length: WORKERS },
    () => new Worker(new URL(import.meta.url), { workerData: memory.name }),
  );
  const exits = workers.map((worker) => once(worker, "exit"));

  let finished = 0;
  while (finished < WORKERS) {
    // Sleeps only while the word still is what we have seen: no wake-up is lost in between.
    await futexWait(words, FINISHED, finished, { timeout: 30_000 });
    finished = Atomics.load(words, FINISHED);
  }
  memory.unlink();
  await Promise.all(exits);

  console.log(`${WORKERS} workers counted to ${Atomics.load(words, COUNTER)}`);
}

/** What each worker does; all that it gets is the name of the memory. */
function count(name: string): void {
  using memory = SharedMemory.open(name);
  const words = new Int32Array(memory.buffer);
  for (let step = 0; step < STEPS; step++) Atomics.add(words, COUNTER, 1);
  Atomics.add(words, FINISHED, 1);
  futexWake(words, FINISHED);
}
