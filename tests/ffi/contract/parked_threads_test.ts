/** Threads that wait while there is nobody left to come back to: at the end of a program, and of a Worker. */

import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { runtime, test } from "../../support/harness.ts";
import { startProgram } from "../../support/program.ts";

/** Sources that leave a thread waiting for what never comes; `ffi` is the module. */
const WAITS: Readonly<Record<string, string>> = {
  "a message": `
    globalThis.kept = ffi.MessageSocket.pair();
    kept[0].receive();
    // It looks once in each turn, until it leaves that to a thread.
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    for (let before = -1, looks = 0; looks !== before;) {
      before = looks;
      await turn();
      await turn();
      looks = ffi.Reactor.current().stats().looks;
    }
  `,
  "a word of shared memory": `
    globalThis.kept = ffi.SharedMemory.create(4096);
    ffi.futexWait(new Int32Array(kept.buffer), 0, 0);
  `,
};

const SAY_WAITING = `(await import("node:worker_threads")).parentPort.postMessage("waiting");`;

/** Source that has done what another one does once `next` runs. */
function afterwards(wait: string, next: string): string {
  return `
    import(${JSON.stringify(import.meta.resolve("@sockeye/sockeye/ffi"))}).then(async (ffi) => {
      ${wait}
      ${next}
    });
  `;
}

for (const [what, wait] of Object.entries(WAITS)) {
  test(`process.exit doesn't wait for ${what}`, async () => {
    const program = startProgram(`import process from "node:process";` + afterwards(wait, "process.exit(7);"));

    assert.equal(await program.ended, 7);
  });

  test(`an error that nobody catches ends a program that waits for ${what}`, async () => {
    const program = startProgram(afterwards(wait, `throw "the error of this test";`));

    assert.equal(await program.ended, 1);
  });

  test(`a Worker that waits for ${what} can be terminated`, async () => {
    const worker = new Worker(afterwards(wait, SAY_WAITING), { eval: true });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));

    await worker.terminate();
    // Bun 1.4 crashes at times when the thread of a Worker that it has ended comes back.
  }, { where: runtime !== "bun" });

  test(`process.exit doesn't wait for a Worker that waits for ${what}`, async () => {
    const program = startProgram(`
      import process from "node:process";
      import { Worker } from "node:worker_threads";
      const worker = new Worker(${JSON.stringify(afterwards(wait, SAY_WAITING))}, { eval: true });
      worker.once("message", () => process.exit(7));
    `);

    assert.equal(await program.ended, 7);
  }, { where: runtime !== "bun" });
}
